/*
 * Situation: MQTTClient without callbacks, the default store, cleansession = 0. Three messages are published to the
 * client's own subscription, disconnect without waiting, destroy. The program "starts again": create on the same
 * store, connect, publish a fourth message, MQTTClient_receive in a loop.
 *
 * Right: receive returns all four messages; at QoS 2 each once, in order, with dup 0.
 *
 * Original: all four at QoS 2 (dup 0) and at QoS 1
 */
#include "case.h"
#include "MQTTClient.h"

#define ID "receive-after-restart"
#define TOPIC "case/receive"

static void publish(MQTTClient client, int number, int qos) {
    char payload[20];
    int length = sprintf(payload, "message %d", number);
    int rc = MQTTClient_publish(client, TOPIC, length, payload, qos, 0, NULL);
    if (rc != MQTTCLIENT_SUCCESS)
        say("publish of message %d: %d", number, rc);
}

int main(int count, char **argument) {
    const char *uri = argument[1];
    int qos = count > 2 ? atoi(argument[2]) : 2, received = 0, kinds = 0, dups = 0, nothing = 0, seen[4] = {0}, rc;
    char folder[256];
    MQTTClient client;
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;

    new_folder(folder);
    options.reliable = 0;
    MQTTClient_create(&client, uri, ID, MQTTCLIENT_PERSISTENCE_DEFAULT, folder);
    options.cleansession = 1; /* begin without anything left on the broker */
    if ((rc = MQTTClient_connect(client, &options)) != MQTTCLIENT_SUCCESS) {
        printf("connect %d\n", rc);
        return 2;
    }
    MQTTClient_disconnect(client, 0);

    options.cleansession = 0;
    MQTTClient_connect(client, &options);
    MQTTClient_subscribe(client, TOPIC, 2);
    for (int i = 0; i < 3; i++)
        publish(client, i, qos);
    MQTTClient_disconnect(client, 0);
    MQTTClient_destroy(&client);

    MQTTClient_create(&client, uri, ID, MQTTCLIENT_PERSISTENCE_DEFAULT, folder);
    say("connect again: %d", MQTTClient_connect(client, &options));
    publish(client, 3, qos);
    double begin = seconds();
    /* When all are there, a while longer: none is to come twice. */
    while (nothing < 2 || (kinds < 4 && seconds() - begin < PATIENCE_MS / 1e3)) {
        char *topic = NULL;
        int length;
        MQTTClient_message *message = NULL;
        rc = MQTTClient_receive(client, &topic, &length, &message, 1500);
        if (!message) {
            say("receive %d, nothing", rc);
            nothing++;
            continue;
        }
        say("receive %d: '%.*s' qos %d dup %d", rc, message->payloadlen, (char *)message->payload, message->qos,
            message->dup);
        received++;
        if (message->payloadlen == 9)
            kinds += !seen[((char *)message->payload)[8] & 3]++;
        dups += message->qos == 2 && message->dup;
        MQTTClient_freeMessage(&message);
        MQTTClient_free(topic);
    }
    MQTTClient_disconnect(client, 0);
    MQTTClient_destroy(&client);
    remove_folder(folder);
    say("received %d different messages of 4, %d in all, %d at QoS 2 with dup", kinds, received, dups);
    return verdict(kinds == 4 && dups == 0 && (qos < 2 || received == 4));
}
