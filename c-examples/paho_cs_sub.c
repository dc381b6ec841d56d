/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * paho_cs_sub: subscribes to a topic with the MQTTClient API and prints the messages until it is
 * interrupted. It sets no callbacks: MQTTClient_receive hands over one message a call.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "MQTTClient.h"
#include "pubsub_io.h"
#include "pubsub_opts.h"

/* MQTTClient_receive cannot be woken by a signal, so this bounds how late one is noticed. */
#define RECEIVE_TIMEOUT_MS 250

#define FIRST_RETRY_MS 1000
#define LAST_RETRY_MS 60000

/* Written before the library is called, only read from then on. */
static struct pubsub_opts opts;

static void on_trace(enum MQTTCLIENT_TRACE_LEVELS level, char *message) {
    fprintf(stderr, "Trace : %d, %s\n", level, message);
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

static int subscribe(MQTTClient client) {
    const char *function = "MQTTClient_subscribe";
    int rc;

    if (opts.version == MQTTVERSION_5) {
        MQTTResponse response = MQTTClient_subscribe5(client, opts.topic, opts.qos, NULL, NULL);

        function = "MQTTClient_subscribe5";
        rc = response.reasonCode;
        MQTTResponse_free(response);
    } else
        rc = MQTTClient_subscribe(client, opts.topic, opts.qos);
    /* 0 to 2 is the granted QoS. */
    if (rc < 0 || rc > 2) {
        pubsub_failure(&opts, function, rc, MQTTClient_strerror(rc), 0, NULL);
        return -1;
    }
    if (opts.verbose)
        fprintf(stderr, "Subscribed with QoS %d\n", rc);
    return 0;
}

/* 0 if everything could be written. */
static int print_message(const char *topic, const MQTTClient_message *message) {
    int failed;

    if (opts.no_retained && message->retained)
        return 0;
    if (opts.verbose)
        printf("%s\t", topic);
    failed = pubsub_print_payload(&opts, message->payload, message->payloadlen);
    if (opts.verbose)
        pubsub_print_properties(&message->properties);
    if (fflush(stdout) != 0 || failed) {
        pubsub_error(&opts, "cannot write to stdout");
        return -1;
    }
    return 0;
}

/* Connects again, waiting longer after each failure. 0 if it must not go on: stopped or refused. */
static int reconnect(MQTTClient client, int *result) {
    for (int delay = FIRST_RETRY_MS; connect_client(client) != MQTTCLIENT_SUCCESS;) {
        if (pubsub_events_wait(0, delay) == PUBSUB_STOP)
            return 0;
        delay = delay * 2 < LAST_RETRY_MS ? delay * 2 : LAST_RETRY_MS;
    }
    if (subscribe(client) != 0) {
        *result = EXIT_FAILURE;
        return 0;
    }
    return 1;
}

static int receive_messages(MQTTClient client) {
    int result = EXIT_SUCCESS;

    while (pubsub_events_wait(0, 0) != PUBSUB_STOP) {
        char *topic = NULL;
        int topic_len;
        MQTTClient_message *message = NULL;
        int rc = MQTTClient_receive(client, &topic, &topic_len, &message, RECEIVE_TIMEOUT_MS);

        if (message) {
            int failed = print_message(topic, message);

            MQTTClient_freeMessage(&message);
            MQTTClient_free(topic);
            if (failed)
                return EXIT_FAILURE;
        } else if (!MQTTClient_isConnected(client)) {
            if (opts.verbose)
                fprintf(stderr, "Connection lost, reconnecting\n");
            if (!reconnect(client, &result))
                break;
        } else if (rc != MQTTCLIENT_SUCCESS) {
            pubsub_failure(&opts, "MQTTClient_receive", rc, MQTTClient_strerror(rc), 0, NULL);
            return EXIT_FAILURE;
        }
    }
    return result;
}

static int disconnect(MQTTClient client) {
    const char *function = "MQTTClient_disconnect";
    int rc;

    if (!MQTTClient_isConnected(client))
        return EXIT_SUCCESS;
    if (opts.version == MQTTVERSION_5) {
        function = "MQTTClient_disconnect5";
        rc = MQTTClient_disconnect5(client, 0, MQTTREASONCODE_SUCCESS, NULL);
    } else
        rc = MQTTClient_disconnect(client, 0);
    if (rc != MQTTCLIENT_SUCCESS) {
        pubsub_failure(&opts, function, rc, MQTTClient_strerror(rc), 0, NULL);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

static int run(void) {
    MQTTClient_createOptions create = MQTTClient_createOptions_initializer;
    MQTTClient client;
    int result = EXIT_FAILURE;
    int rc;

    if (strpbrk(opts.topic, "#+")) /* several topics: say which one each message came on */
        opts.verbose = 1;
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
    if (connect_client(client) == MQTTCLIENT_SUCCESS) {
        /* Only now: a signal during the first, blocking connect is to end the program at once. */
        if (pubsub_events_catch_signals() != 0)
            pubsub_error(&opts, "cannot set up signal handling");
        else if (opts.verbose && fprintf(stderr, "Connected\n") < 0)
            pubsub_error(&opts, "cannot write");
        else if (subscribe(client) == 0)
            result = receive_messages(client);
        if (disconnect(client) != EXIT_SUCCESS)
            result = EXIT_FAILURE;
    }
    MQTTClient_destroy(&client);
    return result;
}

int main(int argc, char **argv) {
    int result = EXIT_FAILURE;

    switch (pubsub_opts_parse(&opts, "paho_cs_sub", 0, argc, argv)) {
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
