/* MQTTClient: what is pending across disconnect, destroy and create, with and without a store. */
#include "client.h"

static const char *uri;

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

static int connect_session(MQTTClient c, int clean)
{
	MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
	int rc;

	options.MQTTVersion = MQTTVERSION_3_1_1;
	options.cleansession = clean;
	options.reliable = 0;
	rc = MQTTClient_connect(c, &options);
	printf("sessionPresent %d\n", options.returned.sessionPresent);
	return rc;
}

static void show_create(MQTTClient *c, const char *id, int store)
{
	int rc = MQTTClient_create(c, uri, id, store, NULL);

	printf("create %s = %d\n", id, rc);
}

static void until_delivered(MQTTClient c)
{
	int i;

	for (i = 0; i < 50; i++)
	{
		MQTTClient_deliveryToken *tokens = NULL;
		MQTTClient_getPendingDeliveryTokens(c, &tokens);
		if (tokens == NULL)
			break;
		MQTTClient_free(tokens);
		MQTTClient_yield();
	}
	show_pending(c);
}

/* Acknowledgements are read inside calls only: what was published just before stays pending. */
static void left_behind(const char *id, int store, int clean)
{
	MQTTClient c, watcher = new_client(uri, "pending-watcher", MQTTVERSION_3_1_1);
	int i, token;

	printf("---- store %d, cleansession %d\n", store, clean);
	SHOW(connect_client(watcher, MQTTVERSION_3_1_1));
	SHOW(MQTTClient_subscribe(watcher, "pending/+", 2));
	show_create(&c, id, store);
	SHOW(connect_session(c, clean));
	show_pending(c);
	/* QoS 2 only: nobody sees these before they are complete, whether or not the server gets to read them this time. */
	for (i = 0; i < 3; i++)
	{
		token = -99;
		SHOW(MQTTClient_publish(c, "pending/x", 1, "abc" + i, 2, 0, &token));
		printf("token %d\n", token);
	}
	show_pending(c);
	SHOW(MQTTClient_disconnect(c, 0));
	show_pending(c);
	SHOW(MQTTClient_waitForCompletion(c, 1, 100));
	MQTTClient_destroy(&c);
	show_create(&c, id, store);
	/* The original reads the store of a clean session too, to forget it in connect. */
	if (clean == 0)
		show_pending(c);
	SHOW(connect_session(c, clean));
	until_delivered(c);
	printf("at the other end\n");
	if (clean == 0 && store != MQTTCLIENT_PERSISTENCE_NONE)
		receive_messages(watcher, 3);
	token = -99;
	SHOW(MQTTClient_publish(c, "pending/y", 1, "y", 1, 0, &token));
	SHOW(MQTTClient_waitForCompletion(c, token, 5000));
	SHOW(MQTTClient_disconnect(c, 1000));
	show_pending(c);
	MQTTClient_destroy(&c);
	printf("at the other end\n");
	receive_messages(watcher, 1);
	SHOW(MQTTClient_disconnect(watcher, 0));
	MQTTClient_destroy(&watcher);
}

/* Messages that came for the session while it was away; and a message that the program did not fetch before it left. */
static void came_meanwhile(void)
{
	MQTTClient c, other = new_client(uri, "pending-other", MQTTVERSION_3_1_1);
	int qos, token;

	printf("---- messages while away\n");
	SHOW(connect_client(other, MQTTVERSION_3_1_1));
	show_create(&c, "pending-away", MQTTCLIENT_PERSISTENCE_DEFAULT);
	SHOW(connect_session(c, 0));
	SHOW(MQTTClient_subscribe(c, "away/+", 2));
	SHOW(MQTTClient_disconnect(c, 1000));
	for (qos = 0; qos <= 2; qos++)
	{
		token = 0;
		SHOW(MQTTClient_publish(other, "away/x", 1, "x", qos, 0, &token));
		SHOW(MQTTClient_waitForCompletion(other, token, 5000));
	}
	SHOW(connect_session(c, 0));
	/* mosquitto keeps no QoS 0 message for a client that is away. */
	receive_messages(c, 2);
	SHOW(MQTTClient_disconnect(c, 1000));
	SHOW(connect_session(c, 1));
	SHOW(MQTTClient_disconnect(c, 1000));
	SHOW(connect_session(c, 0));
	SHOW(MQTTClient_disconnect(c, 1000));
	MQTTClient_destroy(&c);
	SHOW(MQTTClient_disconnect(other, 1000));
	MQTTClient_destroy(&other);
}

/* What receive gives now, all of it, as one text. */
static const char *all_received(MQTTClient c, char *out, size_t size)
{
	int i, rc;

	out[0] = '\0';
	for (i = 0; i < 5; i++)
	{
		MQTTClient_message *message = NULL;
		char *topic = NULL;
		int length;

		rc = MQTTClient_receive(c, &topic, &length, &message, 100);
		render_append(out, size, "%s%d", i ? ", " : "", rc);
		if (message == NULL)
			break;
		render_append(out, size, " %.*s", message->payloadlen, (char *)message->payload);
		MQTTClient_freeMessage(&message);
		MQTTClient_free(topic);
	}
	return out;
}

/* Messages that the client has read and the program not fetched when it leaves, and fetches before or after it is back. */
static void unfetched(int clean, int at_once)
{
	MQTTClient c, other = new_client(uri, "pending-other", MQTTVERSION_3_1_1);
	char text[256], row[600];
	int qos, token = 0;

	printf("---- not fetched, cleansession %d, %s\n", clean, at_once ? "asked for at once" : "asked for later");
	SHOW(connect_client(other, MQTTVERSION_3_1_1));
	show_create(&c, "pending-unfetched", MQTTCLIENT_PERSISTENCE_NONE);
	SHOW(connect_session(c, clean));
	SHOW(MQTTClient_subscribe(c, "unfetched", 1));
	for (qos = 0; qos <= 1; qos++)
	{
		SHOW(MQTTClient_publish(other, "unfetched", 1, qos ? "b" : "a", qos, 0, &token));
		SHOW(MQTTClient_waitForCompletion(other, token, 5000));
	}
	/* What the server sent before its PUBACK has been read when that has. */
	SHOW(MQTTClient_publish(c, "elsewhere", 1, "x", 1, 0, &token));
	SHOW(MQTTClient_waitForCompletion(c, token, 5000));
	SHOW(MQTTClient_disconnect(c, 1000));
	if (at_once)
		printf("while away: %s\n", render_row(row, sizeof(row), all_received(c, text, sizeof(text)), "-3", "0 a, 0 b, -3"));
	SHOW(connect_session(c, clean));
	all_received(c, text, sizeof(text));
	if (at_once)
		printf("back: %s\n", render_row(row, sizeof(row), text, clean ? "0" : "0 a, 0 b, 0", "0"));
	else
		printf("back: %s\n", clean ? render_row(row, sizeof(row), text, "0", "0 a, 0 b, 0") : text);
	SHOW(MQTTClient_disconnect(c, 1000));
	MQTTClient_destroy(&c);
	SHOW(MQTTClient_disconnect(other, 1000));
	MQTTClient_destroy(&other);
}

/* A client created before the process divides works in the child: programs become daemons between create and connect. */
static void fork_before_connect(void)
{
	MQTTClient c;

	show_create(&c, "pending-fork", MQTTCLIENT_PERSISTENCE_NONE);
	ISOLATED("create, fork, connect")
	{
		int token = 0;
		SHOW(connect_client(c, MQTTVERSION_3_1_1));
		SHOW(MQTTClient_subscribe(c, "fork", 1));
		SHOW(MQTTClient_publish(c, "fork", 1, "f", 1, 0, &token));
		receive_messages(c, 1);
		SHOW(MQTTClient_waitForCompletion(c, token, 5000));
		SHOW(MQTTClient_disconnect(c, 0));
		MQTTClient_destroy(&c);
	}
	MQTTClient_destroy(&c);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	uri = argv[1];
	fork_before_connect();
	left_behind("pending-a", MQTTCLIENT_PERSISTENCE_NONE, 1);
	left_behind("pending-b", MQTTCLIENT_PERSISTENCE_NONE, 0);
	left_behind("pending-c", MQTTCLIENT_PERSISTENCE_DEFAULT, 1);
	left_behind("pending-d", MQTTCLIENT_PERSISTENCE_DEFAULT, 0);
	came_meanwhile();
	unfetched(1, 1);
	unfetched(1, 0);
	unfetched(0, 1);
	unfetched(0, 0);
	return 0;
}
