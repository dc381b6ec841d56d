/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Publishes the time, in milliseconds since 1970, at a fixed interval until SIGINT or SIGTERM, as a
 * program would that samples a sensor. While the server cannot be reached the library reconnects by
 * itself and keeps the latest samples, to send them afterwards.
 *
 * Usage: MQTTAsync_publish_time [server URI]
 *
 * main() sleeps in poll() on a pipe until the next sample is due. Callbacks and signal handlers
 * write to the pipe, which both may do at any time, so no variable is shared between threads.
 */

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "MQTTAsync.h"

#define ADDRESS "tcp://localhost:1883"
#define CLIENTID "ExampleClientTimePub"
#define TOPIC "data/time"
#define QOS 1
#define SAMPLE_PERIOD_MS 10
#define KEPT_SAMPLES 1000
#define TIMEOUT_MS 5000

enum event {
    EVENT_NONE = 0, /* the time is up */
    EVENT_QUIT = 'q',
    EVENT_CONNECTED = 'c',
    EVENT_CONNECT_FAILED = 'x', /* at first, or in one of the attempts to reconnect */
    EVENT_FAILED = 'f',
    EVENT_NOT_DELIVERED = 'n',
    EVENT_DISCONNECTED = 'd'
};

static int event_pipe[2];

static int report(const char *function, int rc, const char *detail) {
    if (rc != MQTTASYNC_SUCCESS) /* a positive code comes from the server */
        fprintf(stderr, "%s failed: %s (%d)%s%s\n", function,
                rc > 0 ? "refused by the server" : MQTTAsync_strerror(rc), rc, detail ? ": " : "",
                detail ? detail : "");
    return rc;
}

static void post(enum event event) {
    char byte = (char)event;

    while (write(event_pipe[1], &byte, 1) < 0 && errno == EINTR)
        ;
}

static void on_signal(int signal_number) {
    int saved = errno; /* the interrupted code may be about to look at it */

    (void)signal_number;
    post(EVENT_QUIT);
    errno = saved;
}

static void on_connect(void *context, MQTTAsync_successData *response) {
    (void)context, (void)response;
    post(EVENT_CONNECTED);
}

static void on_connect_failure(void *context, MQTTAsync_failureData *response) {
    (void)context;
    report("MQTTAsync_connect", response->code, response->message);
    post(EVENT_CONNECT_FAILED);
}

static void on_connection_lost(void *context, char *cause) {
    (void)context;
    fprintf(stderr, "Connection lost: %s; reconnecting\n", cause ? cause : "cause unknown");
}

static void on_send_failure(void *context, MQTTAsync_failureData *response) {
    (void)context;
    report("MQTTAsync_sendMessage", response->code, response->message);
    post(EVENT_NOT_DELIVERED);
}

static void on_disconnect(void *context, MQTTAsync_successData *response) {
    (void)context, (void)response;
    post(EVENT_DISCONNECTED);
}

static void on_disconnect_failure(void *context, MQTTAsync_failureData *response) {
    (void)context;
    report("MQTTAsync_disconnect", response->code, response->message);
    post(EVENT_FAILED);
}

static int64_t milliseconds(clockid_t clock) {
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The next event, or EVENT_NONE at `deadline` on the monotonic clock; -1: no time limit. */
static enum event wait_for_event(int64_t deadline) {
    for (;;) {
        struct pollfd fd = {event_pipe[0], POLLIN, 0};
        int64_t left = deadline < 0 ? -1 : deadline - milliseconds(CLOCK_MONOTONIC);
        char byte;
        int ready;

        if (deadline >= 0 && left <= 0)
            left = 0;
        ready = poll(&fd, 1, (int)left);
        if (ready > 0 && read(event_pipe[0], &byte, 1) == 1)
            return (enum event)byte;
        if (ready == 0)
            return EVENT_NONE;
    }
}

static int publish_time(MQTTAsync client) {
    MQTTAsync_message message = MQTTAsync_message_initializer;
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    char text[32];
    int rc;

    message.payloadlen = snprintf(text, sizeof text, "%" PRId64, milliseconds(CLOCK_REALTIME));
    message.payload = text; /* the library copies it */
    message.qos = QOS;
    options.onFailure = on_send_failure;
    printf("%s\n", text);
    rc = MQTTAsync_sendMessage(client, TOPIC, &message, &options);
    return report("MQTTAsync_sendMessage", rc, NULL);
}

/* Publishes until a signal comes. */
static int publish_until_stopped(MQTTAsync client) {
    int64_t due = milliseconds(CLOCK_MONOTONIC);
    int result = EXIT_SUCCESS;

    for (;;) {
        switch (wait_for_event(due)) {
        case EVENT_NONE:
            if (publish_time(client) != MQTTASYNC_SUCCESS)
                return EXIT_FAILURE;
            due += SAMPLE_PERIOD_MS;
            break;
        case EVENT_NOT_DELIVERED:
            result = EXIT_FAILURE;
            break;
        case EVENT_QUIT:
            return result;
        default:
            break;
        }
    }
}

static int disconnect(MQTTAsync client) {
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
    int result = EXIT_SUCCESS;
    int rc;

    options.timeout = TIMEOUT_MS;
    options.onSuccess = on_disconnect;
    options.onFailure = on_disconnect_failure;
    rc = MQTTAsync_disconnect(client, &options);
    if (rc == MQTTASYNC_DISCONNECTED) /* the connection is down at this moment: nothing to do */
        return EXIT_SUCCESS;
    if (report("MQTTAsync_disconnect", rc, NULL) != MQTTASYNC_SUCCESS)
        return EXIT_FAILURE;
    for (;;) {
        switch (wait_for_event(-1)) {
        case EVENT_DISCONNECTED:
        case EVENT_QUIT: /* a second signal: do not wait any longer */
            return result;
        case EVENT_NOT_DELIVERED:
            result = EXIT_FAILURE;
            break;
        case EVENT_FAILED:
            return EXIT_FAILURE;
        default:
            break;
        }
    }
}

static int start_connect(MQTTAsync client) {
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;

    options.keepAliveInterval = 20;
    options.cleansession = 1;
    options.automaticReconnect = 1;
    options.onSuccess = on_connect;
    options.onFailure = on_connect_failure;
    return report("MQTTAsync_connect", MQTTAsync_connect(client, &options), NULL);
}

static int run(MQTTAsync client) {
    int result;

    if (report("MQTTAsync_setConnectionLostCallback",
               MQTTAsync_setConnectionLostCallback(client, NULL, on_connection_lost),
               NULL) != MQTTASYNC_SUCCESS)
        return EXIT_FAILURE;
    if (start_connect(client) != MQTTASYNC_SUCCESS)
        return EXIT_FAILURE;
    switch (wait_for_event(-1)) {
    case EVENT_CONNECTED:
        printf("Connected, publishing the time on topic \"%s\" every %d ms\n", TOPIC,
               SAMPLE_PERIOD_MS);
        result = publish_until_stopped(client);
        break;
    case EVENT_QUIT:
        result = EXIT_SUCCESS;
        break;
    default:
        result = EXIT_FAILURE;
        break;
    }
    if (disconnect(client) != EXIT_SUCCESS)
        result = EXIT_FAILURE;
    return result;
}

static int set_up_events(void) {
    struct sigaction action;

    if (pipe(event_pipe) != 0) {
        perror("pipe");
        return -1;
    }
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return 0;
}

int main(int argc, char *argv[]) {
    const char *address = argc > 1 ? argv[1] : ADDRESS;
    MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
    MQTTAsync client;
    int result;
    int rc;

    setvbuf(stdout, NULL, _IOLBF, 0); /* each line at once, even into a pipe */
    if (set_up_events() != 0)
        return EXIT_FAILURE;
    options.sendWhileDisconnected = 1;
    options.maxBufferedMessages = KEPT_SAMPLES;
    options.deleteOldestMessages = 1;
    rc = MQTTAsync_createWithOptions(&client, address, CLIENTID, MQTTCLIENT_PERSISTENCE_NONE, NULL,
                                     &options);
    if (report("MQTTAsync_createWithOptions", rc, NULL) != MQTTASYNC_SUCCESS)
        return EXIT_FAILURE;
    result = run(client);
    MQTTAsync_destroy(&client);
    return result;
}
