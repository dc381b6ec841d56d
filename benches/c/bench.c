#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

struct options opt = {
    .scenario = "",
    .uri = "tcp://127.0.0.1:1883",
    .version = 4,
    .threads = 1,
    .n = 1000,
    .clients = 1,
    .each = 1,
    .seconds = 60,
    .size = 256,
};

/* ---- options ---------------------------------------------------------------------------------------------------------- */

static int number_option(const char *key, const char *value)
{
    long number = strtol(value, NULL, 10);
    if (strcmp(key, "qos") == 0)
        opt.qos = (int)number;
    else if (strcmp(key, "version") == 0)
        opt.version = (int)number;
    else if (strcmp(key, "threads") == 0)
        opt.threads = (int)number;
    else if (strcmp(key, "properties") == 0)
        opt.properties = (int)number;
    else if (strcmp(key, "callbacks") == 0)
        opt.callbacks = (int)number;
    else if (strcmp(key, "drive") == 0)
        opt.drive = (int)number;
    else if (strcmp(key, "wait") == 0)
        opt.wait = (int)number;
    else if (strcmp(key, "n") == 0)
        opt.n = number;
    else if (strcmp(key, "clients") == 0)
        opt.clients = number;
    else if (strcmp(key, "each") == 0)
        opt.each = number;
    else if (strcmp(key, "window") == 0)
        opt.window = number;
    else if (strcmp(key, "inflight") == 0)
        opt.inflight = number;
    else if (strcmp(key, "seconds") == 0)
        opt.seconds = number;
    else if (strcmp(key, "size") == 0)
        opt.size = (size_t)number;
    else
        return 0;
    return 1;
}

void options_parse(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s scenario [key=value ...]\n", argv[0]);
        exit(2);
    }
    opt.scenario = argv[1];
    for (int i = 2; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        if (!value)
            fail(argv[i], 2);
        *value++ = '\0';
        if (strcmp(argv[i], "uri") == 0)
            opt.uri = value;
        else if (strcmp(argv[i], "library") == 0)
            opt.library = value;
        else if (strcmp(argv[i], "store") == 0)
            opt.store = value;
        else if (strcmp(argv[i], "cafile") == 0)
            opt.cafile = value;
        else if (strcmp(argv[i], "link") == 0)
            opt.link = value;
        else if (strcmp(argv[i], "beside") == 0)
            opt.beside = value;
        else if (!number_option(argv[i], value))
            fail(argv[i], 2);
    }
    if (opt.size < PAYLOAD_MIN)
        opt.size = PAYLOAD_MIN;
    payload_init(opt.size);
}

void options_address(char *host, size_t length, int *port)
{
    const char *at = strstr(opt.uri, "://");
    at = at ? at + 3 : opt.uri;
    const char *colon = strrchr(at, ':');
    size_t n = colon ? (size_t)(colon - at) : strlen(at);
    if (n >= length)
        fail("uri", 2);
    memcpy(host, at, n);
    host[n] = '\0';
    *port = colon ? atoi(colon + 1) : 1883;
}

/* ---- the clock -------------------------------------------------------------------------------------------------------- */

double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

double cpu_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

long status_value(const char *key)
{
    char line[256];
    long value = -1;
    size_t length = strlen(key);
    FILE *status = fopen("/proc/self/status", "r");
    if (!status)
        return -1;
    while (fgets(line, sizeof line, status))
        if (strncmp(line, key, length) == 0 && line[length] == ':')
            value = strtol(line + length + 1, NULL, 10);
    fclose(status);
    return value;
}

/* ---- messages --------------------------------------------------------------------------------------------------------- */

/* A payload continues with a piece of this noise, which begins at a place that its number chooses: another message's
 * bytes, or a shifted payload, do not fit. */
#define SHIFTS 1024
static unsigned char *noise;
static size_t noise_length;

void payload_init(size_t largest)
{
    uint64_t x = 0x9E3779B97F4A7C15u;
    free(noise);
    noise_length = largest + SHIFTS;
    noise = malloc(noise_length);
    if (!noise)
        fail("memory", 1);
    for (size_t i = 0; i < noise_length; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        noise[i] = (unsigned char)(x >> 32);
    }
}

static const unsigned char *noise_for(uint32_t stream, uint32_t number)
{
    return noise + (number * 7 + stream * 13) % SHIFTS;
}

void payload_write(void *to, size_t length, uint32_t stream, uint32_t number)
{
    unsigned char *at = to;
    memcpy(at, &stream, 4);
    memcpy(at + 4, &number, 4);
    memcpy(at + PAYLOAD_MIN, noise_for(stream, number), length - PAYLOAD_MIN);
}

int payload_read(const void *from, size_t length, uint32_t *stream, uint32_t *number)
{
    const unsigned char *at = from;
    if (length < PAYLOAD_MIN || length - PAYLOAD_MIN + SHIFTS > noise_length)
        return 0;
    memcpy(stream, at, 4);
    memcpy(number, at + 4, 4);
    return memcmp(at + PAYLOAD_MIN, noise_for(*stream, *number), length - PAYLOAD_MIN) == 0;
}

void check_init(struct check *check)
{
    memset(check, 0, sizeof *check);
    check->next = calloc(STREAMS, sizeof *check->next);
    if (!check->next)
        fail("memory", 1);
}

void check_message(struct check *check, const void *payload, size_t length)
{
    uint32_t stream, number;
    check->count++;
    if (!payload_read(payload, length, &stream, &number) || stream >= STREAMS) {
        check->altered++;
        return;
    }
    uint32_t *next = &check->next[stream];
    if (number == *next) {
        ++*next;
    } else if (number > *next) {
        check->missing += number - *next;
        *next = number + 1;
    } else {
        check->misordered++;
    }
}

void check_sized(struct check *check, const void *payload, size_t length, size_t expected)
{
    if (length != expected)
        check->altered++;
    check_message(check, payload, length);
}

/* ---- waiting ---------------------------------------------------------------------------------------------------------- */

void gate_init(struct gate *gate)
{
    pthread_condattr_t attributes;
    atomic_init(&gate->count, 0);
    atomic_init(&gate->target, -1);
    pthread_mutex_init(&gate->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&gate->reached, &attributes);
    pthread_condattr_destroy(&attributes);
}

void gate_add(struct gate *gate, long events)
{
    long before = atomic_fetch_add(&gate->count, events);
    long target = atomic_load(&gate->target);
    if (before < target && before + events >= target) {
        pthread_mutex_lock(&gate->mutex);
        pthread_cond_broadcast(&gate->reached);
        pthread_mutex_unlock(&gate->mutex);
    }
}

int gate_wait(struct gate *gate, long target, double seconds)
{
    struct timespec until;
    int reached = 1;
    if (atomic_load(&gate->count) >= target)
        return 1;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)seconds;
    pthread_mutex_lock(&gate->mutex);
    atomic_store(&gate->target, target);
    while (atomic_load(&gate->count) < target) {
        if (pthread_cond_timedwait(&gate->reached, &gate->mutex, &until) != 0) {
            reached = atomic_load(&gate->count) >= target;
            break;
        }
    }
    pthread_mutex_unlock(&gate->mutex);
    return reached;
}

int gate_window(struct gate *gate, long sent, long window, double seconds)
{
    if (window == 0 || sent - atomic_load(&gate->count) < window)
        return 1;
    /* Wait for half a window, not for one message: a program that cares for speed does not switch threads each time. */
    return gate_wait(gate, sent - window / 2, seconds);
}

/* ---- the report ------------------------------------------------------------------------------------------------------- */

void report(const char *key, double value)
{
    printf("%s=%.3f\n", key, value);
}

void report_text(const char *key, const char *value)
{
    printf("%s=%s\n", key, value);
}

void report_check(const struct check *check)
{
    report("received", (double)check->count);
    report("altered", (double)check->altered);
    report("missing", (double)check->missing);
    report("misordered", (double)check->misordered);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void report_samples(const char *prefix, double *samples, long count)
{
    static const struct {
        const char *name;
        double at;
    } points[] = {{"min", 0}, {"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"max", 1}};
    char key[64];
    snprintf(key, sizeof key, "%s_count", prefix);
    report(key, (double)count);
    if (count == 0)
        return;
    qsort(samples, (size_t)count, sizeof *samples, compare);
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        snprintf(key, sizeof key, "%s_%s", prefix, points[i].name);
        report(key, samples[(long)((double)(count - 1) * points[i].at)]);
    }
}

static double start_us, start_cpu;

void measure_start(void)
{
    start_cpu = cpu_us();
    start_us = now_us();
}

void measure_finish(void)
{
    double end = now_us();
    report("start_us", start_us);
    report("end_us", end);
    report("cpu_us", cpu_us() - start_cpu);
    report("peak_kib", (double)status_value("VmHWM"));
}

void fail(const char *what, int code)
{
    fprintf(stderr, "benchmark failed: %s: %d\n", what, code);
    fflush(stdout);
    _Exit(1);
}
