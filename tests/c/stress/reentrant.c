/* Every function of both APIs, called from inside every callback: on the callback's own client and on others, waits included. Nothing may
 * block for ever, and what was asked for has to happen.
 *
 *   reentrant <uri> <MQTT version: 4 or 5>
 */
#include "stress.h"
#include "silent.h"

#include "MQTTAsync.h"
#include "MQTTClient.h"

#define LONG (PATIENCE_SECONDS * 1000UL)

static const char *uri;
static int version;

/* Where a callback calls everything, and how often it has done so. */
enum place
{
	CONNECT_SUCCESS, CONNECT_FAILURE, CONNECTED, MESSAGE, DELIVERY, SEND_SUCCESS, SEND_FAILURE, SUBSCRIBE, UNSUBSCRIBE, DISCONNECT, LOST,
	SERVER_DISCONNECT, CLIENT_MESSAGE, CLIENT_DELIVERY, CLIENT_PUBLISHED, CLIENT_LOST, CLIENT_DISCONNECTED, PLACES
};
static const char *const places[PLACES] = {
	"connect's onSuccess", "connect's onFailure", "connected", "messageArrived", "deliveryComplete", "send's onSuccess", "send's onFailure",
	"subscribe's onSuccess", "unsubscribe's onSuccess", "disconnect's onSuccess", "connectionLost", "disconnected",
	"MQTTClient's messageArrived", "MQTTClient's deliveryComplete", "MQTTClient's published", "MQTTClient's connectionLost",
	"MQTTClient's disconnected"
};
static counter done[PLACES];
static _Atomic int fresh_ids;

/* A client that stays connected all the time, of each API. */
static MQTTAsync other_async;
static MQTTClient other_client;

static void response5(MQTTResponse answer, int expected)
{
	CHECK_RC(answer.reasonCode, expected);
	MQTTResponse_free(answer);
}

static void nothing(void *context, MQTTAsync_successData *data) { (void)data; if (context) counter_add(context, 1); }
static void nothing5(void *context, MQTTAsync_successData5 *data) { (void)data; if (context) counter_add(context, 1); }
static void unexpected(void *context, MQTTAsync_failureData *data) { (void)context; FAIL("failed, code %d", data->code); }
static void unexpected5(void *context, MQTTAsync_failureData5 *data) { (void)context; FAIL("failed, code %d", data->code); }
static int drop_async(void *context, char *topic, int length, MQTTAsync_message *m)
{
	(void)context; (void)length;
	MQTTAsync_freeMessage(&m);
	MQTTAsync_free(topic);
	return 1;
}
static int drop_client(void *context, char *topic, int length, MQTTClient_message *m)
{
	(void)context; (void)length;
	MQTTClient_freeMessage(&m);
	MQTTClient_free(topic);
	return 1;
}

/* ---- Everything that MQTTAsync can do --------------------------------------------------------------------------------------------- */

static MQTTAsync create_async(const char *server, int number_of_it)
{
	MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer;
	char id[32];
	MQTTAsync client;

	create.MQTTVersion = version;
	snprintf(id, sizeof id, "reentrant-%d", number_of_it);
	CHECK_RC(MQTTAsync_createWithOptions(&client, server, id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &create), 0);
	return client;
}

static void connect_async(MQTTAsync client, void *context, MQTTAsync_onSuccess *success, MQTTAsync_onSuccess5 *success5, MQTTAsync_onFailure *failure,
		MQTTAsync_onFailure5 *failure5)
{
	MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;

	if (version == 5)
	{
		MQTTAsync_connectOptions options5 = MQTTAsync_connectOptions_initializer5;

		options = options5;
		options.onSuccess5 = success5;
		options.onFailure5 = failure5;
	}
	else
	{
		options.onSuccess = success;
		options.onFailure = failure;
	}
	options.context = context;
	CHECK_RC(MQTTAsync_connect(client, &options), 0);
}

static MQTTAsync_responseOptions with_callbacks(void *context, MQTTAsync_onSuccess *success, MQTTAsync_onSuccess5 *success5)
{
	MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;

	options.context = context;
	if (version == 5)
		options.onSuccess5 = success5;
	else
		options.onSuccess = success;
	return options;
}

/* On a connected client. */
static void use_async(MQTTAsync client)
{
	char *topics[] = { "reentrant/none/a", "reentrant/none/b" };
	int qos[] = { 1, 2 };
	MQTTAsync_token *tokens = NULL;
	MQTTAsync_message message = MQTTAsync_message_initializer;
	MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;

	CHECK(MQTTAsync_isConnected(client));
	for (int level = 0; level < 3; level++)
	{
		MQTTAsync_responseOptions sent = MQTTAsync_responseOptions_initializer;

		CHECK_RC(MQTTAsync_send(client, "reentrant/nobody", 2, "hi", level, 0, &sent), 0);
		/* Its acknowledgement has to be processed while this thread is inside a callback. */
		CHECK_RC(MQTTAsync_waitForCompletion(client, sent.token, LONG), 0);
		CHECK(MQTTAsync_isComplete(client, sent.token));
	}
	message.payload = "hi";
	message.payloadlen = 2;
	message.qos = 1;
	CHECK_RC(MQTTAsync_sendMessage(client, "reentrant/nobody", &message, &options), 0);
	CHECK_RC(MQTTAsync_waitForCompletion(client, options.token, LONG), 0);
	CHECK_RC(MQTTAsync_subscribe(client, topics[0], 1, &options), 0);
	CHECK_RC(MQTTAsync_waitForCompletion(client, options.token, LONG), 0);
	CHECK_RC(MQTTAsync_subscribeMany(client, 2, topics, qos, &options), 0);
	CHECK_RC(MQTTAsync_waitForCompletion(client, options.token, LONG), 0);
	CHECK_RC(MQTTAsync_unsubscribe(client, topics[0], &options), 0);
	CHECK_RC(MQTTAsync_waitForCompletion(client, options.token, LONG), 0);
	CHECK_RC(MQTTAsync_unsubscribeMany(client, 2, topics, &options), 0);
	CHECK_RC(MQTTAsync_waitForCompletion(client, options.token, LONG), 0);
	CHECK_RC(MQTTAsync_getPendingTokens(client, &tokens), 0);
	MQTTAsync_free(tokens);
}

/* On any client: these must come back, whatever they say. */
static void use_async_lightly(MQTTAsync client)
{
	MQTTAsync_token *tokens = NULL;

	(void)MQTTAsync_isConnected(client);
	(void)MQTTAsync_send(client, "reentrant/nobody", 2, "hi", 1, 0, NULL);
	(void)MQTTAsync_waitForCompletion(client, 1, 10);
	(void)MQTTAsync_isComplete(client, 1);
	(void)MQTTAsync_subscribe(client, "reentrant/none", 1, NULL);
	(void)MQTTAsync_unsubscribe(client, "reentrant/none", NULL);
	(void)MQTTAsync_getPendingTokens(client, &tokens);
	MQTTAsync_free(tokens);
}

/* ---- Everything that MQTTClient can do -------------------------------------------------------------------------------------------- */

static MQTTClient create_client(const char *server, int number_of_it)
{
	MQTTClient_createOptions create = MQTTClient_createOptions_initializer;
	char id[32];
	MQTTClient client;

	create.MQTTVersion = version;
	snprintf(id, sizeof id, "reentrant-%d", number_of_it);
	CHECK_RC(MQTTClient_createWithOptions(&client, server, id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &create), 0);
	return client;
}

static void connect_client(MQTTClient client)
{
	if (version == 5)
	{
		MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer5;

		response5(MQTTClient_connect5(client, &options, NULL, NULL), 0);
	}
	else
	{
		MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;

		CHECK_RC(MQTTClient_connect(client, &options), 0);
	}
}

static MQTTClient_deliveryToken publish_client(MQTTClient client, const char *topic, int qos)
{
	MQTTClient_deliveryToken token = 0;

	if (version == 5)
		response5(MQTTClient_publish5(client, topic, 2, "hi", qos, 0, NULL, &token), 0);
	else
		CHECK_RC(MQTTClient_publish(client, topic, 2, "hi", qos, 0, &token), 0);
	return token;
}

static void use_client(MQTTClient client)
{
	char *topics[] = { "reentrant/none/a", "reentrant/none/b" };
	int qos[] = { 1, 2 };
	MQTTClient_deliveryToken *tokens = NULL;

	CHECK(MQTTClient_isConnected(client));
	for (int level = 0; level < 3; level++)
		CHECK_RC(MQTTClient_waitForCompletion(client, publish_client(client, "reentrant/nobody", level), LONG), 0);
	if (version == 5)
	{
		MQTTResponse answer;

		response5(MQTTClient_subscribe5(client, topics[0], 1, NULL, NULL), 1);
		answer = MQTTClient_subscribeMany5(client, 2, topics, qos, NULL, NULL);
		CHECK(answer.reasonCodeCount == 2);
		MQTTResponse_free(answer);
		response5(MQTTClient_unsubscribe5(client, topics[0], NULL), 0);
		answer = MQTTClient_unsubscribeMany5(client, 2, topics, NULL);
		CHECK(answer.reasonCodeCount == 2);
		MQTTResponse_free(answer);
	}
	else
	{
		CHECK_RC(MQTTClient_subscribe(client, topics[0], 1), 0);
		CHECK_RC(MQTTClient_subscribeMany(client, 2, topics, qos), 0);
		CHECK_RC(MQTTClient_unsubscribe(client, topics[0]), 0);
		CHECK_RC(MQTTClient_unsubscribeMany(client, 2, topics), 0);
	}
	CHECK_RC(MQTTClient_getPendingDeliveryTokens(client, &tokens), 0);
	MQTTClient_free(tokens);
	CHECK_RC(MQTTClient_setCommandTimeout(client, 20000), 0);
	MQTTClient_yield();
}

/* ---- Everything ------------------------------------------------------------------------------------------------------------------- */

static void use_new_clients(void)
{
	counter connected = COUNTER_INITIALIZER, disconnected = COUNTER_INITIALIZER;
	MQTTAsync_disconnectOptions leave = MQTTAsync_disconnectOptions_initializer;
	MQTTAsync_disconnectOptions leave5 = MQTTAsync_disconnectOptions_initializer5;
	MQTTAsync async = create_async(uri, atomic_fetch_add(&fresh_ids, 1));
	MQTTClient client = create_client(uri, atomic_fetch_add(&fresh_ids, 1));
	MQTTClient_message *m = NULL;
	char *topic = NULL, own[32];
	int length;

	CHECK_RC(MQTTAsync_setCallbacks(async, NULL, NULL, drop_async, NULL), 0);
	connect_async(async, &connected, nothing, nothing5, unexpected, unexpected5);
	AWAIT(&connected, 1); /* another client's callback, while this one is under way */
	use_async(async);
	leave5.onSuccess5 = nothing5;
	leave.onSuccess = nothing;
	if (version == 5)
		leave = leave5;
	leave.context = &disconnected;
	CHECK_RC(MQTTAsync_disconnect(async, &leave), 0);
	AWAIT(&disconnected, 1);
	MQTTAsync_destroy(&async);
	counter_free(&connected);
	counter_free(&disconnected);

	connect_client(client);
	use_client(client);
	snprintf(own, sizeof own, "reentrant/own/%d", atomic_fetch_add(&fresh_ids, 1));
	if (version == 5)
		response5(MQTTClient_subscribe5(client, own, 0, NULL, NULL), 0);
	else
		CHECK_RC(MQTTClient_subscribe(client, own, 0), 0);
	(void)publish_client(client, own, 0);
	CHECK_RC(MQTTClient_receive(client, &topic, &length, &m, LONG), 0);
	CHECK(m != NULL && strcmp(topic, own) == 0);
	MQTTClient_freeMessage(&m);
	MQTTClient_free(topic);
	CHECK_RC(MQTTClient_disconnect(client, 1000), 0);
	MQTTClient_destroy(&client);
}

static void everything(enum place place, MQTTAsync async, MQTTClient client, int connected)
{
	if (counter_get(&done[place]) > 0)
		return; /* once is enough, and what it sends would call it again */
	if (getenv("STRESS_VERBOSE"))
		fprintf(stderr, "in %s\n", places[place]);
	CHECK(MQTTAsync_getVersionInfo() != NULL && MQTTClient_getVersionInfo() != NULL);
	CHECK(MQTTAsync_strerror(-1) != NULL && MQTTClient_strerror(-1) != NULL && MQTTReasonCode_toString(0) != NULL);
	MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_ERROR);
	MQTTClient_setTraceLevel(MQTTCLIENT_TRACE_ERROR);
	if (async && connected)
		use_async(async);
	if (async)
		use_async_lightly(async);
	if (client && connected)
		use_client(client);
	use_async(other_async);
	use_client(other_client);
	use_new_clients();
	counter_add(&done[place], 1);
}

/* ---- The callbacks ---------------------------------------------------------------------------------------------------------------- */

static void c_connect(void *context, MQTTAsync_successData *data) { (void)data; everything(CONNECT_SUCCESS, context, NULL, 1); }
static void c_connect5(void *context, MQTTAsync_successData5 *data) { (void)data; everything(CONNECT_SUCCESS, context, NULL, 1); }
static void c_connect_failure(void *context, MQTTAsync_failureData *data) { (void)data; everything(CONNECT_FAILURE, context, NULL, 0); }
static void c_connect_failure5(void *context, MQTTAsync_failureData5 *data) { (void)data; everything(CONNECT_FAILURE, context, NULL, 0); }
static void c_connected(void *context, char *cause) { (void)cause; everything(CONNECTED, context, NULL, 1); }
static int c_message(void *context, char *topic, int length, MQTTAsync_message *m)
{
	everything(MESSAGE, context, NULL, 1);
	return drop_async(context, topic, length, m);
}
static void c_delivery(void *context, MQTTAsync_token token) { (void)token; everything(DELIVERY, context, NULL, 1); }
static void c_send(void *context, MQTTAsync_successData *data) { (void)data; everything(SEND_SUCCESS, context, NULL, 1); }
static void c_send5(void *context, MQTTAsync_successData5 *data) { (void)data; everything(SEND_SUCCESS, context, NULL, 1); }
static void c_send_failure(void *context, MQTTAsync_failureData *data) { (void)data; everything(SEND_FAILURE, context, NULL, 0); }
static void c_send_failure5(void *context, MQTTAsync_failureData5 *data) { (void)data; everything(SEND_FAILURE, context, NULL, 0); }
static void c_subscribe(void *context, MQTTAsync_successData *data) { (void)data; everything(SUBSCRIBE, context, NULL, 1); }
static void c_subscribe5(void *context, MQTTAsync_successData5 *data) { (void)data; everything(SUBSCRIBE, context, NULL, 1); }
static void c_unsubscribe(void *context, MQTTAsync_successData *data) { (void)data; everything(UNSUBSCRIBE, context, NULL, 1); }
static void c_unsubscribe5(void *context, MQTTAsync_successData5 *data) { (void)data; everything(UNSUBSCRIBE, context, NULL, 1); }
static void c_disconnect(void *context, MQTTAsync_successData *data) { (void)data; everything(DISCONNECT, context, NULL, 0); }
static void c_disconnect5(void *context, MQTTAsync_successData5 *data) { (void)data; everything(DISCONNECT, context, NULL, 0); }
static void c_lost(void *context, char *cause) { (void)cause; everything(LOST, context, NULL, 0); }
static void c_server_disconnect(void *context, MQTTProperties *properties, enum MQTTReasonCodes reason)
{
	(void)properties; (void)reason;
	everything(SERVER_DISCONNECT, context, NULL, 0);
}

static int m_message(void *context, char *topic, int length, MQTTClient_message *m)
{
	everything(CLIENT_MESSAGE, NULL, context, 1);
	return drop_client(context, topic, length, m);
}
static void m_delivery(void *context, MQTTClient_deliveryToken token) { (void)token; everything(CLIENT_DELIVERY, NULL, context, 1); }
static void m_published(void *context, int token, int type, MQTTProperties *properties, enum MQTTReasonCodes reason)
{
	(void)token; (void)type; (void)properties; (void)reason;
	everything(CLIENT_PUBLISHED, NULL, context, 1);
}
static void m_lost(void *context, char *cause) { (void)cause; everything(CLIENT_LOST, NULL, context, 0); }
static void m_disconnected(void *context, MQTTProperties *properties, enum MQTTReasonCodes reason)
{
	(void)properties; (void)reason;
	everything(CLIENT_DISCONNECTED, NULL, context, 0);
}

/* ---- What makes them happen ------------------------------------------------------------------------------------------------------- */

static MQTTAsync set_up(const char *server, int number_of_it)
{
	MQTTAsync client = create_async(server, number_of_it);

	CHECK_RC(MQTTAsync_setCallbacks(client, client, c_lost, c_message, c_delivery), 0);
	CHECK_RC(MQTTAsync_setConnected(client, client, c_connected), 0);
	CHECK_RC(MQTTAsync_setDisconnected(client, client, c_server_disconnect), 0);
	return client;
}

static void async_callbacks(const char *closed, const char *goodbye, const char *idle)
{
	enum { LOSER = 900001 };
	counter thief_connected = COUNTER_INITIALIZER, quiet_connected = COUNTER_INITIALIZER;
	MQTTAsync_responseOptions options;
	MQTTAsync_disconnectOptions leave = MQTTAsync_disconnectOptions_initializer;
	MQTTAsync_disconnectOptions leave5 = MQTTAsync_disconnectOptions_initializer5;
	MQTTAsync client = set_up(uri, 900000), loser, thief, failing, quiet;

	connect_async(client, client, c_connect, c_connect5, unexpected, unexpected5);
	AWAIT(&done[CONNECT_SUCCESS], 1);
	AWAIT(&done[CONNECTED], 1);
	options = with_callbacks(client, c_subscribe, c_subscribe5);
	CHECK_RC(MQTTAsync_subscribe(client, "reentrant/here", 2, &options), 0);
	AWAIT(&done[SUBSCRIBE], 1);
	options = with_callbacks(client, c_send, c_send5);
	CHECK_RC(MQTTAsync_send(client, "reentrant/here", 2, "hi", 2, 0, &options), 0);
	AWAIT(&done[MESSAGE], 1);
	AWAIT(&done[DELIVERY], 1);
	AWAIT(&done[SEND_SUCCESS], 1);
	options = with_callbacks(client, c_unsubscribe, c_unsubscribe5);
	CHECK_RC(MQTTAsync_unsubscribe(client, "reentrant/here", &options), 0);
	AWAIT(&done[UNSUBSCRIBE], 1);
	leave5.onSuccess5 = c_disconnect5;
	leave.onSuccess = c_disconnect;
	if (version == 5)
		leave = leave5;
	leave.context = client;
	CHECK_RC(MQTTAsync_disconnect(client, &leave), 0);
	AWAIT(&done[DISCONNECT], 1);
	MQTTAsync_destroy(&client);

	failing = set_up(closed, 900002);
	connect_async(failing, failing, nothing, nothing5, c_connect_failure, c_connect_failure5);
	AWAIT(&done[CONNECT_FAILURE], 1);
	MQTTAsync_destroy(&failing);

	/* Its sends fail when it is destroyed, on this thread: inside MQTTAsync_destroy. */
	quiet = create_async(idle, 900003);
	CHECK_RC(MQTTAsync_setCallbacks(quiet, quiet, NULL, drop_async, NULL), 0);
	connect_async(quiet, &quiet_connected, nothing, nothing5, unexpected, unexpected5);
	AWAIT(&quiet_connected, 1);
	options = with_callbacks(quiet, nothing, nothing5);
	options.context = NULL;
	if (version == 5)
		options.onFailure5 = c_send_failure5;
	else
		options.onFailure = c_send_failure;
	CHECK_RC(MQTTAsync_send(quiet, "reentrant/here", 2, "hi", 1, 0, &options), 0);
	MQTTAsync_destroy(&quiet);
	AWAIT(&done[SEND_FAILURE], 1);

	if (version == 5)
	{
		counter connected = COUNTER_INITIALIZER;

		quiet = create_async(goodbye, 900004);
		CHECK_RC(MQTTAsync_setCallbacks(quiet, quiet, NULL, drop_async, NULL), 0);
		CHECK_RC(MQTTAsync_setDisconnected(quiet, quiet, c_server_disconnect), 0);
		connect_async(quiet, &connected, nothing, nothing5, unexpected, unexpected5);
		AWAIT(&connected, 1);
		CHECK_RC(MQTTAsync_send(quiet, "reentrant/here", 2, "hi", 1, 0, NULL), 0);
		AWAIT(&done[SERVER_DISCONNECT], 1);
		MQTTAsync_destroy(&quiet);
		counter_free(&connected);
	}

	loser = create_async(uri, LOSER);
	CHECK_RC(MQTTAsync_setCallbacks(loser, loser, c_lost, drop_async, NULL), 0);
	connect_async(loser, &thief_connected, nothing, nothing5, unexpected, unexpected5);
	AWAIT(&thief_connected, 1);
	thief = create_async(uri, LOSER);
	connect_async(thief, &thief_connected, nothing, nothing5, unexpected, unexpected5);
	AWAIT(&thief_connected, 2);
	AWAIT(&done[LOST], 1);
	MQTTAsync_destroy(&thief);
	MQTTAsync_destroy(&loser);
	counter_free(&thief_connected);
	counter_free(&quiet_connected);
}

static void client_callbacks(const char *goodbye)
{
	enum { LOSER = 900011 };
	MQTTClient client = create_client(uri, 900010), loser, thief;

	CHECK_RC(MQTTClient_setCallbacks(client, client, m_lost, m_message, m_delivery), 0);
	CHECK_RC(MQTTClient_setPublished(client, client, m_published), 0);
	connect_client(client);
	if (version == 5)
		response5(MQTTClient_subscribe5(client, "reentrant/there", 2, NULL, NULL), 2);
	else
		CHECK_RC(MQTTClient_subscribe(client, "reentrant/there", 2), 0);
	(void)publish_client(client, "reentrant/there", 2);
	AWAIT(&done[CLIENT_MESSAGE], 1);
	AWAIT(&done[CLIENT_DELIVERY], 1);
	if (version == 5)
		AWAIT(&done[CLIENT_PUBLISHED], 1);
	CHECK_RC(MQTTClient_disconnect(client, 1000), 0);
	MQTTClient_destroy(&client);

	loser = create_client(uri, LOSER);
	CHECK_RC(MQTTClient_setCallbacks(loser, loser, m_lost, m_message, NULL), 0);
	connect_client(loser);
	thief = create_client(uri, LOSER);
	connect_client(thief);
	AWAIT(&done[CLIENT_LOST], 1);
	MQTTClient_destroy(&thief);
	MQTTClient_destroy(&loser);

	if (version == 5)
	{
		client = create_client(goodbye, 900012);
		CHECK_RC(MQTTClient_setCallbacks(client, client, NULL, m_message, NULL), 0);
		CHECK_RC(MQTTClient_setDisconnected(client, client, m_disconnected), 0);
		connect_client(client);
		(void)publish_client(client, "reentrant/there", 1);
		AWAIT(&done[CLIENT_DISCONNECTED], 1);
		MQTTClient_destroy(&client);
	}
}

int main(int argc, char **argv)
{
	static silent_server idle, goodbye;
	counter connected = COUNTER_INITIALIZER;
	char closed[40];
	int bound = closed_port(closed, sizeof closed);

	CHECK(argc >= 3);
	uri = argv[1];
	version = number(argv[2]);
	for (int i = 0; i < PLACES; i++)
		counter_init(&done[i]);
	silent_start(&idle, version == 5 ? SAYS_CONNACK5 : SAYS_CONNACK);
	silent_start(&goodbye, SAYS_GOODBYE5);
	other_async = create_async(uri, 900020);
	CHECK_RC(MQTTAsync_setCallbacks(other_async, NULL, NULL, drop_async, NULL), 0);
	connect_async(other_async, &connected, nothing, nothing5, unexpected, unexpected5);
	AWAIT(&connected, 1);
	other_client = create_client(uri, 900021);
	connect_client(other_client);

	async_callbacks(closed, goodbye.uri, idle.uri);
	client_callbacks(goodbye.uri);

	MQTTAsync_destroy(&other_async);
	MQTTClient_destroy(&other_client);
	for (int i = 0; i < PLACES; i++)
		if (!(version == 4 && (i == SERVER_DISCONNECT || i == CLIENT_PUBLISHED || i == CLIENT_DISCONNECTED)))
			CHECK(counter_get(&done[i]) == 1);
	silent_stop(&idle);
	silent_stop(&goodbye);
	close(bound);
	check_heap();
	printf("everything from everywhere\n");
	return 0;
}
