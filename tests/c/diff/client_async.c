/* MQTTClient with callbacks: messageArrived, deliveryComplete, published, connectionLost, disconnected; every MQTT version and QoS. */
#include "client.h"

static const char *uri;
static struct log messages = {.name = "messages"};
static struct log deliveries = {.name = "deliveryComplete"};
static struct log publications = {.name = "published"};
static struct log state = {.name = "connection"};
static char big[100 * 1024];
static int refusals; /* how many times messageArrived still says no */

static int arrived(void *context, char *topic, int length, MQTTClient_message *m)
{
	char text[2048];

	if (refusals > 0)
	{
		refusals--;
		log_add(&messages, "not taken: %s", render_message(text, sizeof(text), topic, length, m));
		return 0;
	}
	log_add(&messages, "%s, context %s", render_message(text, sizeof(text), topic, length, m), (char *)context);
	MQTTClient_freeMessage(&m);
	MQTTClient_free(topic);
	return 1;
}

static void delivered(void *context, MQTTClient_deliveryToken token)
{
	log_add(&deliveries, "token %d, context %s", token, (char *)context);
}

static void published(void *context, int token, int type, MQTTProperties *properties, enum MQTTReasonCodes reason)
{
	char text[1024];

	log_add(&publications, "token %d, packet type %d, reason %d, properties %s, context %s", token, type, (int)reason,
	        properties ? render_properties(text, sizeof(text), properties) : "NULL", (char *)context);
}

static void lost(void *context, char *cause)
{
	char text[256];

	/* The original never says why. */
	log_add(&state, "connectionLost(%s), context %s", render_row(text, sizeof(text), cause, "NULL", "the server closed the connection"),
	        (char *)context);
}

static void disconnected(void *context, MQTTProperties *properties, enum MQTTReasonCodes reason)
{
	char text[1024];

	log_add(&state, "disconnected(%d, %s), context %s", (int)reason, properties ? render_properties(text, sizeof(text), properties) : "NULL",
	        (char *)context);
}

static MQTTClient watched(const char *id, int version)
{
	MQTTClient c = new_client(uri, id, version);

	SHOW(MQTTClient_setCallbacks(c, "callbacks", lost, arrived, delivered));
	SHOW(MQTTClient_setPublished(c, "published", published));
	SHOW(MQTTClient_setDisconnected(c, "disconnected", disconnected));
	return c;
}

static int subscribe(MQTTClient c, int version, const char *filter, int qos)
{
	MQTTResponse response;
	int rc;

	if (version != MQTTVERSION_5)
		return MQTTClient_subscribe(c, filter, qos);
	response = MQTTClient_subscribe5(c, filter, qos, NULL, NULL);
	rc = (int)response.reasonCode;
	MQTTResponse_free(response);
	return rc;
}

static int publish(MQTTClient c, int version, const char *topic, int length, const void *payload, int qos, int *token)
{
	MQTTResponse response;
	int rc;

	if (version != MQTTVERSION_5)
		return MQTTClient_publish(c, topic, length, payload, qos, 0, token);
	response = MQTTClient_publish5(c, topic, length, payload, qos, 0, NULL, token);
	rc = (int)response.reasonCode;
	MQTTResponse_free(response);
	return rc;
}

static void round_trips(int version)
{
	MQTTClient c = watched("client-async", version);
	MQTTClient_message *received = NULL;
	char *topic = NULL;
	int qos, token, length;

	SHOW(connect_client(c, version));
	SHOW(MQTTClient_isConnected(c));
	SHOW(subscribe(c, version, "async/#", 2));
	for (qos = 0; qos <= 2; qos++)
	{
		token = -99;
		SHOW(publish(c, version, "async/topic", 5, "hello", qos, &token));
		printf("token %d\n", token);
		log_expect(&messages, 1);
		if (qos > 0)
			log_expect(&deliveries, 1);
		if (version == MQTTVERSION_5 && qos > 0)
			log_await(&publications, 1);
	}
	if (version == MQTTVERSION_5)
		log_expect(&publications, 2);
	printf("waitForCompletion with callbacks\n");
	SHOW(publish(c, version, "async/topic", 5, "hello", 1, &token));
	SHOW(MQTTClient_waitForCompletion(c, token, 5000));
	log_expect(&messages, 1);
	log_expect(&deliveries, 1);
	printf("100 KB\n");
	for (qos = 0; qos <= 2; qos++)
	{
		SHOW(publish(c, version, "async/big", (int)sizeof(big), big, qos, &token));
		log_expect(&messages, 1);
	}
	log_expect(&deliveries, 2);
	/* The original offers a refused message again when the next packet comes. */
	printf("not taken at first\n");
	refusals = 1;
	SHOW(publish(c, version, "async/again", 5, "again", 1, &token));
	log_await(&messages, 1);
	log_expect(&deliveries, 1);
	SHOW(publish(c, version, "async/next", 4, "next", 1, &token));
	log_expect(&messages, 3);
	log_expect(&deliveries, 1);
	printf("many\n");
	for (qos = 0; qos < 30; qos++)
	{
		char payload[8];
		snprintf(payload, sizeof(payload), "%d", qos);
		if (publish(c, version, "async/many", (int)strlen(payload), payload, qos % 3, &token) != MQTTCLIENT_SUCCESS)
			printf("publish %d failed\n", qos);
	}
	log_expect_any_order(&messages, 30);
	log_expect(&deliveries, 20);
	SHOW(MQTTClient_receive(c, &topic, &length, &received, 10));
	SHOW(MQTTClient_disconnect(c, 1000));
	SHOW(MQTTClient_isConnected(c));
	MQTTClient_destroy(&c);
	log_print(&messages);
	log_print(&deliveries);
	log_take(&publications, 1);
	log_print(&state);
}

static void takeover(int version)
{
	MQTTClient first = watched("client-async-same", version);
	MQTTClient second = watched("client-async-same", version);

	SHOW(connect_client(first, version));
	SHOW(connect_client(second, version));
	log_expect(&state, 1);
	SHOW(MQTTClient_isConnected(first));
	SHOW(MQTTClient_isConnected(second));
	SHOW(connect_client(first, version));
	log_expect(&state, 1);
	SHOW(MQTTClient_isConnected(first));
	SHOW(MQTTClient_isConnected(second));
	SHOW(MQTTClient_disconnect(first, 0));
	MQTTClient_destroy(&first);
	MQTTClient_destroy(&second);
	log_print(&state);
}

/* What a server that breaks the connection off leaves behind. */
static void broken_off(int version)
{
	MQTTClient c = watched("client-async", version);
	int token;

	SHOW(connect_client(c, version));
	SHOW(publish(c, version, too_deep(), 1, "x", 0, &token));
	log_expect(&state, 1);
	SHOW(MQTTClient_isConnected(c));
	SHOW(publish(c, version, "fine", 1, "x", 0, &token));
	SHOW(connect_client(c, version));
	SHOW(MQTTClient_isConnected(c));
	SHOW(MQTTClient_disconnect(c, 0));
	MQTTClient_destroy(&c);
	log_print(&state);
}

int main(int argc, char **argv)
{
	static const int versions[] = {MQTTVERSION_3_1, MQTTVERSION_3_1_1, MQTTVERSION_5};
	size_t i;

	if (argc < 2)
		return 2;
	uri = argv[1];
	for (i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7);
	for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
	{
		printf("==== MQTT version %d\n", versions[i]);
		round_trips(versions[i]);
		takeover(versions[i]);
		broken_off(versions[i]);
	}
	return 0;
}
