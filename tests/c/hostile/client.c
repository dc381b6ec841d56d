/* MQTTClient in the hands of a careless program: handles that are none, structs that are none, numbers and strings that cannot be. */
#include "for_paho.h"
#include "hostile.h"

#include "MQTTClient.h"

static const char *uri;
static MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
static MQTTClient_connectOptions options5 = MQTTClient_connectOptions_initializer5;
static MQTTClient_message hello = MQTTClient_message_initializer;

static int reason(MQTTResponse response)
{
	int code = (int)response.reasonCode;

	MQTTResponse_free(response);
	return code;
}

static int arrived(void *context, char *topic, int length, MQTTClient_message *message)
{
	(void)context, (void)length;
	MQTTClient_freeMessage(&message);
	MQTTClient_free(topic);
	return 1;
}

static void published(void *context, int token, int type, MQTTProperties *properties, enum MQTTReasonCodes code)
{
	(void)context, (void)token, (void)type, (void)properties, (void)code;
}

static void disconnected(void *context, MQTTProperties *properties, enum MQTTReasonCodes code)
{
	(void)context, (void)properties, (void)code;
}

static MQTTClient create(const char *id, int version)
{
	MQTTClient_createOptions create_options = MQTTClient_createOptions_initializer;
	MQTTClient client = NULL;

	create_options.MQTTVersion = version;
	CHECK_RC(MQTTClient_createWithOptions(&client, uri, id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &create_options), MQTTCLIENT_SUCCESS);
	CHECK(client != NULL);
	return client;
}

static MQTTClient connected(const char *id, int version)
{
	MQTTClient client = create(id, version);

	if (version == MQTTVERSION_5)
		CHECK_RC(reason(MQTTClient_connect5(client, &options5, NULL, NULL)), 0);
	else
		CHECK_RC(MQTTClient_connect(client, &options), MQTTCLIENT_SUCCESS);
	return client;
}

/* A message of this client's own comes back to it: all of it works. */
static void works(MQTTClient client, int version)
{
	MQTTClient_deliveryToken token = 0;
	MQTTClient_message *message = NULL;
	char *topic = NULL;
	int length = 0;

	CHECK(MQTTClient_isConnected(client));
	if (version == MQTTVERSION_5)
	{
		CHECK_RC(reason(MQTTClient_subscribe5(client, "hostile/works", 1, NULL, NULL)), 1);
		CHECK_RC(reason(MQTTClient_publishMessage5(client, "hostile/works", &hello, &token)), 0);
	}
	else
	{
		CHECK_RC(MQTTClient_subscribe(client, "hostile/works", 1), MQTTCLIENT_SUCCESS);
		CHECK_RC(MQTTClient_publishMessage(client, "hostile/works", &hello, &token), MQTTCLIENT_SUCCESS);
	}
	CHECK_RC(MQTTClient_waitForCompletion(client, token, PATIENCE_SECONDS * 1000), MQTTCLIENT_SUCCESS);
	CHECK_RC(MQTTClient_receive(client, &topic, &length, &message, PATIENCE_SECONDS * 1000), MQTTCLIENT_SUCCESS);
	CHECK(message != NULL && message->payloadlen == 5 && memcmp(message->payload, "hello", 5) == 0);
	MQTTClient_freeMessage(&message);
	MQTTClient_free(topic);
	if (version == MQTTVERSION_5)
		CHECK_RC(reason(MQTTClient_unsubscribe5(client, "hostile/works", NULL)), 0);
	else
		CHECK_RC(MQTTClient_unsubscribe(client, "hostile/works"), MQTTCLIENT_SUCCESS);
}

/* Every function that takes a handle, with good arguments otherwise. */
static void every_call_refuses(void *no_handle)
{
	char *const topics[] = { "a", "b" };
	int qoss[] = { 0, 0 }, length;
	MQTTClient_deliveryToken token, *tokens;
	MQTTClient_message *message;
	char *topic;

	CHECK_RC(MQTTClient_setCallbacks(no_handle, NULL, NULL, arrived, NULL), MQTTCLIENT_FAILURE);
	CHECK_RC(MQTTClient_setDisconnected(no_handle, NULL, disconnected), MQTTCLIENT_FAILURE);
	CHECK_RC(MQTTClient_setPublished(no_handle, NULL, published), MQTTCLIENT_FAILURE);
	CHECK_RC(MQTTClient_setCommandTimeout(no_handle, 10000), MQTTCLIENT_FAILURE);
	CHECK_RC(MQTTClient_connect(no_handle, &options), MQTTCLIENT_NULL_PARAMETER);
	CHECK_RC(reason(MQTTClient_connect5(no_handle, &options5, NULL, NULL)), MQTTCLIENT_NULL_PARAMETER);
	CHECK_RC(MQTTClient_disconnect(no_handle, 0), MQTTCLIENT_FAILURE);
	CHECK_RC(MQTTClient_disconnect5(no_handle, 0, MQTTREASONCODE_SUCCESS, NULL), MQTTCLIENT_FAILURE);
	CHECK_RC(MQTTClient_isConnected(no_handle), 0);
	CHECK_RC(MQTTClient_subscribe(no_handle, "a", 0), MQTTCLIENT_FAILURE);
	CHECK_RC(reason(MQTTClient_subscribe5(no_handle, "a", 0, NULL, NULL)), MQTTCLIENT_FAILURE);
	CHECK_RC(MQTTClient_subscribeMany(no_handle, 2, topics, qoss), MQTTCLIENT_FAILURE);
	CHECK_RC(reason(MQTTClient_subscribeMany5(no_handle, 2, topics, qoss, NULL, NULL)), MQTTCLIENT_FAILURE);
	CHECK_RC(MQTTClient_unsubscribe(no_handle, "a"), MQTTCLIENT_FAILURE);
	CHECK_RC(reason(MQTTClient_unsubscribe5(no_handle, "a", NULL)), MQTTCLIENT_FAILURE);
	CHECK_RC(MQTTClient_unsubscribeMany(no_handle, 2, topics), MQTTCLIENT_FAILURE);
	CHECK_RC(reason(MQTTClient_unsubscribeMany5(no_handle, 2, topics, NULL)), MQTTCLIENT_FAILURE);
	CHECK_RC(MQTTClient_publish(no_handle, "a", 1, "x", 0, 0, &token), MQTTCLIENT_FAILURE);
	CHECK_RC(reason(MQTTClient_publish5(no_handle, "a", 1, "x", 0, 0, NULL, &token)), MQTTCLIENT_FAILURE);
	CHECK_RC(MQTTClient_publishMessage(no_handle, "a", &hello, &token), MQTTCLIENT_FAILURE);
	CHECK_RC(reason(MQTTClient_publishMessage5(no_handle, "a", &hello, &token)), MQTTCLIENT_FAILURE);
	CHECK_RC(MQTTClient_waitForCompletion(no_handle, 1, 100000), MQTTCLIENT_FAILURE);
	tokens = &token;
	CHECK_RC(MQTTClient_getPendingDeliveryTokens(no_handle, &tokens), MQTTCLIENT_FAILURE);
	CHECK(tokens == NULL);
	topic = "not touched", message = &hello;
	CHECK_RC(MQTTClient_receive(no_handle, &topic, &length, &message, 100000), MQTTCLIENT_FAILURE);
	CHECK(topic == NULL && message == NULL);
	for_paho_refuses(no_handle);
	MQTTClient_destroy(&no_handle);
	CHECK(no_handle == NULL);
	MQTTClient_destroy(&no_handle);
}

static void handles(void)
{
	MQTTClient was = create("hostile-was", MQTTVERSION_DEFAULT), stale = was, client;
	void *bad[NO_HANDLES];
	int i;

	MQTTClient_destroy(&was);
	CHECK(was == NULL);
	/* Takes the place of the one destroyed. */
	client = connected("hostile-handles", MQTTVERSION_3_1_1);
	CHECK(client != stale);
	no_handles(bad, client, stale);
	for (i = 0; i < NO_HANDLES; i++)
		every_call_refuses(bad[i]);
	works(client, MQTTVERSION_3_1_1);
	stale = client;
	MQTTClient_destroy(&client);
	every_call_refuses(stale);
	MQTTClient_destroy(NULL);
}

/* NULL where there must be something, and nowhere else a failure. */
static void nulls(MQTTClient client)
{
	char *const topics[] = { "a", "b" }, *const with_null[] = { "a", NULL };
	int qoss[] = { 0, 0 }, length;
	MQTTClient_deliveryToken token;
	MQTTClient_message *message = NULL;
	char *topic;
	MQTTProperty property = { .identifier = MQTTPROPERTY_CODE_USER_PROPERTY };

	CHECK_RC(MQTTClient_create(NULL, uri, "id", MQTTCLIENT_PERSISTENCE_NONE, NULL), MQTTCLIENT_NULL_PARAMETER);
	CHECK_RC(MQTTClient_create(&client, NULL, "id", MQTTCLIENT_PERSISTENCE_NONE, NULL), MQTTCLIENT_NULL_PARAMETER);
	CHECK_RC(MQTTClient_create(&client, uri, NULL, MQTTCLIENT_PERSISTENCE_NONE, NULL), MQTTCLIENT_NULL_PARAMETER);
	CHECK_RC(MQTTClient_createWithOptions(NULL, uri, "id", MQTTCLIENT_PERSISTENCE_NONE, NULL, NULL), MQTTCLIENT_NULL_PARAMETER);
	CHECK_RC(MQTTClient_create(&client, uri, "id", MQTTCLIENT_PERSISTENCE_USER, NULL), MQTTCLIENT_PERSISTENCE_ERROR);
	CHECK_RC(MQTTClient_setCallbacks(client, NULL, NULL, NULL, NULL), MQTTCLIENT_FAILURE);
	CHECK_RC(MQTTClient_connect(client, NULL), MQTTCLIENT_NULL_PARAMETER);
	CHECK_RC(MQTTClient_subscribe(client, NULL, 0), MQTTCLIENT_BAD_UTF8_STRING);
	CHECK_RC(reason(MQTTClient_subscribe5(client, NULL, 0, NULL, NULL)), MQTTCLIENT_BAD_UTF8_STRING);
	CHECK_RC(MQTTClient_subscribeMany(client, 2, NULL, qoss), MQTTCLIENT_NULL_PARAMETER);
	CHECK_RC(MQTTClient_subscribeMany(client, 2, with_null, qoss), MQTTCLIENT_BAD_UTF8_STRING);
	CHECK_RC(MQTTClient_subscribeMany(client, 2, topics, NULL), MQTTCLIENT_NULL_PARAMETER);
	CHECK_RC(reason(MQTTClient_subscribeMany5(client, 2, NULL, qoss, NULL, NULL)), MQTTCLIENT_NULL_PARAMETER);
	CHECK_RC(reason(MQTTClient_subscribeMany5(client, 2, with_null, qoss, NULL, NULL)), MQTTCLIENT_BAD_UTF8_STRING);
	CHECK_RC(reason(MQTTClient_subscribeMany5(client, 2, topics, NULL, NULL, NULL)), MQTTCLIENT_NULL_PARAMETER);
	CHECK_RC(MQTTClient_unsubscribe(client, NULL), MQTTCLIENT_BAD_UTF8_STRING);
	CHECK_RC(reason(MQTTClient_unsubscribe5(client, NULL, NULL)), MQTTCLIENT_BAD_UTF8_STRING);
	CHECK_RC(MQTTClient_unsubscribeMany(client, 2, NULL), MQTTCLIENT_NULL_PARAMETER);
	CHECK_RC(MQTTClient_unsubscribeMany(client, 2, with_null), MQTTCLIENT_BAD_UTF8_STRING);
	CHECK_RC(reason(MQTTClient_unsubscribeMany5(client, 2, NULL, NULL)), MQTTCLIENT_NULL_PARAMETER);
	CHECK_RC(MQTTClient_publish(client, NULL, 1, "x", 0, 0, &token), MQTTCLIENT_BAD_UTF8_STRING);
	CHECK_RC(MQTTClient_publish(client, "a", 1, NULL, 0, 0, &token), MQTTCLIENT_NULL_PARAMETER);
	CHECK_RC(reason(MQTTClient_publish5(client, NULL, 1, "x", 0, 0, NULL, &token)), MQTTCLIENT_BAD_UTF8_STRING);
	CHECK_RC(reason(MQTTClient_publish5(client, "a", 1, NULL, 0, 0, NULL, &token)), MQTTCLIENT_NULL_PARAMETER);
	CHECK_RC(MQTTClient_publishMessage(client, NULL, &hello, &token), MQTTCLIENT_BAD_UTF8_STRING);
	CHECK_RC(MQTTClient_publishMessage(client, "a", NULL, &token), MQTTCLIENT_NULL_PARAMETER);
	CHECK_RC(reason(MQTTClient_publishMessage5(client, NULL, &hello, &token)), MQTTCLIENT_BAD_UTF8_STRING);
	CHECK_RC(reason(MQTTClient_publishMessage5(client, "a", NULL, &token)), MQTTCLIENT_NULL_PARAMETER);
	CHECK_RC(MQTTClient_getPendingDeliveryTokens(client, NULL), MQTTCLIENT_FAILURE);
	CHECK_RC(MQTTClient_receive(client, NULL, &length, &message, 10), MQTTCLIENT_FAILURE);
	CHECK_RC(MQTTClient_receive(client, &topic, &length, NULL, 10), MQTTCLIENT_FAILURE);
	CHECK_RC(MQTTClient_receive(client, &topic, NULL, &message, 10), MQTTCLIENT_SUCCESS);
	MQTTClient_freeMessage(NULL);
	message = NULL;
	MQTTClient_freeMessage(&message);
	MQTTClient_free(NULL);
	MQTTClient_free(MQTTClient_malloc(0));
	MQTTClient_global_init(NULL);
	MQTTClient_setTraceCallback(NULL);
	MQTTClient_setTraceLevel((enum MQTTCLIENT_TRACE_LEVELS)-1);
	MQTTClient_setTraceLevel(MQTTCLIENT_TRACE_MINIMUM);
	CHECK(MQTTClient_getVersionInfo() != NULL);
	CHECK(MQTTClient_strerror(INT_MIN) != NULL && MQTTClient_strerror(INT_MAX) != NULL);
	MQTTClient_yield();

	MQTTProperties_free(NULL);
	CHECK(MQTTProperties_add(NULL, &property) < 0);
	{
		MQTTProperties list = MQTTProperties_initializer, copy = MQTTProperties_copy(NULL);

		CHECK(copy.count == 0 && copy.array == NULL);
		CHECK(MQTTProperties_add(&list, NULL) < 0);
		CHECK(list.count == 0);
	}
	CHECK_RC(MQTTProperties_hasProperty(NULL, MQTTPROPERTY_CODE_USER_PROPERTY), 0);
	CHECK_RC(MQTTProperties_propertyCount(NULL, MQTTPROPERTY_CODE_USER_PROPERTY), 0);
	CHECK(MQTTProperties_getProperty(NULL, MQTTPROPERTY_CODE_USER_PROPERTY) == NULL);
	CHECK(MQTTProperties_getPropertyAt(NULL, MQTTPROPERTY_CODE_USER_PROPERTY, 0) == NULL);
	CHECK(MQTTProperties_getNumericValue(NULL, MQTTPROPERTY_CODE_RECEIVE_MAXIMUM) < 0);
	CHECK(MQTTProperties_getNumericValueAt(NULL, MQTTPROPERTY_CODE_RECEIVE_MAXIMUM, -1) < 0);
	CHECK(MQTTProperty_getType((enum MQTTPropertyCodes)-1) < 0);
	(void)MQTTPropertyName((enum MQTTPropertyCodes)INT_MAX);
	(void)MQTTReasonCode_toString((enum MQTTReasonCodes)INT_MAX);
}

static void numbers_and_strings(MQTTClient client)
{
	char *const topics[] = { "a", "b", NULL };
	int qoss[] = { 0, 0, 0 };
	MQTTClient_deliveryToken token;
	MQTTClient_message message = hello;
	char *text = too_long();
	size_t i;

	for (i = 0; i < sizeof negative / sizeof *negative; i++)
	{
		int n = negative[i];

		CHECK_RC(MQTTClient_publish(client, "a", n, "x", 0, 0, &token), MQTTCLIENT_FAILURE);
		CHECK_RC(MQTTClient_publish(client, "a", 1, "x", n, 0, &token), MQTTCLIENT_BAD_QOS);
		message.payloadlen = n;
		CHECK_RC(MQTTClient_publishMessage(client, "a", &message, &token), MQTTCLIENT_FAILURE);
		CHECK_RC(MQTTClient_subscribe(client, "a", n), MQTTCLIENT_BAD_QOS);
		CHECK_RC(MQTTClient_subscribeMany(client, n, topics, qoss), MQTTCLIENT_FAILURE);
		CHECK_RC(MQTTClient_unsubscribeMany(client, n, topics), MQTTCLIENT_FAILURE);
		CHECK_RC(MQTTClient_waitForCompletion(client, n, 0), MQTTCLIENT_SUCCESS);
	}
	for (i = 0; i < sizeof too_big / sizeof *too_big; i++)
	{
		CHECK_RC(MQTTClient_publish(client, "a", too_big[i], "x", 0, 0, &token), MQTTCLIENT_FAILURE);
		CHECK_RC(MQTTClient_publish(client, "a", too_big[i], "x", 2, 0, &token), MQTTCLIENT_FAILURE);
		message.payloadlen = too_big[i];
		CHECK_RC(MQTTClient_publishMessage(client, "a", &message, &token), MQTTCLIENT_FAILURE);
	}
	CHECK_RC(MQTTClient_subscribeMany(client, 0, topics, qoss), MQTTCLIENT_FAILURE);
	CHECK_RC(MQTTClient_subscribeMany(client, INT_MAX, topics, qoss), MQTTCLIENT_BAD_UTF8_STRING);
	CHECK_RC(MQTTClient_unsubscribeMany(client, INT_MAX, topics), MQTTCLIENT_BAD_UTF8_STRING);
	for (i = 0; i < BAD_UTF8; i++)
	{
		MQTTClient other = NULL;

		CHECK_RC(MQTTClient_publish(client, bad_utf8[i], 1, "x", 0, 0, &token), MQTTCLIENT_BAD_UTF8_STRING);
		CHECK_RC(MQTTClient_subscribe(client, bad_utf8[i], 0), MQTTCLIENT_BAD_UTF8_STRING);
		CHECK_RC(MQTTClient_unsubscribe(client, bad_utf8[i]), MQTTCLIENT_BAD_UTF8_STRING);
		CHECK_RC(MQTTClient_create(&other, uri, bad_utf8[i], MQTTCLIENT_PERSISTENCE_NONE, NULL), MQTTCLIENT_BAD_UTF8_STRING);
		CHECK_RC(MQTTClient_create(&other, bad_utf8[i], "id", MQTTCLIENT_PERSISTENCE_NONE, NULL), MQTTCLIENT_BAD_UTF8_STRING);
		CHECK(other == NULL);
	}
	CHECK_RC(MQTTClient_publish(client, text, 1, "x", 0, 0, &token), MQTTCLIENT_FAILURE);
	CHECK_RC(MQTTClient_subscribe(client, text, 0), MQTTCLIENT_FAILURE);
	CHECK_RC(MQTTClient_unsubscribe(client, text), MQTTCLIENT_FAILURE);
	CHECK(MQTTClient_publish(client, "", 1, "x", 0, 0, &token) <= 0);
	CHECK_RC(MQTTClient_setCommandTimeout(client, ULONG_MAX), MQTTCLIENT_SUCCESS);
	CHECK_RC(MQTTClient_setCommandTimeout(client, 30000), MQTTCLIENT_SUCCESS);
	free(text);
}

/* Connect options that cannot be kept: the connect fails, and the client can be connected afterwards. */
static void connect_options(void)
{
	MQTTClient client = create("hostile-options", MQTTVERSION_3_1_1);
	MQTTClient_willOptions will = MQTTClient_willOptions_initializer;
	char *text = too_long();
	char *const uris[] = { (char *)uri, NULL };
	MQTTClient_connectOptions o;
	size_t i;

	o = options, o.username = text;
	CHECK(MQTTClient_connect(client, &o) != 0);
	o = options, o.username = "u", o.password = text;
	CHECK(MQTTClient_connect(client, &o) != 0);
	o = options, o.username = "u", o.binarypwd.data = "x", o.binarypwd.len = INT_MIN;
	CHECK_RC(MQTTClient_connect(client, &o), MQTTCLIENT_FAILURE);
	for (i = 0; i < BAD_UTF8; i++)
	{
		o = options, o.username = bad_utf8[i];
		CHECK_RC(MQTTClient_connect(client, &o), MQTTCLIENT_BAD_UTF8_STRING);
	}
	o = options, o.will = &will;
	CHECK_RC(MQTTClient_connect(client, &o), MQTTCLIENT_NULL_PARAMETER);
	will.topicName = "";
	CHECK_RC(MQTTClient_connect(client, &o), MQTTCLIENT_0_LEN_WILL_TOPIC);
	will.topicName = "will", will.qos = 3;
	CHECK_RC(MQTTClient_connect(client, &o), MQTTCLIENT_BAD_QOS);
	will.qos = 0, will.payload.len = INT_MIN, will.payload.data = "x";
	CHECK_RC(MQTTClient_connect(client, &o), MQTTCLIENT_FAILURE);
	will.topicName = text, will.payload.len = 0;
	CHECK(MQTTClient_connect(client, &o) != 0);
	o = options, o.serverURIcount = 2;
	CHECK_RC(MQTTClient_connect(client, &o), MQTTCLIENT_NULL_PARAMETER);
	o.serverURIs = uris, o.serverURIcount = INT_MAX;
	CHECK_RC(MQTTClient_connect(client, &o), MQTTCLIENT_NULL_PARAMETER);
	for (o = options, o.MQTTVersion = -1; o.MQTTVersion < 10; o.MQTTVersion++)
		if (o.MQTTVersion != 0 && o.MQTTVersion != 3 && o.MQTTVersion != 4)
			CHECK(MQTTClient_connect(client, &o) != 0);
	o = options, o.serverURIcount = INT_MIN;
	CHECK_RC(MQTTClient_connect(client, &o), MQTTCLIENT_FAILURE);
	o = options, o.keepAliveInterval = INT_MIN, o.connectTimeout = INT_MAX, o.retryInterval = -1, o.maxInflightMessages = INT_MIN;
	CHECK_RC(MQTTClient_connect(client, &o), MQTTCLIENT_SUCCESS);
	works(client, MQTTVERSION_3_1_1);
	CHECK_RC(MQTTClient_disconnect(client, INT_MIN), MQTTCLIENT_SUCCESS);
	o = options, o.keepAliveInterval = INT_MAX;
	(void)MQTTClient_connect(client, &o);
	CHECK_RC(MQTTClient_disconnect(client, INT_MAX), MQTTCLIENT_SUCCESS);
	MQTTClient_destroy(&client);
	free(text);
}

/* Property lists that no packet can have. */
static void properties(void)
{
	MQTTClient client = connected("hostile-properties", MQTTVERSION_5);
	MQTTProperties lying = LYING_LIST(INT_MAX), less = LYING_LIST(INT_MIN), list = MQTTProperties_initializer;
	MQTTSubscribe_options subscribe = MQTTSubscribe_options_initializer;
	MQTTProperty property = { .identifier = (enum MQTTPropertyCodes)99 };
	MQTTClient_deliveryToken token;
	char *text = too_long();

	CHECK(reason(MQTTClient_publish5(client, "a", 1, "x", 0, 0, &lying, &token)) <= 0);
	CHECK(reason(MQTTClient_publish5(client, "a", 1, "x", 0, 0, &less, &token)) <= 0);
	CHECK(MQTTProperties_add(&list, &property) < 0);
	property.identifier = MQTTPROPERTY_CODE_CONTENT_TYPE;
	property.value.data.len = -1, property.value.data.data = text;
	CHECK(MQTTProperties_add(&list, &property) <= 0);
	MQTTProperties_free(&list);
	property.value.data.len = 65536;
	if (MQTTProperties_add(&list, &property) == 0)
		CHECK(reason(MQTTClient_publish5(client, "a", 1, "x", 0, 0, &list, &token)) != 0);
	MQTTProperties_free(&list);
	MQTTProperties_free(&list);
	property.identifier = MQTTPROPERTY_CODE_CONTENT_TYPE;
	property.value.data.len = 1, property.value.data.data = "\xff";
	if (MQTTProperties_add(&list, &property) == 0)
		CHECK(reason(MQTTClient_publish5(client, "a", 1, "x", 0, 0, &list, &token)) != 0);
	MQTTProperties_free(&list);
	/* A property of another packet, and one that there may be only once. */
	property.identifier = MQTTPROPERTY_CODE_RECEIVE_MAXIMUM, property.value.integer2 = 1;
	CHECK_RC(MQTTProperties_add(&list, &property), 0);
	CHECK(reason(MQTTClient_publish5(client, "a", 1, "x", 0, 0, &list, &token)) != 0);
	CHECK(MQTTClient_disconnect5(client, 0, MQTTREASONCODE_SUCCESS, &list) != 0);
	MQTTProperties_free(&list);
	property.identifier = MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL, property.value.integer4 = 1;
	CHECK_RC(MQTTProperties_add(&list, &property), 0);
	CHECK_RC(MQTTProperties_add(&list, &property), 0);
	CHECK(reason(MQTTClient_publish5(client, "a", 1, "x", 0, 0, &list, &token)) != 0);
	MQTTProperties_free(&list);
	subscribe.retainHandling = 255;
	CHECK(reason(MQTTClient_subscribe5(client, "a", 0, &subscribe, NULL)) != 0);
	CHECK(MQTTClient_disconnect5(client, 0, (enum MQTTReasonCodes)4711, NULL) != 0);
	works(client, MQTTVERSION_5);
	CHECK_RC(MQTTClient_disconnect5(client, 0, MQTTREASONCODE_SUCCESS, NULL), MQTTCLIENT_SUCCESS);
	MQTTClient_destroy(&client);
	free(text);
}

int main(int argc, char **argv)
{
	MQTTClient client;

	CHECK(argc == 2);
	uri = argv[1];
	hello.payload = "hello", hello.payloadlen = 5, hello.qos = 1;
	handles();
	client = connected("hostile", MQTTVERSION_3_1_1);
	nulls(client);
	works(client, MQTTVERSION_3_1_1);
	numbers_and_strings(client);
	works(client, MQTTVERSION_3_1_1);
	for_paho_careless(client, 0);
	works(client, MQTTVERSION_3_1_1);
	CHECK_RC(MQTTClient_disconnect(client, 0), MQTTCLIENT_SUCCESS);
	CHECK_RC(MQTTClient_setCallbacks(client, NULL, NULL, arrived, NULL), MQTTCLIENT_SUCCESS);
	for_paho_careless(client, 1);
	MQTTClient_destroy(&client);
	connect_options();
	properties();
	check_heap();
	printf("every call came back\n");
	return 0;
}
