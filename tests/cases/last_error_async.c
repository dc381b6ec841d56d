/* Situation and right: see last_error.h, for MQTTAsync. */
#include "texts.h"
#include "MQTTAsync.h"
#define API MQTTAsync
#define PUBLISH MQTTAsync_send
#define PUBLISH_MESSAGE MQTTAsync_sendMessage
#define PUBLISH_BAD_LENGTH -6
#define NO_OPTIONS , NULL
#define CALL_0_LEN_WILL_TOPIC MQTTASYNC_0_LEN_WILL_TOPIC
#define CALL_BAD_VERSION MQTTASYNC_BAD_MQTT_OPTION
#define TRACE_ALL MQTTASYNC_TRACE_MAXIMUM
#include "last_error.h"

static atomic_int connected;

static int arrived(void *context, char *topic, int length, MQTTAsync_message *message) {
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static void on_success(void *context, MQTTAsync_successData *data) {
    connected = 1;
}

static void on_success5(void *context, MQTTAsync_successData5 *data) {
}

static MQTTAsync make(const char *uri, int version) {
    MQTTAsync client = NULL;
    MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
    options.MQTTVersion = version;
    expect_code("create", MQTTAsync_createWithOptions(&client, uri, "id", MQTTCLIENT_PERSISTENCE_NONE, NULL, &options), 0);
    expect_code("setCallbacks", MQTTAsync_setCallbacks(client, NULL, NULL, arrived, NULL), 0);
    seen_of_client = 0;
    return client;
}

static void connect_to(MQTTAsync client) {
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    options.onSuccess = on_success;
    expect_code("connect", MQTTAsync_connect(client, &options), 0);
    refused(client, "connect twice", MQTTAsync_connect(client, &options), MQTTASYNC_COMMAND_IGNORED, "connect");
    if (!WAIT_FOR(connected, 20000))
        wrong++;
}

static void publishes(MQTTAsync client) {
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
    bad_publishes(client);
    refused(NULL, "no message, no client", MQTTAsync_sendMessage(NULL, "t", NULL, NULL), -6, "msg|NULL");
    response.onSuccess5 = on_success5;
    refused(client, "callback of MQTT 5", MQTTAsync_send(client, "t", 1, "x", 0, 0, &response), -15, "onSuccess5|MQTT 5");
    refused(client, "callback of MQTT 5", MQTTAsync_subscribe(client, "a", 0, &response), -15, "onSuccess5|MQTT 5");
    refused(client, "tokens", MQTTAsync_getPendingTokens(client, NULL), -1, "tokens|NULL");
    refused(NULL, "no client", MQTTAsync_isComplete(NULL, 1), -1, "handle");
}

/* What MQTT 5 has beside. */
static void version_5(const char *uri) {
    MQTTAsync client = make(uri, MQTTVERSION_5);
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer5;
    MQTTAsync_disconnectOptions disconnect = MQTTAsync_disconnectOptions_initializer5;
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
    MQTTProperties properties = properties_of_publish();
    options.connectProperties = &properties;
    refused(client, "property of PUBLISH", MQTTAsync_connect(client, &options), -1, "propert");
    options.connectProperties = NULL;
    options.cleansession = 1;
    refused(client, "flag of MQTT 3", MQTTAsync_connect(client, &options), -15, "cleansession|MQTT 5");
    disconnect.reasonCode = 999;
    refused(client, "reason", MQTTAsync_disconnect(client, &disconnect), -15, "reason code|999");
    disconnect.struct_id[0] = 'x';
    refused(client, "structure", MQTTAsync_disconnect(client, &disconnect), -8, "options.struct_id");
    response.onSuccess = on_success;
    refused(client, "callback of MQTT 3", MQTTAsync_send(client, "t", 1, "x", 0, 0, &response), -15, "onSuccess5");
    MQTTProperties_free(&properties);
    MQTTAsync_destroy(&client);
}

int main(void) {
    char uri[64];
    MQTTAsync client, other = NULL;
    MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer;
    MQTTAsync_disconnectOptions disconnect = MQTTAsync_disconnectOptions_initializer;
    watchdog(60);
    start_server(uri);
    if (ask(NULL).number)
        wrong++;
    creates();
    create.maxBufferedMessages = 0;
    refused(NULL, "create, buffer", MQTTAsync_createWithOptions(&other, uri, "id", MQTTCLIENT_PERSISTENCE_NONE, NULL, &create), -19,
            "maxBufferedMessages|0");
    client = make(uri, MQTTVERSION_DEFAULT);
    well(client, "create", 0, 0);
    common(client);
    connect_options(client);
    unusable();
    not_connected(client);
    refused(client, "wait", MQTTAsync_waitForCompletion(client, 1, 10), -3, "not connected");
    refused(client, "disconnect", MQTTAsync_disconnect(client, &disconnect), -3, "not connected");
    refused(client, "reconnect", MQTTAsync_reconnect(client), -3, "not connected");
    connect_to(client);
    well(client, "send", MQTTAsync_send(client, "t", 1, "x", 0, 0, NULL), 0);
    publishes(client);
    bad_subscribes(client);
    disconnect.struct_version = 3;
    refused(client, "disconnect version", MQTTAsync_disconnect(client, &disconnect), -8, "options.struct_version|3");
    MQTTAsync_destroy(&client);
    version_5(uri);
    return verdict(!wrong);
}
