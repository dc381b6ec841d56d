/* MQTTAsync in the hands of a careless program: handles that are none, structs that are none, numbers and strings that cannot be. */
#include "for_paho.h"
#include "hostile.h"

#include "MQTTAsync.h"

static const char *uri;
static MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
static MQTTAsync_connectOptions options5 = MQTTAsync_connectOptions_initializer5;
static MQTTAsync_message hello = MQTTAsync_message_initializer;
static counter connects = COUNTER_INITIALIZER, subscribed = COUNTER_INITIALIZER, sent = COUNTER_INITIALIZER,
	arrivals = COUNTER_INITIALIZER, ends = COUNTER_INITIALIZER;

static void success(void *context, MQTTAsync_successData *data)
{
	(void)data;
	counter_add(context, 1);
}

static void success5(void *context, MQTTAsync_successData5 *data)
{
	(void)data;
	counter_add(context, 1);
}

static void failure(void *context, MQTTAsync_failureData *data)
{
	(void)context;
	FAIL("failed: %d %s", data ? data->code : 0, data && data->message ? data->message : "");
}

static void failure5(void *context, MQTTAsync_failureData5 *data)
{
	(void)context;
	FAIL("failed: %d", data ? data->code : 0);
}

static void either(void *context, MQTTAsync_failureData *data)
{
	(void)data;
	counter_add(context, 1);
}

static int arrived(void *context, char *topic, int length, MQTTAsync_message *message)
{
	(void)context, (void)length;
	MQTTAsync_freeMessage(&message);
	MQTTAsync_free(topic);
	counter_add(&arrivals, 1);
	return 1;
}

static void lost(void *context, char *cause)
{
	(void)context, (void)cause;
}

static void delivered(void *context, MQTTAsync_token token)
{
	(void)context, (void)token;
}

static void disconnected(void *context, MQTTProperties *properties, enum MQTTReasonCodes code)
{
	(void)context, (void)properties, (void)code;
}

static int update(void *context, MQTTAsync_connectData *data)
{
	(void)context, (void)data;
	return 0;
}

static MQTTAsync create(const char *id, int version)
{
	MQTTAsync_createOptions create_options = MQTTAsync_createOptions_initializer;
	MQTTAsync client = NULL;

	create_options.MQTTVersion = version;
	CHECK_RC(MQTTAsync_createWithOptions(&client, uri, id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &create_options), MQTTASYNC_SUCCESS);
	CHECK(client != NULL);
	CHECK_RC(MQTTAsync_setCallbacks(client, NULL, lost, arrived, delivered), MQTTASYNC_SUCCESS);
	return client;
}

static void connect(MQTTAsync client, int version)
{
	long before = counter_get(&connects);
	MQTTAsync_connectOptions o = version == MQTTVERSION_5 ? options5 : options;

	o.context = &connects;
	if (version == MQTTVERSION_5)
		o.onSuccess5 = success5, o.onFailure5 = failure5;
	else
		o.onSuccess = success, o.onFailure = failure;
	CHECK_RC(MQTTAsync_connect(client, &o), MQTTASYNC_SUCCESS);
	AWAIT(&connects, before + 1);
}

static MQTTAsync connected(const char *id, int version)
{
	MQTTAsync client = create(id, version);

	connect(client, version);
	return client;
}

static void disconnect(MQTTAsync client, int version)
{
	MQTTAsync_disconnectOptions o = MQTTAsync_disconnectOptions_initializer;
	long before = counter_get(&ends);

	o.context = &ends, o.onSuccess = success, o.onFailure = failure;
	(void)version;
	CHECK_RC(MQTTAsync_disconnect(client, &o), MQTTASYNC_SUCCESS);
	AWAIT(&ends, before + 1);
}

/* A message of this client's own comes back to it: all of it works. */
static void works(MQTTAsync client, int version)
{
	long subscriptions = counter_get(&subscribed), before = counter_get(&arrivals), before_sent = counter_get(&sent);
	MQTTAsync_responseOptions r = MQTTAsync_responseOptions_initializer;

	if (version == MQTTVERSION_5)
		r.onSuccess5 = success5, r.onFailure5 = failure5;
	else
		r.onSuccess = success, r.onFailure = failure;
	CHECK(MQTTAsync_isConnected(client));
	r.context = &subscribed;
	CHECK_RC(MQTTAsync_subscribe(client, "hostile/works", 1, &r), MQTTASYNC_SUCCESS);
	AWAIT(&subscribed, subscriptions + 1);
	r.context = &sent;
	CHECK_RC(MQTTAsync_sendMessage(client, "hostile/works", &hello, &r), MQTTASYNC_SUCCESS);
	AWAIT(&sent, before_sent + 1);
	AWAIT(&arrivals, before + 1);
	r.context = &subscribed;
	CHECK_RC(MQTTAsync_unsubscribe(client, "hostile/works", &r), MQTTASYNC_SUCCESS);
	AWAIT(&subscribed, subscriptions + 2);
}

/* Every function that takes a handle, with good arguments otherwise. */
static void every_call_refuses(void *no_handle)
{
	char *const topics[] = { "a", "b" };
	int qoss[] = { 0, 0 };
	MQTTAsync_token token, *tokens;
	MQTTAsync_disconnectOptions end = MQTTAsync_disconnectOptions_initializer;
	MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;

	CHECK_RC(MQTTAsync_setCallbacks(no_handle, NULL, lost, arrived, delivered), MQTTASYNC_FAILURE);
	CHECK_RC(MQTTAsync_setConnectionLostCallback(no_handle, NULL, lost), MQTTASYNC_FAILURE);
	CHECK_RC(MQTTAsync_setMessageArrivedCallback(no_handle, NULL, arrived), MQTTASYNC_FAILURE);
	CHECK_RC(MQTTAsync_setDeliveryCompleteCallback(no_handle, NULL, delivered), MQTTASYNC_FAILURE);
	CHECK_RC(MQTTAsync_setConnected(no_handle, NULL, lost), MQTTASYNC_FAILURE);
	CHECK_RC(MQTTAsync_setDisconnected(no_handle, NULL, disconnected), MQTTASYNC_FAILURE);
	CHECK_RC(MQTTAsync_setUpdateConnectOptions(no_handle, NULL, update), MQTTASYNC_FAILURE);
	CHECK_RC(MQTTAsync_setBeforePersistenceWrite(no_handle, NULL, NULL), MQTTASYNC_FAILURE);
	CHECK_RC(MQTTAsync_setAfterPersistenceRead(no_handle, NULL, NULL), MQTTASYNC_FAILURE);
	CHECK_RC(MQTTAsync_connect(no_handle, &options), MQTTASYNC_FAILURE);
	CHECK_RC(MQTTAsync_reconnect(no_handle), MQTTASYNC_FAILURE);
	CHECK_RC(MQTTAsync_disconnect(no_handle, &end), MQTTASYNC_FAILURE);
	CHECK_RC(MQTTAsync_isConnected(no_handle), 0);
	CHECK_RC(MQTTAsync_subscribe(no_handle, "a", 0, &response), MQTTASYNC_FAILURE);
	CHECK_RC(MQTTAsync_subscribeMany(no_handle, 2, topics, qoss, &response), MQTTASYNC_FAILURE);
	CHECK_RC(MQTTAsync_unsubscribe(no_handle, "a", &response), MQTTASYNC_FAILURE);
	CHECK_RC(MQTTAsync_unsubscribeMany(no_handle, 2, topics, &response), MQTTASYNC_FAILURE);
	CHECK_RC(MQTTAsync_send(no_handle, "a", 1, "x", 0, 0, &response), MQTTASYNC_FAILURE);
	CHECK_RC(MQTTAsync_sendMessage(no_handle, "a", &hello, &response), MQTTASYNC_FAILURE);
	tokens = &token;
	CHECK_RC(MQTTAsync_getPendingTokens(no_handle, &tokens), MQTTASYNC_FAILURE);
	CHECK(tokens == NULL);
	CHECK_RC(MQTTAsync_isComplete(no_handle, 1), MQTTASYNC_FAILURE);
	CHECK_RC(MQTTAsync_waitForCompletion(no_handle, 1, 100000), MQTTASYNC_FAILURE);
	for_paho_refuses(no_handle);
	MQTTAsync_destroy(&no_handle);
	CHECK(no_handle == NULL);
	MQTTAsync_destroy(&no_handle);
}

static void handles(void)
{
	MQTTAsync was = create("hostile-was", MQTTVERSION_DEFAULT), stale = was, client;
	void *bad[NO_HANDLES];
	int i;

	MQTTAsync_destroy(&was);
	CHECK(was == NULL);
	client = connected("hostile-handles", MQTTVERSION_3_1_1);
	CHECK(client != stale);
	no_handles(bad, client, stale);
	for (i = 0; i < NO_HANDLES; i++)
		every_call_refuses(bad[i]);
	works(client, MQTTVERSION_3_1_1);
	stale = client;
	MQTTAsync_destroy(&client);
	every_call_refuses(stale);
	MQTTAsync_destroy(NULL);
}

static void nulls(MQTTAsync client)
{
	char *const topics[] = { "a", "b" }, *const with_null[] = { "a", NULL };
	int qoss[] = { 0, 0 };
	MQTTAsync_message *message = NULL;

	CHECK_RC(MQTTAsync_create(NULL, uri, "id", MQTTCLIENT_PERSISTENCE_NONE, NULL), MQTTASYNC_NULL_PARAMETER);
	CHECK_RC(MQTTAsync_create(&client, NULL, "id", MQTTCLIENT_PERSISTENCE_NONE, NULL), MQTTASYNC_NULL_PARAMETER);
	CHECK_RC(MQTTAsync_create(&client, uri, NULL, MQTTCLIENT_PERSISTENCE_NONE, NULL), MQTTASYNC_NULL_PARAMETER);
	CHECK_RC(MQTTAsync_createWithOptions(NULL, uri, "id", MQTTCLIENT_PERSISTENCE_NONE, NULL, NULL), MQTTASYNC_NULL_PARAMETER);
	CHECK_RC(MQTTAsync_create(&client, uri, "id", MQTTCLIENT_PERSISTENCE_USER, NULL), MQTTASYNC_PERSISTENCE_ERROR);
	CHECK_RC(MQTTAsync_setCallbacks(client, NULL, NULL, NULL, NULL), MQTTASYNC_FAILURE);
	CHECK_RC(MQTTAsync_setMessageArrivedCallback(client, NULL, NULL), MQTTASYNC_FAILURE);
	CHECK_RC(MQTTAsync_connect(client, NULL), MQTTASYNC_NULL_PARAMETER);
	CHECK_RC(MQTTAsync_subscribe(client, NULL, 0, NULL), MQTTASYNC_BAD_UTF8_STRING);
	CHECK_RC(MQTTAsync_subscribeMany(client, 2, NULL, qoss, NULL), MQTTASYNC_NULL_PARAMETER);
	CHECK_RC(MQTTAsync_subscribeMany(client, 2, with_null, qoss, NULL), MQTTASYNC_BAD_UTF8_STRING);
	CHECK_RC(MQTTAsync_subscribeMany(client, 2, topics, NULL, NULL), MQTTASYNC_NULL_PARAMETER);
	CHECK_RC(MQTTAsync_unsubscribe(client, NULL, NULL), MQTTASYNC_BAD_UTF8_STRING);
	CHECK_RC(MQTTAsync_unsubscribeMany(client, 2, NULL, NULL), MQTTASYNC_NULL_PARAMETER);
	CHECK_RC(MQTTAsync_unsubscribeMany(client, 2, with_null, NULL), MQTTASYNC_BAD_UTF8_STRING);
	CHECK_RC(MQTTAsync_send(client, NULL, 1, "x", 0, 0, NULL), MQTTASYNC_BAD_UTF8_STRING);
	CHECK_RC(MQTTAsync_send(client, "a", 1, NULL, 0, 0, NULL), MQTTASYNC_NULL_PARAMETER);
	CHECK_RC(MQTTAsync_sendMessage(client, NULL, &hello, NULL), MQTTASYNC_BAD_UTF8_STRING);
	CHECK_RC(MQTTAsync_sendMessage(client, "a", NULL, NULL), MQTTASYNC_NULL_PARAMETER);
	CHECK_RC(MQTTAsync_getPendingTokens(client, NULL), MQTTASYNC_FAILURE);
	MQTTAsync_freeMessage(NULL);
	MQTTAsync_freeMessage(&message);
	MQTTAsync_free(NULL);
	MQTTAsync_free(MQTTAsync_malloc(0));
	MQTTAsync_global_init(NULL);
	MQTTAsync_setTraceCallback(NULL);
	MQTTAsync_setTraceLevel((enum MQTTASYNC_TRACE_LEVELS)-1);
	MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_MINIMUM);
	CHECK(MQTTAsync_getVersionInfo() != NULL);
	CHECK(MQTTAsync_strerror(INT_MIN) != NULL && MQTTAsync_strerror(INT_MAX) != NULL);
}

static void numbers_and_strings(MQTTAsync client)
{
	char *const topics[] = { "a", "b", NULL };
	int qoss[] = { 0, 0, 0 };
	MQTTAsync_message message = hello;
	MQTTAsync_createOptions co = MQTTAsync_createOptions_initializer;
	MQTTAsync other = NULL;
	char *text = too_long();
	size_t i;

	for (i = 0; i < sizeof negative / sizeof *negative; i++)
	{
		int n = negative[i];

		CHECK_RC(MQTTAsync_send(client, "a", n, "x", 0, 0, NULL), MQTTASYNC_NULL_PARAMETER);
		CHECK_RC(MQTTAsync_send(client, "a", 1, "x", n, 0, NULL), MQTTASYNC_BAD_QOS);
		message.payloadlen = n;
		CHECK_RC(MQTTAsync_sendMessage(client, "a", &message, NULL), MQTTASYNC_NULL_PARAMETER);
		CHECK_RC(MQTTAsync_subscribe(client, "a", n, NULL), MQTTASYNC_BAD_QOS);
		CHECK_RC(MQTTAsync_subscribeMany(client, n, topics, qoss, NULL), MQTTASYNC_FAILURE);
		CHECK_RC(MQTTAsync_unsubscribeMany(client, n, topics, NULL), MQTTASYNC_FAILURE);
		CHECK_RC(MQTTAsync_isComplete(client, n), 1);
		CHECK_RC(MQTTAsync_waitForCompletion(client, n, ULONG_MAX), MQTTASYNC_SUCCESS);
		co.sendWhileDisconnected = 1, co.maxBufferedMessages = n;
		CHECK_RC(MQTTAsync_createWithOptions(&other, uri, "id", MQTTCLIENT_PERSISTENCE_NONE, NULL, &co), MQTTASYNC_MAX_BUFFERED);
		CHECK(other == NULL);
	}
	for (i = 0; i < sizeof too_big / sizeof *too_big; i++)
	{
		CHECK_RC(MQTTAsync_send(client, "a", too_big[i], "x", 0, 0, NULL), MQTTASYNC_FAILURE);
		CHECK_RC(MQTTAsync_send(client, "a", too_big[i], "x", 2, 0, NULL), MQTTASYNC_FAILURE);
		message.payloadlen = too_big[i];
		CHECK_RC(MQTTAsync_sendMessage(client, "a", &message, NULL), MQTTASYNC_FAILURE);
	}
	CHECK_RC(MQTTAsync_subscribeMany(client, 0, topics, qoss, NULL), MQTTASYNC_FAILURE);
	CHECK_RC(MQTTAsync_subscribeMany(client, INT_MAX, topics, qoss, NULL), MQTTASYNC_BAD_UTF8_STRING);
	CHECK_RC(MQTTAsync_unsubscribeMany(client, INT_MAX, topics, NULL), MQTTASYNC_BAD_UTF8_STRING);
	for (i = 0; i < BAD_UTF8; i++)
	{
		CHECK_RC(MQTTAsync_send(client, bad_utf8[i], 1, "x", 0, 0, NULL), MQTTASYNC_BAD_UTF8_STRING);
		CHECK_RC(MQTTAsync_subscribe(client, bad_utf8[i], 0, NULL), MQTTASYNC_BAD_UTF8_STRING);
		CHECK_RC(MQTTAsync_unsubscribe(client, bad_utf8[i], NULL), MQTTASYNC_BAD_UTF8_STRING);
		CHECK_RC(MQTTAsync_create(&other, uri, bad_utf8[i], MQTTCLIENT_PERSISTENCE_NONE, NULL), MQTTASYNC_BAD_UTF8_STRING);
		CHECK_RC(MQTTAsync_create(&other, bad_utf8[i], "id", MQTTCLIENT_PERSISTENCE_NONE, NULL), MQTTASYNC_BAD_UTF8_STRING);
		CHECK(other == NULL);
	}
	CHECK(MQTTAsync_send(client, text, 1, "x", 0, 0, NULL) != MQTTASYNC_SUCCESS);
	CHECK(MQTTAsync_subscribe(client, text, 0, NULL) != MQTTASYNC_SUCCESS);
	CHECK(MQTTAsync_unsubscribe(client, text, NULL) != MQTTASYNC_SUCCESS);
	free(text);
}

/* Connect options that cannot be kept: either the call fails, or onFailure comes. The client can be connected afterwards. */
static void refused(MQTTAsync client, MQTTAsync_connectOptions o)
{
	long before = counter_get(&ends);

	o.context = &ends, o.onSuccess = success, o.onFailure = either;
	if (MQTTAsync_connect(client, &o) == MQTTASYNC_SUCCESS)
	{
		AWAIT(&ends, before + 1);
		CHECK(!MQTTAsync_isConnected(client));
	}
}

static void connect_options(void)
{
	MQTTAsync client = create("hostile-options", MQTTVERSION_3_1_1);
	MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
	MQTTProperties none = MQTTProperties_initializer;
	char *const uris[] = { (char *)uri, NULL };
	char *text = too_long();
	MQTTAsync_connectOptions o;
	size_t i;

	o = options, o.username = text, refused(client, o);
	o = options, o.username = "u", o.password = text, refused(client, o);
	for (i = 0; i < BAD_UTF8; i++)
	{
		o = options, o.username = bad_utf8[i];
		CHECK_RC(MQTTAsync_connect(client, &o), MQTTASYNC_BAD_UTF8_STRING);
	}
	o = options, o.will = &will;
	CHECK_RC(MQTTAsync_connect(client, &o), MQTTASYNC_NULL_PARAMETER);
	will.topicName = "";
	CHECK_RC(MQTTAsync_connect(client, &o), MQTTASYNC_0_LEN_WILL_TOPIC);
	will.topicName = "will", will.qos = 3;
	CHECK_RC(MQTTAsync_connect(client, &o), MQTTASYNC_BAD_QOS);
	will.topicName = text, will.qos = 0, refused(client, o);
	o = options, o.serverURIcount = 2;
	CHECK_RC(MQTTAsync_connect(client, &o), MQTTASYNC_NULL_PARAMETER);
	o.serverURIs = uris, o.serverURIcount = INT_MAX;
	CHECK_RC(MQTTAsync_connect(client, &o), MQTTASYNC_NULL_PARAMETER);
	for (o = options, o.MQTTVersion = -1; o.MQTTVersion < 10; o.MQTTVersion++)
		if (o.MQTTVersion != 0 && o.MQTTVersion != 3 && o.MQTTVersion != 4)
			CHECK(MQTTAsync_connect(client, &o) < 0);
	o = options, o.connectProperties = &none;
	CHECK_RC(MQTTAsync_connect(client, &o), MQTTASYNC_BAD_MQTT_OPTION);
	o = options, o.onSuccess5 = success5;
	CHECK_RC(MQTTAsync_connect(client, &o), MQTTASYNC_BAD_MQTT_OPTION);
	connect(client, MQTTVERSION_3_1_1);
	works(client, MQTTVERSION_3_1_1);
	disconnect(client, MQTTVERSION_3_1_1);
	MQTTAsync_destroy(&client);
	free(text);
}

static void properties(void)
{
	MQTTAsync client = connected("hostile-properties", MQTTVERSION_5);
	MQTTProperties lying = LYING_LIST(INT_MAX);
	MQTTProperty property = { .identifier = MQTTPROPERTY_CODE_RECEIVE_MAXIMUM, .value.integer2 = 1 };
	MQTTAsync_responseOptions r = MQTTAsync_responseOptions_initializer;
	MQTTAsync_disconnectOptions end = MQTTAsync_disconnectOptions_initializer5;
	MQTTAsync_message message = hello;
	char *const topics[] = { "a", "b" };
	int qoss[] = { 0, 0 };

	message.properties = lying;
	(void)MQTTAsync_sendMessage(client, "a", &message, NULL);
	message.properties = hello.properties;
	CHECK_RC(MQTTProperties_add(&message.properties, &property), 0);
	CHECK(MQTTAsync_sendMessage(client, "a", &message, NULL) != MQTTASYNC_SUCCESS);
	r.properties = message.properties;
	CHECK(MQTTAsync_subscribe(client, "a", 0, &r) != MQTTASYNC_SUCCESS);
	CHECK(MQTTAsync_unsubscribe(client, "a", &r) != MQTTASYNC_SUCCESS);
	end.properties = message.properties;
	CHECK(MQTTAsync_disconnect(client, &end) != MQTTASYNC_SUCCESS);
	end.properties.count = 0, end.reasonCode = (enum MQTTReasonCodes)4711;
	CHECK(MQTTAsync_disconnect(client, &end) != MQTTASYNC_SUCCESS);
	MQTTProperties_free(&message.properties);
	r.properties = message.properties;
	/* More or fewer options than topics, and a list of them that is not there. */
	r.subscribeOptionsCount = INT_MAX;
	CHECK_RC(MQTTAsync_subscribeMany(client, 2, topics, qoss, &r), MQTTASYNC_BAD_MQTT_OPTION);
	r.subscribeOptionsCount = 2;
	(void)MQTTAsync_subscribeMany(client, 2, topics, qoss, &r);
	r.subscribeOptionsCount = 0, r.subscribeOptions.retainHandling = 255;
	CHECK(MQTTAsync_subscribe(client, "a", 0, &r) != MQTTASYNC_SUCCESS);
	works(client, MQTTVERSION_5);
	MQTTAsync_destroy(&client);
}

int main(int argc, char **argv)
{
	MQTTAsync client;

	CHECK(argc == 2);
	uri = argv[1];
	hello.payload = "hello", hello.payloadlen = 5, hello.qos = 1;
	handles();
	client = connected("hostile", MQTTVERSION_3_1_1);
	nulls(client);
	works(client, MQTTVERSION_3_1_1);
	numbers_and_strings(client);
	works(client, MQTTVERSION_3_1_1);
	for_paho_careless(client, 1);
	works(client, MQTTVERSION_3_1_1);
	disconnect(client, MQTTVERSION_3_1_1);
	MQTTAsync_destroy(&client);
	connect_options();
	properties();
	check_heap();
	printf("every call came back\n");
	return 0;
}
