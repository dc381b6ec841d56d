/* Situation and right: see cancelled_calls.h, for MQTTAsync. */
#include "cancelled_calls.h"
#include "MQTTAsync.h"

static MQTTAsync client;
static MQTTAsync_token token;
static atomic_int ended; /* 1 success, 2 failure */

static void trace(enum MQTTASYNC_TRACE_LEVELS level, char *line) {
    traced(level, line);
}

static void succeeded(void *context, MQTTAsync_successData *data) {
    ended = 1;
}

static void failed(void *context, MQTTAsync_failureData *data) {
    ended = 2;
}

static int arrived(void *context, char *topic, int length, MQTTAsync_message *message) {
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

/* Whether a request was accepted. The program's own waiting, which is a cancellation point, is not done here. */
static int accepted(int rc) {
    return rc == MQTTASYNC_SUCCESS;
}

/* Waits for the outcome of the request before. */
static void expect(const char *what, int outcome) {
    if (!AWAIT(ended) || ended != outcome) {
        wrong++;
        say("WRONG  %s ended with %d", what, ended);
    }
    ended = 0;
}

static int create(void) {
    return accepted(MQTTAsync_create(&client, uri, "cancelled", MQTTCLIENT_PERSISTENCE_DEFAULT, folder)) &&
           accepted(MQTTAsync_setCallbacks(client, NULL, NULL, arrived, NULL));
}

static int connects(void) {
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    options.onSuccess = succeeded;
    options.onFailure = failed;
    return accepted(MQTTAsync_connect(client, &options));
}

static MQTTAsync_responseOptions response(void) {
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    options.onSuccess = succeeded;
    options.onFailure = failed;
    return options;
}

static int subscribe(void) {
    MQTTAsync_responseOptions options = response();
    return accepted(MQTTAsync_subscribe(client, "cancelled/#", 2, &options));
}

static int unsubscribe(void) {
    MQTTAsync_responseOptions options = response();
    return accepted(MQTTAsync_unsubscribe(client, "cancelled/#", &options));
}

static int publish(void) {
    MQTTAsync_responseOptions options = response();
    int rc = MQTTAsync_send(client, "cancelled/x", 3, "abc", 2, 0, &options);
    token = options.token;
    return accepted(rc);
}

static int wait_for_it(void) {
    return accepted(MQTTAsync_waitForCompletion(client, token, PATIENCE_MS)) && MQTTAsync_isComplete(client, token) == 1;
}

static int pending_tokens(void) {
    MQTTAsync_token *tokens = NULL;
    int rc = MQTTAsync_getPendingTokens(client, &tokens);
    MQTTAsync_free(tokens);
    return accepted(rc);
}

static int reconnect(void) {
    return accepted(MQTTAsync_reconnect(client));
}

static int disconnect(void) {
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
    options.onSuccess = succeeded;
    options.onFailure = failed;
    return accepted(MQTTAsync_disconnect(client, &options));
}

static int destroy(void) {
    MQTTAsync_destroy(&client);
    return client == NULL;
}

int main(int count, char **argument) {
    begin(argument[count - 1]);
    MQTTAsync_setTraceCallback(trace);
    MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_MAXIMUM);
    for (int round = 0; round < 2; round++) {
        CANCELLED_IN(create);
        CANCELLED_IN(connects);
        expect("connect", 1);
        CANCELLED_IN(subscribe);
        expect("subscribe", 1);
        CANCELLED_IN(publish);
        CANCELLED_IN(wait_for_it);
        expect("publish", 1);
        CANCELLED_IN(pending_tokens);
        CANCELLED_IN(unsubscribe);
        expect("unsubscribe", 1);
        CANCELLED_IN(disconnect);
        expect("disconnect", 1);
        CANCELLED_IN(reconnect);
        AWAIT(MQTTAsync_isConnected(client));
        ended = 0;
        CANCELLED_IN(destroy);
    }
    remove_folder(folder);
    return verdict(!wrong && lines > 0);
}
