/*
 * Situation: the server (of a client whose state it kept) sends CONNACK and 60 messages in one TLS record, or in one
 * WebSocket frame, and nothing after that.
 *
 * Right: all 60 messages arrive at once.
 *
 * Original: tls: 60; ws: 0 (wrong, too; 1.3.12 also)
 */
#include "case.h"
#include "MQTTAsync.h"

#define EXPECTED 60

static atomic_int arrivals;

static int arrived(void *context, char *topic, int length, MQTTAsync_message *message) {
    arrivals++;
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static void connected(void *context, MQTTAsync_successData *data) {
    say("connected");
}

static void failed(void *context, MQTTAsync_failureData *data) {
    say("connect onFailure: code %d %s", data->code, data->message ? data->message : "");
}

int main(int count, char **argument) {
    MQTTAsync client;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
    tls.enableServerCertAuth = 0;
    tls.verify = 0;
    if (strncmp(argument[1], "ssl", 3) == 0)
        options.ssl = &tls;
    options.onSuccess = connected;
    options.onFailure = failed;
    MQTTAsync_create(&client, argument[1], "connack", MQTTCLIENT_PERSISTENCE_NONE, NULL);
    MQTTAsync_setCallbacks(client, NULL, NULL, arrived, NULL);
    MQTTAsync_connect(client, &options);
    AWAIT(arrivals >= EXPECTED);
    say("%d of %d messages after at most 4 s", arrivals, EXPECTED);
    MQTTAsync_destroy(&client);
    return verdict(arrivals == EXPECTED);
}
