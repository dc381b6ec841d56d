/*
 * What the benchmark programs share: options, the clock, test messages that show loss, change and disorder, waiting for
 * events, and the report.
 */
#ifndef BENCH_H
#define BENCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* ---- options: key=value on the command line ------------------------------------------------------------------------- */

struct options {
    const char *scenario;
    const char *uri;     /* as Paho writes it: tcp://, ssl://, ws://, wss:// */
    const char *library; /* load: the file */
    const char *store;   /* a directory for the default file store; NULL: none */
    const char *cafile;
    const char *link; /* oxide: "own" (the library connects), "fd" (adopted), "feed" and "pump" (the program carries the bytes) */
    const char *beside; /* oxide: what takes turns with it in the same process: "own", "bare" (a bare socket), "polled" */
    int qos;
    int version; /* 4 or 5 */
    int threads;
    int properties; /* MQTT 5: give messages properties */
    int callbacks;  /* blocking API: with callbacks, so that the library has a thread of its own at work */
    int drive;      /* oxide: the program's thread reads, writes and keeps the time */
    int wait;       /* blocking API: wait for each message's completion */
    long n;
    long clients;
    long each;    /* messages per client */
    long window;  /* unacknowledged messages that the program allows itself; 0: no limit */
    long inflight; /* the library's own limit; 0: its default */
    long seconds; /* how long to stay idle, or to go on at most */
    size_t size;
};

extern struct options opt;

void options_parse(int argc, char **argv);
/* "tcp://127.0.0.1:1883" -> "127.0.0.1" and 1883, for those who take them apart. */
void options_address(char *host, size_t length, int *port);

/* ---- the clock -------------------------------------------------------------------------------------------------------- */

/* Microseconds, the same for every process of the machine. */
double now_us(void);
/* Processor time of this process so far, in microseconds. */
double cpu_us(void);
/* A line of /proc/self/status, in its own unit: "VmRSS", "VmHWM", "Threads". */
long status_value(const char *key);

/* ---- messages --------------------------------------------------------------------------------------------------------- */

/* Every payload states its stream and its number in it; the rest follows from the number, so that any change shows. */
#define PAYLOAD_MIN 8
#define STREAMS 65536

void payload_init(size_t largest);
void payload_write(void *to, size_t length, uint32_t stream, uint32_t number);
/* 1: as it was written. */
int payload_read(const void *from, size_t length, uint32_t *stream, uint32_t *number);

/* Checks what arrives. */
struct check {
    uint32_t *next;
    long count, altered, missing, misordered;
};

void check_init(struct check *check);
void check_message(struct check *check, const void *payload, size_t length);
/* For messages that are known to have a certain length. */
void check_sized(struct check *check, const void *payload, size_t length, size_t expected);

/* ---- waiting ---------------------------------------------------------------------------------------------------------- */

/* Counts events. Waiting threads are woken once, when their number is reached, and not at every event. */
struct gate {
    atomic_long count;
    atomic_long target;
    pthread_mutex_t mutex;
    pthread_cond_t reached;
};

void gate_init(struct gate *gate);
void gate_add(struct gate *gate, long events);
/* Waits until so many events have come; 0: they did not come within the time. */
int gate_wait(struct gate *gate, long target, double seconds);
/* Before the message `sent` (counted from 0) is given away: waits while `window` messages are under way. */
int gate_window(struct gate *gate, long sent, long window, double seconds);

/* ---- the report ------------------------------------------------------------------------------------------------------- */

/* "key=value" lines on standard output. */
void report(const char *key, double value);
void report_text(const char *key, const char *value);
void report_check(const struct check *check);
/* min, p50, p90, p99, max, and how many there were; sorts the samples. */
void report_samples(const char *prefix, double *samples, long count);
/* Time, processor time and peak memory between start and finish. */
void measure_start(void);
void measure_finish(void);
/* Says what went wrong and ends the process. */
_Noreturn void fail(const char *what, int code);

#endif
