/*
 * Situation: a store whose records are encrypted by the program's hooks (MQTTAsync_setBeforePersistenceWrite,
 * MQTTAsync_setAfterPersistenceRead). Life 1 leaves six messages. In life 2 the key is missing: the read hook fails.
 * Life 3 has the key.
 *
 * Right: life 2 deletes nothing; life 3 sends all six.
 *
 *           python3 broker.py build/unreadable_record user     a store of the program's own
 * Original: keeps the six records through all lives but sends none of them, also with the key in each life (hooks can
 *           be set only after create, which reads the store)
 */
#include "case.h"
#include "MQTTAsync.h"
#include "memory_store.h"

#define MESSAGES 6

/* is_connected: of subscribing, too. */
static atomic_int is_connected, arrivals;
static int have_key;

static int encrypt(void *context, int count, char *buffers[], int lengths[]) {
    for (int i = 0; i < count; i++)
        for (int j = 0; j < lengths[i]; j++)
            buffers[i][j] ^= 0x55;
    return 0;
}

static int decrypt(void *context, char **buffer, int *length) {
    if (!have_key)
        return -1;
    for (int j = 0; j < *length; j++)
        (*buffer)[j] ^= 0x55;
    return 0;
}

static void connected(void *context, MQTTAsync_successData *data) {
    is_connected = 1;
}

static int arrived(void *context, char *topic, int length, MQTTAsync_message *message) {
    arrivals++;
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static int take(void *context, char *topic, int length, MQTTAsync_message *message) {
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static void connect_now(MQTTAsync client, int clean) {
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    options.onSuccess = connected;
    options.cleansession = clean;
    is_connected = 0;
    MQTTAsync_connect(client, &options);
    AWAIT(is_connected);
}

int main(int count, char **argument) {
    const char *uri = argument[1];
    int user = count > 2 && strcmp(argument[2], "user") == 0;
    char folder[256], client_folder[400];
    MQTTClient_persistence store = memory_store;
    MQTTAsync subscriber;
    MQTTAsync_responseOptions subscribed = MQTTAsync_responseOptions_initializer;
    new_folder(folder);
    snprintf(client_folder, sizeof client_folder, "%s/unreadable-%s", folder, strrchr(uri, '/') + 1);
    *strrchr(client_folder, ':') = '-';
    MQTTAsync_create(&subscriber, uri, "subscriber", MQTTCLIENT_PERSISTENCE_NONE, NULL);
    MQTTAsync_setCallbacks(subscriber, NULL, NULL, arrived, NULL);
    connect_now(subscriber, 1);
    subscribed.onSuccess = connected;
    is_connected = 0;
    MQTTAsync_subscribe(subscriber, "unreadable/#", 2, &subscribed);
    AWAIT(is_connected);
    for (int life = 1; life <= 3; life++) {
        MQTTAsync client;
        MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
        options.sendWhileDisconnected = 1;
        options.allowDisconnectedSendAtAnyTime = 1;
        have_key = life != 2;
        int rc = MQTTAsync_createWithOptions(&client, uri, "unreadable",
                                             user ? MQTTCLIENT_PERSISTENCE_USER : MQTTCLIENT_PERSISTENCE_DEFAULT,
                                             user ? (void *)&store : folder, &options);
        MQTTAsync_setBeforePersistenceWrite(client, NULL, encrypt);
        MQTTAsync_setAfterPersistenceRead(client, NULL, decrypt);
        MQTTAsync_setCallbacks(client, NULL, NULL, take, NULL);
        if (life == 1)
            for (int i = 0; i < MESSAGES; i++)
                MQTTAsync_send(client, "unreadable/x", 1, "x", 1 + i % 2, 0, NULL);
        else
            connect_now(client, 0);
        if (life == 3)
            AWAIT(arrivals >= MESSAGES);
        else if (life == 2)
            pause_ms(1500); /* in which nothing is to come, and nothing to be lost */
        say("life %d (key %d): create %d, connected %d, arrived %d, records in the store %d", life, have_key, rc,
            MQTTAsync_isConnected(client), arrivals, user ? store_size() : files_in(client_folder));
        MQTTAsync_disconnectOptions end = MQTTAsync_disconnectOptions_initializer;
        MQTTAsync_disconnect(client, &end);
        pause_ms(200); /* a graceful end, mostly; none is right, too */
        MQTTAsync_destroy(&client);
    }
    MQTTAsync_destroy(&subscriber);
    remove_folder(folder);
    return verdict(arrivals == MESSAGES);
}
