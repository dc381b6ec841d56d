/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * paho_c_pub: publishes the lines of stdin, or one message, with the MQTTAsync API.
 *
 * The library's callbacks only print and post events (pubsub_io.h); the main thread alone keeps
 * count.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "MQTTAsync.h"
#include "pubsub_io.h"
#include "pubsub_opts.h"

/* Messages handed to the library and not yet delivered; it buffers up to 100 while disconnected. */
#define MAX_OUTSTANDING 50

/* How long disconnecting may wait for messages in flight. */
#define DISCONNECT_TIMEOUT_MS 1000

/* Written before the library is called, only read from then on. */
static struct pubsub_opts opts;

/* MQTT 5 properties of every message. Paho C 1.3 wants them made and freed while a client exists.
 */
static MQTTProperties properties = MQTTProperties_initializer;

static void on_trace(enum MQTTASYNC_TRACE_LEVELS level, char *message) {
    fprintf(stderr, "Trace : %d, %s\n", level, message);
}

static void connected(void) {
    if (opts.verbose)
        printf("Connected\n");
    pubsub_events_post(PUBSUB_CONNECTED);
}

static void on_connect(void *context, MQTTAsync_successData *response) {
    (void)context, (void)response;
    connected();
}

static void on_connect5(void *context, MQTTAsync_successData5 *response) {
    (void)context, (void)response;
    connected();
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

static void on_server_disconnect(void *context, MQTTProperties *server_properties,
                                 enum MQTTReasonCodes reason) {
    (void)context, (void)server_properties;
    pubsub_error(&opts, "disconnected by the server: %s", MQTTReasonCode_toString(reason));
}

static void on_publish(void *context, MQTTAsync_successData *response) {
    (void)context, (void)response;
    if (opts.verbose)
        printf("Publish succeeded\n");
    pubsub_events_post(PUBSUB_DELIVERED);
}

static void on_publish5(void *context, MQTTAsync_successData5 *response) {
    (void)context;
    if (opts.verbose)
        printf("Publish succeeded, reason code %s\n",
               MQTTReasonCode_toString(response->reasonCode));
    pubsub_events_post(PUBSUB_DELIVERED);
}

static void on_publish_failure(void *context, MQTTAsync_failureData *response) {
    (void)context;
    pubsub_failure(&opts, "MQTTAsync_send", response->code, MQTTAsync_strerror(response->code), 0,
                   response->message);
    pubsub_events_post(PUBSUB_NOT_DELIVERED);
}

static void on_publish_failure5(void *context, MQTTAsync_failureData5 *response) {
    (void)context;
    pubsub_failure(&opts, "MQTTAsync_send", response->code, MQTTAsync_strerror(response->code),
                   response->reasonCode, response->message);
    pubsub_events_post(PUBSUB_NOT_DELIVERED);
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
        conn.onSuccess5 = on_connect5;
        conn.onFailure5 = on_connect_failure5;
    } else {
        conn.cleansession = 1;
        conn.onSuccess = on_connect;
        conn.onFailure = on_connect_failure;
    }
    conn.automaticReconnect = 1;
    PUBSUB_SET_CONNECT(conn, will, ssl, &opts);
    if (opts.verbose)
        printf("Connecting\n");
    rc = MQTTAsync_connect(client, &conn);
    if (rc != MQTTASYNC_SUCCESS)
        pubsub_failure(&opts, "MQTTAsync_connect", rc, MQTTAsync_strerror(rc), 0, NULL);
    return rc;
}

static int publish(MQTTAsync client, const void *data, int length) {
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
    int rc;

    if (opts.version == MQTTVERSION_5) {
        response.onSuccess5 = on_publish5;
        response.onFailure5 = on_publish_failure5;
        response.properties = properties;
    } else {
        response.onSuccess = on_publish;
        response.onFailure = on_publish_failure;
    }
    if (opts.verbose)
        printf("Publishing data of length %d\n", length);
    rc = MQTTAsync_send(client, opts.topic, length, data, opts.qos, opts.retained, &response);
    if (rc != MQTTASYNC_SUCCESS)
        pubsub_failure(&opts, "MQTTAsync_send", rc, MQTTAsync_strerror(rc), 0, NULL);
    return rc;
}

/* Publishes the one message of -m, -f or -n and waits for its delivery. */
static int publish_one(MQTTAsync client) {
    char *content = NULL;
    int length = 0;
    int rc;

    if (opts.filename) {
        content = pubsub_read_file(&opts, &length);
        if (content == NULL)
            return EXIT_FAILURE;
        rc = publish(client, content, length);
        free(content);
    } else if (opts.message)
        rc = publish(client, opts.message, (int)strlen(opts.message));
    else
        rc = publish(client, "", 0);
    if (rc != MQTTASYNC_SUCCESS)
        return EXIT_FAILURE;
    for (;;) {
        switch (pubsub_events_wait(0, -1)) {
        case PUBSUB_DELIVERED:
        case PUBSUB_STOP:
            return EXIT_SUCCESS;
        case PUBSUB_NOT_DELIVERED:
            return EXIT_FAILURE;
        default: /* the library is reconnecting */
            break;
        }
    }
}

/* Publishes stdin message by message until it ends, and waits for every delivery. */
static int publish_input(MQTTAsync client) {
    struct pubsub_reader reader;
    int outstanding = 0;
    int result = EXIT_SUCCESS;

    if (pubsub_reader_init(&reader, &opts) != 0) {
        pubsub_error(&opts, "out of memory");
        return EXIT_FAILURE;
    }
    for (;;) {
        size_t length;
        char *data = NULL;

        if (outstanding < MAX_OUTSTANDING)
            data = pubsub_reader_next(&reader, &length);
        if (data) {
            if (publish(client, data, (int)length) == MQTTASYNC_SUCCESS)
                outstanding++;
            else
                result = EXIT_FAILURE;
            continue;
        }
        if (reader.eof && outstanding == 0)
            break;
        switch (pubsub_events_wait(!reader.eof && outstanding < MAX_OUTSTANDING, -1)) {
        case PUBSUB_INPUT:
            if (pubsub_reader_fill(&reader) != 0) {
                pubsub_error(&opts, "cannot read stdin");
                reader.eof = 1;
                result = EXIT_FAILURE;
            }
            break;
        case PUBSUB_DELIVERED:
            outstanding--;
            break;
        case PUBSUB_NOT_DELIVERED:
            outstanding--;
            result = EXIT_FAILURE;
            break;
        case PUBSUB_STOP:
            goto stopped;
        default:
            break;
        }
    }
stopped:
    pubsub_reader_free(&reader);
    return result;
}

static int disconnect(MQTTAsync client) {
    MQTTAsync_disconnectOptions disc = MQTTAsync_disconnectOptions_initializer;
    enum pubsub_event event;
    int rc;

    disc.timeout = DISCONNECT_TIMEOUT_MS;
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

    setvbuf(stdout, NULL, _IOLBF, 0); /* each line at once, even into a pipe */
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
    create.sendWhileDisconnected = 1;
    create.MQTTVersion = opts.version;
    rc = MQTTAsync_createWithOptions(&client, opts.url, opts.clientid, MQTTCLIENT_PERSISTENCE_NONE,
                                     NULL, &create);
    if (rc != MQTTASYNC_SUCCESS) {
        pubsub_failure(&opts, "MQTTAsync_createWithOptions", rc, MQTTAsync_strerror(rc), 0, NULL);
        return EXIT_FAILURE;
    }
    MQTTAsync_setConnectionLostCallback(client, NULL, on_connection_lost);
    MQTTAsync_setDisconnected(client, NULL, on_server_disconnect);
    if (pubsub_opts_properties(&opts, &properties) != 0)
        pubsub_error(&opts, "MQTTProperties_add failed");
    else if (start_connect(client) == MQTTASYNC_SUCCESS) {
        switch (pubsub_events_wait(0, -1)) {
        case PUBSUB_CONNECTED:
            if (opts.message || opts.filename || opts.null_message)
                result = publish_one(client);
            else
                result = publish_input(client);
            break;
        case PUBSUB_STOP:
            result = EXIT_SUCCESS;
            break;
        default:
            break;
        }
        if (disconnect(client) != EXIT_SUCCESS)
            result = EXIT_FAILURE;
    }
    MQTTProperties_free(&properties);
    MQTTAsync_destroy(&client);
    return result;
}

int main(int argc, char **argv) {
    int result = EXIT_FAILURE;

    switch (pubsub_opts_parse(&opts, "paho_c_pub", 1, argc, argv)) {
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
