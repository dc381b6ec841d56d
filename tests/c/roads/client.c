/* MQTTClient on the roads that its input names (roads.h). It has no message for a connect that failed: the trace says why. */
#include "roads.h"

#include "MQTTClient.h"

static outcome *traced;

static void on_trace(enum MQTTCLIENT_TRACE_LEVELS level, char *text)
{
	if (level == MQTTCLIENT_TRACE_ERROR && traced != NULL)
		append(traced->message, text, strlen(text));
}

static void there_and_back(MQTTClient client, const road *r)
{
	MQTTClient_message message = MQTTClient_message_initializer, *received = NULL;
	MQTTClient_deliveryToken token;
	char *topic = NULL;
	int length;

	message.payload = "message";
	message.payloadlen = 7;
	message.qos = 1;
	if (r->version == MQTTVERSION_5)
	{
		MQTTResponse response = MQTTClient_subscribe5(client, r->name, 1, NULL, NULL);

		CHECK_RC(response.reasonCode, 1);
		MQTTResponse_free(response);
		response = MQTTClient_publishMessage5(client, r->name, &message, &token);
		CHECK_RC(response.reasonCode, 0);
		MQTTResponse_free(response);
	}
	else
	{
		CHECK_RC(MQTTClient_subscribe(client, r->name, 1), 0);
		CHECK_RC(MQTTClient_publishMessage(client, r->name, &message, &token), 0);
	}
	CHECK_RC(MQTTClient_waitForCompletion(client, token, PATIENCE_SECONDS * 1000UL), 0);
	CHECK_RC(MQTTClient_receive(client, &topic, &length, &received, PATIENCE_SECONDS * 1000UL), 0);
	CHECK(received != NULL && received->payloadlen == 7 && memcmp(received->payload, "message", 7) == 0);
	MQTTClient_freeMessage(&received);
	MQTTClient_free(topic);
}

static int travel(const road *r, outcome *o)
{
	MQTTClient_connectOptions v3 = MQTTClient_connectOptions_initializer, v5 = MQTTClient_connectOptions_initializer5;
	MQTTClient_connectOptions options = r->version == MQTTVERSION_5 ? v5 : v3;
	MQTTClient_SSLOptions ssl = MQTTClient_SSLOptions_initializer;
	MQTTClient_createOptions create = MQTTClient_createOptions_initializer;
	MQTTClient client;
	double begun;
	int rc;

	create.MQTTVersion = r->version;
	rc = MQTTClient_createWithOptions(&client, r->uri, r->name, MQTTCLIENT_PERSISTENCE_NONE, NULL, &create);
	if (rc != 0)
		return rc;
	options.MQTTVersion = r->version;
	options.connectTimeout = r->timeout ? r->timeout : 30;
	options.httpProxy = r->http_proxy;
	options.httpsProxy = r->https_proxy;
	if (r->tls)
	{
		FILL_TLS(ssl, r, o);
		options.ssl = &ssl;
	}
	traced = o;
	begun = now_seconds();
	if (r->version == MQTTVERSION_5)
	{
		MQTTResponse response = MQTTClient_connect5(client, &options, NULL, NULL);

		rc = (int)response.reasonCode;
		MQTTResponse_free(response);
	}
	else
		rc = MQTTClient_connect(client, &options);
	o->took = now_seconds() - begun;
	traced = NULL;
	if (rc == 0)
	{
		if (!r->connect_only)
			there_and_back(client, r);
		CHECK_RC(r->version == MQTTVERSION_5 ? MQTTClient_disconnect5(client, 1000, MQTTREASONCODE_SUCCESS, NULL)
			: MQTTClient_disconnect(client, 1000), 0);
	}
	MQTTClient_destroy(&client);
	return rc;
}

static void *companion_open(const char *uri)
{
	MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
	MQTTClient client;

	CHECK_RC(MQTTClient_create(&client, uri, "companion-client", MQTTCLIENT_PERSISTENCE_NONE, NULL), 0);
	CHECK_RC(MQTTClient_connect(client, &options), 0);
	CHECK_RC(MQTTClient_subscribe(client, "companion-client", 0), 0);
	return client;
}

static void companion_round_trip(void *client)
{
	MQTTClient_message *received = NULL;
	char *topic = NULL;
	int length;

	CHECK_RC(MQTTClient_publish(client, "companion-client", 4, "ping", 0, 0, NULL), 0);
	CHECK_RC(MQTTClient_receive(client, &topic, &length, &received, PATIENCE_SECONDS * 1000UL), 0);
	CHECK(received != NULL);
	MQTTClient_freeMessage(&received);
	MQTTClient_free(topic);
}

static void companion_close(void *client)
{
	MQTTClient_destroy(&client);
}

int main(void)
{
	MQTTClient_setTraceCallback(on_trace);
	MQTTClient_setTraceLevel(MQTTCLIENT_TRACE_ERROR);
	return run_roads();
}
