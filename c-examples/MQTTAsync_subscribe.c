/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Subscribes with the MQTTAsync API and prints the messages. The library reconnects by itself, and
 * each new connection subscribes again. Ends on Q and Enter, or on SIGINT or SIGTERM; when stdin
 * has ended, only a signal ends it.
 *
 * Usage: MQTTAsync_subscribe [server URI]
 *
 * main() sleeps in poll() on stdin and on a pipe. Callbacks and signal handlers write to the pipe,
 * which both may do at any time, so no variable is shared between threads.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "MQTTAsync.h"

#define ADDRESS "tcp://localhost:1883"
#define CLIENTID "ExampleClientSub"
#define TOPIC "MQTT Examples"
#define QOS 1

enum event {
    EVENT_QUIT = 'q',
    EVENT_CONNECTED = 'c',
    EVENT_CONNECT_FAILED = 'n',
    EVENT_FAILED = 'f',
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

static int on_message(void *context, char *topic, int topic_len, MQTTAsync_message *message) {
    (void)context, (void)topic_len;
    printf("Message arrived\n");
    printf("     topic: %s\n", topic);
    printf("   message: %.*s\n", message->payloadlen, (char *)message->payload);
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static void on_connection_lost(void *context, char *cause) {
    (void)context;
    fprintf(stderr, "Connection lost: %s\n", cause ? cause : "cause unknown");
    printf("Reconnecting\n");
}

static void on_subscribe(void *context, MQTTAsync_successData *response) {
    (void)context;
    printf("Subscribed to topic \"%s\" as client %s with QoS %d\n", TOPIC, CLIENTID,
           response->alt.qos);
    printf("Press Q<Enter> to quit\n\n");
}

static void on_subscribe_failure(void *context, MQTTAsync_failureData *response) {
    (void)context;
    report("MQTTAsync_subscribe", response->code, response->message);
    post(EVENT_FAILED);
}

/* On the first connection and after each automatic reconnection. */
static void on_connected(void *context, char *cause) {
    MQTTAsync client = context;
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    int rc;

    (void)cause;
    printf("Connected\n");
    post(EVENT_CONNECTED);
    options.onSuccess = on_subscribe;
    options.onFailure = on_subscribe_failure;
    rc = MQTTAsync_subscribe(client, TOPIC, QOS, &options);
    if (report("MQTTAsync_subscribe", rc, NULL) != MQTTASYNC_SUCCESS)
        post(EVENT_FAILED);
}

static void on_connect_failure(void *context, MQTTAsync_failureData *response) {
    (void)context;
    report("MQTTAsync_connect", response->code, response->message);
    post(EVENT_CONNECT_FAILED);
}

static void on_disconnect(void *context, MQTTAsync_successData *response) {
    (void)context, (void)response;
    printf("Disconnected\n");
    post(EVENT_DISCONNECTED);
}

static void on_disconnect_failure(void *context, MQTTAsync_failureData *response) {
    (void)context;
    report("MQTTAsync_disconnect", response->code, response->message);
    post(EVENT_FAILED);
}

/* Blocks until there is an event; Q on stdin is one. */
static enum event wait_for_event(void) {
    static int stdin_open = 1;

    for (;;) {
        struct pollfd fds[2] = {{event_pipe[0], POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
        char input[64];

        if (poll(fds, stdin_open ? 2 : 1, -1) < 0)
            continue; /* a signal: its byte is in the pipe now */
        if (fds[0].revents) {
            if (read(event_pipe[0], input, 1) == 1)
                return (enum event)input[0];
        } else {
            ssize_t length = read(STDIN_FILENO, input, sizeof input);

            if (length <= 0)
                stdin_open = 0;
            else if (memchr(input, 'q', (size_t)length) || memchr(input, 'Q', (size_t)length))
                return EVENT_QUIT;
        }
    }
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

static int start_connect(MQTTAsync client) {
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;

    options.keepAliveInterval = 20;
    options.cleansession = 1;
    options.automaticReconnect = 1;
    options.onFailure = on_connect_failure;
    return report("MQTTAsync_connect", MQTTAsync_connect(client, &options), NULL);
}

static int disconnect(MQTTAsync client) {
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
    int rc;

    options.onSuccess = on_disconnect;
    options.onFailure = on_disconnect_failure;
    rc = MQTTAsync_disconnect(client, &options);
    if (rc == MQTTASYNC_DISCONNECTED) /* the connection is down at this moment: nothing to do */
        return EXIT_SUCCESS;
    if (report("MQTTAsync_disconnect", rc, NULL) != MQTTASYNC_SUCCESS)
        return EXIT_FAILURE;
    for (;;) {
        switch (wait_for_event()) {
        case EVENT_DISCONNECTED:
        case EVENT_QUIT: /* a second time: do not wait any longer */
            return EXIT_SUCCESS;
        case EVENT_FAILED:
            return EXIT_FAILURE;
        default:
            break;
        }
    }
}

/* An attempt to reconnect may fail, the library makes another; the first connection must succeed.
 */
static int wait_until_quit(void) {
    int connected = 0;

    for (;;) {
        switch (wait_for_event()) {
        case EVENT_CONNECTED:
            connected = 1;
            break;
        case EVENT_CONNECT_FAILED:
            if (!connected)
                return EXIT_FAILURE;
            break;
        case EVENT_QUIT:
            return EXIT_SUCCESS;
        case EVENT_FAILED:
            return EXIT_FAILURE;
        default:
            break;
        }
    }
}

int main(int argc, char *argv[]) {
    const char *address = argc > 1 ? argv[1] : ADDRESS;
    MQTTAsync client;
    int result = EXIT_FAILURE;
    int rc;

    setvbuf(stdout, NULL, _IOLBF, 0); /* each line at once, even into a pipe */
    if (set_up_events() != 0)
        return EXIT_FAILURE;
    rc = MQTTAsync_create(&client, address, CLIENTID, MQTTCLIENT_PERSISTENCE_NONE, NULL);
    if (report("MQTTAsync_create", rc, NULL) != MQTTASYNC_SUCCESS)
        return EXIT_FAILURE;

    rc = MQTTAsync_setCallbacks(client, NULL, on_connection_lost, on_message, NULL);
    if (report("MQTTAsync_setCallbacks", rc, NULL) != MQTTASYNC_SUCCESS)
        goto destroy;
    rc = MQTTAsync_setConnected(client, client, on_connected);
    if (report("MQTTAsync_setConnected", rc, NULL) != MQTTASYNC_SUCCESS)
        goto destroy;

    printf("Connecting to %s\n", address);
    if (start_connect(client) != MQTTASYNC_SUCCESS)
        goto destroy;
    result = wait_until_quit();
    if (disconnect(client) != EXIT_SUCCESS)
        result = EXIT_FAILURE;

destroy:
    MQTTAsync_destroy(&client);
    return result;
}
