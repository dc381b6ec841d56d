/* A publisher that is killed again and again: crash_publisher <uri> <client id> <store> <ledger> <topic> <5 for MQTT 5, else 4>
 *
 * Message n has QoS 1 + n % 2 and says its number. Before a message is given to the library it is BEGUN in the ledger, and
 * ACCEPTED once the library has taken it. A process killed between the two cannot know whether the library has it; it is not
 * sent again, and such a message may or may not arrive. All accepted ones must.
 */
#include "ledger.h"

#include <MQTTAsync.h>

/* How many messages may be on their way at once. */
enum { WINDOW = 300 };

static ledger *book;
static MQTTAsync client;
static int v5;
static _Atomic int on_their_way;

static void on_success(void *context, MQTTAsync_successData *data)
{
	(void)context;
	(void)data;
	on_their_way--;
}

static void on_success5(void *context, MQTTAsync_successData5 *data)
{
	(void)context;
	(void)data;
	on_their_way--;
}

static void on_failure(void *context, MQTTAsync_failureData *data)
{
	fprintf(stderr, "publisher: message %ld failed: %d\n", (long)context, data ? data->code : 0);
	_exit(1);
}

static void on_failure5(void *context, MQTTAsync_failureData5 *data)
{
	fprintf(stderr, "publisher: message %ld failed: %d, reason %d\n", (long)context, data ? data->code : 0,
		data ? (int)data->reasonCode : 0);
	_exit(1);
}

static void on_connected(void *context, char *cause)
{
	(void)context;
	(void)cause;
	book->connections++;
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
	v5 = atoi(argv[6]) == 5;
	create.struct_version = 2;
	create.MQTTVersion = v5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1;
	create.sendWhileDisconnected = create.allowDisconnectedSendAtAnyTime = 1;
	create.maxBufferedMessages = 1000;
	if ((rc = MQTTAsync_createWithOptions(&client, argv[1], argv[2], MQTTCLIENT_PERSISTENCE_DEFAULT, argv[3], &create)) != 0)
	{
		fprintf(stderr, "publisher: create %d\n", rc);
		return 1;
	}
	MQTTAsync_setConnected(client, NULL, on_connected);
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
	options.maxInflight = 100;
	options.keepAliveInterval = 10;
	options.automaticReconnect = 1;
	options.minRetryInterval = options.maxRetryInterval = 1;
	if ((rc = MQTTAsync_connect(client, &options)) != 0)
	{
		fprintf(stderr, "publisher: connect %d\n", rc);
		return 1;
	}
	while (book->position < book->target)
	{
		MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
		unsigned n = book->position;
		char payload[16];

		if (on_their_way >= WINDOW || n >= book->limit)
		{
			pause_ms(1);
			continue;
		}
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
		response.context = (void *)(long)n;
		snprintf(payload, sizeof payload, "%u", n);
		on_their_way++;
		/* The next process begins with the next message, wherever this one stops. */
		book->state[n] = BEGUN;
		book->position = n + 1;
		while ((rc = MQTTAsync_send(client, argv[5], (int)strlen(payload), payload, 1 + (int)(n % 2), 0, &response)) ==
			MQTTASYNC_MAX_BUFFERED_MESSAGES)
			pause_ms(5);
		if (rc != 0)
		{
			fprintf(stderr, "publisher: send %d\n", rc);
			return 1;
		}
		book->state[n] = ACCEPTED;
	}
	/* What an earlier process left is pending as well. */
	for (;;)
	{
		MQTTAsync_token *tokens = NULL;

		MQTTAsync_getPendingTokens(client, &tokens);
		if (!tokens)
			break;
		MQTTAsync_free(tokens);
		pause_ms(5);
	}
	book->done = 1;
	MQTTAsync_destroy(&client);
	return 0;
}
