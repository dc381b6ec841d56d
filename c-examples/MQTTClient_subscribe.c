/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Subscribes with the MQTTClient API and prints the messages that a callback receives. Ends on Q
 * and Enter, or on SIGINT or SIGTERM; when stdin has ended, only a signal ends it.
 *
 * Usage: MQTTClient_subscribe [server URI]
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

#include "MQTTClient.h"

#define ADDRESS "tcp://localhost:1883"
#define CLIENTID "ExampleClientSub"
#define TOPIC "MQTT Examples"
#define QOS 1
#define TIMEOUT_MS 10000L

enum event { EVENT_QUIT = 'q', EVENT_CONNECTION_LOST = 'l' };

static int event_pipe[2];

static int report(const char *function, int rc) {
    if (rc != MQTTCLIENT_SUCCESS) /* a positive code comes from the server */
        fprintf(stderr, "%s failed: %s (%d)\n", function,
                rc > 0 ? "refused by the server" : MQTTClient_strerror(rc), rc);
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

static int on_message(void *context, char *topic, int topic_len, MQTTClient_message *message) {
    (void)context, (void)topic_len;
    printf("Message arrived\n");
    printf("     topic: %s\n", topic);
    printf("   message: %.*s\n", message->payloadlen, (char *)message->payload);
    MQTTClient_freeMessage(&message);
    MQTTClient_free(topic);
    return 1;
}

static void on_connection_lost(void *context, char *cause) {
    (void)context;
    fprintf(stderr, "Connection lost: %s\n", cause ? cause : "cause unknown");
    post(EVENT_CONNECTION_LOST);
}

static int connect_and_subscribe(MQTTClient client) {
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
    int rc;

    options.keepAliveInterval = 20;
    options.cleansession = 1;
    rc = MQTTClient_connect(client, &options);
    if (report("MQTTClient_connect", rc) != MQTTCLIENT_SUCCESS)
        return rc;
    rc = MQTTClient_subscribe(client, TOPIC, QOS);
    if (report("MQTTClient_subscribe", rc) != MQTTCLIENT_SUCCESS)
        return rc;
    printf("Subscribed to topic \"%s\" as client %s with QoS %d\n", TOPIC, CLIENTID, QOS);
    printf("Press Q<Enter> to quit\n\n");
    return MQTTCLIENT_SUCCESS;
}

/* Blocks until something is to be done: Q on stdin or a signal, or a lost connection. */
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

static void catch_signals(void) {
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int main(int argc, char *argv[]) {
    const char *address = argc > 1 ? argv[1] : ADDRESS;
    MQTTClient client;
    int rc;

    setvbuf(stdout, NULL, _IOLBF, 0); /* each line at once, even into a pipe */
    if (pipe(event_pipe) != 0) {
        perror("pipe");
        return EXIT_FAILURE;
    }
    rc = MQTTClient_create(&client, address, CLIENTID, MQTTCLIENT_PERSISTENCE_NONE, NULL);
    if (report("MQTTClient_create", rc) != MQTTCLIENT_SUCCESS)
        return EXIT_FAILURE;

    rc = MQTTClient_setCallbacks(client, NULL, on_connection_lost, on_message, NULL);
    if (report("MQTTClient_setCallbacks", rc) == MQTTCLIENT_SUCCESS)
        rc = connect_and_subscribe(client);
    catch_signals(); /* only now: one during the blocking connect is to end the program at once */
    while (rc == MQTTCLIENT_SUCCESS && wait_for_event() == EVENT_CONNECTION_LOST) {
        printf("Reconnecting\n");
        rc = connect_and_subscribe(client);
    }
    if (rc == MQTTCLIENT_SUCCESS)
        rc = report("MQTTClient_unsubscribe", MQTTClient_unsubscribe(client, TOPIC));
    if (MQTTClient_isConnected(client)) {
        int disconnected = MQTTClient_disconnect(client, TIMEOUT_MS);

        if (report("MQTTClient_disconnect", disconnected) != MQTTCLIENT_SUCCESS)
            rc = disconnected;
    }
    MQTTClient_destroy(&client);
    return rc == MQTTCLIENT_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}
