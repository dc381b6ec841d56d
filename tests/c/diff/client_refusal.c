/* MQTTClient and a server that refuses: every acknowledgement with every kind of reason code, and what calls and callbacks say then. */
#include "client.h"
#include "refuser.h"

static const char *uri;
static struct log deliveries = {.name = "deliveryComplete"};
static struct log publications = {.name = "published"};
static struct log state = {.name = "connection"};

static int arrived(void *context, char *topic, int length, MQTTClient_message *m)
{
	(void)context, (void)length;
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

static MQTTClient watched(const char *id, int version, int callbacks)
{
	MQTTClient c = new_client(uri, id, version);

	if (callbacks)
	{
		SHOW(MQTTClient_setCallbacks(c, "callbacks", lost, arrived, delivered));
		SHOW(MQTTClient_setPublished(c, "published", published));
		SHOW(MQTTClient_setDisconnected(c, "disconnected", disconnected));
	}
	return c;
}

static MQTTClient connected(const char *id, int version, int callbacks)
{
	MQTTClient c = watched(id, version, callbacks);

	SHOW(connect_client(c, version));
	return c;
}

static void show_pending(MQTTClient c)
{
	MQTTClient_deliveryToken *tokens = NULL;
	int i, rc = MQTTClient_getPendingDeliveryTokens(c, &tokens);

	printf("pending (%d):", rc);
	for (i = 0; tokens && tokens[i] != -1; i++)
		printf(" %d", tokens[i]);
	printf("%s\n", tokens ? "" : " none");
	MQTTClient_free(tokens);
}

/* `published` may follow `deliveryComplete` or come before it, and either may follow waitForCompletion. */
static void publishes(int version, int callbacks)
{
	static const struct { const char *topic; int qos; } sends[] = {
		{"fine", 1}, {"fine", 2}, {"puback/10", 1}, {"puback/10/p", 1}, {"puback/80", 1}, {"puback/83/p", 1}, {"puback/87", 1}, {"puback/97", 1},
		{"pubrec/10", 2}, {"pubrec/80", 2}, {"pubrec/87/p", 2}, {"pubrec/91", 2}, {"pubcomp/92", 2}, {"fine", 1},
	};
	MQTTClient c = connected("refusal", version, callbacks);
	size_t i;

	for (i = 0; i < sizeof(sends) / sizeof(sends[0]); i++)
	{
		int token = -99;

		printf("-- %s at QoS %d\n", sends[i].topic, sends[i].qos);
		if (version == MQTTVERSION_5)
			SHOW_RESPONSE(MQTTClient_publish5(c, sends[i].topic, 1, "x", sends[i].qos, 0, NULL, &token));
		else
			SHOW(MQTTClient_publish(c, sends[i].topic, 1, "x", sends[i].qos, 0, &token));
		printf("token %d\n", token);
		SHOW(MQTTClient_waitForCompletion(c, token, 3000));
		show_pending(c);
	}
	SHOW(MQTTClient_isConnected(c));
	SHOW(MQTTClient_disconnect(c, 1000));
	MQTTClient_destroy(&c);
	log_print(&deliveries);
	log_print(&publications);
	log_print(&state);
}

static void subscriptions(int version, int callbacks)
{
	static char *const one_bad[] = {"fine", "suback/80", "suback/2"};
	static char *const all_bad[] = {"suback/80", "suback/80", "suback/80/p"};
	static char *const others[] = {"suback/87", "suback/97", "suback/a2"};
	static char *const *const lists[] = {one_bad, all_bad, others};
	static char *const unsubscribed[] = {"fine", "unsuback/11", "unsuback/87/p"};
	static const char *const filters[] = {"suback/0", "suback/2", "suback/80", "suback/87", "suback/8f/p", "suback/97", "suback/9e", "suback/a1"};
	static const char *const left[] = {"unsuback/0", "unsuback/11", "unsuback/80", "unsuback/87/p"};
	MQTTClient c = connected("refusal", version, callbacks);
	size_t i;

	for (i = 0; i < (version == MQTTVERSION_5 ? sizeof(filters) / sizeof(filters[0]) : 3); i++)
	{
		printf("-- %s\n", filters[i]);
		if (version == MQTTVERSION_5)
			SHOW_RESPONSE(MQTTClient_subscribe5(c, filters[i], 2, NULL, NULL));
		else
			SHOW(MQTTClient_subscribe(c, filters[i], 2));
	}
	for (i = 0; i < (version == MQTTVERSION_5 ? 3 : 2); i++)
	{
		int qos[] = {1, 1, 2};

		if (version == MQTTVERSION_5)
			SHOW_RESPONSE(MQTTClient_subscribeMany5(c, 3, lists[i], qos, NULL, NULL));
		else
			SHOW(MQTTClient_subscribeMany(c, 3, lists[i], qos));
		printf("qos afterwards %d %d %d\n", qos[0], qos[1], qos[2]);
	}
	for (i = 0; i < sizeof(left) / sizeof(left[0]); i++)
	{
		printf("-- %s\n", left[i]);
		if (version == MQTTVERSION_5)
			SHOW_RESPONSE(MQTTClient_unsubscribe5(c, left[i], NULL));
		else
			SHOW(MQTTClient_unsubscribe(c, left[i]));
	}
	if (version == MQTTVERSION_5)
		SHOW_RESPONSE(MQTTClient_unsubscribeMany5(c, 3, unsubscribed, NULL));
	else
		SHOW(MQTTClient_unsubscribeMany(c, 3, unsubscribed));
	SHOW(MQTTClient_disconnect(c, 0));
	MQTTClient_destroy(&c);
}

static void connects(int version)
{
	static const char *const v3[] = {"connack/1", "connack/2", "connack/3", "connack/4", "connack/5"};
	static const char *const v5[] = {"connack/80", "connack/84", "connack/85", "connack/86", "connack/87", "connack/8a", "connack/8c", "connack/97",
	                                 "connack/9c", "connack/9f"};
	const char *const *ids = version == MQTTVERSION_5 ? v5 : v3;
	const size_t count = version == MQTTVERSION_5 ? sizeof(v5) / sizeof(v5[0]) : sizeof(v3) / sizeof(v3[0]);
	size_t i;

	for (i = 0; i < count; i++)
	{
		MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer5;
		MQTTClient c = new_client(uri, ids[i], version);

		printf("-- %s\n", ids[i]);
		if (version == MQTTVERSION_5)
			SHOW_RESPONSE(MQTTClient_connect5(c, &options, NULL, NULL));
		else
			SHOW(connect_client(c, version));
		SHOW(MQTTClient_isConnected(c));
		MQTTClient_destroy(&c);
	}
}

/* The server ends the connection, with a DISCONNECT and without, while something is in flight. */
static void ends(int version)
{
	static const char *const topics[] = {"close/x", "disconnect/8b", "disconnect/8d", "disconnect/98"};
	size_t i;

	for (i = 0; i < (version == MQTTVERSION_5 ? 4 : 1); i++)
	{
		MQTTClient_connectOptions v3 = MQTTClient_connectOptions_initializer;
		MQTTClient_connectOptions v5 = MQTTClient_connectOptions_initializer5;
		MQTTClient c = watched("refusal", version, 1);
		int token = -99;

		printf("-- %s\n", topics[i]);
		/* A second message while the first is in flight. */
		v3.reliable = v5.reliable = 0;
		if (version == MQTTVERSION_5)
		{
			SHOW_RESPONSE(MQTTClient_connect5(c, &v5, NULL, NULL));
			SHOW_RESPONSE(MQTTClient_publish5(c, "silent/a", 1, "x", 1, 0, NULL, &token));
			SHOW_RESPONSE(MQTTClient_publish5(c, topics[i], 1, "x", 0, 0, NULL, NULL));
		}
		else
		{
			SHOW(MQTTClient_connect(c, &v3));
			SHOW(MQTTClient_publish(c, "silent/a", 1, "x", 1, 0, &token));
			SHOW(MQTTClient_publish(c, topics[i], 1, "x", 0, 0, NULL));
		}
		log_expect(&state, 1);
		SHOW(MQTTClient_isConnected(c));
		SHOW(MQTTClient_waitForCompletion(c, token, 100));
		MQTTClient_destroy(&c);
		log_print(&deliveries);
		log_print(&publications);
		log_print(&state);
	}
}

int main(void)
{
	static const int versions[] = {MQTTVERSION_3_1_1, MQTTVERSION_5};
	size_t i;
	int callbacks;

	uri = refuser_start();
	for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
	{
		for (callbacks = 0; callbacks <= 1; callbacks++)
		{
			printf("==== MQTT version %d, callbacks %d\n", versions[i], callbacks);
			publishes(versions[i], callbacks);
			subscriptions(versions[i], callbacks);
		}
		connects(versions[i]);
		ends(versions[i]);
	}
	return 0;
}
