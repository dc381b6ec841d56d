/*
 * Situation: MQTTClient. A thread waits in MQTTClient_receive; the main thread calls MQTTClient_setCallbacks; after
 * that the server sends 1,400 messages at once.
 *
 * Right: all messages reach the program (one may be returned by the receive that was waiting).
 *
 * Original: receive returns one message, none of the others comes within 10 s (wrong, too)
 */
#include "case.h"
#include "MQTTClient.h"

#define EXPECTED 1400
#define ROUNDS 10 /* it does not fail each time */

static MQTTClient client;
static atomic_int arrivals, received;

static int arrived(void *context, char *topic, int length, MQTTClient_message *message) {
    arrivals++;
    MQTTClient_freeMessage(&message);
    MQTTClient_free(topic);
    return 1;
}

static void lost(void *context, char *cause) {
    say("connectionLost");
}

static void *receive(void *argument) {
    char *topic = NULL;
    int length;
    MQTTClient_message *message = NULL;
    int rc = MQTTClient_receive(client, &topic, &length, &message, 60000);
    say("receive: %d, %s", rc, message ? "a message" : "nothing");
    received += message != NULL;
    return NULL;
}

/* Whether all messages have come. */
static int one_round(const char *uri) {
    pthread_t thread;
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
    arrivals = received = 0;
    options.keepAliveInterval = 120;
    MQTTClient_create(&client, uri, "callbacks", MQTTCLIENT_PERSISTENCE_NONE, NULL);
    say("connect: %d", MQTTClient_connect(client, &options));
    pthread_create(&thread, NULL, receive, NULL);
    pause_ms(500);
    say("setCallbacks: %d", MQTTClient_setCallbacks(client, NULL, lost, arrived, NULL));
    AWAIT(arrivals + received >= EXPECTED);
    say("callbacks %d, received %d, expected %d", arrivals, received, EXPECTED);
    if (arrivals + received != EXPECTED)
        return 0;
    pthread_join(thread, NULL);
    MQTTClient_destroy(&client);
    return 1;
}

int main(int count, char **argument) {
    int good = 0;
    while (good < ROUNDS && one_round(argument[1]))
        good++;
    _exit(verdict(good == ROUNDS));
}
