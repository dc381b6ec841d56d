/* MQTTClient and MQTT 5: properties on their way to a subscriber, subscribe options, subscription identifiers, sessions, aliases. */
#include "client.h"

static const char *uri;

static void publish_with(MQTTClient c, const char *topic, const char *payload, int qos, int retained, MQTTProperties *properties)
{
	MQTTClient_deliveryToken token = 0;

	SHOW_RESPONSE(MQTTClient_publish5(c, topic, (int)strlen(payload), payload, qos, retained, properties, &token));
	if (qos > 0)
		SHOW(MQTTClient_waitForCompletion(c, token, 5000));
}

static void every_property(void)
{
	MQTTClient c = new_client(uri, "client-v5", MQTTVERSION_5);
	MQTTProperties properties = MQTTProperties_initializer;
	MQTTClient_message message = MQTTClient_message_initializer;
	MQTTClient_deliveryToken token = 0;
	int qos;

	SHOW(connect_client(c, MQTTVERSION_5));
	SHOW_RESPONSE(MQTTClient_subscribe5(c, "five/#", 2, NULL, NULL));
	add_number(&properties, MQTTPROPERTY_CODE_PAYLOAD_FORMAT_INDICATOR, 1);
	add_text(&properties, MQTTPROPERTY_CODE_CONTENT_TYPE, "text/plain");
	add_text(&properties, MQTTPROPERTY_CODE_RESPONSE_TOPIC, "five/answer");
	add_text(&properties, MQTTPROPERTY_CODE_CORRELATION_DATA, "corr");
	add_pair(&properties, "b", "2");
	add_pair(&properties, "a", "1");
	add_pair(&properties, "b", "2");
	add_pair(&properties, "", "");
	for (qos = 0; qos <= 2; qos++)
	{
		publish_with(c, "five/props", "hello", qos, 0, &properties);
		receive_messages(c, 1);
	}
	message.payload = "message";
	message.payloadlen = 7;
	message.qos = 1;
	message.properties = properties;
	SHOW_RESPONSE(MQTTClient_publishMessage5(c, "five/message", &message, &token));
	SHOW(MQTTClient_waitForCompletion(c, token, 5000));
	receive_messages(c, 1);
	message.struct_version = 0; /* says that it has no properties */
	SHOW_RESPONSE(MQTTClient_publishMessage5(c, "five/message", &message, &token));
	SHOW(MQTTClient_waitForCompletion(c, token, 5000));
	receive_messages(c, 1);
	MQTTProperties_free(&properties);
	SHOW(MQTTClient_disconnect5(c, 1000, MQTTREASONCODE_SUCCESS, NULL));
	MQTTClient_destroy(&c);
}

static void identifiers(void)
{
	MQTTClient c = new_client(uri, "client-v5", MQTTVERSION_5);
	MQTTProperties one = MQTTProperties_initializer;
	MQTTProperties two = MQTTProperties_initializer;

	SHOW(connect_client(c, MQTTVERSION_5));
	add_number(&one, MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIER, 1);
	add_pair(&one, "user", "subscribe");
	add_number(&two, MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIER, 268435455);
	SHOW_RESPONSE(MQTTClient_subscribe5(c, "ids/one", 1, NULL, &one));
	SHOW_RESPONSE(MQTTClient_subscribe5(c, "ids/two/+", 1, NULL, &two));
	publish_with(c, "ids/one", "1", 0, 0, NULL);
	receive_messages(c, 1);
	publish_with(c, "ids/two/x", "2", 1, 0, NULL);
	receive_messages(c, 1);
	SHOW(MQTTClient_disconnect5(c, 1000, MQTTREASONCODE_SUCCESS, NULL));
	MQTTProperties_free(&one);
	MQTTProperties_free(&two);
	MQTTClient_destroy(&c);
}

static void subscribe_options(void)
{
	MQTTClient c = new_client(uri, "client-v5", MQTTVERSION_5);
	MQTTSubscribe_options o = MQTTSubscribe_options_initializer;
	MQTTSubscribe_options list[2] = {MQTTSubscribe_options_initializer, MQTTSubscribe_options_initializer};
	char *const filters[] = {"options/many/a", "options/many/b"};
	int qos[] = {1, 1};

	SHOW(connect_client(c, MQTTVERSION_5));
	publish_with(c, "options/kept", "kept", 1, 1, NULL);
	printf("noLocal\n");
	o.noLocal = 1;
	SHOW_RESPONSE(MQTTClient_subscribe5(c, "options/local", 1, &o, NULL));
	SHOW_RESPONSE(MQTTClient_subscribe5(c, "options/end", 1, NULL, NULL));
	publish_with(c, "options/local", "not for me", 1, 0, NULL);
	publish_with(c, "options/end", "end", 1, 0, NULL);
	receive_messages(c, 1);
	printf("retainHandling\n");
	o.noLocal = 0;
	o.retainHandling = 2;
	SHOW_RESPONSE(MQTTClient_subscribe5(c, "options/kept", 1, &o, NULL));
	publish_with(c, "options/end", "end", 1, 0, NULL);
	receive_messages(c, 1);
	o.retainHandling = 0;
	SHOW_RESPONSE(MQTTClient_subscribe5(c, "options/kept", 1, &o, NULL));
	receive_messages(c, 1);
	o.retainHandling = 1;
	SHOW_RESPONSE(MQTTClient_subscribe5(c, "options/kept", 1, &o, NULL));
	publish_with(c, "options/end", "end", 1, 0, NULL);
	receive_messages(c, 1);
	printf("retainAsPublished\n");
	o.retainHandling = 2;
	o.retainAsPublished = 1;
	SHOW_RESPONSE(MQTTClient_subscribe5(c, "options/as", 1, &o, NULL));
	publish_with(c, "options/as", "as", 1, 1, NULL);
	receive_messages(c, 1);
	printf("a list of options\n");
	list[0].noLocal = 1;
	SHOW_RESPONSE(MQTTClient_subscribeMany5(c, 2, filters, qos, list, NULL));
	publish_with(c, "options/many/a", "not for me", 1, 0, NULL);
	publish_with(c, "options/many/b", "for me", 1, 0, NULL);
	receive_messages(c, 1);
	printf("shared\n");
	SHOW_RESPONSE(MQTTClient_subscribe5(c, "$share/group/options/shared", 1, NULL, NULL));
	publish_with(c, "options/shared", "shared", 1, 0, NULL);
	receive_messages(c, 1);
	publish_with(c, "options/kept", "", 1, 1, NULL);
	publish_with(c, "options/as", "", 1, 1, NULL);
	SHOW(MQTTClient_disconnect5(c, 1000, MQTTREASONCODE_SUCCESS, NULL));
	MQTTClient_destroy(&c);
}

static void sessions(void)
{
	MQTTClient c = new_client(uri, "client-v5-session", MQTTVERSION_5);
	MQTTClient helper = new_client(uri, "client-v5-helper", MQTTVERSION_5);
	MQTTClient_connectOptions o = MQTTClient_connectOptions_initializer5;
	MQTTProperties hour = MQTTProperties_initializer;
	MQTTProperties zero = MQTTProperties_initializer;

	add_number(&hour, MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, 3600);
	add_number(&zero, MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, 0);
	SHOW_RESPONSE(MQTTClient_connect5(c, &o, &hour, NULL));
	printf("sessionPresent %d\n", o.returned.sessionPresent);
	SHOW_RESPONSE(MQTTClient_subscribe5(c, "session/x", 1, NULL, NULL));
	SHOW(MQTTClient_disconnect5(c, 1000, MQTTREASONCODE_SUCCESS, NULL));
	SHOW(connect_client(helper, MQTTVERSION_5));
	publish_with(helper, "session/x", "while away", 1, 0, NULL);
	SHOW(MQTTClient_disconnect5(helper, 1000, MQTTREASONCODE_SUCCESS, NULL));
	o.cleanstart = 0;
	SHOW_RESPONSE(MQTTClient_connect5(c, &o, &hour, NULL));
	receive_messages(c, 1);
	SHOW(MQTTClient_disconnect5(c, 1000, MQTTREASONCODE_SUCCESS, &zero));
	SHOW_RESPONSE(MQTTClient_connect5(c, &o, &hour, NULL));
	printf("sessionPresent %d\n", o.returned.sessionPresent);
	SHOW(MQTTClient_disconnect5(c, 1000, MQTTREASONCODE_SUCCESS, NULL));
	o.cleanstart = 1;
	SHOW_RESPONSE(MQTTClient_connect5(c, &o, &zero, NULL));
	printf("sessionPresent %d\n", o.returned.sessionPresent);
	SHOW(MQTTClient_disconnect5(c, 1000, MQTTREASONCODE_SUCCESS, NULL));
	MQTTProperties_free(&hour);
	MQTTProperties_free(&zero);
	MQTTClient_destroy(&c);
	MQTTClient_destroy(&helper);
}

static void assigned_id(void)
{
	MQTTClient c = new_client(uri, "", MQTTVERSION_5);
	MQTTClient_connectOptions o = MQTTClient_connectOptions_initializer5;
	MQTTResponse response = MQTTClient_connect5(c, &o, NULL, NULL);

	printf("connect5 with an empty id = %d, assigned identifier: %d\n", (int)response.reasonCode,
	       response.properties ? MQTTProperties_hasProperty(response.properties, MQTTPROPERTY_CODE_ASSIGNED_CLIENT_IDENTIFER) : -1);
	MQTTResponse_free(response);
	SHOW(MQTTClient_disconnect5(c, 1000, MQTTREASONCODE_SUCCESS, NULL));
	MQTTClient_destroy(&c);
}

static void aliases(void)
{
	MQTTClient c = new_client(uri, "client-v5", MQTTVERSION_5);
	MQTTProperties alias = MQTTProperties_initializer;

	SHOW(connect_client(c, MQTTVERSION_5));
	SHOW_RESPONSE(MQTTClient_subscribe5(c, "alias/x", 1, NULL, NULL));
	add_number(&alias, MQTTPROPERTY_CODE_TOPIC_ALIAS, 3);
	publish_with(c, "alias/x", "first", 1, 0, &alias);
	receive_messages(c, 1);
	publish_with(c, "", "second", 1, 0, &alias);
	receive_messages(c, 1);
	SHOW(MQTTClient_disconnect5(c, 1000, MQTTREASONCODE_SUCCESS, NULL));
	MQTTProperties_free(&alias);
	MQTTClient_destroy(&c);
}

static void will_properties(void)
{
	MQTTClient watcher = new_client(uri, "client-v5-watcher", MQTTVERSION_5);
	MQTTClient c = new_client(uri, "client-v5-will", MQTTVERSION_5);
	MQTTClient_connectOptions o = MQTTClient_connectOptions_initializer5;
	MQTTClient_willOptions will = MQTTClient_willOptions_initializer;
	MQTTProperties properties = MQTTProperties_initializer;

	add_text(&properties, MQTTPROPERTY_CODE_CONTENT_TYPE, "will/type");
	add_pair(&properties, "will", "property");
	will.topicName = "v5/will";
	will.message = "with properties";
	will.qos = 1;
	o.will = &will;
	SHOW(connect_client(watcher, MQTTVERSION_5));
	SHOW_RESPONSE(MQTTClient_subscribe5(watcher, "v5/will", 2, NULL, NULL));
	SHOW_RESPONSE(MQTTClient_connect5(c, &o, NULL, &properties));
	SHOW(MQTTClient_disconnect5(c, 0, MQTTREASONCODE_DISCONNECT_WITH_WILL_MESSAGE, NULL));
	receive_messages(watcher, 1);
	SHOW(MQTTClient_disconnect5(watcher, 0, MQTTREASONCODE_SUCCESS, NULL));
	MQTTProperties_free(&properties);
	MQTTClient_destroy(&c);
	MQTTClient_destroy(&watcher);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	uri = argv[1];
	every_property();
	identifiers();
	subscribe_options();
	sessions();
	assigned_id();
	aliases();
	will_properties();
	return 0;
}
