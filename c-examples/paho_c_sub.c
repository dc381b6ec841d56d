/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * paho_c_sub: subscribes to a topic with the MQTTAsync API and prints the messages until it is
 * interrupted. The library reconnects by itself; each new connection subscribes again.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "MQTTAsync.h"
#include "pubsub_io.h"
#include "pubsub_opts.h"

/* Written before the library is called, only read from then on. */
static struct pubsub_opts opts;

static void on_trace(enum MQTTASYNC_TRACE_LEVELS level, char *message) {
    fprintf(stderr, "Trace : %d, %s\n", level, message);
}

static int on_message(void *context, char *topic, int topic_len, MQTTAsync_message *message) {
    (void)context, (void)topic_len;
    if (!(opts.no_retained && message->retained)) {
        int failed;

        if (opts.verbose)
            printf("%d %s\t", message->payloadlen, topic);
        failed = pubsub_print_payload(&opts, message->payload, message->payloadlen);
        if (opts.verbose)
            pubsub_print_properties(&message->properties);
        if (fflush(stdout) != 0 || failed) {
            pubsub_error(&opts, "cannot write to stdout");
            pubsub_events_post(PUBSUB_FAILED);
        }
    }
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static void on_subscribe(void *context, MQTTAsync_successData *response) {
    (void)context;
    if (opts.verbose)
        fprintf(stderr, "Subscribed with QoS %d\n", response->alt.qos);
}

static void on_subscribe5(void *context, MQTTAsync_successData5 *response) {
    (void)context;
    if (opts.verbose)
        fprintf(stderr, "Subscribed with QoS %d\n", response->reasonCode);
}

static void on_subscribe_failure(void *context, MQTTAsync_failureData *response) {
    (void)context;
    pubsub_failure(&opts, "MQTTAsync_subscribe", response->code, MQTTAsync_strerror(response->code),
                   0, response->message);
    pubsub_events_post(PUBSUB_FAILED);
}

static void on_subscribe_failure5(void *context, MQTTAsync_failureData5 *response) {
    (void)context;
    pubsub_failure(&opts, "MQTTAsync_subscribe", response->code, MQTTAsync_strerror(response->code),
                   response->reasonCode, response->message);
    pubsub_events_post(PUBSUB_FAILED);
}

/* Called on the first connection and on each one that the library makes after a loss. */
static void on_connected(void *context, char *cause) {
    MQTTAsync client = context;
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
    int rc;

    (void)cause;
    pubsub_events_post(PUBSUB_CONNECTED);
    if (opts.verbose) {
        printf("Subscribing to topic %s with client %s at QoS %d\n", opts.topic, opts.clientid,
               opts.qos);
        fflush(stdout);
    }
    if (opts.version == MQTTVERSION_5) {
        response.onSuccess5 = on_subscribe5;
        response.onFailure5 = on_subscribe_failure5;
    } else {
        response.onSuccess = on_subscribe;
        response.onFailure = on_subscribe_failure;
    }
    rc = MQTTAsync_subscribe(client, opts.topic, opts.qos, &response);
    if (rc != MQTTASYNC_SUCCESS) {
        pubsub_failure(&opts, "MQTTAsync_subscribe", rc, MQTTAsync_strerror(rc), 0, NULL);
        pubsub_events_post(PUBSUB_FAILED);
    }
}

static void on_connect_failure(void *context, MQTTAsync_failureData *response) {
    (void)context;
    pubsub_failure(&opts, "MQTTAsync_connect", response->code, MQTTAsync_strerror(response->code),
                   0, response->message);
    pubsub_events_post(PUBSUB_CONNECT_FAILED);
}

static void on_connect_failure5(void *context, MQTTAsync_failureData5 *response) {
    (void)context;
    pubsub_failure(&opts, "MQTTAsync_connect", response->code, MQTTAsync_strerror(response->code),
                   response->reasonCode, response->message);
    pubsub_events_post(PUBSUB_CONNECT_FAILED);
}

static void on_connection_lost(void *context, char *cause) {
    (void)context;
    if (opts.verbose)
        fprintf(stderr, "Connection lost%s%s, reconnecting\n", cause ? ": " : "",
                cause ? cause : "");
}

static void on_server_disconnect(void *context, MQTTProperties *properties,
                                 enum MQTTReasonCodes reason) {
    (void)context, (void)properties;
    pubsub_error(&opts, "disconnected by the server: %s", MQTTReasonCode_toString(reason));
}

static void on_disconnect(void *context, MQTTAsync_successData *response) {
    (void)context, (void)response;
    pubsub_events_post(PUBSUB_DISCONNECTED);
}

static void on_disconnect_failure(void *context, MQTTAsync_failureData *response) {
    (void)context, (void)response;
    pubsub_events_post(PUBSUB_DISCONNECTED);
}

static int start_connect(MQTTAsync client) {
    MQTTAsync_connectOptions conn = MQTTAsync_connectOptions_initializer;
    MQTTAsync_connectOptions conn5 = MQTTAsync_connectOptions_initializer5;
    MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
    MQTTAsync_SSLOptions ssl = MQTTAsync_SSLOptions_initializer;
    int rc;

    if (opts.version == MQTTVERSION_5) {
        conn = conn5;
        conn.cleanstart = 1;
        conn.onFailure5 = on_connect_failure5;
    } else {
        conn.cleansession = 1;
        conn.onFailure = on_connect_failure;
    }
    conn.automaticReconnect = 1;
    PUBSUB_SET_CONNECT(conn, will, ssl, &opts);
    rc = MQTTAsync_connect(client, &conn);
    if (rc != MQTTASYNC_SUCCESS)
        pubsub_failure(&opts, "MQTTAsync_connect", rc, MQTTAsync_strerror(rc), 0, NULL);
    return rc;
}

/* An attempt to reconnect may fail, the library makes another; the first connection must succeed.
 */
static int wait_until_stopped(void) {
    int connected = 0;

    for (;;) {
        switch (pubsub_events_wait(0, -1)) {
        case PUBSUB_CONNECTED:
            connected = 1;
            break;
        case PUBSUB_CONNECT_FAILED:
            if (!connected)
                return EXIT_FAILURE;
            break;
        case PUBSUB_STOP:
            return EXIT_SUCCESS;
        case PUBSUB_FAILED:
            return EXIT_FAILURE;
        default:
            break;
        }
    }
}

static int disconnect(MQTTAsync client) {
    MQTTAsync_disconnectOptions disc = MQTTAsync_disconnectOptions_initializer;
    enum pubsub_event event;
    int rc;

    disc.onSuccess = on_disconnect;
    disc.onFailure = on_disconnect_failure;
    rc = MQTTAsync_disconnect(client, &disc);
    if (rc == MQTTASYNC_DISCONNECTED) /* the connection is down at this moment: nothing to do */
        return EXIT_SUCCESS;
    if (rc != MQTTASYNC_SUCCESS) {
        pubsub_failure(&opts, "MQTTAsync_disconnect", rc, MQTTAsync_strerror(rc), 0, NULL);
        return EXIT_FAILURE;
    }
    do /* a second signal ends the wait */
        event = pubsub_events_wait(0, -1);
    while (event != PUBSUB_DISCONNECTED && event != PUBSUB_STOP);
    return EXIT_SUCCESS;
}

static int run(void) {
    MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer;
    MQTTAsync client;
    int result = EXIT_FAILURE;
    int rc;

    if (strpbrk(opts.topic, "#+")) /* several topics: say which one each message came on */
        opts.verbose = 1;
    if (opts.verbose)
        printf("URL is %s\n", opts.url);
    if (pubsub_events_init() != 0 || pubsub_events_catch_signals() != 0) {
        pubsub_error(&opts, "cannot set up signal handling");
        return EXIT_FAILURE;
    }
    if (opts.trace) {
        MQTTAsync_setTraceCallback(on_trace);
        MQTTAsync_setTraceLevel((enum MQTTASYNC_TRACE_LEVELS)opts.trace);
    }
    create.MQTTVersion = opts.version;
    rc = MQTTAsync_createWithOptions(&client, opts.url, opts.clientid, MQTTCLIENT_PERSISTENCE_NONE,
                                     NULL, &create);
    if (rc != MQTTASYNC_SUCCESS) {
        pubsub_failure(&opts, "MQTTAsync_createWithOptions", rc, MQTTAsync_strerror(rc), 0, NULL);
        return EXIT_FAILURE;
    }
    MQTTAsync_setConnected(client, client, on_connected);
    MQTTAsync_setDisconnected(client, NULL, on_server_disconnect);
    rc = MQTTAsync_setCallbacks(client, NULL, on_connection_lost, on_message, NULL);
    if (rc != MQTTASYNC_SUCCESS)
        pubsub_failure(&opts, "MQTTAsync_setCallbacks", rc, MQTTAsync_strerror(rc), 0, NULL);
    else if (start_connect(client) == MQTTASYNC_SUCCESS) {
        result = wait_until_stopped();
        if (disconnect(client) != EXIT_SUCCESS)
            result = EXIT_FAILURE;
    }
    MQTTAsync_destroy(&client);
    return result;
}

int main(int argc, char **argv) {
    int result = EXIT_FAILURE;

    switch (pubsub_opts_parse(&opts, "paho_c_sub", 0, argc, argv)) {
    case PUBSUB_RUN:
        result = run();
        break;
    case PUBSUB_HELP:
        pubsub_opts_usage(opts.program, opts.publisher);
        printf("\nLibrary:\n");
        for (MQTTAsync_nameValue *info = MQTTAsync_getVersionInfo(); info->name; info++)
            printf("  %s: %s\n", info->name, info->value);
        result = EXIT_SUCCESS;
        break;
    case PUBSUB_WRONG:
        break;
    }
    pubsub_opts_free(&opts);
    return result;
}
