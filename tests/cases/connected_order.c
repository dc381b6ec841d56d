/*
 * Situation: MQTTAsync. The main thread waits until the connect's onSuccess has run, then calls
 * MQTTAsync_isConnected, then uses what the connected() callback (MQTTAsync_setConnected) has prepared.
 *
 * Right: an API call that another thread makes after onSuccess was seen returns only when connected() has run too.
 *
 * Original: 0 of 100 rounds
 */
#include "case.h"
#include <semaphore.h>
#include "MQTTAsync.h"

#define MOST_ROUNDS 1000
#define SECONDS 20

static sem_t success;
static atomic_int prepared;

static void succeeded(void *context, MQTTAsync_successData *data) {
    sem_post(&success);
}

static void connected(void *context, char *cause) {
    prepared = 1;
}

int main(void) {
    char uri[64];
    int missed = 0, rounds = 0;
    double begin = seconds();
    start_server(uri);
    sem_init(&success, 0, 0);
    for (; rounds < MOST_ROUNDS && seconds() - begin < SECONDS; rounds++) {
        MQTTAsync client;
        MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
        options.onSuccess = succeeded;
        prepared = 0;
        MQTTAsync_create(&client, uri, "order", MQTTCLIENT_PERSISTENCE_NONE, NULL);
        MQTTAsync_setConnected(client, NULL, connected);
        MQTTAsync_connect(client, &options);
        sem_wait(&success);
        MQTTAsync_isConnected(client);
        missed += !prepared;
        MQTTAsync_destroy(&client);
    }
    printf("connected() had not run in %d of %d rounds\n", missed, rounds);
    return verdict(missed == 0);
}
