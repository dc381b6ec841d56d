/* Situation and right: see cancelled_calls.h, for MQTTClient. */
#include "cancelled_calls.h"
#include "MQTTClient.h"

static MQTTClient client;
static MQTTClient_deliveryToken token;

static void trace(enum MQTTCLIENT_TRACE_LEVELS level, char *line) {
    traced(level, line);
}

static int create(void) {
    return MQTTClient_create(&client, uri, "cancelled", MQTTCLIENT_PERSISTENCE_DEFAULT, folder) == MQTTCLIENT_SUCCESS;
}

static int connect_in_vain(void) {
    MQTTClient other;
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
    if (MQTTClient_create(&other, "tcp://127.0.0.1:1", "vain", MQTTCLIENT_PERSISTENCE_NONE, NULL) != MQTTCLIENT_SUCCESS)
        return 0;
    int refused = MQTTClient_connect(other, &options) != MQTTCLIENT_SUCCESS;
    MQTTClient_destroy(&other);
    return refused && other == NULL;
}

static int connects(void) {
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
    options.reliable = 0;
    return MQTTClient_connect(client, &options) == MQTTCLIENT_SUCCESS && MQTTClient_isConnected(client);
}

static int subscribe(void) {
    return MQTTClient_subscribe(client, "cancelled/#", 2) == MQTTCLIENT_SUCCESS;
}

static int unsubscribe(void) {
    return MQTTClient_unsubscribe(client, "cancelled/#") == MQTTCLIENT_SUCCESS;
}

static int publish(void) {
    return MQTTClient_publish(client, "other", 3, "abc", 2, 0, &token) == MQTTCLIENT_SUCCESS;
}

static int wait_for_it(void) {
    return MQTTClient_waitForCompletion(client, token, PATIENCE_MS) == MQTTCLIENT_SUCCESS;
}

static int pending_tokens(void) {
    MQTTClient_deliveryToken *tokens = NULL;
    int rc = MQTTClient_getPendingDeliveryTokens(client, &tokens);
    MQTTClient_free(tokens);
    return rc == MQTTCLIENT_SUCCESS;
}

static int receive(void) {
    char *topic = NULL;
    int length, rc;
    MQTTClient_message *message = NULL;
    if (MQTTClient_publish(client, "cancelled/back", 3, "abc", 1, 0, NULL) != MQTTCLIENT_SUCCESS)
        return 0;
    rc = MQTTClient_receive(client, &topic, &length, &message, PATIENCE_MS);
    if (rc != MQTTCLIENT_SUCCESS || message == NULL)
        return 0;
    MQTTClient_freeMessage(&message);
    MQTTClient_free(topic);
    return 1;
}

/* Waits, as nothing comes. */
static int receive_nothing(void) {
    char *topic = NULL;
    int length;
    MQTTClient_message *message = NULL;
    return MQTTClient_receive(client, &topic, &length, &message, 50) == MQTTCLIENT_SUCCESS && message == NULL;
}

static int yield(void) {
    MQTTClient_yield();
    return 1;
}

static int disconnect(void) {
    return MQTTClient_disconnect(client, 1000) == MQTTCLIENT_SUCCESS;
}

static int destroy(void) {
    MQTTClient_destroy(&client);
    return client == NULL;
}

int main(int count, char **argument) {
    begin(argument[count - 1]);
    MQTTClient_setTraceCallback(trace);
    MQTTClient_setTraceLevel(MQTTCLIENT_TRACE_MAXIMUM);
    for (int round = 0; round < 2; round++) {
        CANCELLED_IN(create);
        CANCELLED_IN(connect_in_vain);
        CANCELLED_IN(connects);
        CANCELLED_IN(subscribe);
        CANCELLED_IN(publish);
        CANCELLED_IN(wait_for_it);
        CANCELLED_IN(pending_tokens);
        CANCELLED_IN(receive);
        CANCELLED_IN(unsubscribe);
        CANCELLED_IN(receive_nothing);
        CANCELLED_IN(yield);
        CANCELLED_IN(disconnect);
        CANCELLED_IN(destroy);
    }
    remove_folder(folder);
    return verdict(!wrong && lines > 0);
}
