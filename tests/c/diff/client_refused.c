/* MQTTClient and a server that asks for a password (alice, secret) and lets alice use open/# only; and sessions that are kept. */
#include "client.h"

static const char *uri;

static void connects(int version)
{
	static const char *const users[] = {NULL, "alice", "alice", "mallory", "alice"};
	static const char *const passwords[] = {NULL, NULL, "wrong", "secret", "secret"};
	size_t i;

	for (i = 0; i < sizeof(users) / sizeof(users[0]); i++)
	{
		MQTTClient c = new_client(uri, "client-refused", version);
		MQTTClient_connectOptions v3 = MQTTClient_connectOptions_initializer;
		MQTTClient_connectOptions v5 = MQTTClient_connectOptions_initializer5;
		MQTTClient_connectOptions o = version == MQTTVERSION_5 ? v5 : v3;

		o.MQTTVersion = version;
		o.username = users[i];
		o.password = passwords[i];
		printf("user %s password %s\n", users[i] ? users[i] : "NULL", passwords[i] ? passwords[i] : "NULL");
		if (version == MQTTVERSION_5)
			SHOW_RESPONSE(MQTTClient_connect5(c, &o, NULL, NULL));
		else
			SHOW(MQTTClient_connect(c, &o));
		SHOW(MQTTClient_isConnected(c));
		/* The same handle, asked again with the right password. */
		o.username = "alice";
		o.password = "secret";
		if (version == MQTTVERSION_5)
			SHOW_RESPONSE(MQTTClient_connect5(c, &o, NULL, NULL));
		else
			SHOW(MQTTClient_connect(c, &o));
		SHOW(MQTTClient_isConnected(c));
		SHOW(MQTTClient_disconnect(c, 0));
		MQTTClient_destroy(&c);
	}
}

static MQTTClient alice(int version, int clean, int *present)
{
	MQTTClient c = new_client(uri, "client-alice", version);
	MQTTClient_connectOptions v3 = MQTTClient_connectOptions_initializer;
	MQTTClient_connectOptions v5 = MQTTClient_connectOptions_initializer5;
	MQTTClient_connectOptions o = version == MQTTVERSION_5 ? v5 : v3;

	o.MQTTVersion = version;
	o.username = "alice";
	o.password = "secret";
	o.reliable = 0;
	if (version == MQTTVERSION_5)
		SHOW_RESPONSE(MQTTClient_connect5(c, &o, NULL, NULL));
	else
	{
		o.cleansession = clean;
		SHOW(MQTTClient_connect(c, &o));
	}
	*present = o.returned.sessionPresent;
	return c;
}

static void forbidden(int version)
{
	int present, token = 0, qos[] = {1, 1};
	char *const filters[] = {"open/a", "closed/a"};
	MQTTClient c = alice(version, 1, &present);

	if (version == MQTTVERSION_5)
	{
		SHOW_RESPONSE(MQTTClient_subscribe5(c, "closed/a", 1, NULL, NULL));
		SHOW_RESPONSE(MQTTClient_subscribeMany5(c, 2, filters, qos, NULL, NULL));
		SHOW_RESPONSE(MQTTClient_publish5(c, "closed/a", 1, "x", 1, 0, NULL, &token));
		SHOW(MQTTClient_waitForCompletion(c, token, 5000));
		SHOW_RESPONSE(MQTTClient_publish5(c, "closed/a", 1, "x", 2, 0, NULL, &token));
		SHOW(MQTTClient_waitForCompletion(c, token, 5000));
	}
	else
	{
		SHOW(MQTTClient_subscribe(c, "closed/a", 1));
		SHOW(MQTTClient_subscribeMany(c, 2, filters, qos));
		printf("qos afterwards %d %d\n", qos[0], qos[1]);
		/* The functions of MQTT 5 work here too, and do not tell the codes as they do there. */
		SHOW_RESPONSE(MQTTClient_subscribe5(c, "open/a", 2, NULL, NULL));
		SHOW_RESPONSE(MQTTClient_subscribe5(c, "closed/a", 2, NULL, NULL));
		qos[0] = qos[1] = 2;
		SHOW_RESPONSE(MQTTClient_subscribeMany5(c, 2, filters, qos, NULL, NULL));
		printf("qos afterwards %d %d\n", qos[0], qos[1]);
		qos[1] = 2;
		SHOW_RESPONSE(MQTTClient_subscribeMany5(c, 1, filters + 1, qos + 1, NULL, NULL));
		printf("qos afterwards %d\n", qos[1]);
		SHOW_RESPONSE(MQTTClient_unsubscribeMany5(c, 2, filters, NULL));
		SHOW_RESPONSE(MQTTClient_publish5(c, "open/a", 1, "x", 1, 0, NULL, &token));
		SHOW(MQTTClient_waitForCompletion(c, token, 5000));
		SHOW(MQTTClient_publish(c, "closed/a", 1, "x", 1, 0, &token));
		SHOW(MQTTClient_waitForCompletion(c, token, 5000));
		SHOW(MQTTClient_publish(c, "closed/a", 1, "x", 2, 0, &token));
		SHOW(MQTTClient_waitForCompletion(c, token, 5000));
	}
	SHOW(MQTTClient_isConnected(c));
	SHOW(MQTTClient_disconnect(c, 0));
	MQTTClient_destroy(&c);
}

static void sessions(void)
{
	int present, token;
	MQTTClient c = alice(MQTTVERSION_3_1_1, 0, &present);

	printf("sessionPresent %d\n", present);
	SHOW(MQTTClient_subscribe(c, "open/a", 1));
	SHOW(MQTTClient_disconnect(c, 0));
	MQTTClient_destroy(&c);
	c = alice(MQTTVERSION_3_1_1, 0, &present);
	printf("sessionPresent %d\n", present);
	SHOW(MQTTClient_publish(c, "open/a", 1, "x", 1, 0, &token));
	receive_messages(c, 1);
	SHOW(MQTTClient_waitForCompletion(c, token, 5000));
	SHOW(MQTTClient_disconnect(c, 0));
	MQTTClient_destroy(&c);
	c = alice(MQTTVERSION_3_1_1, 1, &present);
	printf("sessionPresent %d\n", present);
	SHOW(MQTTClient_disconnect(c, 0));
	MQTTClient_destroy(&c);
}

int main(int argc, char **argv)
{
	static const int versions[] = {MQTTVERSION_3_1, MQTTVERSION_DEFAULT, MQTTVERSION_3_1_1, MQTTVERSION_5};
	size_t i;

	if (argc < 2)
		return 2;
	uri = argv[1];
	for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
	{
		printf("==== MQTT version %d\n", versions[i]);
		connects(versions[i]);
		forbidden(versions[i]);
	}
	sessions();
	return 0;
}
