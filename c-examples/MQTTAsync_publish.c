/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Publishes one message with the MQTTAsync API: each step is started by the callback of the one
 * before, connect, send, disconnect, while main() waits for the end.
 *
 * Usage: MQTTAsync_publish [server URI]
 */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "MQTTAsync.h"

#define ADDRESS "tcp://localhost:1883"
#define CLIENTID "ExampleClientPub"
#define TOPIC "MQTT Examples"
#define PAYLOAD "Hello World!"
#define QOS 1
#define TIMEOUT_MS 10000

/* The context of all callbacks. They run in a thread of the library, one after the other. */
struct sample {
    MQTTAsync client;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t changed;
    int finished;
    int failed;
};

static void finish(struct sample *sample) {
    pthread_mutex_lock(&sample->lock);
    sample->finished = 1;
    pthread_cond_signal(&sample->changed);
    pthread_mutex_unlock(&sample->lock);
}

static void set_failed(struct sample *sample) {
    pthread_mutex_lock(&sample->lock);
    sample->failed = 1;
    pthread_mutex_unlock(&sample->lock);
}

/* A positive code comes from the server. */
static void report(struct sample *sample, const char *function, int rc, const char *detail) {
    fprintf(stderr, "%s failed: %s (%d)%s%s\n", function,
            rc > 0 ? "refused by the server" : MQTTAsync_strerror(rc), rc, detail ? ": " : "",
            detail ? detail : "");
    set_failed(sample);
}

static void on_disconnect(void *context, MQTTAsync_successData *response) {
    (void)response;
    printf("Disconnected\n");
    finish(context);
}

static void on_disconnect_failure(void *context, MQTTAsync_failureData *response) {
    report(context, "MQTTAsync_disconnect", response->code, response->message);
    finish(context);
}

static void disconnect(struct sample *sample) {
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
    int rc;

    options.timeout = TIMEOUT_MS;
    options.onSuccess = on_disconnect;
    options.onFailure = on_disconnect_failure;
    options.context = sample;
    rc = MQTTAsync_disconnect(sample->client, &options);
    if (rc != MQTTASYNC_SUCCESS) {
        report(sample, "MQTTAsync_disconnect", rc, NULL);
        finish(sample);
    }
}

static void on_send(void *context, MQTTAsync_successData *response) {
    printf("Message with token value %d delivery confirmed\n", response->token);
    disconnect(context);
}

static void on_send_failure(void *context, MQTTAsync_failureData *response) {
    report(context, "MQTTAsync_sendMessage", response->code, response->message);
    disconnect(context);
}

static void on_connect(void *context, MQTTAsync_successData *response) {
    struct sample *sample = context;
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    MQTTAsync_message message = MQTTAsync_message_initializer;
    int rc;

    (void)response;
    printf("Connected\n");
    printf("Publishing \"%s\" on topic \"%s\" as client %s\n", PAYLOAD, TOPIC, CLIENTID);
    message.payload = PAYLOAD;
    message.payloadlen = (int)strlen(PAYLOAD);
    message.qos = QOS;
    options.onSuccess = on_send;
    options.onFailure = on_send_failure;
    options.context = sample;
    rc = MQTTAsync_sendMessage(sample->client, TOPIC, &message, &options);
    if (rc != MQTTASYNC_SUCCESS) {
        report(sample, "MQTTAsync_sendMessage", rc, NULL);
        disconnect(sample);
    }
}

static void on_connect_failure(void *context, MQTTAsync_failureData *response) {
    report(context, "MQTTAsync_connect", response->code, response->message);
    finish(context);
}

/* Without this, a message on its way when the connection breaks would keep main() waiting. */
static void on_connection_lost(void *context, char *cause) {
    struct sample *sample = context;

    fprintf(stderr, "Connection lost: %s\n", cause ? cause : "cause unknown");
    set_failed(sample);
    finish(sample);
}

int main(int argc, char *argv[]) {
    const char *address = argc > 1 ? argv[1] : ADDRESS;
    struct sample sample = {NULL, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    int rc;

    rc = MQTTAsync_create(&sample.client, address, CLIENTID, MQTTCLIENT_PERSISTENCE_NONE, NULL);
    if (rc != MQTTASYNC_SUCCESS) {
        report(&sample, "MQTTAsync_create", rc, NULL);
        return EXIT_FAILURE;
    }
    rc = MQTTAsync_setConnectionLostCallback(sample.client, &sample, on_connection_lost);
    if (rc != MQTTASYNC_SUCCESS) {
        report(&sample, "MQTTAsync_setConnectionLostCallback", rc, NULL);
        goto destroy;
    }

    options.keepAliveInterval = 20;
    options.cleansession = 1;
    options.onSuccess = on_connect;
    options.onFailure = on_connect_failure;
    options.context = &sample;
    printf("Connecting to %s\n", address);
    rc = MQTTAsync_connect(sample.client, &options);
    if (rc != MQTTASYNC_SUCCESS) {
        report(&sample, "MQTTAsync_connect", rc, NULL);
        goto destroy;
    }

    pthread_mutex_lock(&sample.lock);
    while (!sample.finished)
        pthread_cond_wait(&sample.changed, &sample.lock);
    rc = sample.failed ? MQTTASYNC_FAILURE : MQTTASYNC_SUCCESS;
    pthread_mutex_unlock(&sample.lock);

destroy:
    MQTTAsync_destroy(&sample.client);
    return rc == MQTTASYNC_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}
