/* MQTTClient: NULL, one at a time, in every argument of every function; on a handle never connected, connected, and disconnected again. */
#include "client.h"

static const char *uri;
static MQTTClient c;
static MQTTClient_deliveryToken token;
static MQTTClient_deliveryToken *tokens;
static MQTTClient_message *received;
static char *topic_name;
static int topic_length;
static char *const topics[] = {"a/b", "c/d"};
static char *const null_topic[] = {"a/b", NULL};
static int qoss[] = {0, 1};
static MQTTClient_message message = MQTTClient_message_initializer;
static MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
static MQTTClient_connectOptions options5 = MQTTClient_connectOptions_initializer5;

static int arrived(void *context, char *name, int length, MQTTClient_message *m)
{
	(void)context, (void)length;
	MQTTClient_freeMessage(&m);
	MQTTClient_free(name);
	return 1;
}

static void lost(void *context, char *cause)
{
	(void)context, (void)cause;
}

static void delivered(void *context, MQTTClient_deliveryToken t)
{
	(void)context, (void)t;
}

static void disconnected(void *context, MQTTProperties *properties, enum MQTTReasonCodes reason)
{
	(void)context, (void)properties, (void)reason;
}

static void published(void *context, int t, int type, MQTTProperties *properties, enum MQTTReasonCodes reason)
{
	(void)context, (void)t, (void)type, (void)properties, (void)reason;
}

static void created(int version)
{
	c = new_client(uri, "client-null", version);
}

static void connected(int version)
{
	created(version);
	SHOW(connect_client(c, version));
}

static void create(void)
{
	MQTTClient_createOptions co = MQTTClient_createOptions_initializer;

	CRASHES_ORIGINAL("create with a NULL handle pointer") { SHOW(MQTTClient_create(NULL, uri, "id", MQTTCLIENT_PERSISTENCE_NONE, NULL)); }
	ISOLATED("create with a NULL URI") { SHOW(MQTTClient_create(&c, NULL, "id", MQTTCLIENT_PERSISTENCE_NONE, NULL)); }
	ISOLATED("create with a NULL client id") { SHOW(MQTTClient_create(&c, uri, NULL, MQTTCLIENT_PERSISTENCE_NONE, NULL)); }
	ISOLATED("create with every name NULL") { SHOW(MQTTClient_create(NULL, NULL, NULL, MQTTCLIENT_PERSISTENCE_NONE, NULL)); }
	ISOLATED("createWithOptions without options")
	{
		SHOW(MQTTClient_createWithOptions(&c, uri, "id", MQTTCLIENT_PERSISTENCE_NONE, NULL, NULL));
		SHOW(connect_client(c, MQTTVERSION_3_1_1));
	}
	ISOLATED("create with a user store and no context") { SHOW(MQTTClient_create(&c, uri, "id", MQTTCLIENT_PERSISTENCE_USER, NULL)); }
	ISOLATED("create with an unknown kind of store")
	{
		SHOW(MQTTClient_create(&c, uri, "id", 3, NULL));
		SHOW(MQTTClient_create(&c, uri, "id", -1, NULL));
	}
	ISOLATED("create with an empty client id") { SHOW(MQTTClient_create(&c, uri, "", MQTTCLIENT_PERSISTENCE_NONE, NULL)); }
	ISOLATED("create with a client id that is not UTF-8")
	{
		SHOW(MQTTClient_create(&c, uri, "\xff\xfe", MQTTCLIENT_PERSISTENCE_NONE, NULL));
		SHOW(MQTTClient_create(&c, uri, "\xc0\x80", MQTTCLIENT_PERSISTENCE_NONE, NULL));
		SHOW(MQTTClient_create(&c, uri, "\xed\xa0\x80", MQTTCLIENT_PERSISTENCE_NONE, NULL));
		SHOW(MQTTClient_create(&c, uri, "\xf4\x90\x80\x80", MQTTCLIENT_PERSISTENCE_NONE, NULL));
		SHOW(MQTTClient_create(&c, uri, "\xc3", MQTTCLIENT_PERSISTENCE_NONE, NULL));
		SHOW(MQTTClient_create(&c, uri, "gr\xc3\xbc\xc3\x9f", MQTTCLIENT_PERSISTENCE_NONE, NULL));
	}
	ISOLATED("createWithOptions with a bad structure")
	{
		memcpy(co.struct_id, "XXXX", 4);
		SHOW(MQTTClient_createWithOptions(&c, uri, "id", MQTTCLIENT_PERSISTENCE_NONE, NULL, &co));
		memcpy(co.struct_id, "MQCO", 4);
		for (co.struct_version = -1; co.struct_version <= 3; co.struct_version++)
		{
			printf("struct_version %d: ", co.struct_version);
			SHOW(MQTTClient_createWithOptions(&c, uri, "id", MQTTCLIENT_PERSISTENCE_NONE, NULL, &co));
		}
	}
	ISOLATED("createWithOptions with every MQTT version")
	{
		for (co.MQTTVersion = -1; co.MQTTVersion <= 7; co.MQTTVersion++)
		{
			printf("MQTTVersion %d: ", co.MQTTVersion);
			SHOW(MQTTClient_createWithOptions(&c, uri, "id", MQTTCLIENT_PERSISTENCE_NONE, NULL, &co));
		}
	}
	ISOLATED("which of two faults wins")
	{
		memcpy(co.struct_id, "XXXX", 4);
		SHOW(MQTTClient_createWithOptions(&c, NULL, "id", MQTTCLIENT_PERSISTENCE_NONE, NULL, &co));
		SHOW(MQTTClient_createWithOptions(&c, uri, "\xff", MQTTCLIENT_PERSISTENCE_NONE, NULL, &co));
		SHOW(MQTTClient_createWithOptions(&c, "rubbish://x", "\xff", MQTTCLIENT_PERSISTENCE_NONE, NULL, &co));
		SHOW(MQTTClient_createWithOptions(&c, "rubbish://x", "id", MQTTCLIENT_PERSISTENCE_NONE, NULL, &co));
		SHOW(MQTTClient_createWithOptions(&c, "rubbish://x", "", MQTTCLIENT_PERSISTENCE_DEFAULT, NULL, NULL));
		SHOW(MQTTClient_createWithOptions(&c, uri, "", MQTTCLIENT_PERSISTENCE_DEFAULT, NULL, &co));
		SHOW(MQTTClient_createWithOptions(&c, uri, "", MQTTCLIENT_PERSISTENCE_DEFAULT, NULL, NULL));
	}
}

static void null_handle(void)
{
	ISOLATED("NULL handle before the library has been used")
	{
		SHOW(MQTTClient_isConnected(NULL));
		SHOW(MQTTClient_disconnect(NULL, 0));
		SHOW(MQTTClient_setCommandTimeout(NULL, 1000));
	}
	CRASHES_ORIGINAL("MQTTClient_yield before the library has been used") { MQTTClient_yield(); printf("returned\n"); }
	ISOLATED("destroy of a handle that is NULL before the library has been used") { MQTTClient_destroy(&c); printf("returned\n"); }
	ISOLATED("MQTTClient_yield with no client left")
	{
		created(MQTTVERSION_DEFAULT);
		MQTTClient_yield();
		printf("returned\n");
	}
	CRASHES_ORIGINAL("MQTTClient_destroy(NULL)") { MQTTClient_destroy(NULL); printf("returned\n"); }
	CRASHES_ORIGINAL("MQTTClient_freeMessage(NULL)") { MQTTClient_freeMessage(NULL); printf("returned\n"); }
	CRASHES_ORIGINAL("MQTTClient_freeMessage of a NULL message") { received = NULL; MQTTClient_freeMessage(&received); printf("returned\n"); }
	ISOLATED("MQTTClient_free(NULL)") { MQTTClient_free(NULL); printf("returned\n"); }
	ISOLATED("MQTTClient_global_init(NULL)") { MQTTClient_global_init(NULL); printf("returned\n"); }
	ISOLATED("MQTTClient_setTraceCallback(NULL)") { MQTTClient_setTraceCallback(NULL); printf("returned\n"); }
	ISOLATED("MQTTResponse_free of an empty response")
	{
		MQTTResponse response = MQTTResponse_initializer;
		MQTTResponse_free(response);
		printf("returned\n");
	}
	ISOLATED("NULL handle in every function")
	{
		created(MQTTVERSION_DEFAULT);
		SHOW(MQTTClient_setCallbacks(NULL, NULL, lost, arrived, delivered));
		SHOW(MQTTClient_setDisconnected(NULL, NULL, disconnected));
		SHOW(MQTTClient_setPublished(NULL, NULL, published));
		SHOW(MQTTClient_connect(NULL, &options));
		SHOW_RESPONSE(MQTTClient_connect5(NULL, &options5, NULL, NULL));
		SHOW(MQTTClient_disconnect(NULL, 0));
		SHOW(MQTTClient_disconnect5(NULL, 0, MQTTREASONCODE_SUCCESS, NULL));
		SHOW(MQTTClient_isConnected(NULL));
		SHOW(MQTTClient_setCommandTimeout(NULL, 1000));
	}
	CRASHES_ORIGINAL("NULL handle: subscribe") { created(MQTTVERSION_DEFAULT); SHOW(MQTTClient_subscribe(NULL, "a/b", 0)); }
	ISOLATED("NULL handle: subscribe5") { created(MQTTVERSION_DEFAULT); SHOW_RESPONSE(MQTTClient_subscribe5(NULL, "a/b", 0, NULL, NULL)); }
	ISOLATED("NULL handle: subscribeMany") { created(MQTTVERSION_DEFAULT); SHOW(MQTTClient_subscribeMany(NULL, 2, topics, qoss)); }
	ISOLATED("NULL handle: subscribeMany5") { created(MQTTVERSION_DEFAULT); SHOW_RESPONSE(MQTTClient_subscribeMany5(NULL, 2, topics, qoss, NULL, NULL)); }
	ISOLATED("NULL handle: unsubscribe") { created(MQTTVERSION_DEFAULT); SHOW(MQTTClient_unsubscribe(NULL, "a/b")); }
	ISOLATED("NULL handle: unsubscribe5") { created(MQTTVERSION_DEFAULT); SHOW_RESPONSE(MQTTClient_unsubscribe5(NULL, "a/b", NULL)); }
	ISOLATED("NULL handle: unsubscribeMany") { created(MQTTVERSION_DEFAULT); SHOW(MQTTClient_unsubscribeMany(NULL, 2, topics)); }
	ISOLATED("NULL handle: unsubscribeMany5") { created(MQTTVERSION_DEFAULT); SHOW_RESPONSE(MQTTClient_unsubscribeMany5(NULL, 2, topics, NULL)); }
	CRASHES_ORIGINAL("NULL handle: publish") { created(MQTTVERSION_DEFAULT); SHOW(MQTTClient_publish(NULL, "a/b", 1, "x", 0, 0, &token)); }
	ISOLATED("NULL handle: publish5") { created(MQTTVERSION_DEFAULT); SHOW_RESPONSE(MQTTClient_publish5(NULL, "a/b", 1, "x", 0, 0, NULL, &token)); }
	ISOLATED("NULL handle: publishMessage") { created(MQTTVERSION_DEFAULT); SHOW(MQTTClient_publishMessage(NULL, "a/b", &message, &token)); }
	ISOLATED("NULL handle: publishMessage5") { created(MQTTVERSION_DEFAULT); SHOW_RESPONSE(MQTTClient_publishMessage5(NULL, "a/b", &message, &token)); }
	ISOLATED("NULL handle: waitForCompletion") { created(MQTTVERSION_DEFAULT); SHOW(MQTTClient_waitForCompletion(NULL, 1, 10)); }
	ISOLATED("NULL handle: getPendingDeliveryTokens") { created(MQTTVERSION_DEFAULT); SHOW(MQTTClient_getPendingDeliveryTokens(NULL, &tokens)); }
	ISOLATED("NULL handle: receive") { created(MQTTVERSION_DEFAULT); SHOW(MQTTClient_receive(NULL, &topic_name, &topic_length, &received, 10)); }
}

static void connect(void)
{
	ISOLATED("connect without options") { created(MQTTVERSION_DEFAULT); SHOW(MQTTClient_connect(c, NULL)); }
	ISOLATED("connect5 without options") { created(MQTTVERSION_5); SHOW_RESPONSE(MQTTClient_connect5(c, NULL, NULL, NULL)); }
	ISOLATED("setCallbacks")
	{
		created(MQTTVERSION_DEFAULT);
		SHOW(MQTTClient_setCallbacks(c, NULL, NULL, NULL, NULL));
		SHOW(MQTTClient_setCallbacks(c, NULL, lost, NULL, delivered));
		SHOW(MQTTClient_setCallbacks(c, NULL, NULL, arrived, NULL));
		SHOW(MQTTClient_setDisconnected(c, NULL, NULL));
		SHOW(MQTTClient_setDisconnected(c, NULL, disconnected));
		SHOW(MQTTClient_setPublished(c, NULL, NULL));
		SHOW(MQTTClient_setPublished(c, NULL, published));
		SHOW(connect_client(c, MQTTVERSION_3_1_1));
		SHOW(MQTTClient_setCallbacks(c, NULL, lost, arrived, delivered));
		SHOW(MQTTClient_setDisconnected(c, NULL, disconnected));
		SHOW(MQTTClient_setPublished(c, NULL, published));
		SHOW(MQTTClient_disconnect(c, 0));
		SHOW(MQTTClient_setCallbacks(c, NULL, lost, arrived, delivered));
	}
}

/* Every call that needs a connection, with good arguments, where there is none. */
static void every_call(int version)
{
	SHOW(MQTTClient_isConnected(c));
	if (version == MQTTVERSION_5)
	{
		SHOW_RESPONSE(MQTTClient_subscribe5(c, "a/b", 0, NULL, NULL));
		SHOW_RESPONSE(MQTTClient_subscribeMany5(c, 2, topics, qoss, NULL, NULL));
		SHOW_RESPONSE(MQTTClient_unsubscribe5(c, "a/b", NULL));
		SHOW_RESPONSE(MQTTClient_unsubscribeMany5(c, 2, topics, NULL));
		SHOW_RESPONSE(MQTTClient_publish5(c, "a/b", 1, "x", 0, 0, NULL, &token));
		SHOW_RESPONSE(MQTTClient_publishMessage5(c, "a/b", &message, &token));
		SHOW(MQTTClient_disconnect5(c, 0, MQTTREASONCODE_SUCCESS, NULL));
	}
	else
	{
		SHOW(MQTTClient_subscribe(c, "a/b", 0));
		SHOW(MQTTClient_subscribeMany(c, 2, topics, qoss));
		SHOW(MQTTClient_unsubscribe(c, "a/b"));
		SHOW(MQTTClient_unsubscribeMany(c, 2, topics));
		SHOW(MQTTClient_publish(c, "a/b", 1, "x", 0, 0, &token));
		SHOW(MQTTClient_publishMessage(c, "a/b", &message, &token));
		SHOW(MQTTClient_disconnect(c, 0));
	}
	SHOW(MQTTClient_waitForCompletion(c, 1, 10));
	tokens = (MQTTClient_deliveryToken *)&token;
	SHOW(MQTTClient_getPendingDeliveryTokens(c, &tokens));
	SHOW(tokens == NULL);
	SHOW(MQTTClient_receive(c, &topic_name, &topic_length, &received, 10));
	SHOW(received == NULL && topic_name == NULL);
	SHOW(MQTTClient_setCommandTimeout(c, 1000));
	SHOW(MQTTClient_setCommandTimeout(c, 4999));
	SHOW(MQTTClient_setCommandTimeout(c, 5000));
	SHOW(MQTTClient_setCommandTimeout(c, 0));
}

static void not_connected(void)
{
	ISOLATED("3.1.1: never connected") { created(MQTTVERSION_DEFAULT); every_call(MQTTVERSION_3_1_1); }
	ISOLATED("5: never connected") { created(MQTTVERSION_5); every_call(MQTTVERSION_5); }
	ISOLATED("3.1.1: after disconnect")
	{
		connected(MQTTVERSION_3_1_1);
		SHOW(MQTTClient_disconnect(c, 0));
		every_call(MQTTVERSION_3_1_1);
	}
	ISOLATED("5: after disconnect")
	{
		connected(MQTTVERSION_5);
		SHOW(MQTTClient_disconnect5(c, 0, MQTTREASONCODE_SUCCESS, NULL));
		every_call(MQTTVERSION_5);
	}
	ISOLATED("destroyed twice")
	{
		created(MQTTVERSION_DEFAULT);
		MQTTClient_destroy(&c);
		SHOW(c == NULL);
		MQTTClient_destroy(&c);
	}
}

static void bad_arguments(void)
{
	ISOLATED("3.1.1: topics and QoS")
	{
		connected(MQTTVERSION_3_1_1);
		SHOW(MQTTClient_subscribe(c, "a/b", -1));
		SHOW(MQTTClient_subscribe(c, "a/b", 3));
		SHOW(MQTTClient_subscribe(c, "\xff", 0));
		SHOW(MQTTClient_subscribe(c, "\xff", 3));
		SHOW(MQTTClient_unsubscribe(c, "\xff"));
		SHOW(MQTTClient_publish(c, "\xff", 1, "x", 0, 0, &token));
		SHOW(MQTTClient_publish(c, "\xff", 1, "x", 3, 0, &token));
		SHOW(MQTTClient_publish(c, "a/b", 1, "x", 0, 0, NULL));
		SHOW(MQTTClient_publish(c, "a/b", 0, NULL, 0, 0, &token));
		SHOW(MQTTClient_publish(c, "a/b", 0, NULL, 1, 0, &token));
		SHOW(MQTTClient_publishMessage(c, "a/b", &message, NULL));
		SHOW(MQTTClient_isConnected(c));
		SHOW(MQTTClient_disconnect(c, 0));
	}
	ISOLATED("5: topics and QoS")
	{
		connected(MQTTVERSION_5);
		SHOW_RESPONSE(MQTTClient_subscribe5(c, "a/b", -1, NULL, NULL));
		SHOW_RESPONSE(MQTTClient_subscribe5(c, "a/b", 3, NULL, NULL));
		SHOW_RESPONSE(MQTTClient_subscribe5(c, "\xff", 0, NULL, NULL));
		SHOW_RESPONSE(MQTTClient_unsubscribe5(c, "\xff", NULL));
		SHOW_RESPONSE(MQTTClient_publish5(c, "\xff", 1, "x", 0, 0, NULL, &token));
		SHOW_RESPONSE(MQTTClient_publish5(c, "a/b", 1, "x", 0, 0, NULL, NULL));
		SHOW_RESPONSE(MQTTClient_publish5(c, "a/b", 0, NULL, 1, 0, NULL, &token));
		SHOW_RESPONSE(MQTTClient_publishMessage5(c, "a/b", NULL, &token));
		SHOW_RESPONSE(MQTTClient_publishMessage5(c, "a/b", &message, NULL));
		SHOW(MQTTClient_isConnected(c));
		SHOW(MQTTClient_disconnect5(c, 0, MQTTREASONCODE_SUCCESS, NULL));
	}
	ISOLATED("a message that is no message")
	{
		MQTTClient_message bad = MQTTClient_message_initializer;
		connected(MQTTVERSION_3_1_1);
		memcpy(bad.struct_id, "XXXX", 4);
		SHOW(MQTTClient_publishMessage(c, "a/b", &bad, &token));
		memcpy(bad.struct_id, "MQTM", 4);
		for (bad.struct_version = -1; bad.struct_version <= 3; bad.struct_version++)
		{
			printf("struct_version %d: ", bad.struct_version);
			SHOW(MQTTClient_publishMessage(c, "a/b", &bad, &token));
		}
		SHOW(MQTTClient_disconnect(c, 0));
	}
	ISOLATED("the other version's functions on a 3.1.1 client")
	{
		connected(MQTTVERSION_3_1_1);
		SHOW_RESPONSE(MQTTClient_subscribe5(c, "a/b", 0, NULL, NULL));
		SHOW_RESPONSE(MQTTClient_publish5(c, "a/b", 1, "x", 0, 0, NULL, &token));
		SHOW_RESPONSE(MQTTClient_unsubscribe5(c, "a/b", NULL));
		SHOW(MQTTClient_disconnect5(c, 0, MQTTREASONCODE_SUCCESS, NULL));
		SHOW(MQTTClient_isConnected(c));
	}
	ISOLATED("the other version's functions on a 5 client")
	{
		connected(MQTTVERSION_5);
		SHOW(MQTTClient_subscribe(c, "a/b", 1));
		SHOW(MQTTClient_subscribeMany(c, 2, topics, qoss));
		SHOW(MQTTClient_publish(c, "a/b", 1, "x", 0, 0, &token));
		SHOW(MQTTClient_publishMessage(c, "a/b", &message, &token));
		SHOW(MQTTClient_unsubscribe(c, "a/b"));
		SHOW(MQTTClient_unsubscribeMany(c, 2, topics));
		SHOW(MQTTClient_disconnect(c, 0));
		SHOW(MQTTClient_isConnected(c));
	}
	/* The original puts a QoS of 3 on the wire, which no server forgives; ours refuses it. */
	CRASHES_ORIGINAL("bad QoS: publish") { connected(MQTTVERSION_3_1_1); SHOW(MQTTClient_publish(c, "a/b", 1, "x", 3, 0, &token)); }
	CRASHES_ORIGINAL("negative QoS: publish") { connected(MQTTVERSION_3_1_1); SHOW(MQTTClient_publish(c, "a/b", 1, "x", -1, 0, &token)); }
	CRASHES_ORIGINAL("bad QoS: publish5") { connected(MQTTVERSION_5); SHOW_RESPONSE(MQTTClient_publish5(c, "a/b", 1, "x", 3, 0, NULL, &token)); }
	CRASHES_ORIGINAL("NULL message: publishMessage") { connected(MQTTVERSION_3_1_1); SHOW(MQTTClient_publishMessage(c, "a/b", NULL, &token)); }
	CRASHES_ORIGINAL("NULL receive topic") { connected(MQTTVERSION_3_1_1); SHOW(MQTTClient_receive(c, NULL, &topic_length, &received, 10)); }
	ISOLATED("NULL receive length") { connected(MQTTVERSION_3_1_1); SHOW(MQTTClient_receive(c, &topic_name, NULL, &received, 10)); }
	CRASHES_ORIGINAL("NULL receive message") { connected(MQTTVERSION_3_1_1); SHOW(MQTTClient_receive(c, &topic_name, &topic_length, NULL, 10)); }
	CRASHES_ORIGINAL("getPendingDeliveryTokens(c, NULL)") { connected(MQTTVERSION_3_1_1); SHOW(MQTTClient_getPendingDeliveryTokens(c, NULL)); }
	ISOLATED("waitForCompletion of tokens nobody has")
	{
		connected(MQTTVERSION_3_1_1);
		SHOW(MQTTClient_waitForCompletion(c, 0, 10));
		SHOW(MQTTClient_waitForCompletion(c, -1, 10));
		SHOW(MQTTClient_waitForCompletion(c, 65535, 10));
		SHOW(MQTTClient_waitForCompletion(c, 70000, 10));
	}
	ISOLATED("disconnect with a negative timeout")
	{
		connected(MQTTVERSION_3_1_1);
		SHOW(MQTTClient_disconnect(c, -1));
		SHOW(MQTTClient_isConnected(c));
		SHOW(MQTTClient_disconnect(c, 0));
	}
	ISOLATED("NULL topic: subscribe") { connected(MQTTVERSION_3_1_1); SHOW(MQTTClient_subscribe(c, NULL, 0)); }
	ISOLATED("NULL topic: subscribe5") { connected(MQTTVERSION_5); SHOW_RESPONSE(MQTTClient_subscribe5(c, NULL, 0, NULL, NULL)); }
	ISOLATED("NULL topic: unsubscribe") { connected(MQTTVERSION_3_1_1); SHOW(MQTTClient_unsubscribe(c, NULL)); }
	ISOLATED("NULL topic: unsubscribe5") { connected(MQTTVERSION_5); SHOW_RESPONSE(MQTTClient_unsubscribe5(c, NULL, NULL)); }
	ISOLATED("NULL topic: publish") { connected(MQTTVERSION_3_1_1); SHOW(MQTTClient_publish(c, NULL, 1, "x", 0, 0, &token)); }
	ISOLATED("NULL topic: publish5") { connected(MQTTVERSION_5); SHOW_RESPONSE(MQTTClient_publish5(c, NULL, 1, "x", 0, 0, NULL, &token)); }
	ISOLATED("NULL topic: publishMessage") { connected(MQTTVERSION_3_1_1); SHOW(MQTTClient_publishMessage(c, NULL, &message, &token)); }
	ISOLATED("NULL topic: publishMessage5") { connected(MQTTVERSION_5); SHOW_RESPONSE(MQTTClient_publishMessage5(c, NULL, &message, &token)); }
	CRASHES_ORIGINAL("NULL list: subscribeMany topics") { connected(MQTTVERSION_3_1_1); SHOW(MQTTClient_subscribeMany(c, 2, NULL, qoss)); }
	CRASHES_ORIGINAL("NULL list: subscribeMany QoS") { connected(MQTTVERSION_3_1_1); SHOW(MQTTClient_subscribeMany(c, 2, topics, NULL)); }
	CRASHES_ORIGINAL("NULL list: unsubscribeMany") { connected(MQTTVERSION_3_1_1); SHOW(MQTTClient_unsubscribeMany(c, 2, NULL)); }
	CRASHES_ORIGINAL("NULL list: subscribeMany5 topics") { connected(MQTTVERSION_5); SHOW_RESPONSE(MQTTClient_subscribeMany5(c, 2, NULL, qoss, NULL, NULL)); }
	CRASHES_ORIGINAL("NULL list: subscribeMany5 QoS") { connected(MQTTVERSION_5); SHOW_RESPONSE(MQTTClient_subscribeMany5(c, 2, topics, NULL, NULL, NULL)); }
	CRASHES_ORIGINAL("NULL list: unsubscribeMany5") { connected(MQTTVERSION_5); SHOW_RESPONSE(MQTTClient_unsubscribeMany5(c, 2, NULL, NULL)); }
	ISOLATED("NULL in a list: subscribeMany") { connected(MQTTVERSION_3_1_1); SHOW(MQTTClient_subscribeMany(c, 2, null_topic, qoss)); }
	ISOLATED("NULL in a list: unsubscribeMany") { connected(MQTTVERSION_3_1_1); SHOW(MQTTClient_unsubscribeMany(c, 2, null_topic)); }
	ISOLATED("no topics: subscribeMany") { connected(MQTTVERSION_3_1_1); SHOW(MQTTClient_subscribeMany(c, 0, topics, qoss)); }
	ISOLATED("no topics: unsubscribeMany") { connected(MQTTVERSION_3_1_1); SHOW(MQTTClient_unsubscribeMany(c, 0, topics)); }
	ISOLATED("no topics: subscribeMany5") { connected(MQTTVERSION_5); SHOW_RESPONSE(MQTTClient_subscribeMany5(c, 0, topics, qoss, NULL, NULL)); }
	ISOLATED("no topics: unsubscribeMany5") { connected(MQTTVERSION_5); SHOW_RESPONSE(MQTTClient_unsubscribeMany5(c, 0, topics, NULL)); }
	ISOLATED("negative count: subscribeMany") { connected(MQTTVERSION_3_1_1); SHOW(MQTTClient_subscribeMany(c, -1, topics, qoss)); }
	ISOLATED("negative count: unsubscribeMany") { connected(MQTTVERSION_3_1_1); SHOW(MQTTClient_unsubscribeMany(c, -1, topics)); }
	ISOLATED("negative count: subscribeMany5") { connected(MQTTVERSION_5); SHOW_RESPONSE(MQTTClient_subscribeMany5(c, -1, topics, qoss, NULL, NULL)); }
	ISOLATED("negative count: unsubscribeMany5") { connected(MQTTVERSION_5); SHOW_RESPONSE(MQTTClient_unsubscribeMany5(c, -1, topics, NULL)); }
	ISOLATED("negative payload length") { connected(MQTTVERSION_3_1_1); SHOW(MQTTClient_publish(c, "a/b", -1, "x", 0, 0, &token)); }
	CRASHES_ORIGINAL("NULL payload with a length") { connected(MQTTVERSION_3_1_1); SHOW(MQTTClient_publish(c, "a/b", 3, NULL, 0, 0, &token)); }
	ISOLATED("one bad QoS in a list")
	{
		int bad[] = {0, 3};
		connected(MQTTVERSION_3_1_1);
		SHOW(MQTTClient_subscribeMany(c, 2, topics, bad));
	}
	ISOLATED("subscribe options that are none")
	{
		MQTTSubscribe_options so = MQTTSubscribe_options_initializer;
		connected(MQTTVERSION_5);
		memcpy(so.struct_id, "XXXX", 4);
		SHOW_RESPONSE(MQTTClient_subscribe5(c, "a/b", 0, &so, NULL));
		memcpy(so.struct_id, "MQSO", 4);
		so.struct_version = 1;
		SHOW_RESPONSE(MQTTClient_subscribe5(c, "a/b", 0, &so, NULL));
	}
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	uri = argv[1];
	message.payload = "x";
	message.payloadlen = 1;
	create();
	null_handle();
	connect();
	not_connected();
	bad_arguments();
	return 0;
}
