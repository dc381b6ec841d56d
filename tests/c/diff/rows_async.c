/* Rows of DIFFERENCES.md about MQTTAsync that no other program here comes by, on a server by hand. */
#include "rows_async.h"

static void never_connected(void)
{
	MQTTAsync c = new_async(server, "never", MQTTVERSION_DEFAULT, &watch);

	row("reconnect of a client that was never connected", MQTTAsync_reconnect(c), "0", -3);
	MQTTAsync_destroy(&c);
}

static void no_version(int created, int version)
{
	MQTTAsync c = new_async(server, "no-version", created, &watch);
	MQTTAsync_connectOptions v3 = MQTTAsync_connectOptions_initializer, v5 = MQTTAsync_connectOptions_initializer5;
	MQTTAsync_connectOptions o = created == MQTTVERSION_5 ? v5 : v3;

	o.MQTTVersion = version;
	row("a number that is no MQTT version", MQTTAsync_connect(c, &o), "0", -15);
	MQTTAsync_destroy(&c);
}

static void newer_version(void)
{
	MQTTAsync c = new_async(server, "newer-version", MQTTVERSION_DEFAULT, &watch);
	MQTTAsync_connectOptions o = MQTTAsync_connectOptions_initializer;

	o.MQTTVersion = 7;
	SHOW(MQTTAsync_connect(c, &o));
	MQTTAsync_destroy(&c);
}

static struct log heard = {.name = "deliveryComplete set late"};

static void on_heard(void *context, MQTTAsync_token token)
{
	(void)context;
	log_add(&heard, "%d", token);
}

/* The callback that counts is the one at the acknowledgement, and not the one at the send. */
static void heard_late(void)
{
	MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer;
	MQTTAsync_connectOptions o = MQTTAsync_connectOptions_initializer;
	MQTTAsync c = NULL;

	create.sendWhileDisconnected = create.allowDisconnectedSendAtAnyTime = 1;
	SHOW(MQTTAsync_createWithOptions(&c, server, "late", MQTTCLIENT_PERSISTENCE_NONE, NULL, &create));
	MQTTAsync_setCallbacks(c, &watch, on_lost, on_message, NULL);
	SHOW(MQTTAsync_send(c, "a", 1, "x", 1, 0, NULL));
	SHOW(MQTTAsync_send(c, "a", 1, "y", 2, 0, NULL));
	SHOW(MQTTAsync_setDeliveryCompleteCallback(c, &watch, on_heard));
	o.cleansession = 0;
	o.context = call_of(&watch, "connect");
	o.onSuccess = on_connect;
	o.onFailure = on_failure;
	SHOW(MQTTAsync_connect(c, &o));
	log_expect(&watch.done, 1);
	log_await(&heard, 2);
	log_print(&heard);
	MQTTAsync_destroy(&c);
}

/* The tokens of messages that wait in the store, and what an other client is told of their delivery. One without acknowledgement has none. */
static void stored(void)
{
	MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer;
	MQTTAsync_connectOptions o = MQTTAsync_connectOptions_initializer;
	MQTTAsync_disconnectOptions d = MQTTAsync_disconnectOptions_initializer;
	MQTTAsync_responseOptions r = MQTTAsync_responseOptions_initializer;
	MQTTAsync_token *tokens = NULL;
	MQTTAsync c = NULL;
	char numbers[64] = "", text[128];
	int i;

	create.sendWhileDisconnected = create.allowDisconnectedSendAtAnyTime = 1;
	SHOW(MQTTAsync_createWithOptions(&c, server, "stored", MQTTCLIENT_PERSISTENCE_DEFAULT, "rows-store", &create));
	MQTTAsync_setCallbacks(c, &watch, on_lost, on_message, on_delivery);
	o.cleansession = 0;
	o.context = call_of(&watch, "connect");
	o.onSuccess = on_connect;
	o.onFailure = on_failure;
	SHOW(MQTTAsync_connect(c, &o));
	log_expect(&watch.done, 1);
	r.context = call_of(&watch, "send");
	r.onSuccess = on_success;
	r.onFailure = on_failure;
	for (i = 0; i < 2; i++)
	{
		SHOW(MQTTAsync_send(c, "a", 1, "x", 1, 0, &r));
		log_expect(&watch.done, 1);
	}
	d.context = call_of(&watch, "disconnect");
	d.onSuccess = on_success;
	SHOW(MQTTAsync_disconnect(c, &d));
	log_expect(&watch.done, 1);
	r.onSuccess = NULL;
	r.onFailure = NULL;
	SHOW(MQTTAsync_send(c, "a", 1, "x", 1, 0, &r));
	SHOW(r.token);
	SHOW(MQTTAsync_send(c, "a", 1, "y", 0, 0, &r));
	SHOW(MQTTAsync_send(c, "a", 1, "z", 2, 0, &r));
	SHOW(r.token);
	MQTTAsync_destroy(&c);
	SHOW(MQTTAsync_createWithOptions(&c, server, "stored", MQTTCLIENT_PERSISTENCE_DEFAULT, "rows-store", &create));
	SHOW(MQTTAsync_getPendingTokens(c, &tokens));
	row("token of a message that waited in the store", tokens ? tokens[0] : 0, "3", 1);
	row("of one without acknowledgement", tokens ? tokens[1] : 0, "0", 2);
	MQTTAsync_free(tokens);
	MQTTAsync_setCallbacks(c, &watch, on_lost, on_message, on_delivered);
	SHOW(MQTTAsync_connect(c, &o));
	log_expect(&watch.done, 1);
	log_await(&delivered, 2);
	MQTTAsync_destroy(&c);
	for (i = 0; i < delivered.count; i++)
		render_append(numbers, sizeof(numbers), " %s", delivered.line[i]);
	printf("deliveryComplete: %s\n", render_row(text, sizeof(text), numbers, " 3 4", " 1 3"));
}

static void connect_while_connected(void)
{
	MQTTAsync c = connected_to("again", MQTTVERSION_DEFAULT);
	MQTTAsync_connectOptions o = MQTTAsync_connectOptions_initializer;

	row("connect while connected", MQTTAsync_connect(c, &o), "0", -18);
	MQTTAsync_destroy(&c);
}

static void newer_create_options(void)
{
	MQTTAsync_createOptions o = MQTTAsync_createOptions_initializer;
	MQTTAsync c = NULL;

	o.struct_version = 3;
	row("createOptions version 3", MQTTAsync_createWithOptions(&c, server, "newer", MQTTCLIENT_PERSISTENCE_NONE, NULL, &o), "-8", 0);
	MQTTAsync_destroy(&c);
}

static struct log said = {.name = "DISCONNECT"}, complained = {.name = "ERROR"};

static void on_trace(enum MQTTASYNC_TRACE_LEVELS level, char *line)
{
	if (strstr(line, "-> DISCONNECT") != NULL)
		log_add(&said, "%s", line);
	if (level == MQTTASYNC_TRACE_ERROR && strstr(line, "closed the connection") != NULL)
		log_add(&complained, "%s", line);
}

static void trace_of_a_lost_connection(void)
{
	MQTTAsync c = connected_to("traced", MQTTVERSION_DEFAULT);

	MQTTAsync_setConnectionLostCallback(c, NULL, on_gone);
	MQTTAsync_setTraceCallback(on_trace);
	MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_PROTOCOL);
	SHOW(MQTTAsync_send(c, "close/", 1, "x", 0, 0, NULL));
	log_expect(&gone, 1);
	MQTTAsync_destroy(&c);
	MQTTAsync_setTraceCallback(NULL);
	row("DISCONNECT on the dead socket", said.count, "1", 0);
	row("lines that say why", complained.count, "0", 1);
}

static struct log refused = {.name = "refused"};

static void on_refused(void *context, MQTTAsync_failureData *data)
{
	log_add(&refused, "%s: onFailure(code %d)", (const char *)context, data ? data->code : 0);
}

/* Subscribes while a disconnect waits for a message that is never acknowledged. */
static void while_disconnecting(void)
{
	MQTTAsync c = connected_to("disconnecting", MQTTVERSION_DEFAULT);
	MQTTAsync_responseOptions r = MQTTAsync_responseOptions_initializer;
	MQTTAsync_disconnectOptions d = MQTTAsync_disconnectOptions_initializer;
	const long long begin = now_ms();
	static struct watch second = WATCH_INITIALIZER;
	char text[128];

	refuser_identifier = 0;
	refuser_goodbye = -1;
	SHOW(MQTTAsync_send(c, "silent/a", 1, "x", 1, 0, NULL));
	while (refuser_identifier == 0)
		usleep(1000);
	d.timeout = 4000;
	d.context = call_of(&watch, "disconnect");
	d.onSuccess = on_success;
	d.onFailure = on_failure_code;
	SHOW(MQTTAsync_disconnect(c, &d));
	r.onFailure = on_refused;
	r.context = "subscribe";
	row("subscribe while a disconnect waits", MQTTAsync_subscribe(c, "a", 0, &r), "0", -3);
	r.context = "unsubscribe";
	row("unsubscribe while a disconnect waits", MQTTAsync_unsubscribe(c, "a", &r), "0", -3);
	r.context = "send";
	SHOW(MQTTAsync_send(c, "silent/b", 1, "x", 1, 0, &r));
	d.context = call_of(&second, "second disconnect");
	SHOW(MQTTAsync_disconnect(c, &d));
	log_await(&watch.done, 1);
	/* The original ends it when it looks for time-outs next. */
	row("the disconnect took its time", now_ms() - begin >= 4000, "?", 1);
	log_print(&watch.done);
	await_goodbye();
	row("the server has what was sent meanwhile", refuser_identifier, "1", 2);
	row("told of the send's end by the end of the disconnect", refused.count, "0", 1);
	MQTTAsync_destroy(&c);
	row("onFailure of what was refused or sent, by the end of destroy", refused.count, "3", 1);
	log_await(&second.done, 1);
	printf("%s\n", render_row(text, sizeof(text), second.done.line[0], "second disconnect: onFailure(token 0, code -11)", "second disconnect: onSuccess(token 0)"));
	refused.count = 0;
}

/* What is in flight in a clean session of MQTT 3 when its connection is lost. */
static void lost_in_flight(void)
{
	MQTTAsync c = connected_to("in-flight", MQTTVERSION_DEFAULT);
	MQTTAsync_responseOptions r = MQTTAsync_responseOptions_initializer;
	MQTTAsync_token *tokens = NULL;

	gone.count = refused.count = 0;
	MQTTAsync_setConnectionLostCallback(c, NULL, on_gone);
	r.context = "send";
	r.onFailure = on_refused;
	SHOW(MQTTAsync_send(c, "silent/a", 1, "x", 1, 0, &r));
	SHOW(MQTTAsync_send(c, "close/", 1, "x", 0, 0, NULL));
	log_await(&gone, 1);
	row("told of its end when the connection is lost", refused.count, "0", 1);
	SHOW(MQTTAsync_getPendingTokens(c, &tokens));
	row("pending after that", tokens != NULL, "1", 0);
	MQTTAsync_free(tokens);
	MQTTAsync_destroy(&c);
	log_await(&refused, 1);
}

/* A subscribe that the server does not answer, asked for by its token. */
static void unanswered(void)
{
	MQTTAsync c = connected_to("unanswered", MQTTVERSION_DEFAULT);
	MQTTAsync_responseOptions r = MQTTAsync_responseOptions_initializer;
	MQTTAsync_token *tokens = NULL;

	refuser_identifier = 0;
	SHOW(MQTTAsync_subscribe(c, "silent/a", 1, &r));
	/* Once the server has the message behind it nothing waits in the client. */
	SHOW(MQTTAsync_send(c, "silent/b", 1, "x", 1, 0, NULL));
	while (refuser_identifier == 0)
		usleep(1000);
	row("isComplete of a subscribe in flight", MQTTAsync_isComplete(c, r.token), "1", 0);
	row("waitForCompletion of it", MQTTAsync_waitForCompletion(c, r.token, 10), "0", MQTTASYNC_FAILURE);
	SHOW(MQTTAsync_getPendingTokens(c, &tokens));
	row("first of the pending tokens", tokens ? tokens[0] : 0, "2", 1);
	MQTTAsync_free(tokens);
	MQTTAsync_destroy(&c);
}

/* Reconnects by hand a client that does so by itself. */
static void reconnect_by_hand(void)
{
	MQTTAsync c = new_async(server, "by-hand", MQTTVERSION_DEFAULT, &watch);
	MQTTAsync_connectOptions o = connect_options(MQTTVERSION_3_1_1, call_of(&watch, "connect"));

	o.automaticReconnect = 1;
	SHOW(MQTTAsync_connect(c, &o));
	log_expect(&watch.done, 1);
	disconnect_async(c, MQTTVERSION_DEFAULT, &watch);
	row("reconnect after a disconnect, with automaticReconnect", MQTTAsync_reconnect(c), "-1", 0);
	MQTTAsync_destroy(&c);
	c = new_async(server, "by-hand", MQTTVERSION_DEFAULT, &watch);
	SHOW(MQTTAsync_connect(c, &o));
	log_expect(&watch.done, 1);
	row("reconnect while connected", MQTTAsync_reconnect(c), "0", MQTTASYNC_COMMAND_IGNORED);
	MQTTAsync_destroy(&c);
}

static MQTTAsync_connectOptions connecting(const char *name, int version, int clean)
{
	MQTTAsync_connectOptions o = connect_options(version, call_of(&watch, name));

	o.cleansession = version == MQTTVERSION_5 ? 0 : clean;
	o.cleanstart = version == MQTTVERSION_5 ? clean : 0;
	return o;
}

/* The order in which a program hears of what a clean start drops, and of the connection: the same on both. */
static void dropped_by_a_clean_start(int version)
{
	MQTTAsync c = new_async(server, "dropped", version, &watch);
	MQTTAsync_connectOptions o = connecting("connect", version, 0);
	MQTTAsync_responseOptions r = version == MQTTVERSION_5 ? response5(call_of(&watch, "send"), on_success5) : response3(call_of(&watch, "send"), on_success);
	MQTTProperties properties = MQTTProperties_initializer;
	MQTTProperty expiry = {.identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, .value.integer4 = 1000};

	MQTTProperties_add(&properties, &expiry);
	if (version == MQTTVERSION_5)
		o.connectProperties = &properties;
	SHOW(MQTTAsync_connect(c, &o));
	log_expect(&watch.done, 1);
	refuser_identifier = 0;
	SHOW(MQTTAsync_send(c, "silent/a", 1, "x", 1, 0, &r));
	SHOW(MQTTAsync_send(c, "silent/a", 1, "x", 2, 0, &r));
	while (refuser_identifier != r.token)
		usleep(1000);
	disconnect_async(c, version, &watch);
	show_pending(c);
	o = connecting("clean", version, 1);
	SHOW(MQTTAsync_connect(c, &o));
	log_expect(&watch.done, 3);
	show_pending(c);
	MQTTAsync_destroy(&c);
	MQTTProperties_free(&properties);
}

static struct log after = {.name = "after a disconnect"};

/* Sends in a callback that has asked for a disconnect. */
static void send_after_disconnect(void *context, MQTTAsync_successData *data)
{
	MQTTAsync_disconnectOptions d = MQTTAsync_disconnectOptions_initializer;
	int rc;

	(void)data;
	d.context = call_of(&watch, "disconnect");
	d.onSuccess = on_success;
	rc = MQTTAsync_disconnect(context, &d);
	log_add(&after, "disconnect: %d", rc);
	rc = MQTTAsync_send(context, "a", 1, "x", 1, 0, NULL);
	log_add(&after, "%d", rc);
}

static void send_after_a_disconnect(void)
{
	MQTTAsync c = connected_to("after", MQTTVERSION_DEFAULT);
	MQTTAsync_responseOptions r = MQTTAsync_responseOptions_initializer;

	r.context = c;
	r.onSuccess = send_after_disconnect;
	SHOW(MQTTAsync_send(c, "a", 1, "x", 1, 0, &r));
	log_await(&after, 2);
	log_expect(&watch.done, 1);
	row("send in a callback after a disconnect", atoi(after.line[1]), "0", -3);
	MQTTAsync_destroy(&c);
}

/* What is in flight when a MQTT 5 server says that it has no session, without a clean start. */
static void session_that_the_server_lost(void)
{
	MQTTAsync c = new_async(server, "lost-session", MQTTVERSION_5, &watch);
	MQTTAsync_connectOptions o = connecting("connect", MQTTVERSION_5, 0);
	MQTTProperties properties = MQTTProperties_initializer;
	MQTTProperty expiry = {.identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, .value.integer4 = 1000};
	MQTTAsync_responseOptions r = response5(call_of(&watch, "send"), on_success5);
	char first[64], text[256];

	MQTTProperties_add(&properties, &expiry);
	o.connectProperties = &properties;
	SHOW(MQTTAsync_connect(c, &o));
	log_expect(&watch.done, 1);
	refuser_published = 0;
	SHOW(MQTTAsync_send(c, "silent/a", 1, "x", 1, 0, &r));
	while (refuser_published == 0)
		usleep(1000);
	disconnect_async(c, MQTTVERSION_5, &watch);
	SHOW(MQTTAsync_connect(c, &o));
	log_await(&watch.done, on_the_original() ? 2 : 1);
	snprintf(first, sizeof(first), "%.16s", watch.done.line[0]);
	printf("first: %s\n", render_row(text, sizeof(text), first, "send: onFailure5", "connect: onSucce"));
	while (!on_the_original() && refuser_published < 2)
		usleep(1000);
	MQTTAsync_destroy(&c);
	row("times that the message was sent", refuser_published, "1", 2);
	watch.done.count = 0;
	MQTTProperties_free(&properties);
}

/* A subscribe that is refused at once may use a token up. */
static void token_of_a_refused_call(void)
{
	MQTTAsync c = connected_to("refused-call", MQTTVERSION_5);
	MQTTSubscribe_options options[2] = {MQTTSubscribe_options_initializer, MQTTSubscribe_options_initializer};
	MQTTAsync_responseOptions r = MQTTAsync_responseOptions_initializer;
	char *topics[] = {"a", "b", "c"};
	int qos[] = {0, 0, 0};

	r.subscribeOptionsCount = 2;
	r.subscribeOptionsList = options;
	SHOW(MQTTAsync_subscribeMany(c, 3, topics, qos, &r));
	r.subscribeOptionsCount = 0;
	SHOW(MQTTAsync_subscribe(c, "a", 0, &r));
	row("token of the next call", r.token, "2", 1);
	MQTTAsync_destroy(&c);
}

int main(void)
{
	server = refuser_start();
	dropped_by_a_clean_start(MQTTVERSION_3_1_1);
	dropped_by_a_clean_start(MQTTVERSION_5);
	never_connected();
	no_version(MQTTVERSION_DEFAULT, 2);
	no_version(MQTTVERSION_5, 7);
	newer_version();
	stored();
	heard_late();
	connect_while_connected();
	newer_create_options();
	while_disconnecting();
	trace_of_a_lost_connection();
	lost_in_flight();
	unanswered();
	reconnect_by_hand();
	send_after_a_disconnect();
	session_that_the_server_lost();
	token_of_a_refused_call();
	return 0;
}
