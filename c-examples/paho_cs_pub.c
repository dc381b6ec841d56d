/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * paho_cs_pub: publishes the lines of stdin, or one message, with the MQTTClient API.
 *
 * Callbacks are set, so the library keeps the connection alive while the program waits for input,
 * and reports each acknowledgement; messages go out one at a time.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "MQTTClient.h"
#include "pubsub_io.h"
#include "pubsub_opts.h"

#define DELIVERY_TIMEOUT_MS 10000
#define DISCONNECT_TIMEOUT_MS 1000

/* Packet types, as MQTTClient_published reports them. */
enum { PUBACK = 4, PUBREC = 5, PUBCOMP = 7 };

enum outcome { SENT, NOT_SENT, STOPPED };

/* Written before the library is called, only read from then on. */
static struct pubsub_opts opts;

/* MQTT 5 properties of every message. Paho C 1.3 wants them made and freed while a client exists.
 */
static MQTTProperties properties = MQTTProperties_initializer;

static void on_trace(enum MQTTCLIENT_TRACE_LEVELS level, char *message) {
    fprintf(stderr, "Trace : %d, %s\n", level, message);
}

static void on_connection_lost(void *context, char *cause) {
    (void)context, (void)cause;
    pubsub_events_post(PUBSUB_CONNECTION_LOST);
}

/* Nothing is subscribed to, but the library wants this callback. */
static int on_message(void *context, char *topic, int topic_len, MQTTClient_message *message) {
    (void)context, (void)topic_len;
    MQTTClient_freeMessage(&message);
    MQTTClient_free(topic);
    return 1;
}

static void on_delivered(void *context, MQTTClient_deliveryToken token) {
    (void)context, (void)token;
    pubsub_events_post(PUBSUB_DELIVERED);
}

/* MQTT 5: an acknowledgement says by its reason code whether the server took the message. */
static void on_published(void *context, int token, int packet_type, MQTTProperties *ack_properties,
                         enum MQTTReasonCodes reason) {
    (void)context, (void)token, (void)ack_properties;
    if (reason >= MQTTREASONCODE_UNSPECIFIED_ERROR) {
        pubsub_failure(&opts, "MQTTClient_publish5", MQTTCLIENT_FAILURE, "", reason, NULL);
        pubsub_events_post(PUBSUB_NOT_DELIVERED);
    } else if (packet_type != PUBREC)
        pubsub_events_post(PUBSUB_DELIVERED);
}

static int connect_client(MQTTClient client) {
    MQTTClient_connectOptions conn = MQTTClient_connectOptions_initializer;
    MQTTClient_connectOptions conn5 = MQTTClient_connectOptions_initializer5;
    MQTTClient_willOptions will = MQTTClient_willOptions_initializer;
    MQTTClient_SSLOptions ssl = MQTTClient_SSLOptions_initializer;
    const char *function = "MQTTClient_connect";
    int rc;

    if (opts.verbose)
        printf("Connecting\n");
    if (opts.version == MQTTVERSION_5) {
        MQTTResponse response;

        function = "MQTTClient_connect5";
        conn5.cleanstart = 1;
        PUBSUB_SET_CONNECT(conn5, will, ssl, &opts);
        response = MQTTClient_connect5(client, &conn5, NULL, NULL);
        rc = response.reasonCode;
        MQTTResponse_free(response);
    } else {
        conn.cleansession = 1;
        PUBSUB_SET_CONNECT(conn, will, ssl, &opts);
        rc = MQTTClient_connect(client, &conn);
    }
    if (rc != MQTTCLIENT_SUCCESS)
        pubsub_failure(&opts, function, rc, MQTTClient_strerror(rc), 0, NULL);
    return rc;
}

static int publish_call(MQTTClient client, const void *data, int length) {
    MQTTClient_deliveryToken token;
    int rc;

    if (opts.verbose)
        fprintf(stderr, "Publishing data of length %d\n", length);
    if (opts.version == MQTTVERSION_5) {
        MQTTResponse response = MQTTClient_publish5(client, opts.topic, length, data, opts.qos,
                                                    opts.retained, &properties, &token);

        rc = response.reasonCode;
        MQTTResponse_free(response);
    } else
        rc = MQTTClient_publish(client, opts.topic, length, data, opts.qos, opts.retained, &token);
    return rc;
}

static enum outcome wait_for_delivery(void) {
    switch (pubsub_events_wait(0, DELIVERY_TIMEOUT_MS)) {
    case PUBSUB_DELIVERED:
        return SENT;
    case PUBSUB_STOP:
        return STOPPED;
    case PUBSUB_NOT_DELIVERED:
        return NOT_SENT;
    case PUBSUB_CONNECTION_LOST:
        pubsub_error(&opts, "connection lost before the message was acknowledged");
        return NOT_SENT;
    default:
        pubsub_error(&opts, "no acknowledgement within %d s", DELIVERY_TIMEOUT_MS / 1000);
        return NOT_SENT;
    }
}

/* A message that the library does not take, because the connection is down, gets a second chance.
 */
static enum outcome publish(MQTTClient client, const void *data, int length) {
    int rc = publish_call(client, data, length);

    if (rc != MQTTCLIENT_SUCCESS && !MQTTClient_isConnected(client)) {
        if (connect_client(client) != MQTTCLIENT_SUCCESS)
            return NOT_SENT;
        rc = publish_call(client, data, length);
    }
    if (rc != MQTTCLIENT_SUCCESS) {
        pubsub_failure(&opts,
                       opts.version == MQTTVERSION_5 ? "MQTTClient_publish5" : "MQTTClient_publish",
                       rc, MQTTClient_strerror(rc), 0, NULL);
        return NOT_SENT;
    }
    return opts.qos == 0 ? SENT : wait_for_delivery();
}

static int publish_one(MQTTClient client) {
    enum outcome outcome;

    if (opts.filename) {
        int length;
        char *content = pubsub_read_file(&opts, &length);

        if (content == NULL)
            return EXIT_FAILURE;
        outcome = publish(client, content, length);
        free(content);
    } else if (opts.message)
        outcome = publish(client, opts.message, (int)strlen(opts.message));
    else
        outcome = publish(client, "", 0);
    return outcome == NOT_SENT ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int publish_input(MQTTClient client) {
    struct pubsub_reader reader;
    int result = EXIT_SUCCESS;

    if (pubsub_reader_init(&reader, &opts) != 0) {
        pubsub_error(&opts, "out of memory");
        return EXIT_FAILURE;
    }
    for (;;) {
        size_t length;
        char *data = pubsub_reader_next(&reader, &length);

        if (data) {
            enum outcome outcome = publish(client, data, (int)length);

            if (outcome == STOPPED)
                break;
            if (outcome == NOT_SENT) {
                result = EXIT_FAILURE;
                if (!MQTTClient_isConnected(client))
                    break;
            }
            continue;
        }
        if (reader.eof)
            break;
        switch (pubsub_events_wait(1, -1)) {
        case PUBSUB_INPUT:
            if (pubsub_reader_fill(&reader) != 0) {
                pubsub_error(&opts, "cannot read stdin");
                reader.eof = 1;
                result = EXIT_FAILURE;
            }
            break;
        case PUBSUB_CONNECTION_LOST:
            if (opts.verbose)
                printf("Connection lost, reconnecting\n");
            connect_client(client); /* if it fails, the next message tries again */
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

static int disconnect(MQTTClient client) {
    const char *function = "MQTTClient_disconnect";
    int rc;

    if (!MQTTClient_isConnected(client))
        return EXIT_SUCCESS;
    if (opts.version == MQTTVERSION_5) {
        function = "MQTTClient_disconnect5";
        rc = MQTTClient_disconnect5(client, DISCONNECT_TIMEOUT_MS, MQTTREASONCODE_SUCCESS, NULL);
    } else
        rc = MQTTClient_disconnect(client, DISCONNECT_TIMEOUT_MS);
    if (rc != MQTTCLIENT_SUCCESS) {
        pubsub_failure(&opts, function, rc, MQTTClient_strerror(rc), 0, NULL);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

/* Which acknowledgements count depends on the MQTT version: only in MQTT 5 do they carry a reason.
 */
static int set_callbacks(MQTTClient client) {
    int v5 = opts.version == MQTTVERSION_5;
    int rc = MQTTClient_setCallbacks(client, NULL, on_connection_lost, on_message,
                                     v5 ? NULL : on_delivered);

    if (rc == MQTTCLIENT_SUCCESS && v5)
        rc = MQTTClient_setPublished(client, NULL, on_published);
    if (rc != MQTTCLIENT_SUCCESS)
        pubsub_failure(&opts, "MQTTClient_setCallbacks", rc, MQTTClient_strerror(rc), 0, NULL);
    return rc;
}

static int run(void) {
    MQTTClient_createOptions create = MQTTClient_createOptions_initializer;
    MQTTClient client;
    int result = EXIT_FAILURE;
    int rc;

    setvbuf(stdout, NULL, _IOLBF, 0); /* each line at once, even into a pipe */
    if (opts.verbose)
        printf("URL is %s\n", opts.url);
    if (pubsub_events_init() != 0) {
        pubsub_error(&opts, "cannot create a pipe");
        return EXIT_FAILURE;
    }
    if (opts.trace) {
        MQTTClient_setTraceCallback(on_trace);
        MQTTClient_setTraceLevel((enum MQTTCLIENT_TRACE_LEVELS)opts.trace);
    }
    create.MQTTVersion = opts.version;
    rc = MQTTClient_createWithOptions(&client, opts.url, opts.clientid, MQTTCLIENT_PERSISTENCE_NONE,
                                      NULL, &create);
    if (rc != MQTTCLIENT_SUCCESS) {
        pubsub_failure(&opts, "MQTTClient_createWithOptions", rc, MQTTClient_strerror(rc), 0, NULL);
        return EXIT_FAILURE;
    }
    if (pubsub_opts_properties(&opts, &properties) != 0)
        pubsub_error(&opts, "MQTTProperties_add failed");
    else if (set_callbacks(client) == MQTTCLIENT_SUCCESS &&
             connect_client(client) == MQTTCLIENT_SUCCESS) {
        /* Only now: a signal during the first, blocking connect is to end the program at once. */
        if (pubsub_events_catch_signals() != 0)
            pubsub_error(&opts, "cannot set up signal handling");
        else if (opts.verbose && printf("Connected\n") < 0)
            pubsub_error(&opts, "cannot write");
        else if (opts.message || opts.filename || opts.null_message)
            result = publish_one(client);
        else
            result = publish_input(client);
        if (disconnect(client) != EXIT_SUCCESS)
            result = EXIT_FAILURE;
    }
    MQTTProperties_free(&properties);
    MQTTClient_destroy(&client);
    return result;
}

int main(int argc, char **argv) {
    int result = EXIT_FAILURE;

    switch (pubsub_opts_parse(&opts, "paho_cs_pub", 1, argc, argv)) {
    case PUBSUB_RUN:
        result = run();
        break;
    case PUBSUB_HELP:
        pubsub_opts_usage(opts.program, opts.publisher);
        printf("\nLibrary:\n");
        for (MQTTClient_nameValue *info = MQTTClient_getVersionInfo(); info->name; info++)
            printf("  %s: %s\n", info->name, info->value);
        result = EXIT_SUCCESS;
        break;
    case PUBSUB_WRONG:
        break;
    }
    pubsub_opts_free(&opts);
    return result;
}
