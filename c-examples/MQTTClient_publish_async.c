/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Publishes one message with the MQTTClient API and learns of its delivery from a callback.
 *
 * Usage: MQTTClient_publish_async [server URI]
 *
 * Callbacks run in a thread of the library. What they share with main() is guarded by a mutex, and
 * a condition variable wakes main() when there is news.
 */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "MQTTClient.h"

#define ADDRESS "tcp://localhost:1883"
#define CLIENTID "ExampleClientPub"
#define TOPIC "MQTT Examples"
#define PAYLOAD "Hello World!"
#define QOS 1
#define TIMEOUT_MS 10000L

struct news {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int delivered;
    MQTTClient_deliveryToken token; /* of the delivered message */
    int lost;
};

static int report(const char *function, int rc) {
    if (rc != MQTTCLIENT_SUCCESS) /* a positive code comes from the server */
        fprintf(stderr, "%s failed: %s (%d)\n", function,
                rc > 0 ? "refused by the server" : MQTTClient_strerror(rc), rc);
    return rc;
}

static void on_delivered(void *context, MQTTClient_deliveryToken token) {
    struct news *news = context;

    pthread_mutex_lock(&news->lock);
    news->delivered = 1;
    news->token = token;
    pthread_cond_signal(&news->changed);
    pthread_mutex_unlock(&news->lock);
}

static void on_connection_lost(void *context, char *cause) {
    struct news *news = context;

    fprintf(stderr, "Connection lost: %s\n", cause ? cause : "cause unknown");
    pthread_mutex_lock(&news->lock);
    news->lost = 1;
    pthread_cond_signal(&news->changed);
    pthread_mutex_unlock(&news->lock);
}

/* Nothing is subscribed to, but the library wants this callback. */
static int on_message(void *context, char *topic, int topic_len, MQTTClient_message *message) {
    (void)context, (void)topic_len;
    MQTTClient_freeMessage(&message);
    MQTTClient_free(topic);
    return 1;
}

/* 0 once the message is delivered; the callback may well come before the publish call returns. */
static int wait_for_delivery(struct news *news, MQTTClient_deliveryToken token) {
    struct timespec deadline;
    int waited = 0;
    int delivered, lost;

    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += TIMEOUT_MS / 1000;
    pthread_mutex_lock(&news->lock);
    while (!(news->delivered && news->token == token) && !news->lost && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&news->changed, &news->lock, &deadline);
    delivered = news->delivered && news->token == token;
    lost = news->lost;
    pthread_mutex_unlock(&news->lock);

    if (delivered)
        printf("Message with token value %d delivery confirmed\n", token);
    else if (!lost)
        fprintf(stderr, "No delivery within %ld seconds\n", TIMEOUT_MS / 1000);
    return delivered ? 0 : -1;
}

static int publish(MQTTClient client, struct news *news) {
    MQTTClient_message message = MQTTClient_message_initializer;
    MQTTClient_deliveryToken token;
    int rc;

    message.payload = PAYLOAD;
    message.payloadlen = (int)strlen(PAYLOAD);
    message.qos = QOS;
    printf("Publishing \"%s\" on topic \"%s\" as client %s\n", PAYLOAD, TOPIC, CLIENTID);
    rc = MQTTClient_publishMessage(client, TOPIC, &message, &token);
    if (report("MQTTClient_publishMessage", rc) != MQTTCLIENT_SUCCESS)
        return -1;
    return wait_for_delivery(news, token);
}

int main(int argc, char *argv[]) {
    const char *address = argc > 1 ? argv[1] : ADDRESS;
    struct news news = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0};
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
    MQTTClient client;
    int result = EXIT_FAILURE;
    int rc;

    rc = MQTTClient_create(&client, address, CLIENTID, MQTTCLIENT_PERSISTENCE_NONE, NULL);
    if (report("MQTTClient_create", rc) != MQTTCLIENT_SUCCESS)
        return EXIT_FAILURE;

    rc = MQTTClient_setCallbacks(client, &news, on_connection_lost, on_message, on_delivered);
    if (report("MQTTClient_setCallbacks", rc) != MQTTCLIENT_SUCCESS)
        goto destroy;

    options.keepAliveInterval = 20;
    options.cleansession = 1;
    rc = MQTTClient_connect(client, &options);
    if (report("MQTTClient_connect", rc) != MQTTCLIENT_SUCCESS)
        goto destroy;
    printf("Connected to %s\n", address);

    if (publish(client, &news) == 0)
        result = EXIT_SUCCESS;
    rc = MQTTClient_disconnect(client, TIMEOUT_MS);
    if (report("MQTTClient_disconnect", rc) != MQTTCLIENT_SUCCESS)
        result = EXIT_FAILURE;

destroy:
    MQTTClient_destroy(&client);
    return result;
}
