/* The puppet on MQTTAsync: see puppet.h. */
#include "puppet.h"

#include <MQTTAsync.h>

static MQTTAsync client;
static int v5, take = 1, tell = 1;
/* Messages that begin like this are not taken; the empty string stands for none. */
static char refused[100];
/* What setUpdateConnectOptions' callback gives out; none when empty. */
static char user[100], password[100];
static int updates;
/* Whether it waits, and says that it does. */
static pthread_mutex_t update_mutex = PTHREAD_MUTEX_INITIALIZER;
static int update_held;
/* What was said in bulk is counted: completions and their results. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long successes, failures, arrivals, out_of_order, last_number = -1;
static char from_lost[4096];

static void obey(command *c);

static void count_number(const void *payload, int length)
{
	char text[32];
	const char *digits;
	long number;

	snprintf(text, sizeof text, "%.*s", length, (const char *)payload);
	digits = strpbrk(text, "0123456789");
	number = digits ? atol(digits) : -1;
	pthread_mutex_lock(&mutex);
	arrivals++;
	if (number != last_number + 1)
		out_of_order++;
	last_number = number;
	pthread_mutex_unlock(&mutex);
}

static int on_message(void *context, char *topic, int topic_length, MQTTAsync_message *message)
{
	(void)context;
	(void)topic_length;
	if (tell)
		say_message(topic, message->payloadlen, message->payload, message->qos, message->dup, message->retained);
	else
		count_number(message->payload, message->payloadlen);
	if (!take || (refused[0] && strncmp(message->payload, refused, strlen(refused)) == 0))
		return 0;
	MQTTAsync_freeMessage(&message);
	MQTTAsync_free(topic);
	return 1;
}

static void on_lost(void *context, char *cause)
{
	(void)context;
	(void)cause;
	say("lost");
	if (from_lost[0])
	{
		char line[4096];
		command c;
		char *rest, *at;

		snprintf(line, sizeof line, "%s", from_lost);
		from_lost[0] = '\0';
		c.count = 0;
		for (at = strtok_r(line, " ", &rest); at; at = strtok_r(NULL, " ", &rest))
			c.words[c.count++] = at;
		obey(&c);
	}
}

static void on_delivered(void *context, MQTTAsync_token token)
{
	(void)context;
	if (tell)
		say("delivered %d", token);
}

static void on_connected(void *context, char *cause)
{
	(void)context;
	say("connected %s", cause ? cause : "");
}

static void on_server_disconnect(void *context, MQTTProperties *properties, enum MQTTReasonCodes reason)
{
	(void)context;
	(void)properties;
	say("disconnected-by-server %d", reason);
}

static int on_update(void *context, MQTTAsync_connectData *data)
{
	(void)context;
	pthread_mutex_lock(&update_mutex);
	if (update_held)
		say("updating");
	while (update_held)
	{
		pthread_mutex_unlock(&update_mutex);
		usleep(1000);
		pthread_mutex_lock(&update_mutex);
	}
	pthread_mutex_unlock(&update_mutex);
	updates++;
	snprintf(user + strlen(user), sizeof user - strlen(user), "%d", updates);
	data->username = strdup(user);
	user[strlen(user) - (updates > 9 ? 2 : 1)] = '\0';
	data->binarypwd.data = strdup(password);
	data->binarypwd.len = (int)strlen(password);
	return 1;
}

static void say_connected(const char *uri, int version, int present)
{
	say("onconnect %s %d %d", uri ? uri : "-", version, present);
}

static void on_connect(void *context, MQTTAsync_successData *data)
{
	(void)context;
	say_connected(data->alt.connect.serverURI, data->alt.connect.MQTTVersion, data->alt.connect.sessionPresent);
}

static void on_connect5(void *context, MQTTAsync_successData5 *data)
{
	(void)context;
	say_connected(data->alt.connect.serverURI, data->alt.connect.MQTTVersion, data->alt.connect.sessionPresent);
}

static void on_connect_failure(void *context, MQTTAsync_failureData *data)
{
	(void)context;
	say("onconnectfailure %d", data ? data->code : 0);
}

static void on_connect_failure5(void *context, MQTTAsync_failureData5 *data)
{
	(void)context;
	say("onconnectfailure %d", data ? (data->code ? data->code : (int)data->reasonCode) : 0);
}

static void count(long *what)
{
	pthread_mutex_lock(&mutex);
	(*what)++;
	pthread_mutex_unlock(&mutex);
}

/* The context of a request says what it was: a bulk one is counted only. */
static void succeeded(void *context, int token)
{
	count(&successes);
	if (context)
		say("success %s %d", (const char *)context, token);
}

static void failed(void *context, int token, int code)
{
	count(&failures);
	if (context)
		say("failure %s %d %d", (const char *)context, token, code);
}

static void on_success(void *context, MQTTAsync_successData *data)
{
	succeeded(context, data ? data->token : -1);
}

static void on_success5(void *context, MQTTAsync_successData5 *data)
{
	succeeded(context, data ? data->token : -1);
}

static void on_failure(void *context, MQTTAsync_failureData *data)
{
	failed(context, data ? data->token : -1, data ? data->code : 0);
}

static void on_failure5(void *context, MQTTAsync_failureData5 *data)
{
	failed(context, data ? data->token : -1, data ? (data->code ? data->code : (int)data->reasonCode) : 0);
}

static MQTTAsync_responseOptions response(char *context)
{
	MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;

	options.context = context;
	if (v5)
	{
		options.onSuccess5 = on_success5;
		options.onFailure5 = on_failure5;
	}
	else
	{
		options.onSuccess = on_success;
		options.onFailure = on_failure;
	}
	return options;
}

static void create(const command *c)
{
	MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
	const char *dir = word(c, 3);
	int rc;

	v5 = option_number(c, "v5", 0);
	options.struct_version = 2;
	options.MQTTVersion = v5 ? MQTTVERSION_5 : MQTTVERSION_DEFAULT;
	options.sendWhileDisconnected = option_number(c, "offline", 0);
	options.allowDisconnectedSendAtAnyTime = option_number(c, "any", 0);
	options.maxBufferedMessages = option_number(c, "max", 100);
	options.deleteOldestMessages = option_number(c, "oldest", 0);
	options.restoreMessages = option_number(c, "restore", 1);
	options.persistQoS0 = option_number(c, "qos0", 1);
	client = NULL;
	rc = MQTTAsync_createWithOptions(&client, word(c, 1), word(c, 2),
		strcmp(dir, "-") == 0 ? MQTTCLIENT_PERSISTENCE_NONE : MQTTCLIENT_PERSISTENCE_DEFAULT,
		strcmp(dir, "-") == 0 ? NULL : (void *)dir, &options);
	if (rc == MQTTASYNC_SUCCESS)
	{
		MQTTAsync_setCallbacks(client, NULL, on_lost, on_message, on_delivered);
		MQTTAsync_setConnected(client, NULL, on_connected);
		MQTTAsync_setDisconnected(client, NULL, on_server_disconnect);
	}
	say("create %d", rc);
}

static void do_connect(const command *c)
{
	MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer, options5 = MQTTAsync_connectOptions_initializer5;
	MQTTProperties properties = MQTTProperties_initializer;
	static char list[2048];
	static char *uris[16];
	int rc, count = 0;

	if (v5)
		options = options5;
	if (v5)
	{
		MQTTProperty property;

		property.identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL;
		property.value.integer4 = (unsigned int)option_number(c, "expiry", 3600);
		MQTTProperties_add(&properties, &property);
		options.connectProperties = &properties;
		options.cleanstart = option_number(c, "clean", 0);
		options.onSuccess5 = on_connect5;
		options.onFailure5 = on_connect_failure5;
	}
	else
	{
		options.cleansession = option_number(c, "clean", 0);
		options.onSuccess = on_connect;
		options.onFailure = on_connect_failure;
		options.MQTTVersion = option_number(c, "version", MQTTVERSION_DEFAULT);
	}
	options.keepAliveInterval = option_number(c, "keep", 60);
	options.maxInflight = option_number(c, "inflight", 65535);
	options.connectTimeout = option_number(c, "timeout", 30);
	options.automaticReconnect = option_number(c, "auto", 0);
	options.minRetryInterval = option_number(c, "min", 1);
	options.maxRetryInterval = option_number(c, "max", 60);
	options.username = option(c, "user", NULL);
	options.password = option(c, "password", NULL);
	snprintf(list, sizeof list, "%s", option(c, "uris", ""));
	if (list[0])
	{
		char *rest, *at;

		for (at = strtok_r(list, ",", &rest); at; at = strtok_r(NULL, ",", &rest))
			uris[count++] = at;
		options.serverURIs = uris;
		options.serverURIcount = count;
	}
	rc = MQTTAsync_connect(client, &options);
	MQTTProperties_free(&properties);
	say("connect %d", rc);
}

static void send_one(const command *c)
{
	MQTTAsync_responseOptions options = response("send");
	int length, rc, expiry = option_number(c, "expiry", -1);
	char *payload = payload_of(word(c, 2), &length);

	if (expiry >= 0)
	{
		MQTTProperty property;

		property.identifier = MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL;
		property.value.integer4 = (unsigned int)expiry;
		MQTTProperties_add(&options.properties, &property);
	}
	rc = MQTTAsync_send(client, word(c, 1), length, payload, number(c, 3), option_number(c, "retained", 0), &options);
	free(payload);
	MQTTProperties_free(&options.properties);
	say("send %d %d", rc, rc == 0 ? options.token : 0);
}

/* subscribe-two <filter> <qos> <filter> <qos>: with MQTT 5 no local, retain handling 2 and a subscription identifier of 300 */
static void subscribe_two(const command *c)
{
	MQTTAsync_responseOptions options = response("subscribe-two");
	MQTTSubscribe_options each[2] = { MQTTSubscribe_options_initializer, MQTTSubscribe_options_initializer };
	char *filters[2] = { c->words[1], c->words[3] };
	int qos[2] = { number(c, 2), number(c, 4) }, rc;

	if (v5)
	{
		MQTTProperty property;

		property.identifier = MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIER;
		property.value.integer4 = 300;
		MQTTProperties_add(&options.properties, &property);
		each[0].noLocal = 1;
		each[0].retainHandling = 2;
		options.subscribeOptionsList = each;
		options.subscribeOptionsCount = 2;
	}
	rc = MQTTAsync_subscribeMany(client, 2, filters, qos, &options);
	MQTTProperties_free(&options.properties);
	say("subscribe-two %d %d", rc, rc == 0 ? options.token : 0);
}

/* send-many <topic> <first> <count> <qos>: payloads are "m<number>" */
static void send_many(const command *c)
{
	int i, first = number(c, 2), rc = 0;

	for (i = first; i < first + number(c, 3) && rc == 0; i++)
	{
		MQTTAsync_responseOptions options = response(NULL);
		char payload[32];

		snprintf(payload, sizeof payload, "m%d", i);
		rc = MQTTAsync_send(client, word(c, 1), (int)strlen(payload), payload, number(c, 4), 0, &options);
	}
	say("send-many %d %d", rc, i - first - (rc != 0));
}

static void pending(void)
{
	MQTTAsync_token *tokens = NULL;
	char text[8192] = "";
	int rc = MQTTAsync_getPendingTokens(client, &tokens), i, n = 0;

	for (i = 0; tokens && tokens[i] != -1; i++, n++)
		if (strlen(text) < sizeof text - 16)
			sprintf(text + strlen(text), " %d", tokens[i]);
	MQTTAsync_free(tokens);
	say("pending %d %d%s", rc, n, text);
}

static void obey(command *c)
{
	if (is(c, "create"))
		create(c);
	else if (is(c, "connect"))
		do_connect(c);
	else if (is(c, "reconnect"))
		say("reconnect %d", MQTTAsync_reconnect(client));
	else if (is(c, "update"))
	{
		snprintf(user, sizeof user, "%s", word(c, 1));
		snprintf(password, sizeof password, "%s", word(c, 2));
		updates = 0;
		say("update %d", MQTTAsync_setUpdateConnectOptions(client, NULL, on_update));
	}
	else if (is(c, "hold-update"))
	{
		pthread_mutex_lock(&update_mutex);
		update_held = number(c, 1);
		pthread_mutex_unlock(&update_mutex);
		say("hold-update");
	}
	else if (is(c, "refuse"))
	{
		snprintf(refused, sizeof refused, "%s", word(c, 1));
		say("refuse");
	}
	else if (is(c, "send"))
		send_one(c);
	else if (is(c, "send-many"))
		send_many(c);
	else if (is(c, "subscribe"))
	{
		MQTTAsync_responseOptions options = response("subscribe");
		int rc = MQTTAsync_subscribe(client, word(c, 1), number(c, 2), &options);

		say("subscribe %d %d", rc, rc == 0 ? options.token : 0);
	}
	else if (is(c, "subscribe-two"))
		subscribe_two(c);
	else if (is(c, "unsubscribe"))
	{
		MQTTAsync_responseOptions options = response("unsubscribe");
		int rc = MQTTAsync_unsubscribe(client, word(c, 1), &options);

		say("unsubscribe %d %d", rc, rc == 0 ? options.token : 0);
	}
	else if (is(c, "pending"))
		pending();
	else if (is(c, "counts"))
	{
		pthread_mutex_lock(&mutex);
		say("counts %ld %ld %ld %ld", successes, failures, arrivals, out_of_order);
		pthread_mutex_unlock(&mutex);
	}
	else if (is(c, "is-connected"))
		say("is-connected %d", MQTTAsync_isConnected(client));
	else if (is(c, "take"))
	{
		take = number(c, 1);
		say("take");
	}
	else if (is(c, "tell"))
	{
		tell = number(c, 1);
		say("tell");
	}
	else if (is(c, "when-lost")) /* a command that connectionLost carries out, once */
	{
		int i;

		from_lost[0] = '\0';
		for (i = 1; i < c->count; i++)
			sprintf(from_lost + strlen(from_lost), "%s%s", i > 1 ? " " : "", c->words[i]);
		say("when-lost");
	}
	else if (is(c, "disconnect"))
	{
		MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;

		options.timeout = number(c, 1);
		options.context = "disconnect";
		options.onSuccess = on_success;
		say("disconnect %d", MQTTAsync_disconnect(client, &options));
	}
	else if (is(c, "destroy"))
	{
		MQTTAsync_destroy(&client);
		say("destroy");
	}
	else
		say("PUPPET: no command %s", c->words[0]);
}

int main(void)
{
	static char line[65536];
	command c;

	while (next_command(line, sizeof line, &c))
		obey(&c);
	return 0;
}
