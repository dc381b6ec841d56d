/* MQTTAsync: NULL, one at a time, in every argument of every function; on a handle never connected, connected, and disconnected again. */
#include "async.h"

static const char *uri;
static MQTTAsync c;
static MQTTAsync_token *tokens;
static char *const topics[] = {"a/b", "c/d"};
static char *const null_topic[] = {"a/b", NULL};
static const int qoss[] = {0, 1};
static MQTTAsync_message message = MQTTAsync_message_initializer;
static MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
static MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
static MQTTAsync_disconnectOptions disconnect_options = MQTTAsync_disconnectOptions_initializer;
static struct watch watch = WATCH_INITIALIZER;

static int update(void *context, MQTTAsync_connectData *data)
{
	(void)context, (void)data;
	return 0;
}

static int before_write(void *context, int count, char *buffers[], int lengths[])
{
	(void)context, (void)count, (void)buffers, (void)lengths;
	return 0;
}

static int after_read(void *context, char **buffer, int *length)
{
	(void)context, (void)buffer, (void)length;
	return 0;
}

static void created(int version)
{
	c = new_async(uri, "async-null", version, &watch);
}

static void connected(int version)
{
	created(version);
	connect_async(c, version, &watch);
}

static void create(void)
{
	MQTTAsync_createOptions co = MQTTAsync_createOptions_initializer;

	CRASHES_ORIGINAL("create with a NULL handle pointer") { SHOW(MQTTAsync_create(NULL, uri, "id", MQTTCLIENT_PERSISTENCE_NONE, NULL)); }
	ISOLATED("create with a NULL URI") { SHOW(MQTTAsync_create(&c, NULL, "id", MQTTCLIENT_PERSISTENCE_NONE, NULL)); }
	ISOLATED("create with a NULL client id") { SHOW(MQTTAsync_create(&c, uri, NULL, MQTTCLIENT_PERSISTENCE_NONE, NULL)); }
	ISOLATED("create with every name NULL") { SHOW(MQTTAsync_create(NULL, NULL, NULL, MQTTCLIENT_PERSISTENCE_NONE, NULL)); }
	ISOLATED("createWithOptions without options") { SHOW(MQTTAsync_createWithOptions(&c, uri, "id", MQTTCLIENT_PERSISTENCE_NONE, NULL, NULL)); }
	ISOLATED("create with a user store and no context") { SHOW(MQTTAsync_create(&c, uri, "id", MQTTCLIENT_PERSISTENCE_USER, NULL)); }
	ISOLATED("create with an unknown kind of store")
	{
		SHOW(MQTTAsync_create(&c, uri, "id", 3, NULL));
		SHOW(MQTTAsync_create(&c, uri, "id", -1, NULL));
	}
	ISOLATED("create with an empty client id")
	{
		SHOW(MQTTAsync_create(&c, uri, "", MQTTCLIENT_PERSISTENCE_NONE, NULL));
		SHOW(MQTTAsync_create(&c, uri, "", MQTTCLIENT_PERSISTENCE_DEFAULT, NULL));
	}
	ISOLATED("create with a client id that is not UTF-8")
	{
		SHOW(MQTTAsync_create(&c, uri, "\xff\xfe", MQTTCLIENT_PERSISTENCE_NONE, NULL));
		SHOW(MQTTAsync_create(&c, uri, "\xed\xa0\x80", MQTTCLIENT_PERSISTENCE_NONE, NULL));
		SHOW(MQTTAsync_create(&c, uri, "gr\xc3\xbc\xc3\x9f", MQTTCLIENT_PERSISTENCE_NONE, NULL));
	}
	ISOLATED("createWithOptions with a bad structure")
	{
		memcpy(co.struct_id, "XXXX", 4);
		SHOW(MQTTAsync_createWithOptions(&c, uri, "id", MQTTCLIENT_PERSISTENCE_NONE, NULL, &co));
		memcpy(co.struct_id, "MQCO", 4);
		for (co.struct_version = -1; co.struct_version <= 5; co.struct_version++)
		{
			if (co.struct_version == 3)
				continue; /* new in 1.3.13 */
			printf("struct_version %d: ", co.struct_version);
			SHOW(MQTTAsync_createWithOptions(&c, uri, "id", MQTTCLIENT_PERSISTENCE_NONE, NULL, &co));
		}
	}
	ISOLATED("createWithOptions with every MQTT version")
	{
		for (co.MQTTVersion = -1; co.MQTTVersion <= 7; co.MQTTVersion++)
		{
			printf("MQTTVersion %d: ", co.MQTTVersion);
			SHOW(MQTTAsync_createWithOptions(&c, uri, "id", MQTTCLIENT_PERSISTENCE_NONE, NULL, &co));
		}
	}
	ISOLATED("createWithOptions with a buffer of no messages")
	{
		co.sendWhileDisconnected = 1;
		co.maxBufferedMessages = 0;
		SHOW(MQTTAsync_createWithOptions(&c, uri, "id", MQTTCLIENT_PERSISTENCE_NONE, NULL, &co));
		co.maxBufferedMessages = -1;
		SHOW(MQTTAsync_createWithOptions(&c, uri, "id", MQTTCLIENT_PERSISTENCE_NONE, NULL, &co));
	}
	ISOLATED("which of two faults wins")
	{
		memcpy(co.struct_id, "XXXX", 4);
		SHOW(MQTTAsync_createWithOptions(&c, NULL, "id", MQTTCLIENT_PERSISTENCE_NONE, NULL, &co));
		SHOW(MQTTAsync_createWithOptions(&c, uri, "\xff", MQTTCLIENT_PERSISTENCE_NONE, NULL, &co));
		SHOW(MQTTAsync_createWithOptions(&c, "rubbish://x", "\xff", MQTTCLIENT_PERSISTENCE_NONE, NULL, &co));
		SHOW(MQTTAsync_createWithOptions(&c, "rubbish://x", "id", MQTTCLIENT_PERSISTENCE_NONE, NULL, &co));
		SHOW(MQTTAsync_createWithOptions(&c, uri, "", MQTTCLIENT_PERSISTENCE_DEFAULT, NULL, &co));
	}
}

static void null_handle(void)
{
	ISOLATED("NULL handle before the library has been used")
	{
		SHOW(MQTTAsync_isConnected(NULL));
		SHOW(MQTTAsync_isComplete(NULL, 1));
	}
	ISOLATED("destroy of a handle that is NULL before the library has been used") { MQTTAsync_destroy(&c); printf("returned\n"); }
	CRASHES_ORIGINAL("MQTTAsync_destroy(NULL)") { MQTTAsync_destroy(NULL); printf("returned\n"); }
	CRASHES_ORIGINAL("MQTTAsync_freeMessage(NULL)") { MQTTAsync_freeMessage(NULL); printf("returned\n"); }
	CRASHES_ORIGINAL("MQTTAsync_freeMessage of a NULL message") { MQTTAsync_message *m = NULL; MQTTAsync_freeMessage(&m); printf("returned\n"); }
	ISOLATED("MQTTAsync_free(NULL)") { MQTTAsync_free(NULL); printf("returned\n"); }
	ISOLATED("MQTTAsync_global_init(NULL)") { MQTTAsync_global_init(NULL); printf("returned\n"); }
	ISOLATED("MQTTAsync_setTraceCallback(NULL)") { MQTTAsync_setTraceCallback(NULL); printf("returned\n"); }
	ISOLATED("NULL handle: setCallbacks") { created(MQTTVERSION_DEFAULT); SHOW(MQTTAsync_setCallbacks(NULL, NULL, on_lost, on_message, on_delivery)); }
	ISOLATED("NULL handle: setConnectionLostCallback") { created(MQTTVERSION_DEFAULT); SHOW(MQTTAsync_setConnectionLostCallback(NULL, NULL, on_lost)); }
	ISOLATED("NULL handle: setMessageArrivedCallback") { created(MQTTVERSION_DEFAULT); SHOW(MQTTAsync_setMessageArrivedCallback(NULL, NULL, on_message)); }
	ISOLATED("NULL handle: setDeliveryCompleteCallback") { created(MQTTVERSION_DEFAULT); SHOW(MQTTAsync_setDeliveryCompleteCallback(NULL, NULL, on_delivery)); }
	ISOLATED("NULL handle: setConnected") { created(MQTTVERSION_DEFAULT); SHOW(MQTTAsync_setConnected(NULL, NULL, on_connected)); }
	ISOLATED("NULL handle: setDisconnected") { created(MQTTVERSION_DEFAULT); SHOW(MQTTAsync_setDisconnected(NULL, NULL, on_disconnected)); }
	ISOLATED("NULL handle: setUpdateConnectOptions") { created(MQTTVERSION_DEFAULT); SHOW(MQTTAsync_setUpdateConnectOptions(NULL, NULL, update)); }
	ISOLATED("NULL handle: setBeforePersistenceWrite") { created(MQTTVERSION_DEFAULT); SHOW(MQTTAsync_setBeforePersistenceWrite(NULL, NULL, before_write)); }
	ISOLATED("NULL handle: setAfterPersistenceRead") { created(MQTTVERSION_DEFAULT); SHOW(MQTTAsync_setAfterPersistenceRead(NULL, NULL, after_read)); }
	CRASHES_ORIGINAL("NULL handle: connect") { created(MQTTVERSION_DEFAULT); SHOW(MQTTAsync_connect(NULL, &options)); }
	CRASHES_ORIGINAL("NULL handle: reconnect") { created(MQTTVERSION_DEFAULT); SHOW(MQTTAsync_reconnect(NULL)); }
	ISOLATED("NULL handle: disconnect") { created(MQTTVERSION_DEFAULT); SHOW(MQTTAsync_disconnect(NULL, &disconnect_options)); }
	ISOLATED("NULL handle: isConnected") { created(MQTTVERSION_DEFAULT); SHOW(MQTTAsync_isConnected(NULL)); }
	ISOLATED("NULL handle: subscribe") { created(MQTTVERSION_DEFAULT); SHOW(MQTTAsync_subscribe(NULL, "a/b", 0, &response)); }
	ISOLATED("NULL handle: subscribeMany") { created(MQTTVERSION_DEFAULT); SHOW(MQTTAsync_subscribeMany(NULL, 2, topics, qoss, &response)); }
	ISOLATED("NULL handle: unsubscribe") { created(MQTTVERSION_DEFAULT); SHOW(MQTTAsync_unsubscribe(NULL, "a/b", &response)); }
	ISOLATED("NULL handle: unsubscribeMany") { created(MQTTVERSION_DEFAULT); SHOW(MQTTAsync_unsubscribeMany(NULL, 2, topics, &response)); }
	ISOLATED("NULL handle: send") { created(MQTTVERSION_DEFAULT); SHOW(MQTTAsync_send(NULL, "a/b", 1, "x", 0, 0, &response)); }
	CRASHES_ORIGINAL("NULL handle: sendMessage") { created(MQTTVERSION_DEFAULT); SHOW(MQTTAsync_sendMessage(NULL, "a/b", &message, &response)); }
	ISOLATED("NULL handle: getPendingTokens") { created(MQTTVERSION_DEFAULT); SHOW(MQTTAsync_getPendingTokens(NULL, &tokens)); }
	ISOLATED("NULL handle: isComplete") { created(MQTTVERSION_DEFAULT); SHOW(MQTTAsync_isComplete(NULL, 1)); }
	ISOLATED("NULL handle: waitForCompletion") { created(MQTTVERSION_DEFAULT); SHOW(MQTTAsync_waitForCompletion(NULL, 1, 10)); }
}

static void setters(void)
{
	ISOLATED("setters")
	{
		SHOW((c = new_async(uri, "async-null", MQTTVERSION_DEFAULT, NULL)) != NULL);
		SHOW(MQTTAsync_setCallbacks(c, NULL, NULL, NULL, NULL));
		SHOW(MQTTAsync_setCallbacks(c, &watch, on_lost, NULL, on_delivery));
		SHOW(MQTTAsync_setCallbacks(c, &watch, NULL, on_message, NULL));
		SHOW(MQTTAsync_setConnectionLostCallback(c, &watch, NULL));
		SHOW(MQTTAsync_setConnectionLostCallback(c, &watch, on_lost));
		SHOW(MQTTAsync_setMessageArrivedCallback(c, &watch, NULL));
		SHOW(MQTTAsync_setMessageArrivedCallback(c, &watch, on_message));
		SHOW(MQTTAsync_setDeliveryCompleteCallback(c, &watch, NULL));
		SHOW(MQTTAsync_setDeliveryCompleteCallback(c, &watch, on_delivery));
		SHOW(MQTTAsync_setConnected(c, &watch, NULL));
		SHOW(MQTTAsync_setConnected(c, &watch, on_connected));
		SHOW(MQTTAsync_setDisconnected(c, &watch, NULL));
		SHOW(MQTTAsync_setDisconnected(c, &watch, on_disconnected));
		SHOW(MQTTAsync_setUpdateConnectOptions(c, NULL, NULL));
		SHOW(MQTTAsync_setUpdateConnectOptions(c, NULL, update));
		SHOW(MQTTAsync_setBeforePersistenceWrite(c, NULL, NULL));
		SHOW(MQTTAsync_setBeforePersistenceWrite(c, NULL, before_write));
		SHOW(MQTTAsync_setAfterPersistenceRead(c, NULL, NULL));
		SHOW(MQTTAsync_setAfterPersistenceRead(c, NULL, after_read));
	}
	ISOLATED("setters while connected")
	{
		connected(MQTTVERSION_3_1_1);
		SHOW(MQTTAsync_setCallbacks(c, &watch, on_lost, on_message, on_delivery));
		SHOW(MQTTAsync_setConnectionLostCallback(c, &watch, on_lost));
		SHOW(MQTTAsync_setMessageArrivedCallback(c, &watch, on_message));
		SHOW(MQTTAsync_setDeliveryCompleteCallback(c, &watch, on_delivery));
		SHOW(MQTTAsync_setConnected(c, &watch, on_connected));
		SHOW(MQTTAsync_setDisconnected(c, &watch, on_disconnected));
		SHOW(MQTTAsync_setUpdateConnectOptions(c, NULL, update));
		SHOW(MQTTAsync_setBeforePersistenceWrite(c, NULL, before_write));
		SHOW(MQTTAsync_setAfterPersistenceRead(c, NULL, after_read));
	}
	ISOLATED("connect without options") { created(MQTTVERSION_DEFAULT); SHOW(MQTTAsync_connect(c, NULL)); }
	ISOLATED("connect without callbacks")
	{
		created(MQTTVERSION_DEFAULT);
		SHOW(MQTTAsync_connect(c, &options));
		log_expect(&watch.state, 1);
	}
	ISOLATED("connect with a NULL context and no message callback")
	{
		c = new_async(uri, "async-null", MQTTVERSION_DEFAULT, NULL);
		MQTTAsync_setConnected(c, &watch, on_connected);
		SHOW(MQTTAsync_connect(c, &options));
		log_expect(&watch.state, 1);
	}
}

static void pending(void)
{
	tokens = (MQTTAsync_token *)&tokens;
	SHOW(MQTTAsync_getPendingTokens(c, &tokens));
	SHOW(tokens == NULL);
}

/* Every call that needs a connection, with good arguments, where there is none. */
static void every_call(void)
{
	SHOW(MQTTAsync_isConnected(c));
	SHOW(MQTTAsync_subscribe(c, "a/b", 0, &response));
	SHOW(MQTTAsync_subscribe(c, "a/b", 0, NULL));
	SHOW(MQTTAsync_subscribeMany(c, 2, topics, qoss, &response));
	SHOW(MQTTAsync_unsubscribe(c, "a/b", &response));
	SHOW(MQTTAsync_unsubscribeMany(c, 2, topics, &response));
	response.token = 77;
	SHOW(MQTTAsync_send(c, "a/b", 1, "x", 0, 0, &response));
	SHOW(MQTTAsync_send(c, "a/b", 1, "x", 1, 0, NULL));
	SHOW(MQTTAsync_sendMessage(c, "a/b", &message, &response));
	SHOW(response.token);
	SHOW(MQTTAsync_disconnect(c, &disconnect_options));
	SHOW(MQTTAsync_disconnect(c, NULL));
	SHOW(MQTTAsync_isComplete(c, 1));
	SHOW(MQTTAsync_isComplete(c, 0));
	SHOW(MQTTAsync_isComplete(c, -1));
	SHOW(MQTTAsync_waitForCompletion(c, 1, 10));
	pending();
}

static void not_connected(void)
{
	ISOLATED("3.1.1: never connected") { created(MQTTVERSION_DEFAULT); every_call(); }
	ISOLATED("5: never connected") { created(MQTTVERSION_5); every_call(); }
	ISOLATED("3.1.1: after disconnect")
	{
		connected(MQTTVERSION_3_1_1);
		disconnect_async(c, MQTTVERSION_3_1_1, &watch);
		SHOW(MQTTAsync_isConnected(c));
		SHOW(MQTTAsync_subscribe(c, "a/b", 0, &response));
		SHOW(MQTTAsync_unsubscribe(c, "a/b", &response));
		SHOW(MQTTAsync_send(c, "a/b", 1, "x", 0, 0, &response));
		SHOW(MQTTAsync_disconnect(c, &disconnect_options));
		SHOW(MQTTAsync_waitForCompletion(c, 1, 10));
		pending();
	}
	ISOLATED("destroyed twice")
	{
		created(MQTTVERSION_DEFAULT);
		MQTTAsync_destroy(&c);
		SHOW(c == NULL);
		MQTTAsync_destroy(&c);
	}
}

static void bad_arguments(void)
{
	ISOLATED("topics and QoS, 3.1.1")
	{
		connected(MQTTVERSION_3_1_1);
		SHOW(MQTTAsync_subscribe(c, "a/b", -1, &response));
		SHOW(MQTTAsync_subscribe(c, "a/b", 3, &response));
		SHOW(MQTTAsync_subscribe(c, "\xff", 0, &response));
		SHOW(MQTTAsync_subscribe(c, "\xff", 3, &response));
		SHOW(MQTTAsync_unsubscribe(c, "\xff", &response));
		SHOW(MQTTAsync_send(c, "a/b", 1, "x", -1, 0, &response));
		SHOW(MQTTAsync_send(c, "a/b", 1, "x", 3, 0, &response));
		SHOW(MQTTAsync_send(c, "\xff", 1, "x", 0, 0, &response));
		SHOW(MQTTAsync_send(c, "\xff", 1, "x", 3, 0, &response));
		SHOW(MQTTAsync_send(c, "a/b", 0, NULL, 0, 0, &response));
		SHOW(MQTTAsync_sendMessage(c, "a/b", NULL, &response));
		SHOW(MQTTAsync_isConnected(c));
	}
	ISOLATED("topics and QoS, 5")
	{
		connected(MQTTVERSION_5);
		SHOW(MQTTAsync_subscribe(c, "a/b", 3, &response));
		SHOW(MQTTAsync_subscribe(c, "\xff", 0, &response));
		SHOW(MQTTAsync_unsubscribe(c, "\xff", &response));
		SHOW(MQTTAsync_send(c, "a/b", 1, "x", 3, 0, &response));
		SHOW(MQTTAsync_send(c, "\xff", 1, "x", 0, 0, &response));
		SHOW(MQTTAsync_isConnected(c));
	}
	ISOLATED("a message that is no message")
	{
		MQTTAsync_message bad = MQTTAsync_message_initializer;
		connected(MQTTVERSION_3_1_1);
		memcpy(bad.struct_id, "XXXX", 4);
		SHOW(MQTTAsync_sendMessage(c, "a/b", &bad, NULL));
		memcpy(bad.struct_id, "MQTM", 4);
		for (bad.struct_version = -1; bad.struct_version <= 3; bad.struct_version++)
		{
			printf("struct_version %d: ", bad.struct_version);
			SHOW(MQTTAsync_sendMessage(c, "a/b", &bad, NULL));
		}
	}
	ISOLATED("response options that are none")
	{
		MQTTAsync_responseOptions bad = MQTTAsync_responseOptions_initializer;
		connected(MQTTVERSION_3_1_1);
		memcpy(bad.struct_id, "XXXX", 4);
		SHOW(MQTTAsync_send(c, "a/b", 1, "x", 0, 0, &bad));
		SHOW(MQTTAsync_sendMessage(c, "a/b", &message, &bad));
		SHOW(MQTTAsync_subscribe(c, "a/b", 0, &bad));
		SHOW(MQTTAsync_unsubscribe(c, "a/b", &bad));
		memcpy(bad.struct_id, "MQTR", 4);
		bad.struct_version = 2;
		SHOW(MQTTAsync_send(c, "a/b", 1, "x", 0, 0, &bad));
		SHOW(MQTTAsync_subscribe(c, "a/b", 0, &bad));
		SHOW(MQTTAsync_unsubscribe(c, "a/b", &bad));
	}
	ISOLATED("callbacks of the other version")
	{
		MQTTAsync_responseOptions five = response5(call_of(&watch, "five"), on_success5);
		connected(MQTTVERSION_3_1_1);
		SHOW(MQTTAsync_send(c, "a/b", 1, "x", 0, 0, &five));
		SHOW(MQTTAsync_subscribe(c, "a/b", 0, &five));
		SHOW(MQTTAsync_unsubscribe(c, "a/b", &five));
	}
	ISOLATED("callbacks of the other version, on a 5 client")
	{
		MQTTAsync_responseOptions three = response3(call_of(&watch, "three"), on_success);
		connected(MQTTVERSION_5);
		SHOW(MQTTAsync_send(c, "a/b", 1, "x", 0, 0, &three));
		SHOW(MQTTAsync_subscribe(c, "a/b", 0, &three));
		SHOW(MQTTAsync_unsubscribe(c, "a/b", &three));
	}
	ISOLATED("response options of version 0, on a 5 client")
	{
		MQTTAsync_responseOptions old = MQTTAsync_responseOptions_initializer;
		connected(MQTTVERSION_5);
		old.struct_version = 0;
		SHOW(MQTTAsync_send(c, "a/b", 1, "x", 0, 0, &old));
		SHOW(MQTTAsync_sendMessage(c, "a/b", &message, &old));
		SHOW(MQTTAsync_subscribe(c, "a/b", 0, &old));
		SHOW(MQTTAsync_subscribeMany(c, 2, topics, qoss, &old));
		SHOW(MQTTAsync_unsubscribe(c, "a/b", &old));
		SHOW(MQTTAsync_unsubscribeMany(c, 2, topics, &old));
	}
	ISOLATED("disconnect options that are none")
	{
		MQTTAsync_disconnectOptions bad = MQTTAsync_disconnectOptions_initializer;
		connected(MQTTVERSION_3_1_1);
		memcpy(bad.struct_id, "XXXX", 4);
		SHOW(MQTTAsync_disconnect(c, &bad));
		memcpy(bad.struct_id, "MQTD", 4);
		bad.struct_version = 2;
		SHOW(MQTTAsync_disconnect(c, &bad));
		bad.struct_version = -1;
		SHOW(MQTTAsync_disconnect(c, &bad));
		SHOW(MQTTAsync_isConnected(c));
		SHOW(MQTTAsync_disconnect(c, NULL));
	}
	ISOLATED("subscribe options that are none")
	{
		MQTTAsync_responseOptions bad = MQTTAsync_responseOptions_initializer;
		connected(MQTTVERSION_5);
		memcpy(bad.subscribeOptions.struct_id, "XXXX", 4);
		SHOW(MQTTAsync_subscribe(c, "a/b", 0, &bad));
	}
	ISOLATED("subscribeMany with fewer options than topics")
	{
		MQTTAsync_responseOptions few = MQTTAsync_responseOptions_initializer;
		MQTTSubscribe_options one[1] = {MQTTSubscribe_options_initializer};
		connected(MQTTVERSION_5);
		few.subscribeOptionsCount = 1;
		few.subscribeOptionsList = one;
		SHOW(MQTTAsync_subscribeMany(c, 2, topics, qoss, &few));
		few.subscribeOptionsCount = 3;
		SHOW(MQTTAsync_subscribeMany(c, 2, topics, qoss, &few));
	}
	ISOLATED("tokens nobody has")
	{
		connected(MQTTVERSION_3_1_1);
		SHOW(MQTTAsync_isComplete(c, 0));
		SHOW(MQTTAsync_isComplete(c, -1));
		SHOW(MQTTAsync_isComplete(c, 70000));
		SHOW(MQTTAsync_waitForCompletion(c, 0, 10));
		SHOW(MQTTAsync_waitForCompletion(c, -1, 10));
		SHOW(MQTTAsync_waitForCompletion(c, 70000, 10));
		pending();
	}
	CRASHES_ORIGINAL("getPendingTokens(c, NULL)") { connected(MQTTVERSION_3_1_1); SHOW(MQTTAsync_getPendingTokens(c, NULL)); }
	ISOLATED("NULL topic: subscribe") { connected(MQTTVERSION_3_1_1); SHOW(MQTTAsync_subscribe(c, NULL, 0, NULL)); }
	ISOLATED("NULL topic: unsubscribe") { connected(MQTTVERSION_3_1_1); SHOW(MQTTAsync_unsubscribe(c, NULL, NULL)); }
	ISOLATED("NULL topic: send") { connected(MQTTVERSION_3_1_1); SHOW(MQTTAsync_send(c, NULL, 1, "x", 0, 0, NULL)); }
	ISOLATED("NULL topic: sendMessage") { connected(MQTTVERSION_3_1_1); SHOW(MQTTAsync_sendMessage(c, NULL, &message, NULL)); }
	CRASHES_ORIGINAL("NULL list: subscribeMany topics") { connected(MQTTVERSION_3_1_1); SHOW(MQTTAsync_subscribeMany(c, 2, NULL, qoss, NULL)); }
	CRASHES_ORIGINAL("NULL list: subscribeMany QoS") { connected(MQTTVERSION_3_1_1); SHOW(MQTTAsync_subscribeMany(c, 2, topics, NULL, NULL)); }
	CRASHES_ORIGINAL("NULL list: unsubscribeMany") { connected(MQTTVERSION_3_1_1); SHOW(MQTTAsync_unsubscribeMany(c, 2, NULL, NULL)); }
	ISOLATED("NULL in a list: subscribeMany") { connected(MQTTVERSION_3_1_1); SHOW(MQTTAsync_subscribeMany(c, 2, null_topic, qoss, NULL)); }
	ISOLATED("NULL in a list: unsubscribeMany") { connected(MQTTVERSION_3_1_1); SHOW(MQTTAsync_unsubscribeMany(c, 2, null_topic, NULL)); }
	/* The original sends the malformed packets of these four, upon which a server ends the connection. */
	CRASHES_ORIGINAL("no topics: subscribeMany") { connected(MQTTVERSION_3_1_1); SHOW(MQTTAsync_subscribeMany(c, 0, topics, qoss, NULL)); }
	CRASHES_ORIGINAL("no topics: unsubscribeMany") { connected(MQTTVERSION_3_1_1); SHOW(MQTTAsync_unsubscribeMany(c, 0, topics, NULL)); }
	CRASHES_ORIGINAL("negative count: subscribeMany") { connected(MQTTVERSION_3_1_1); SHOW(MQTTAsync_subscribeMany(c, -1, topics, qoss, NULL)); }
	CRASHES_ORIGINAL("negative count: unsubscribeMany") { connected(MQTTVERSION_3_1_1); SHOW(MQTTAsync_unsubscribeMany(c, -1, topics, NULL)); }
	CRASHES_ORIGINAL("negative payload length") { connected(MQTTVERSION_3_1_1); SHOW(MQTTAsync_send(c, "a/b", -1, "x", 0, 0, NULL)); }
	CRASHES_ORIGINAL("NULL payload with a length") { connected(MQTTVERSION_3_1_1); SHOW(MQTTAsync_send(c, "a/b", 3, NULL, 0, 0, NULL)); }
	ISOLATED("one bad QoS in a list")
	{
		const int bad[] = {0, 3};
		connected(MQTTVERSION_3_1_1);
		SHOW(MQTTAsync_subscribeMany(c, 2, topics, bad, NULL));
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
	setters();
	not_connected();
	bad_arguments();
	return 0;
}
