/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Publishes one message with the blocking API and waits until the server has acknowledged it.
 *
 * Usage: MQTTClient_publish [server URI]
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "MQTTClient.h"

#define ADDRESS "tcp://localhost:1883"
#define CLIENTID "ExampleClientPub"
#define TOPIC "MQTT Examples"
#define PAYLOAD "Hello World!"
#define QOS 1
#define TIMEOUT_MS 10000L

static int report(const char *function, int rc) {
    if (rc != MQTTCLIENT_SUCCESS) /* a positive code comes from the server */
        fprintf(stderr, "%s failed: %s (%d)\n", function,
                rc > 0 ? "refused by the server" : MQTTClient_strerror(rc), rc);
    return rc;
}

static int publish(MQTTClient client) {
    MQTTClient_message message = MQTTClient_message_initializer;
    MQTTClient_deliveryToken token;
    int rc;

    message.payload = PAYLOAD;
    message.payloadlen = (int)strlen(PAYLOAD);
    message.qos = QOS;
    rc = MQTTClient_publishMessage(client, TOPIC, &message, &token);
    if (report("MQTTClient_publishMessage", rc) != MQTTCLIENT_SUCCESS)
        return rc;
    printf("Publishing \"%s\" on topic \"%s\" as client %s, waiting up to %ld seconds\n", PAYLOAD,
           TOPIC, CLIENTID, TIMEOUT_MS / 1000);
    rc = MQTTClient_waitForCompletion(client, token, TIMEOUT_MS);
    if (report("MQTTClient_waitForCompletion", rc) == MQTTCLIENT_SUCCESS)
        printf("Message with delivery token %d delivered\n", token);
    return rc;
}

int main(int argc, char *argv[]) {
    const char *address = argc > 1 ? argv[1] : ADDRESS;
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
    MQTTClient client;
    int rc;

    rc = MQTTClient_create(&client, address, CLIENTID, MQTTCLIENT_PERSISTENCE_NONE, NULL);
    if (report("MQTTClient_create", rc) != MQTTCLIENT_SUCCESS)
        return EXIT_FAILURE;

    options.keepAliveInterval = 20;
    options.cleansession = 1;
    rc = MQTTClient_connect(client, &options);
    if (report("MQTTClient_connect", rc) == MQTTCLIENT_SUCCESS) {
        int disconnected;

        printf("Connected to %s\n", address);
        rc = publish(client);
        disconnected = MQTTClient_disconnect(client, TIMEOUT_MS);
        if (report("MQTTClient_disconnect", disconnected) != MQTTCLIENT_SUCCESS)
            rc = disconnected;
    }
    MQTTClient_destroy(&client);
    return rc == MQTTCLIENT_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}
