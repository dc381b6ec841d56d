/*
 * Situation: MQTTAsync with a store of the program's own. Ten QoS 2 messages wait while the client is not connected;
 * it connects, and the store's pput of one sent message fails once ("database busy"). Five more messages are sent.
 *
 * Right: the connection stays healthy, and within some seconds every message has ended, by onSuccess or onFailure;
 * nothing stays unsent until a packet happens to come.
 *
 * Original: all 15 acknowledged after 0.1 s
 */
#include "case.h"
#include "MQTTAsync.h"
#include "memory_store.h"

static atomic_int is_connected, succeeded, failed;
static atomic_int failures_left;

static int put_or_fail(void *handle, char *key, int count, char *buffers[], int lengths[]) {
    if (key[0] == 's' && failures_left > 0) {
        failures_left--;
        say("pput(%s) fails once", key);
        return MQTTCLIENT_PERSISTENCE_ERROR;
    }
    return store_put(handle, key, count, buffers, lengths);
}

static void connected(void *context, MQTTAsync_successData *data) {
    is_connected = 1;
}

static void sent(void *context, MQTTAsync_successData *data) {
    succeeded++;
}

static void not_sent(void *context, MQTTAsync_failureData *data) {
    failed++;
    say("send onFailure: code %d", data->code);
}

static int send_one(MQTTAsync client, int qos) {
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
    response.onSuccess = sent;
    response.onFailure = not_sent;
    return MQTTAsync_send(client, "store/fails", 1, "x", qos, 0, &response) == MQTTASYNC_SUCCESS;
}

int main(int count, char **argument) {
    int accepted = 0;
    MQTTAsync client;
    MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    MQTTClient_persistence store = memory_store;
    store.pput = put_or_fail;
    create.sendWhileDisconnected = 1;
    create.allowDisconnectedSendAtAnyTime = 1;
    MQTTAsync_createWithOptions(&client, argument[1], "fails-once", MQTTCLIENT_PERSISTENCE_USER, &store, &create);
    for (int i = 0; i < 10; i++)
        accepted += send_one(client, 2);
    failures_left = 1;
    options.onSuccess = connected;
    options.cleansession = 0;
    options.keepAliveInterval = 0; /* nothing comes by itself */
    MQTTAsync_connect(client, &options);
    AWAIT(is_connected);
    AWAIT(failures_left == 0);
    for (int i = 0; i < 5; i++)
        accepted += send_one(client, i % 3);
    double begin = seconds();
    AWAIT(succeeded + failed >= accepted);
    int ended = succeeded + failed;
    say("accepted %d, onSuccess %d, onFailure %d after %.1f s; isConnected %d, records in the store %d", accepted,
        succeeded, failed, seconds() - begin, MQTTAsync_isConnected(client), store_size());
    MQTTAsync_destroy(&client);
    return verdict(ended == accepted);
}
