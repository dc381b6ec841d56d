/* MQTTAsync on the roads that its input names (roads.h). */
#include "roads.h"

#include "MQTTAsync.h"

static counter done = COUNTER_INITIALIZER, arrived = COUNTER_INITIALIZER;

typedef struct
{
	outcome *outcome;
	int code;
} state;

static void on_done(void *context, MQTTAsync_successData *data) { ((state *)context)->code = 0; (void)data; counter_add(&done, 1); }
static void on_done5(void *context, MQTTAsync_successData5 *data) { ((state *)context)->code = 0; (void)data; counter_add(&done, 1); }

static void failed(state *s, int code, const char *message)
{
	s->code = code;
	if (message != NULL)
		append(s->outcome->message, message, strlen(message));
	counter_add(&done, 1);
}

static void on_failure(void *context, MQTTAsync_failureData *data) { failed(context, data->code, data->message); }
static void on_failure5(void *context, MQTTAsync_failureData5 *data) { failed(context, data->code, data->message); }

static int on_message(void *context, char *topic, int length, MQTTAsync_message *message)
{
	(void)context; (void)length;
	CHECK(message->payloadlen == 7 && memcmp(message->payload, "message", 7) == 0);
	MQTTAsync_freeMessage(&message);
	MQTTAsync_free(topic);
	counter_add(&arrived, 1);
	return 1;
}

static void response_to(MQTTAsync_responseOptions *response, int version, state *s)
{
	MQTTAsync_responseOptions initial = MQTTAsync_responseOptions_initializer;

	*response = initial;
	response->context = s;
	if (version == MQTTVERSION_5)
	{
		response->onSuccess5 = on_done5;
		response->onFailure5 = on_failure5;
	}
	else
	{
		response->onSuccess = on_done;
		response->onFailure = on_failure;
	}
}

static void there_and_back(MQTTAsync client, const road *r, state *s)
{
	MQTTAsync_responseOptions response;
	long before = counter_get(&done), messages = counter_get(&arrived);

	response_to(&response, r->version, s);
	CHECK_RC(MQTTAsync_subscribe(client, r->name, 1, &response), 0);
	AWAIT(&done, before + 1);
	CHECK(s->code == 0);
	response_to(&response, r->version, s);
	CHECK_RC(MQTTAsync_send(client, r->name, 7, "message", 1, 0, &response), 0);
	AWAIT(&done, before + 2);
	CHECK(s->code == 0);
	AWAIT(&arrived, messages + 1);
}

static void disconnect(MQTTAsync client, int version, state *s)
{
	MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
	long before = counter_get(&done);

	options.context = s;
	if (version == MQTTVERSION_5)
		options.onSuccess5 = on_done5;
	else
		options.onSuccess = on_done;
	CHECK_RC(MQTTAsync_disconnect(client, &options), 0);
	AWAIT(&done, before + 1);
}

static int travel(const road *r, outcome *o)
{
	MQTTAsync_connectOptions v3 = MQTTAsync_connectOptions_initializer, v5 = MQTTAsync_connectOptions_initializer5;
	MQTTAsync_connectOptions options = r->version == MQTTVERSION_5 ? v5 : v3;
	MQTTAsync_SSLOptions ssl = MQTTAsync_SSLOptions_initializer;
	MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer;
	state s = { o, 0 };
	MQTTAsync client;
	long before = counter_get(&done);
	double begun;
	int rc;

	create.MQTTVersion = r->version;
	rc = MQTTAsync_createWithOptions(&client, r->uri, r->name, MQTTCLIENT_PERSISTENCE_NONE, NULL, &create);
	if (rc != 0)
		return rc;
	CHECK_RC(MQTTAsync_setCallbacks(client, NULL, NULL, on_message, NULL), 0);
	if (r->version == MQTTVERSION_5)
	{
		options.onSuccess5 = on_done5;
		options.onFailure5 = on_failure5;
	}
	else
	{
		options.onSuccess = on_done;
		options.onFailure = on_failure;
		options.MQTTVersion = r->version;
	}
	options.context = &s;
	options.connectTimeout = r->timeout ? r->timeout : 30;
	options.httpProxy = r->http_proxy;
	options.httpsProxy = r->https_proxy;
	if (r->tls)
	{
		FILL_TLS(ssl, r, o);
		options.ssl = &ssl;
	}
	begun = now_seconds();
	rc = MQTTAsync_connect(client, &options);
	if (rc == 0)
	{
		AWAIT(&done, before + 1);
		rc = s.code;
	}
	o->took = now_seconds() - begun;
	if (rc == 0 && !r->connect_only)
		there_and_back(client, r, &s);
	if (rc == 0)
		disconnect(client, r->version, &s);
	MQTTAsync_destroy(&client);
	/* onFailure exactly once. */
	if (rc != 0)
		CHECK(counter_get(&done) <= before + 1);
	return rc;
}

static counter companion_ready = COUNTER_INITIALIZER, companion_echo = COUNTER_INITIALIZER;

static void on_companion(void *context, MQTTAsync_successData *data) { (void)context; (void)data; counter_add(&companion_ready, 1); }
static void on_no_companion(void *context, MQTTAsync_failureData *data) { (void)context; FAIL("the companion failed, code %d", data->code); }

static int on_companion_message(void *context, char *topic, int length, MQTTAsync_message *message)
{
	(void)context; (void)length;
	MQTTAsync_freeMessage(&message);
	MQTTAsync_free(topic);
	counter_add(&companion_echo, 1);
	return 1;
}

static void *companion_open(const char *uri)
{
	MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
	MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
	long before = counter_get(&companion_ready);
	MQTTAsync client;

	CHECK_RC(MQTTAsync_create(&client, uri, "companion-async", MQTTCLIENT_PERSISTENCE_NONE, NULL), 0);
	CHECK_RC(MQTTAsync_setCallbacks(client, NULL, NULL, on_companion_message, NULL), 0);
	options.onSuccess = on_companion;
	options.onFailure = on_no_companion;
	CHECK_RC(MQTTAsync_connect(client, &options), 0);
	AWAIT(&companion_ready, before + 1);
	response.onSuccess = on_companion;
	response.onFailure = on_no_companion;
	CHECK_RC(MQTTAsync_subscribe(client, "companion-async", 0, &response), 0);
	AWAIT(&companion_ready, before + 2);
	return client;
}

static void companion_round_trip(void *client)
{
	long before = counter_get(&companion_echo);

	CHECK_RC(MQTTAsync_send(client, "companion-async", 4, "ping", 0, 0, NULL), 0);
	AWAIT(&companion_echo, before + 1);
}

static void companion_close(void *client)
{
	MQTTAsync_destroy(&client);
}

int main(void)
{
	return run_roads();
}
