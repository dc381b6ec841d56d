/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * What paho_c_pub, paho_c_sub, paho_cs_pub and paho_cs_sub wait for, read and print.
 */

#ifndef PUBSUB_IO_H
#define PUBSUB_IO_H

#include <stddef.h>

#include "pubsub_opts.h"

/*
 * Events go from the library's callbacks and from signal handlers to the main thread, one byte
 * each, through a pipe: write() may be called from both, poll() waits for the pipe and stdin
 * together, and the main thread owns all state that changes, so there is nothing to lock.
 */
enum pubsub_event {
    PUBSUB_NONE,  /* the time is up */
    PUBSUB_STOP,  /* SIGINT or SIGTERM */
    PUBSUB_INPUT, /* stdin has data or has ended */
    PUBSUB_CONNECTED,
    PUBSUB_CONNECT_FAILED, /* at first, or in one of the attempts to reconnect */
    PUBSUB_CONNECTION_LOST,
    PUBSUB_DELIVERED,
    PUBSUB_NOT_DELIVERED,
    PUBSUB_DISCONNECTED,
    PUBSUB_FAILED /* the program cannot go on */
};

/* Creates the pipe. 0 on success. */
int pubsub_events_init(void);

/* Has SIGINT and SIGTERM post PUBSUB_STOP; until then they end the program. 0 on success. */
int pubsub_events_catch_signals(void);

/* Async-signal-safe, and safe in any thread. */
void pubsub_events_post(enum pubsub_event event);

/* The next event, in the order of posting; stdin is watched if with_input. -1: no time limit. */
enum pubsub_event pubsub_events_wait(int with_input, int timeout_ms);

/* Reads stdin as messages, each ending with the delimiter or at the maximum length. */
struct pubsub_reader {
    char *buffer;
    size_t start, end, capacity;
    size_t max;
    const char *delimiter; /* "" if there is none */
    size_t delimiter_len;
    int eof;
};

/* 0 on success. */
int pubsub_reader_init(struct pubsub_reader *reader, const struct pubsub_opts *opts);
void pubsub_reader_free(struct pubsub_reader *reader);

/* One read(), to be called after PUBSUB_INPUT. 0 on success, the end of stdin included. */
int pubsub_reader_fill(struct pubsub_reader *reader);

/* The next complete message, valid until the next pubsub_reader_fill; NULL if more must be read. */
char *pubsub_reader_next(struct pubsub_reader *reader, size_t *length);

/* A whole file in memory from malloc, its length in *length. NULL, explained on stderr, if it
 * fails. */
char *pubsub_read_file(const struct pubsub_opts *opts, int *length);

/* Prints a payload and, unless the payload brings it along, the delimiter. 0 on success. */
int pubsub_print_payload(const struct pubsub_opts *opts, const void *payload, int length);
void pubsub_print_properties(const MQTTProperties *properties);

/* An error on stderr, unless --quiet, after the program's name. */
void pubsub_error(const struct pubsub_opts *opts, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/*
 * The error message of a failed operation: `function` is the API function's name and `code_text`
 * what its strerror says of `code`. In MQTT 3 a positive code comes from the server, as CONNACK
 * return code (1 to 5) or SUBACK return code (0x80); in MQTT 5 `reason` is the packet's reason
 * code. `detail` is the library's own text, or NULL.
 */
void pubsub_failure(const struct pubsub_opts *opts, const char *function, int code,
                    const char *code_text, int reason, const char *detail);

#endif
