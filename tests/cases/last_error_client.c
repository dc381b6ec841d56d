/* Situation and right: see last_error.h, for MQTTClient. */
#include "texts.h"
#include "MQTTClient.h"
#define API MQTTClient
#define PUBLISH MQTTClient_publish
#define PUBLISH_MESSAGE MQTTClient_publishMessage
#define PUBLISH_BAD_LENGTH -1
#define NO_OPTIONS
#define CALL_0_LEN_WILL_TOPIC MQTTCLIENT_0_LEN_WILL_TOPIC
#define CALL_BAD_VERSION MQTTCLIENT_BAD_MQTT_VERSION
#define TRACE_ALL MQTTCLIENT_TRACE_MAXIMUM
#include "last_error.h"

static MQTTClient make(const char *uri, int version) {
    MQTTClient client = NULL;
    MQTTClient_createOptions options = MQTTClient_createOptions_initializer;
    options.MQTTVersion = version;
    expect_code("create", MQTTClient_createWithOptions(&client, uri, "id", MQTTCLIENT_PERSISTENCE_NONE, NULL, &options), 0);
    seen_of_client = 0;
    return client;
}

static void version_5(const char *uri) {
    MQTTClient client = make(uri, MQTTVERSION_5);
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer5;
    MQTTProperties properties = properties_of_publish();
    refused(client, "property of PUBLISH", MQTTClient_connect5(client, &options, &properties, NULL).reasonCode, -1, "propert");
    refused(client, "function of MQTT 3", MQTTClient_connect(client, &options), -16, "MQTT 5");
    refused(client, "subscribe of MQTT 3", MQTTClient_subscribe(client, "a", 0), -16, "MQTT 5");
    refused(client, "publish of MQTT 3", MQTTClient_publish(client, "a", 1, "x", 0, 0, NULL), -16, "MQTT 5");
    refused(client, "publish5", MQTTClient_publish5(client, "a", 1, "x", 0, 0, NULL, NULL).reasonCode, -3, "not connected");
    refused(client, "subscribe5", MQTTClient_subscribe5(client, "a", 0, NULL, NULL).reasonCode, -3, "not connected");
    refused(client, "unsubscribe5", MQTTClient_unsubscribe5(client, "a", NULL).reasonCode, -3, "not connected");
    refused(client, "reason", MQTTClient_disconnect5(client, 0, 999, NULL), -15, "reason code|999");
    options.cleansession = 1;
    refused(client, "flag of MQTT 3", MQTTClient_connect5(client, &options, NULL, NULL).reasonCode, -15, "cleansession|MQTT 5");
    MQTTProperties_free(&properties);
    MQTTClient_destroy(&client);
}

int main(void) {
    char uri[64], *topic;
    MQTTClient client;
    MQTTClient_message *message;
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
    watchdog(60);
    start_server(uri);
    if (ask(NULL).number)
        wrong++;
    creates();
    client = make(uri, MQTTVERSION_DEFAULT);
    well(client, "create", 0, 0);
    common(client);
    connect_options(client);
    unusable();
    options.serverURIcount = -1;
    refused(client, "server URIs", MQTTClient_connect(client, &options), -1, "serverURIcount|-1");
    refused(NULL, "connect without client", MQTTClient_connect(NULL, &options), -6, "handle");
    refused(client, "time-out", MQTTClient_setCommandTimeout(client, 10), -1, "milliSeconds|10|5000");
    refused(client, "tokens", MQTTClient_getPendingDeliveryTokens(client, NULL), -1, "tokens|NULL");
    not_connected(client);
    refused(client, "receive", MQTTClient_receive(client, NULL, NULL, &message, 10), -1, "topicName");
    refused(client, "receive", MQTTClient_receive(client, &topic, NULL, &message, 10), -3, "not connected");
    options.serverURIcount = 0;
    well(client, "connect", MQTTClient_connect(client, &options), 0);
    well(client, "publish", MQTTClient_publish(client, "t", 1, "x", 0, 0, NULL), 0);
    bad_publishes(client);
    bad_subscribes(client);
    refused(client, "function of MQTT 5", MQTTClient_connect5(client, NULL, NULL, NULL).reasonCode, -16, "MQTT 5");
    MQTTClient_destroy(&client);
    version_5(uri);
    return verdict(!wrong);
}
