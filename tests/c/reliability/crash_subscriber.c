/* A subscriber that is killed again and again: crash_subscriber <uri> <client id> <store> <ledger> <filter> <5 for MQTT 5, else 4>
 *
 * It counts how often each message arrives. One moment cannot be had by any library: a kill after the callback has taken effect
 * and before the library has noted that the message was taken. The message of that moment is offered again, and there can be
 * only one for each kill, since the next callback begins after the note. It is told by being the one whose callback ran last in
 * its process, and counted apart. (It need not be the first that the next process gets: in MQTT 3.1.1 it may wait for its
 * PUBREL.) Anything else that comes twice has come twice.
 */
#include "ledger.h"

#include <MQTTAsync.h>

static ledger *book;

static void on_connected(void *context, char *cause)
{
	(void)context;
	(void)cause;
	book->connections++;
}

static int on_message(void *context, char *topic, int length, MQTTAsync_message *message)
{
	char text[16];
	unsigned n;

	(void)context;
	(void)length;
	snprintf(text, sizeof text, "%.*s", message->payloadlen, (char *)message->payload);
	n = (unsigned)atoi(text);
	if (n >= MAX_MESSAGES)
		_exit(3);
	if (book->last[n] && book->state[n] > 0)
	{
		/* In this order: killed in between, the next process takes it for the last one again. */
		book->position = n + 1;
		book->interrupted++;
		book->last[n] = 0;
	}
	else
	{
		/* In this order: when only the first is done, the message has not been counted. */
		book->position = n + 1;
		if (book->state[n] < 255)
			book->state[n]++;
	}
	MQTTAsync_freeMessage(&message);
	MQTTAsync_free(topic);
	return 1;
}

static MQTTAsync client;
static const char *filter;
static int v5;

/* The test waits for the first of these before it has anything published. */
static void on_success(void *context, MQTTAsync_successData *data)
{
	(void)context;
	(void)data;
	book->target = 1;
}

static void on_success5(void *context, MQTTAsync_successData5 *data)
{
	(void)context;
	(void)data;
	book->target = 1;
}

static void on_failure(void *context, MQTTAsync_failureData *data)
{
	(void)context;
	(void)data;
	/* Cut off before its answer: with the next connection. */
}

static void on_failure5(void *context, MQTTAsync_failureData5 *data)
{
	(void)context;
	(void)data;
}

static void subscribe(void)
{
	MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;

	if (v5)
	{
		response.onSuccess5 = on_success5;
		response.onFailure5 = on_failure5;
	}
	else
	{
		response.onSuccess = on_success;
		response.onFailure = on_failure;
	}
	MQTTAsync_subscribe(client, filter, 2, &response);
}

static void on_connected_and_subscribe(void *context, char *cause)
{
	on_connected(context, cause);
	subscribe();
}

int main(int argc, char **argv)
{
	MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer;
	MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer, options5 = MQTTAsync_connectOptions_initializer5;
	MQTTProperties properties = MQTTProperties_initializer;
	MQTTProperty expiry = { .identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, .value.integer4 = 3600 };
	int rc;

	if (argc != 7)
		return 2;
	book = open_ledger(argv[4]);
	/* At QoS 1 any message may come again. */
	if (book->position && (book->position - 1) % 2 == 1)
		book->last[book->position - 1] = 1;
	filter = argv[5];
	v5 = atoi(argv[6]) == 5;
	create.struct_version = 2;
	create.MQTTVersion = v5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1;
	if ((rc = MQTTAsync_createWithOptions(&client, argv[1], argv[2], MQTTCLIENT_PERSISTENCE_DEFAULT, argv[3], &create)) != 0)
	{
		fprintf(stderr, "subscriber: create %d\n", rc);
		return 1;
	}
	MQTTAsync_setCallbacks(client, NULL, NULL, on_message, NULL);
	MQTTAsync_setConnected(client, NULL, on_connected_and_subscribe);
	if (v5)
	{
		options = options5;
		options.cleanstart = 0;
		MQTTProperties_add(&properties, &expiry);
		options.connectProperties = &properties;
	}
	else
	{
		options.cleansession = 0;
		options.MQTTVersion = MQTTVERSION_3_1_1;
	}
	options.keepAliveInterval = 10;
	options.automaticReconnect = 1;
	options.minRetryInterval = options.maxRetryInterval = 1;
	if ((rc = MQTTAsync_connect(client, &options)) != 0)
	{
		fprintf(stderr, "subscriber: connect %d\n", rc);
		return 1;
	}
	while (!book->done)
		pause_ms(5);
	MQTTAsync_destroy(&client);
	return 0;
}
