/* Rows of DIFFERENCES.md about MQTTClient that no other program here comes by, on a server by hand. */
#include "client.h"
#include "rows.h"

static const char *server;

static void signals(void)
{
	struct sigaction pipe;
	MQTTClient c = new_client(server, "signals", MQTTVERSION_DEFAULT);

	sigaction(SIGPIPE, NULL, &pipe);
	row("SIGPIPE is ignored", pipe.sa_handler == SIG_IGN, "1", 0);
	MQTTClient_destroy(&c);
}

static void old_options(void)
{
	MQTTClient c = new_client(server, "old-options", MQTTVERSION_5);
	MQTTClient_connectOptions o = MQTTClient_connectOptions_initializer;

	o.struct_version = 2;
	o.cleansession = 0;
	SHOW((int)MQTTClient_connect5(c, &o, NULL, NULL).reasonCode);
	row("version in CONNECT, of options without one", refuser_version, "4", 5);
	MQTTClient_destroy(&c);
}

static void other_version(void)
{
	MQTTClient c = new_client(server, "other-version", MQTTVERSION_DEFAULT);
	MQTTClient_connectOptions o = MQTTClient_connectOptions_initializer, o5 = MQTTClient_connectOptions_initializer5;

	row("connect with MQTT 5 of a client for 3.1.1", MQTTClient_connect(c, &o5), "0", -16);
	MQTTClient_destroy(&c);
	c = new_client(server, "other-version", MQTTVERSION_5);
	o.cleansession = 0;
	row("connect5 with 3.1.1 of a client for MQTT 5", (int)MQTTClient_connect5(c, &o, NULL, NULL).reasonCode, "0", -16);
	MQTTClient_destroy(&c);
}

static void session_present(void)
{
	MQTTClient c = new_client(server, "session/", MQTTVERSION_5);
	MQTTClient_connectOptions o = MQTTClient_connectOptions_initializer5;

	o.cleanstart = 0;
	SHOW_RESPONSE(MQTTClient_connect5(c, &o, NULL, NULL));
	row("returned.sessionPresent", o.returned.sessionPresent, "0", 1);
	MQTTClient_destroy(&c);
}

static void connect_while_connected(void)
{
	MQTTClient c = new_client(server, "again", MQTTVERSION_DEFAULT);

	SHOW(connect_client(c, MQTTVERSION_DEFAULT));
	refuser_goodbye = -1;
	SHOW(connect_client(c, MQTTVERSION_DEFAULT));
	/* The server's thread for the first connection reads it before or after it has answered on the second. */
	if (!on_the_original())
		await_goodbye();
	row("reason of the first connection's DISCONNECT", refuser_goodbye, "-1", 0);
	MQTTClient_destroy(&c);
}

/* A publish of QoS 0 behind one that is not acknowledged: the original waits for ever. */
static void reliable(void)
{
	MQTTClient c = new_client(server, "reliable", MQTTVERSION_DEFAULT);
	int token, rc = 0;

	SHOW(connect_client(c, MQTTVERSION_DEFAULT));
	SHOW(MQTTClient_publish(c, "silent/a", 1, "x", 1, 0, &token));
	if (!on_the_original())
		rc = MQTTClient_publish(c, "a", 1, "x", 0, 0, &token);
	row("QoS 0 behind a message in flight", rc, "?", 0);
	MQTTClient_destroy(&c);
}

static int pending(MQTTClient c)
{
	MQTTClient_deliveryToken *tokens = NULL;
	int count = 0;

	SHOW(MQTTClient_getPendingDeliveryTokens(c, &tokens));
	while (tokens && tokens[count] != -1)
		count++;
	MQTTClient_free(tokens);
	return count;
}

static void stores(void)
{
	MQTTClient one = NULL, two = NULL;
	int token;

	SHOW(MQTTClient_create(&one, server, "stored", MQTTCLIENT_PERSISTENCE_DEFAULT, "rows-store"));
	SHOW(connect_client(one, MQTTVERSION_DEFAULT));
	SHOW(MQTTClient_publish(one, "silent/a", 1, "x", 1, 0, &token));
	SHOW(MQTTClient_disconnect(one, 0));
	MQTTClient_destroy(&one);
	SHOW(MQTTClient_create(&one, server, "stored", MQTTCLIENT_PERSISTENCE_DEFAULT, "rows-store"));
	row("in flight after a clean session", pending(one), "1", 0);
	row("a second client on the store", MQTTClient_create(&two, server, "stored", MQTTCLIENT_PERSISTENCE_DEFAULT, "rows-store"), "0", -2);
	MQTTClient_destroy(&two);
	MQTTClient_destroy(&one);
}

/* What receive leaves in its arguments when there is nothing to receive from. */
static void receive_without_connection(void)
{
	MQTTClient c = new_client(server, "receive", MQTTVERSION_DEFAULT);
	char *topic = (char *)server;
	MQTTClient_message *message = (MQTTClient_message *)server;
	int length = -1;

	SHOW(MQTTClient_receive(c, &topic, &length, &message, 50));
	row("topicName is left alone", topic == (char *)server, "1", 0);
	row("message is left alone", message == (MQTTClient_message *)server, "1", 0);
	SHOW(length);
	MQTTClient_destroy(&c);
}

static void on_lost(void *context, char *cause)
{
	(void)context;
	(void)cause;
}

static int on_any(void *context, char *topic, int length, MQTTClient_message *message)
{
	(void)context;
	(void)length;
	MQTTClient_freeMessage(&message);
	MQTTClient_free(topic);
	return 1;
}

/* Callbacks do not change what calls say without a connection; with one they have the messages. */
static void receive_with_callbacks(void)
{
	MQTTClient c = new_client(server, "callbacks", MQTTVERSION_DEFAULT);
	MQTTClient_message *message = NULL;
	char *topic = NULL;
	int length, token = 0;

	SHOW(MQTTClient_setCallbacks(c, NULL, on_lost, on_any, NULL));
	SHOW(MQTTClient_receive(c, &topic, &length, &message, 50));
	SHOW(MQTTClient_waitForCompletion(c, 1, 50));
	SHOW(MQTTClient_publish(c, "a", 1, "x", 1, 0, &token));
	SHOW(connect_client(c, MQTTVERSION_DEFAULT));
	SHOW(MQTTClient_receive(c, &topic, &length, &message, 50));
	SHOW(MQTTClient_disconnect(c, 0));
	MQTTClient_destroy(&c);
}

/* Without an acknowledgement: in a session of MQTT 5 that ends with the connection. */
static void left_in_flight(void)
{
	MQTTClient c = new_client(server, "left", MQTTVERSION_5);
	MQTTResponse response;
	int token;

	SHOW(connect_client(c, MQTTVERSION_5));
	response = MQTTClient_publish5(c, "silent/a", 1, "x", 1, 0, NULL, &token);
	MQTTResponse_free(response);
	SHOW(pending(c));
	SHOW(MQTTClient_disconnect5(c, 0, MQTTREASONCODE_SUCCESS, NULL));
	row("pending after the end of the session", pending(c), "1", 0);
	SHOW(connect_client(c, MQTTVERSION_5));
	SHOW(pending(c));
	MQTTClient_destroy(&c);
}

static void negative_length(void)
{
	MQTTClient c = new_client(server, "negative", MQTTVERSION_DEFAULT);
	int token;

	SHOW(connect_client(c, MQTTVERSION_DEFAULT));
	row("publish with a negative length", MQTTClient_publish(c, "a", -1, "x", 1, 0, &token), "0", -1);
	MQTTClient_destroy(&c);
}

static struct log traced = {.name = "trace"};

static void on_trace(enum MQTTCLIENT_TRACE_LEVELS level, char *line)
{
	(void)level;
	if (strstr(line, "-> PUBLISH") != NULL)
		log_add(&traced, "%s", line);
}

static void payload_in_the_trace(void)
{
	MQTTClient c = new_client(server, "traced", MQTTVERSION_DEFAULT);
	int token;

	SHOW(connect_client(c, MQTTVERSION_DEFAULT));
	MQTTClient_setTraceCallback(on_trace);
	MQTTClient_setTraceLevel(MQTTCLIENT_TRACE_PROTOCOL);
	SHOW(MQTTClient_publish(c, "a", 2, "\xffz", 0, 0, &token));
	log_await(&traced, 1);
	row("the raw byte", strstr(traced.line[0], "\xffz") != NULL, "1", 0);
	row("U+FFFD", strstr(traced.line[0], "\xef\xbf\xbdz") != NULL, "0", 1);
	MQTTClient_setTraceCallback(NULL);
	MQTTClient_destroy(&c);
}

static void keep_alive(void)
{
	static const struct
	{
		int asked, ours;
		const char *theirs;
	} rows[] = {{-1, 0, "255"}, {60, 60, "60"}, {65535, 65535, "65535"}, {65536, 65535, "0"}, {70000, 65535, "4464"}};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		MQTTClient c = new_client(server, "keep-alive", MQTTVERSION_DEFAULT);
		MQTTClient_connectOptions o = MQTTClient_connectOptions_initializer;

		o.keepAliveInterval = rows[i].asked;
		SHOW(MQTTClient_connect(c, &o));
		row("keep-alive in CONNECT", refuser_keep_alive, rows[i].theirs, rows[i].ours);
		MQTTClient_destroy(&c);
	}
}

static void no_time_to_connect(void)
{
	MQTTClient c = new_client(server, "no-time", MQTTVERSION_DEFAULT);
	MQTTClient_connectOptions o = MQTTClient_connectOptions_initializer;

	o.connectTimeout = 0;
	row("connectTimeout 0", MQTTClient_connect(c, &o), "-1", 0);
	MQTTClient_destroy(&c);
}

static void tokens_after_a_clean_session(void)
{
	MQTTClient c = new_client(server, "tokens", MQTTVERSION_DEFAULT);
	int token = 0;

	SHOW(connect_client(c, MQTTVERSION_DEFAULT));
	SHOW(MQTTClient_publish(c, "a", 1, "x", 1, 0, &token));
	SHOW(MQTTClient_waitForCompletion(c, token, 60000));
	SHOW(token);
	SHOW(MQTTClient_disconnect(c, 1000));
	SHOW(connect_client(c, MQTTVERSION_DEFAULT));
	SHOW(MQTTClient_publish(c, "a", 1, "x", 1, 0, &token));
	row("token of the next session", token, "1", 2);
	row("waitForCompletion with a time-out of 0, of a token that is not pending", MQTTClient_waitForCompletion(c, 99, 0), "-1", 0);
	SHOW(MQTTClient_waitForCompletion(c, token, 60000));
	row("its packet identifier", refuser_identifier, "1", 2);
	row("waitForCompletion with a time-out of 0, complete", MQTTClient_waitForCompletion(c, token, 0), "-1", 0);
	SHOW(MQTTClient_publish(c, "silent/a", 1, "x", 1, 0, &token));
	SHOW(MQTTClient_waitForCompletion(c, token, 0));
	SHOW(MQTTClient_disconnect(c, 0));
	MQTTClient_destroy(&c);
}

static void no_answer(int subscribe)
{
	MQTTClient c = new_client(server, "no-answer", MQTTVERSION_DEFAULT);
	int rc;

	SHOW(connect_client(c, MQTTVERSION_DEFAULT));
	MQTTClient_setCommandTimeout(c, 1000);
	rc = subscribe ? MQTTClient_subscribe(c, "silent/a", 1) : MQTTClient_unsubscribe(c, "silent/a");
	/* The original's code is that of the moment. */
	row("no answer in time", rc, "?", -1);
	row("connected still", MQTTClient_isConnected(c), "0", 1);
	MQTTClient_destroy(&c);
}

/* A message with a NUL in its topic, for a program that receives. */
static void nul(int version)
{
	MQTTClient c = new_client(server, "nul", version);
	MQTTClient_message *message = NULL;
	char *topic = NULL;
	int length = 0, token, rc;

	SHOW(connect_client(c, version));
	refuser_goodbye = -1;
	if (version == MQTTVERSION_5)
		MQTTResponse_free(MQTTClient_publish5(c, "nul/", 1, "x", 0, 0, NULL, &token));
	else
		SHOW(MQTTClient_publish(c, "nul/", 1, "x", 0, 0, &token));
	rc = MQTTClient_receive(c, &topic, &length, &message, 30000);
	row("receive of a topic with a NUL", rc, "-7", -1);
	row("its topicLen", length, "3", 0);
	row("connected still", MQTTClient_isConnected(c), "1", 0);
	if (message)
		MQTTClient_freeMessage(&message);
	MQTTClient_free(topic);
	if (version == MQTTVERSION_5)
	{
		if (!on_the_original())
			await_goodbye();
		row("DISCONNECT's reason code before the end", refuser_goodbye, "-1", 0x81);
	}
	MQTTClient_destroy(&c);
}

static struct log arrived = {.name = "messageArrived"};

/* Calls that wait, inside the callback of a message. */
static int on_message(void *context, char *topic, int length, MQTTClient_message *message)
{
	MQTTClient c = *(MQTTClient *)context;
	char text[3][64];
	int rc, published = 0, token = 0;

	(void)length;
	rc = MQTTClient_subscribe(c, "inside", 0);
	if (rc == 0)
	{
		published = MQTTClient_publish(c, "inside", 1, "x", 1, 0, &token);
		published = published ? published : MQTTClient_waitForCompletion(c, token, 60000);
	}
	log_add(&arrived, "subscribe %s, publish and waitForCompletion %s, connected %s", render_row_number(text[0], sizeof(text[0]), rc, "?", 0),
	        render_row_number(text[1], sizeof(text[1]), published, "?", 0),
	        render_row_number(text[2], sizeof(text[2]), MQTTClient_isConnected(c), "0", 1));
	MQTTClient_freeMessage(&message);
	MQTTClient_free(topic);
	return 1;
}

static void inside_a_callback(const char *broker)
{
	MQTTClient c = new_client(broker, "inside", MQTTVERSION_DEFAULT);
	int token;

	SHOW(MQTTClient_setCallbacks(c, &c, on_lost, on_message, NULL));
	SHOW(connect_client(c, MQTTVERSION_DEFAULT));
	SHOW(MQTTClient_subscribe(c, "outside", 0));
	/* The original waits all of it; ours as long as the server takes. */
	MQTTClient_setCommandTimeout(c, on_the_original() ? 1000 : 60000);
	SHOW(MQTTClient_publish(c, "outside", 1, "x", 0, 0, &token));
	log_expect(&arrived, 1);
	MQTTClient_destroy(&c);
}

static volatile int told;

static void on_slow_delivery(void *context, MQTTClient_deliveryToken token)
{
	(void)context;
	(void)token;
	usleep(50000);
	told++;
}

static void on_slow_published(void *context, int token, int type, MQTTProperties *properties, enum MQTTReasonCodes reason)
{
	(void)context;
	(void)token;
	(void)type;
	(void)properties;
	(void)reason;
	usleep(50000);
	told++;
}

static int on_nothing(void *context, char *topic, int length, MQTTClient_message *message)
{
	(void)context;
	(void)length;
	MQTTClient_freeMessage(&message);
	MQTTClient_free(topic);
	return 1;
}

/* A program frees what a callback uses once it has waited for the message, or has disconnected: the same on both. */
static void told_before_the_call_returns(int version)
{
	MQTTClient c = new_client(server, "told", version);
	MQTTClient_connectOptions v3 = MQTTClient_connectOptions_initializer, v5 = MQTTClient_connectOptions_initializer5;
	MQTTClient_connectOptions o = version == MQTTVERSION_5 ? v5 : v3;
	MQTTClient_message m = MQTTClient_message_initializer;
	MQTTClient_deliveryToken token;
	int i;

	SHOW(MQTTClient_setCallbacks(c, NULL, NULL, on_nothing, on_slow_delivery));
	if (version == MQTTVERSION_5)
		SHOW(MQTTClient_setPublished(c, NULL, on_slow_published));
	o.reliable = 0;
	if (version == MQTTVERSION_5)
		SHOW_RESPONSE(MQTTClient_connect5(c, &o, NULL, NULL));
	else
		SHOW(MQTTClient_connect(c, &o));
	m.payload = "x";
	m.payloadlen = 1;
	for (i = 0; i < 6; i++)
	{
		m.qos = 1 + i % 2;
		if (version == MQTTVERSION_5)
			SHOW_RESPONSE(MQTTClient_publishMessage5(c, "a", &m, &token));
		else
			SHOW(MQTTClient_publishMessage(c, "a", &m, &token));
		if (i < 3)
		{
			SHOW(MQTTClient_waitForCompletion(c, token, 5000));
			SHOW(told);
		}
	}
	SHOW(version == MQTTVERSION_5 ? MQTTClient_disconnect5(c, 5000, MQTTREASONCODE_SUCCESS, NULL) : MQTTClient_disconnect(c, 5000));
	SHOW(told);
	MQTTClient_destroy(&c);
	told = 0;
}

static int clears;

static int own_open(void **handle, const char *id, const char *uri, void *context)
{
	(void)id, (void)uri;
	*handle = context;
	return 0;
}

static int own_close(void *handle)
{
	(void)handle;
	return 0;
}

static int own_put(void *handle, char *key, int count, char *buffers[], int lengths[])
{
	(void)handle, (void)key, (void)count, (void)buffers, (void)lengths;
	return 0;
}

static int own_get(void *handle, char *key, char **buffer, int *length)
{
	(void)handle, (void)key, (void)buffer, (void)length;
	return MQTTCLIENT_PERSISTENCE_ERROR;
}

static int own_keys(void *handle, char ***keys, int *count)
{
	(void)handle;
	*keys = NULL;
	*count = 0;
	return 0;
}

static int own_remove(void *handle, char *key)
{
	(void)handle, (void)key;
	return 0;
}

static int own_clear(void *handle)
{
	(void)handle;
	clears++;
	return 0;
}

/* How often a store of the program's is emptied as a whole: before and after a clean session. */
static void own_store(void)
{
	MQTTClient_persistence functions = {&clears, own_open, own_close, own_put, own_get, own_remove, own_keys, own_clear, own_remove};
	MQTTClient c;

	SHOW(MQTTClient_create(&c, server, "own-store", MQTTCLIENT_PERSISTENCE_USER, &functions));
	SHOW(connect_client(c, MQTTVERSION_3_1_1));
	SHOW(MQTTClient_disconnect(c, 0));
	row("calls of pclear", clears, "2", 0);
	MQTTClient_destroy(&c);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	server = refuser_start();
	signals();
	old_options();
	other_version();
	session_present();
	connect_while_connected();
	reliable();
	stores();
	own_store();
	receive_without_connection();
	receive_with_callbacks();
	left_in_flight();
	negative_length();
	payload_in_the_trace();
	keep_alive();
	no_time_to_connect();
	tokens_after_a_clean_session();
	no_answer(1);
	no_answer(0);
	nul(MQTTVERSION_DEFAULT);
	nul(MQTTVERSION_5);
	told_before_the_call_returns(MQTTVERSION_DEFAULT);
	told_before_the_call_returns(MQTTVERSION_5);
	/* The last one: the original's thread may be in the callback still, and a new client's would meet it. */
	inside_a_callback(argv[1]);
	return 0;
}
