/* Clients of MQTTClient made, used at every QoS in both directions, and destroyed, many times over.
 *
 *   churn_client <uri> <clients> <MQTT version: 3, 4 or 5> <sync|callbacks>
 *
 * A third of them disconnects first, a third is destroyed connected, a third with messages that nobody acknowledged or
 * received yet.
 */
#include "stress.h"

#include "MQTTClient.h"

enum { MESSAGES = 3 };

typedef struct
{
	char topic[48];
	counter arrived, delivered, published;
} client;

static int version;

static void check_message(const client *c, const char *topic, const MQTTClient_message *message)
{
	CHECK(strcmp(topic, c->topic) == 0);
	CHECK(message->payloadlen > 0 && memcmp(message->payload, "QoS ", 4) == 0);
	CHECK(((const char *)message->payload)[4] == '0' + message->qos);
	if (version == 5)
	{
		MQTTProperty *property = MQTTProperties_getProperty((MQTTProperties *)&message->properties, MQTTPROPERTY_CODE_USER_PROPERTY);
		CHECK(property != NULL && property->value.value.len == 5);
	}
}

static int on_message(void *context, char *topic, int topic_len, MQTTClient_message *message)
{
	client *c = context;

	(void)topic_len;
	check_message(c, topic, message);
	MQTTClient_freeMessage(&message);
	MQTTClient_free(topic);
	counter_add(&c->arrived, 1);
	return 1;
}
static void on_delivery(void *context, MQTTClient_deliveryToken token) { CHECK(token > 0); counter_add(&((client *)context)->delivered, 1); }
static void on_lost(void *context, char *cause) { (void)context; (void)cause; FAIL("a connection was lost"); }
static void on_disconnected(void *context, MQTTProperties *properties, enum MQTTReasonCodes reason)
{
	(void)context; (void)properties;
	FAIL("the server said DISCONNECT, %d", (int)reason);
}
static void on_published(void *context, int token, int packet_type, MQTTProperties *properties, enum MQTTReasonCodes reason)
{
	CHECK(token > 0 && properties != NULL && (int)reason == 0);
	if (packet_type == 4 || packet_type == 7) /* PUBACK, PUBCOMP */
		counter_add(&((client *)context)->published, 1);
}

static void connect(MQTTClient handle)
{
	MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
	MQTTClient_connectOptions options5 = MQTTClient_connectOptions_initializer5;
	MQTTClient_willOptions will = MQTTClient_willOptions_initializer;
	MQTTProperties connect_properties = MQTTProperties_initializer, will_properties = MQTTProperties_initializer;

	will.topicName = "churn/will";
	will.message = "gone";
	if (version == 5)
	{
		MQTTResponse answer;
		MQTTProperty property;

		property.identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL;
		property.value.integer4 = 0;
		CHECK_RC(MQTTProperties_add(&connect_properties, &property), 0);
		property.identifier = MQTTPROPERTY_CODE_WILL_DELAY_INTERVAL;
		CHECK_RC(MQTTProperties_add(&will_properties, &property), 0);
		options5.will = &will;
		options5.username = "somebody";
		answer = MQTTClient_connect5(handle, &options5, &connect_properties, &will_properties);
		CHECK_RC(answer.reasonCode, MQTTREASONCODE_SUCCESS);
		CHECK(answer.properties != NULL);
		CHECK(options5.returned.serverURI != NULL && options5.returned.MQTTVersion == 5);
		MQTTResponse_free(answer);
	}
	else
	{
		options.will = &will;
		options.cleansession = 1;
		options.reliable = 0;
		options.MQTTVersion = version;
		options.username = "somebody";
		options.password = "secret";
		CHECK_RC(MQTTClient_connect(handle, &options), 0);
		CHECK(options.returned.serverURI != NULL && options.returned.MQTTVersion == version);
	}
	MQTTProperties_free(&connect_properties);
	MQTTProperties_free(&will_properties);
}

static void subscribe(MQTTClient handle, const client *c)
{
	if (version == 5)
	{
		MQTTResponse answer = MQTTClient_subscribe5(handle, c->topic, 2, NULL, NULL);

		CHECK_RC(answer.reasonCode, MQTTREASONCODE_GRANTED_QOS_2);
		MQTTResponse_free(answer);
	}
	else
		CHECK_RC(MQTTClient_subscribe(handle, c->topic, 2), 0);
}

static MQTTClient_deliveryToken publish(MQTTClient handle, const client *c, int qos)
{
	MQTTClient_message message = MQTTClient_message_initializer;
	MQTTClient_deliveryToken token = 0;
	char payload[2048];

	memset(payload, 'x', sizeof payload);
	memcpy(payload, "QoS ", 4);
	payload[4] = (char)('0' + qos);
	message.payload = payload;
	message.payloadlen = qos == 1 ? (int)sizeof payload : 5;
	message.qos = qos;
	if (version == 5)
	{
		MQTTClient_message message5 = message;
		MQTTResponse answer;
		MQTTProperty property;

		message5.struct_version = 1;
		property.identifier = MQTTPROPERTY_CODE_USER_PROPERTY;
		property.value.data.data = "name"; property.value.data.len = 4;
		property.value.value.data = "value"; property.value.value.len = 5;
		CHECK_RC(MQTTProperties_add(&message5.properties, &property), 0);
		answer = MQTTClient_publishMessage5(handle, c->topic, &message5, &token);
		CHECK_RC(answer.reasonCode, MQTTREASONCODE_SUCCESS);
		MQTTResponse_free(answer);
		MQTTProperties_free(&message5.properties);
	}
	else
		CHECK_RC(MQTTClient_publishMessage(handle, c->topic, &message, &token), 0);
	CHECK(qos == 0 || token > 0);
	return token;
}

static void one(const char *uri, int number, int callbacks)
{
	MQTTClient_createOptions create = MQTTClient_createOptions_initializer;
	MQTTClient_deliveryToken tokens[MESSAGES];
	MQTTClient handle;
	client c;
	char id[32];

	counter_init(&c.arrived); counter_init(&c.delivered); counter_init(&c.published);
	snprintf(id, sizeof id, "churn-%d", number);
	snprintf(c.topic, sizeof c.topic, "churn/client/%d", number);
	create.MQTTVersion = version;
	CHECK_RC(MQTTClient_createWithOptions(&handle, uri, id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &create), 0);
	if (callbacks)
	{
		CHECK_RC(MQTTClient_setCallbacks(handle, &c, on_lost, on_message, on_delivery), 0);
		CHECK_RC(MQTTClient_setDisconnected(handle, &c, on_disconnected), 0);
		CHECK_RC(MQTTClient_setPublished(handle, &c, on_published), 0);
	}
	connect(handle);
	CHECK(MQTTClient_isConnected(handle));
	subscribe(handle, &c);
	for (int qos = 0; qos < MESSAGES; qos++)
		tokens[qos] = publish(handle, &c, qos);
	if (number % 3 != 2)
	{
		MQTTClient_deliveryToken *pending;

		CHECK_RC(MQTTClient_waitForCompletion(handle, tokens[1], PATIENCE_SECONDS * 1000UL), 0);
		CHECK_RC(MQTTClient_waitForCompletion(handle, tokens[2], PATIENCE_SECONDS * 1000UL), 0);
		CHECK_RC(MQTTClient_getPendingDeliveryTokens(handle, &pending), 0);
		CHECK(pending == NULL);
		for (int i = 0; i < MESSAGES && !callbacks; i++)
		{
			MQTTClient_message *message = NULL;
			char *topic = NULL;
			int topic_len;

			CHECK_RC(MQTTClient_receive(handle, &topic, &topic_len, &message, PATIENCE_SECONDS * 1000UL), 0);
			CHECK(message != NULL && topic_len == (int)strlen(topic));
			check_message(&c, topic, message);
			MQTTClient_freeMessage(&message);
			MQTTClient_free(topic);
		}
		if (callbacks)
		{
			AWAIT(&c.arrived, MESSAGES);
			AWAIT(&c.delivered, MESSAGES - 1);
			if (version == 5)
				AWAIT(&c.published, MESSAGES - 1);
		}
	}
	else
	{
		MQTTClient_deliveryToken *pending;

		CHECK_RC(MQTTClient_getPendingDeliveryTokens(handle, &pending), 0);
		MQTTClient_free(pending);
	}
	if (number % 3 == 0)
	{
		if (version == 5)
			CHECK_RC(MQTTClient_disconnect5(handle, 1000, MQTTREASONCODE_SUCCESS, NULL), 0);
		else
			CHECK_RC(MQTTClient_disconnect(handle, 1000), 0);
		CHECK(!MQTTClient_isConnected(handle));
	}
	MQTTClient_destroy(&handle);
	CHECK(handle == NULL);
	counter_free(&c.arrived); counter_free(&c.delivered); counter_free(&c.published);
}

int main(int argc, char **argv)
{
	int count, callbacks;

	CHECK(argc == 5);
	count = number(argv[2]);
	version = number(argv[3]);
	callbacks = strcmp(argv[4], "callbacks") == 0;
	for (int i = 0; i < count; i++)
		one(argv[1], i, callbacks);
	check_heap();
	printf("%d clients\n", count);
	return 0;
}
