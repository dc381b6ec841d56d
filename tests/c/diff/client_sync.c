/* MQTTClient without callbacks: publish, subscribe, receive, yield; MQTT 3.1, 3.1.1 and 5, every QoS. */
#include "client.h"

static const char *uri;
static char big[100 * 1024];

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

static int unsubscribe(MQTTClient c, int version, const char *filter)
{
	MQTTResponse response;
	int rc;

	if (version != MQTTVERSION_5)
		return MQTTClient_unsubscribe(c, filter);
	response = MQTTClient_unsubscribe5(c, filter, NULL);
	rc = (int)response.reasonCode;
	MQTTResponse_free(response);
	return rc;
}

static int publish(MQTTClient c, int version, const char *topic, int length, const void *payload, int qos, int retained, int *token)
{
	MQTTResponse response;
	int rc;

	if (version != MQTTVERSION_5)
		return MQTTClient_publish(c, topic, length, payload, qos, retained, token);
	response = MQTTClient_publish5(c, topic, length, payload, qos, retained, NULL, token);
	rc = (int)response.reasonCode;
	MQTTResponse_free(response);
	return rc;
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

static void round_trips(int version)
{
	MQTTClient c = new_client(uri, "client-sync", version);
	int qos, token;

	SHOW(MQTTClient_isConnected(c));
	SHOW(connect_client(c, version));
	SHOW(MQTTClient_isConnected(c));
	SHOW(subscribe(c, version, "sync/+/x", 2));
	for (qos = 0; qos <= 2; qos++)
	{
		char topic[32];
		snprintf(topic, sizeof(topic), "sync/%d/x", qos);
		token = -99;
		SHOW(publish(c, version, topic, 5, "hello", qos, 0, &token));
		printf("token %d\n", token);
		SHOW(MQTTClient_waitForCompletion(c, token, 5000));
		SHOW(MQTTClient_waitForCompletion(c, token, 5000));
		show_pending(c);
		receive_messages(c, 1);
	}
	printf("empty payload\n");
	SHOW(publish(c, version, "sync/0/x", 0, "", 0, 0, &token));
	receive_messages(c, 1);
	SHOW(publish(c, version, "sync/0/x", 0, NULL, 1, 0, &token));
	receive_messages(c, 1);
	SHOW(MQTTClient_waitForCompletion(c, token, 5000));
	printf("100 KB\n");
	for (qos = 0; qos <= 2; qos++)
	{
		SHOW(publish(c, version, "sync/big/x", (int)sizeof(big), big, qos, 0, &token));
		receive_messages(c, 1);
		SHOW(MQTTClient_waitForCompletion(c, token, 5000));
	}
	printf("bytes of every value\n");
	SHOW(publish(c, version, "sync/bytes/x", 4, "\0\1\xff\n", 1, 0, &token));
	receive_messages(c, 1);
	SHOW(MQTTClient_waitForCompletion(c, token, 5000));
	SHOW(unsubscribe(c, version, "sync/+/x"));
	SHOW(unsubscribe(c, version, "sync/+/x"));
	SHOW(publish(c, version, "sync/0/x", 5, "hello", 0, 0, &token));
	show_pending(c);
	SHOW(MQTTClient_disconnect(c, 1000));
	SHOW(MQTTClient_isConnected(c));
	SHOW(MQTTClient_disconnect(c, 1000));
	MQTTClient_destroy(&c);
	SHOW(c == NULL);
}

static void granted(int version)
{
	MQTTClient c = new_client(uri, "client-sync", version);
	char *const filters[] = {"many/a", "many/b", "many/c"};
	char *const with_bad[] = {"many/a", (char *)too_deep(), "many/c"};
	int qos[] = {0, 1, 2}, token;

	SHOW(connect_client(c, version));
	if (version == MQTTVERSION_5)
	{
		SHOW_RESPONSE(MQTTClient_subscribeMany5(c, 3, filters, qos, NULL, NULL));
		printf("qos afterwards %d %d %d\n", qos[0], qos[1], qos[2]);
		SHOW_RESPONSE(MQTTClient_subscribeMany5(c, 1, filters, qos, NULL, NULL));
		SHOW_RESPONSE(MQTTClient_subscribe5(c, "many/d", 2, NULL, NULL));
		SHOW_RESPONSE(MQTTClient_unsubscribeMany5(c, 3, filters, NULL));
		SHOW_RESPONSE(MQTTClient_unsubscribeMany5(c, 3, filters, NULL));
		SHOW_RESPONSE(MQTTClient_unsubscribe5(c, "many/d", NULL));
	}
	else
	{
		SHOW(MQTTClient_subscribeMany(c, 3, filters, qos));
		printf("qos afterwards %d %d %d\n", qos[0], qos[1], qos[2]);
		qos[0] = 2;
		SHOW(MQTTClient_subscribeMany(c, 1, filters, qos));
		printf("qos afterwards %d\n", qos[0]);
		SHOW(MQTTClient_subscribe(c, "many/d", 2));
		SHOW(MQTTClient_publish(c, "many/a", 1, "a", 2, 0, &token));
		receive_messages(c, 1);
		SHOW(MQTTClient_publish(c, "many/b", 1, "b", 2, 0, &token));
		receive_messages(c, 1);
		SHOW(MQTTClient_publish(c, "many/c", 1, "c", 2, 0, &token));
		receive_messages(c, 1);
		SHOW(MQTTClient_unsubscribeMany(c, 3, filters));
		SHOW(MQTTClient_unsubscribeMany(c, 3, filters));
	}
	SHOW(MQTTClient_isConnected(c));
	SHOW(MQTTClient_disconnect(c, 1000));
	MQTTClient_destroy(&c);

	/* The server ends the connection. */
	c = new_client(uri, "client-sync", version);
	SHOW(connect_client(c, version));
	SHOW(subscribe(c, version, too_deep(), 1));
	SHOW(MQTTClient_isConnected(c));
	MQTTClient_destroy(&c);
	c = new_client(uri, "client-sync", version);
	SHOW(connect_client(c, version));
	if (version == MQTTVERSION_5)
		SHOW_RESPONSE(MQTTClient_subscribeMany5(c, 3, with_bad, qos, NULL, NULL));
	else
		SHOW(MQTTClient_subscribeMany(c, 3, with_bad, qos));
	MQTTClient_destroy(&c);
	c = new_client(uri, "client-sync", version);
	SHOW(connect_client(c, version));
	SHOW(publish(c, version, too_deep(), 1, "x", 1, 0, &token));
	SHOW(MQTTClient_waitForCompletion(c, token, 5000));
	SHOW(MQTTClient_isConnected(c));
	MQTTClient_destroy(&c);
}

static void retained(int version)
{
	MQTTClient c = new_client(uri, "client-sync", version);
	int token;

	SHOW(connect_client(c, version));
	SHOW(publish(c, version, "kept/a", 4, "keep", 1, 1, &token));
	SHOW(MQTTClient_waitForCompletion(c, token, 5000));
	SHOW(subscribe(c, version, "kept/#", 2));
	receive_messages(c, 1);
	SHOW(publish(c, version, "kept/a", 3, "new", 1, 1, &token));
	receive_messages(c, 1);
	SHOW(publish(c, version, "kept/a", 0, NULL, 1, 1, &token));
	receive_messages(c, 1);
	SHOW(subscribe(c, version, "kept/a", 2));
	SHOW(publish(c, version, "kept/end", 0, NULL, 0, 0, &token));
	receive_messages(c, 1);
	SHOW(MQTTClient_disconnect(c, 1000));
	MQTTClient_destroy(&c);
}

/* The program run again in a process of its own: connects with a will and ends without saying goodbye. */
static int die_with_will(int version, const char *kind)
{
	MQTTClient c = new_client(uri, "client-sync-dying", version);
	MQTTClient_connectOptions v3 = MQTTClient_connectOptions_initializer;
	MQTTClient_connectOptions v5 = MQTTClient_connectOptions_initializer5;
	MQTTClient_connectOptions o = version == MQTTVERSION_5 ? v5 : v3;
	MQTTClient_willOptions will = MQTTClient_willOptions_initializer;

	o.MQTTVersion = version;
	o.will = &will;
	will.topicName = "will/text";
	will.message = "gone";
	if (strcmp(kind, "text") != 0)
	{
		will.topicName = "will/binary";
		if (strcmp(kind, "both") != 0)
			will.message = NULL;
		will.payload.len = 3;
		will.payload.data = "a\0b";
		will.qos = 2;
	}
	if (version == MQTTVERSION_5)
		SHOW_RESPONSE(MQTTClient_connect5(c, &o, NULL, NULL));
	else
		SHOW(MQTTClient_connect(c, &o));
	_exit(0);
}

static void wills(const char *self, int version)
{
	MQTTClient watcher = new_client(uri, "client-sync-watcher", version);
	static const char *const kinds[] = {"text", "binary", "both"};
	size_t i;

	SHOW(connect_client(watcher, version));
	SHOW(subscribe(watcher, version, "will/#", 2));
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
	{
		char version_text[2] = {(char)('0' + version), '\0'};
		int status = 0;
		pid_t child = fork();
		if (child == 0)
		{
			execl(self, self, uri, version_text, kinds[i], (char *)NULL);
			_exit(127);
		}
		waitpid(child, &status, 0);
		printf("the dying client's status %d\n", status);
		receive_messages(watcher, 1);
	}
	SHOW(MQTTClient_disconnect(watcher, 0));
	MQTTClient_destroy(&watcher);
}

static void takeover(int version)
{
	MQTTClient first = new_client(uri, "client-sync-same", version);
	MQTTClient second = new_client(uri, "client-sync-same", version);
	int token;

	SHOW(connect_client(first, version));
	SHOW(connect_client(second, version));
	/* Sync mode notices inside API calls only. */
	receive_messages(first, 1);
	SHOW(MQTTClient_isConnected(first));
	SHOW(publish(first, version, "a", 1, "x", 0, 0, &token));
	SHOW(MQTTClient_isConnected(second));
	SHOW(MQTTClient_disconnect(first, 0));
	SHOW(MQTTClient_disconnect(second, 0));
	MQTTClient_destroy(&first);
	MQTTClient_destroy(&second);
}

static void unreliable(int version)
{
	MQTTClient c = new_client(uri, "client-sync", version);
	MQTTClient_connectOptions v3 = MQTTClient_connectOptions_initializer;
	MQTTClient_connectOptions v5 = MQTTClient_connectOptions_initializer5;
	MQTTClient_connectOptions o = version == MQTTVERSION_5 ? v5 : v3;
	int token[3] = {-99, -99, -99}, i;

	o.MQTTVersion = version;
	o.reliable = 0;
	if (version == MQTTVERSION_5)
		SHOW_RESPONSE(MQTTClient_connect5(c, &o, NULL, NULL));
	else
		SHOW(MQTTClient_connect(c, &o));
	for (i = 0; i < 3; i++)
	{
		SHOW(publish(c, version, "unreliable", 1, "x", i, 0, &token[i]));
		printf("token %d\n", token[i]);
	}
	show_pending(c);
	SHOW(MQTTClient_waitForCompletion(c, token[2], 5000));
	SHOW(MQTTClient_waitForCompletion(c, token[1], 5000));
	show_pending(c);
	SHOW(MQTTClient_disconnect(c, 1000));
	SHOW(MQTTClient_waitForCompletion(c, token[1], 1000));
	MQTTClient_destroy(&c);
}

/* A program that never waits: it asks again and again, between other work. */
static void polled(int version)
{
	MQTTClient c = new_client(uri, "client-sync", version);
	MQTTClient_message *message = NULL;
	const time_t until = time(NULL) + PATIENCE_SECONDS;
	char text[2048], *topic = NULL;
	int token, length = -1, rc;

	SHOW(connect_client(c, version));
	SHOW(MQTTClient_receive(c, &topic, &length, &message, 0));
	SHOW(message == NULL && topic == NULL);
	SHOW(subscribe(c, version, "polled", 1));
	SHOW(publish(c, version, "polled", 1, "x", 1, 0, &token));
	do
		rc = MQTTClient_receive(c, &topic, &length, &message, 0);
	while (rc == MQTTCLIENT_SUCCESS && message == NULL && time(NULL) < until);
	if (message == NULL)
		printf("receive = %d, no message\n", rc);
	else
		printf("receive = %d: %s\n", rc, render_message(text, sizeof(text), topic, length, message));
	MQTTClient_freeMessage(&message);
	MQTTClient_free(topic);
	SHOW(MQTTClient_disconnect(c, 1000));
	SHOW(MQTTClient_receive(c, &topic, &length, &message, 0));
	MQTTClient_destroy(&c);
}

int main(int argc, char **argv)
{
	static const int versions[] = {MQTTVERSION_3_1, MQTTVERSION_3_1_1, MQTTVERSION_5};
	size_t i;

	if (argc < 2)
		return 2;
	uri = argv[1];
	if (argc == 4)
		return die_with_will(atoi(argv[2]), argv[3]);
	for (i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7);
	for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
	{
		printf("==== MQTT version %d\n", versions[i]);
		round_trips(versions[i]);
		granted(versions[i]);
		retained(versions[i]);
		wills(argv[0], versions[i]);
		takeover(versions[i]);
		unreliable(versions[i]);
		polled(versions[i]);
	}
	return 0;
}
