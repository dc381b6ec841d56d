/* SPDX-License-Identifier: MIT OR Apache-2.0 */

#include "pubsub_io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "MQTTAsync.h" /* only for MQTTVERSION_5 and the reason codes */

static int event_pipe[2];

void pubsub_events_post(enum pubsub_event event) {
    int saved = errno; /* a signal handler must leave errno as it was */
    unsigned char byte = (unsigned char)event;
    ssize_t written;

    do
        written = write(event_pipe[1], &byte, 1);
    while (written < 0 && errno == EINTR);
    errno = saved;
}

static void on_signal(int signal_number) {
    (void)signal_number;
    pubsub_events_post(PUBSUB_STOP);
}

int pubsub_events_init(void) {
    return pipe(event_pipe);
}

int pubsub_events_catch_signals(void) {
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGINT, &action, NULL) != 0 || sigaction(SIGTERM, &action, NULL) != 0)
        return -1;
    return 0;
}

enum pubsub_event pubsub_events_wait(int with_input, int timeout_ms) {
    struct pollfd fds[2] = {{event_pipe[0], POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    unsigned char byte;
    int ready;

    do
        ready = poll(fds, with_input ? 2 : 1, timeout_ms);
    while (ready < 0 && errno == EINTR);
    if (ready <= 0)
        return PUBSUB_NONE;
    if (fds[0].revents)
        return read(event_pipe[0], &byte, 1) == 1 ? (enum pubsub_event)byte : PUBSUB_NONE;
    return PUBSUB_INPUT;
}

enum { CHUNK = 4096 };

int pubsub_reader_init(struct pubsub_reader *reader, const struct pubsub_opts *opts) {
    memset(reader, 0, sizeof *reader);
    reader->max = (size_t)opts->maxdatalen;
    reader->delimiter = opts->delimiter ? opts->delimiter : "";
    reader->delimiter_len = strlen(reader->delimiter);
    reader->capacity = reader->max + CHUNK;
    reader->buffer = malloc(reader->capacity);
    return reader->buffer ? 0 : -1;
}

void pubsub_reader_free(struct pubsub_reader *reader) {
    free(reader->buffer);
    reader->buffer = NULL;
}

int pubsub_reader_fill(struct pubsub_reader *reader) {
    ssize_t got;

    memmove(reader->buffer, reader->buffer + reader->start, reader->end - reader->start);
    reader->end -= reader->start;
    reader->start = 0;
    do
        got = read(STDIN_FILENO, reader->buffer + reader->end, reader->capacity - reader->end);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return -1;
    if (got == 0)
        reader->eof = 1;
    reader->end += (size_t)got;
    return 0;
}

char *pubsub_reader_next(struct pubsub_reader *reader, size_t *length) {
    char *data = reader->buffer + reader->start;
    size_t available = reader->end - reader->start;
    size_t limit = available < reader->max ? available : reader->max;
    size_t found = 0;

    if (reader->delimiter_len > 0)
        for (size_t at = 0; found == 0 && at + reader->delimiter_len <= limit; at++)
            if (memcmp(data + at, reader->delimiter, reader->delimiter_len) == 0)
                found = at + reader->delimiter_len;
    if (found == 0 && (available >= reader->max || reader->eof))
        found = limit;
    if (found == 0)
        return NULL;
    reader->start += found;
    *length = found;
    return data;
}

char *pubsub_read_file(const struct pubsub_opts *opts, int *length) {
    FILE *file = fopen(opts->filename, "rb");
    char *content = NULL;
    size_t size = 0, capacity = 0;

    if (file == NULL) {
        pubsub_error(opts, "cannot open %s: %s", opts->filename, strerror(errno));
        return NULL;
    }
    do {
        char *larger;

        capacity = capacity ? capacity * 2 : CHUNK;
        larger = capacity > INT_MAX ? NULL : realloc(content, capacity);
        if (larger == NULL) {
            pubsub_error(opts, "%s is too large", opts->filename);
            goto failed;
        }
        content = larger;
        size += fread(content + size, 1, capacity - size, file);
    } while (size == capacity);
    if (ferror(file)) {
        pubsub_error(opts, "cannot read %s: %s", opts->filename, strerror(errno));
        goto failed;
    }
    fclose(file);
    *length = (int)size;
    return content;

failed:
    fclose(file);
    free(content);
    return NULL;
}

int pubsub_print_payload(const struct pubsub_opts *opts, const void *payload, int length) {
    size_t size = (size_t)length;

    fwrite(payload, 1, size, stdout);
    if (opts->delimiter) {
        size_t tail = strlen(opts->delimiter);

        if (size < tail || memcmp((const char *)payload + size - tail, opts->delimiter, tail) != 0)
            fputs(opts->delimiter, stdout);
    }
    return ferror(stdout) ? -1 : 0;
}

void pubsub_print_properties(const MQTTProperties *properties) {
    for (int i = 0; i < properties->count; i++) {
        const MQTTProperty *p = &properties->array[i];
        const char *name = MQTTPropertyName(p->identifier);

        switch (MQTTProperty_getType(p->identifier)) {
        case MQTTPROPERTY_TYPE_BYTE:
            printf("Property name %s value %d\n", name, p->value.byte);
            break;
        case MQTTPROPERTY_TYPE_TWO_BYTE_INTEGER:
            printf("Property name %s value %d\n", name, p->value.integer2);
            break;
        case MQTTPROPERTY_TYPE_FOUR_BYTE_INTEGER:
        case MQTTPROPERTY_TYPE_VARIABLE_BYTE_INTEGER:
            printf("Property name %s value %u\n", name, p->value.integer4);
            break;
        case MQTTPROPERTY_TYPE_BINARY_DATA:
        case MQTTPROPERTY_TYPE_UTF_8_ENCODED_STRING:
            printf("Property name %s value len %.*s\n", name, p->value.data.len,
                   p->value.data.data);
            break;
        case MQTTPROPERTY_TYPE_UTF_8_STRING_PAIR:
            printf("Property name %s key %.*s value %.*s\n", name, p->value.data.len,
                   p->value.data.data, p->value.value.len, p->value.value.data);
            break;
        }
    }
}

void pubsub_error(const struct pubsub_opts *opts, const char *format, ...) {
    char text[512];
    va_list args;

    if (opts->quiet)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    /* One call, so that lines of different threads do not mix. */
    fprintf(stderr, "%s: %s\n", opts->program, text);
}

/* Why a MQTT 3.1 or 3.1.1 server refuses; NULL if `code` is none of its return codes. */
static const char *refusal_text(int code) {
    static const char *const connack[] = {
        "unacceptable protocol version",
        "client identifier rejected",
        "server unavailable",
        "bad user name or password",
        "not authorized",
    };

    if (code >= 1 && code <= 5)
        return connack[code - 1];
    return code == 0x80 ? "refused by the server" : NULL;
}

void pubsub_failure(const struct pubsub_opts *opts, const char *function, int code,
                    const char *code_text, int reason, const char *detail) {
    const char *reason_text = NULL;

    if (opts->version == MQTTVERSION_5 && reason < 0x80 && code >= 0x80)
        reason = code; /* Paho C 1.3 reports the reason code of a CONNACK here only */
    if (reason >= 0x80)
        reason_text = MQTTReasonCode_toString(reason);
    if (reason_text)
        code_text = reason_text;
    else if (refusal_text(code))
        code_text = refusal_text(code);
    if (detail)
        pubsub_error(opts, "%s failed: %s (%s)", function, code_text, detail);
    else
        pubsub_error(opts, "%s failed: %s", function, code_text);
}
