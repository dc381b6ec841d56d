/* Many threads on one client, and many clients with one set of callbacks.
 *
 *   threads <uri> <MQTT version: 4 or 5>
 *
 * 16 threads use one MQTTAsync client at once, each doing everything; then 16 threads one MQTTClient, with and without callbacks; then 64
 * clients share callbacks and context. All that was sent has to arrive, once, in each sender's order.
 */
#include "stress.h"

#include "MQTTAsync.h"
#include "MQTTClient.h"

enum { THREADS = 16, PER_THREAD = 200, CLIENTS = 64, PER_CLIENT = 20 };

static const char *uri;
static int version;
static counter connected = COUNTER_INITIALIZER, acknowledged = COUNTER_INITIALIZER, subscriptions = COUNTER_INITIALIZER;
static counter arrived = COUNTER_INITIALIZER, delivered = COUNTER_INITIALIZER;
/* The next number expected of each sender. Callbacks of one client do not overlap, so a client's own array needs no lock. */
static int expected[THREADS];

static void on_connect(void *context, MQTTAsync_successData *data) { (void)context; (void)data; counter_add(&connected, 1); }
static void on_connect5(void *context, MQTTAsync_successData5 *data) { (void)context; (void)data; counter_add(&connected, 1); }
static void on_send(void *context, MQTTAsync_successData *data) { (void)context; (void)data; counter_add(&acknowledged, 1); }
static void on_send5(void *context, MQTTAsync_successData5 *data) { (void)context; CHECK((int)data->reasonCode < 0x80); counter_add(&acknowledged, 1); }
static void on_change(void *context, MQTTAsync_successData *data) { (void)context; (void)data; counter_add(&subscriptions, 1); }
static void on_change5(void *context, MQTTAsync_successData5 *data) { (void)context; (void)data; counter_add(&subscriptions, 1); }
static void on_failure(void *context, MQTTAsync_failureData *data) { (void)context; FAIL("failed, code %d, %s", data->code, data->message ? data->message : ""); }
static void on_failure5(void *context, MQTTAsync_failureData5 *data) { (void)context; FAIL("failed, code %d, reason %d", data->code, (int)data->reasonCode); }
static void on_lost(void *context, char *cause) { (void)context; (void)cause; FAIL("a connection was lost"); }

static void check_order(const char *payload, int length)
{
	char text[32];
	int sender, number;

	CHECK(length < (int)sizeof text);
	memcpy(text, payload, (size_t)length);
	text[length] = 0;
	CHECK(sscanf(text, "%d %d", &sender, &number) == 2 && sender >= 0 && sender < THREADS);
	if (number != expected[sender])
		FAIL("message %d of sender %d arrived when %d was due", number, sender, expected[sender]);
	expected[sender]++;
}

static int on_message(void *context, char *topic, int topic_len, MQTTAsync_message *m)
{
	(void)context; (void)topic_len;
	check_order(m->payload, m->payloadlen);
	MQTTAsync_freeMessage(&m);
	MQTTAsync_free(topic);
	counter_add(&arrived, 1);
	return 1;
}
static void on_delivery(void *context, MQTTAsync_token token) { (void)context; CHECK(token > 0); counter_add(&delivered, 1); }

static MQTTAsync_responseOptions response(MQTTAsync_onSuccess *success, MQTTAsync_onSuccess5 *success5)
{
	MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;

	if (version == 5)
	{
		options.onSuccess5 = success5;
		options.onFailure5 = on_failure5;
	}
	else
	{
		options.onSuccess = success;
		options.onFailure = on_failure;
	}
	return options;
}

static MQTTAsync make(const char *id, MQTTAsync_messageArrived *message)
{
	MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer;
	MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
	MQTTAsync client;

	create.MQTTVersion = version;
	/* More than all threads together ever have waiting: how much is buffered is no matter here. */
	create.maxBufferedMessages = 1000000;
	CHECK_RC(MQTTAsync_createWithOptions(&client, uri, id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &create), 0);
	CHECK_RC(MQTTAsync_setCallbacks(client, NULL, on_lost, message, on_delivery), 0);
	if (version == 5)
	{
		MQTTAsync_connectOptions options5 = MQTTAsync_connectOptions_initializer5;

		options = options5;
		options.onSuccess5 = on_connect5;
		options.onFailure5 = on_failure5;
	}
	else
	{
		options.onSuccess = on_connect;
		options.onFailure = on_failure;
	}
	options.maxInflight = 50;
	CHECK_RC(MQTTAsync_connect(client, &options), 0);
	return client;
}

typedef struct { void *client; int index, callbacks; } worker;

static void *work(void *argument)
{
	worker *self = argument;
	char topic[32], own[32], payload[32];

	snprintf(topic, sizeof topic, "threads/%d", self->index);
	snprintf(own, sizeof own, "elsewhere/%d", self->index);
	for (int i = 0; i < PER_THREAD; i++)
	{
		MQTTAsync_responseOptions options = response(on_send, on_send5);
		int length = snprintf(payload, sizeof payload, "%d %d", self->index, i);

		CHECK_RC(MQTTAsync_send(self->client, topic, length, payload, 1 + self->index % 2, 0, &options), 0);
		CHECK(MQTTAsync_isConnected(self->client));
		if (i % 10 == 0)
		{
			MQTTAsync_token *tokens = NULL;
			MQTTAsync_responseOptions change = response(on_change, on_change5);

			CHECK_RC(MQTTAsync_getPendingTokens(self->client, &tokens), 0);
			MQTTAsync_free(tokens);
			CHECK_RC(MQTTAsync_subscribe(self->client, own, 1, &change), 0);
			CHECK_RC(MQTTAsync_waitForCompletion(self->client, options.token, PATIENCE_SECONDS * 1000UL), 0);
			CHECK(MQTTAsync_isComplete(self->client, options.token) == 1);
			CHECK_RC(MQTTAsync_waitForCompletion(self->client, change.token, PATIENCE_SECONDS * 1000UL), 0);
			change = response(on_change, on_change5);
			CHECK_RC(MQTTAsync_unsubscribe(self->client, own, &change), 0);
		}
	}
	return NULL;
}

static void run_threads(void *client, int callbacks, void *(*what)(void *))
{
	pthread_t threads[THREADS];
	worker workers[THREADS];

	for (int i = 0; i < THREADS; i++)
	{
		worker self = { client, i, callbacks };

		workers[i] = self;
		CHECK_RC(pthread_create(&threads[i], NULL, what, &workers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		CHECK_RC(pthread_join(threads[i], NULL), 0);
}

static void threads_on_one_async_client(void)
{
	MQTTAsync_responseOptions options = response(on_change, on_change5);
	MQTTAsync_token *tokens = NULL;
	MQTTAsync client = make("threads", on_message);

	AWAIT(&connected, 1);
	CHECK_RC(MQTTAsync_subscribe(client, "threads/#", 2, &options), 0);
	AWAIT(&subscriptions, 1);
	run_threads(client, 1, work);
	AWAIT(&acknowledged, THREADS * PER_THREAD);
	AWAIT(&delivered, THREADS * PER_THREAD);
	AWAIT(&arrived, THREADS * PER_THREAD);
	AWAIT(&subscriptions, 1 + 2 * THREADS * PER_THREAD / 10);
	CHECK_RC(MQTTAsync_getPendingTokens(client, &tokens), 0);
	CHECK(tokens == NULL);
	MQTTAsync_destroy(&client);
	CHECK(counter_get(&acknowledged) == THREADS * PER_THREAD && counter_get(&arrived) == THREADS * PER_THREAD);
}

/* ---- MQTTClient ------------------------------------------------------------------------------------------------------------------- */

static int on_client_message(void *context, char *topic, int topic_len, MQTTClient_message *m)
{
	(void)context; (void)topic_len;
	check_order(m->payload, m->payloadlen);
	MQTTClient_freeMessage(&m);
	MQTTClient_free(topic);
	counter_add(&arrived, 1);
	return 1;
}

static void publish(MQTTClient client, const char *topic, const char *payload, int length, int qos, MQTTClient_deliveryToken *token)
{
	if (version == 5)
	{
		MQTTResponse answer = MQTTClient_publish5(client, topic, length, payload, qos, 0, NULL, token);

		CHECK((int)answer.reasonCode >= 0 && (int)answer.reasonCode < 0x80);
		MQTTResponse_free(answer);
	}
	else
		CHECK_RC(MQTTClient_publish(client, topic, length, payload, qos, 0, token), 0);
}

static void subscribe(MQTTClient client, const char *topic)
{
	if (version == 5)
	{
		MQTTResponse answer = MQTTClient_subscribe5(client, topic, 2, NULL, NULL);

		CHECK_RC(answer.reasonCode, 2);
		MQTTResponse_free(answer);
	}
	else
		CHECK_RC(MQTTClient_subscribe(client, topic, 2), 0);
}

static void *client_work(void *argument)
{
	worker *self = argument;
	char topic[32], own[32], payload[32];

	snprintf(topic, sizeof topic, "threads/%d", self->index);
	snprintf(own, sizeof own, "elsewhere/%d", self->index);
	for (int i = 0; i < PER_THREAD; i++)
	{
		int length = snprintf(payload, sizeof payload, "%d %d", self->index, i);
		MQTTClient_deliveryToken token = 0;

		publish(self->client, topic, payload, length, 1 + self->index % 2, &token);
		CHECK(MQTTClient_isConnected(self->client));
		if (i % 10 == 0)
		{
			MQTTClient_deliveryToken *tokens = NULL;

			CHECK_RC(MQTTClient_waitForCompletion(self->client, token, PATIENCE_SECONDS * 1000UL), 0);
			CHECK_RC(MQTTClient_getPendingDeliveryTokens(self->client, &tokens), 0);
			MQTTClient_free(tokens);
			subscribe(self->client, own);
			CHECK_RC(MQTTClient_unsubscribe(self->client, own), 0);
		}
		if (!self->callbacks && i % 3 == 0)
		{
			MQTTClient_message *m = NULL;
			char *name = NULL;
			int name_length;

			CHECK_RC(MQTTClient_receive(self->client, &name, &name_length, &m, 1), 0);
			if (m != NULL)
			{
				/* Of all senders; which thread gets which is open. */
				MQTTClient_freeMessage(&m);
				MQTTClient_free(name);
				counter_add(&arrived, 1);
			}
		}
	}
	return NULL;
}

static void threads_on_one_client(int callbacks)
{
	MQTTClient_createOptions create = MQTTClient_createOptions_initializer;
	MQTTClient client;

	arrived.value = 0;
	memset(expected, 0, sizeof expected);
	create.MQTTVersion = version;
	CHECK_RC(MQTTClient_createWithOptions(&client, uri, "threads", MQTTCLIENT_PERSISTENCE_NONE, NULL, &create), 0);
	if (callbacks)
		CHECK_RC(MQTTClient_setCallbacks(client, NULL, on_lost, on_client_message, NULL), 0);
	if (version == 5)
	{
		MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer5;
		MQTTResponse answer;

		options.reliable = 0;
		answer = MQTTClient_connect5(client, &options, NULL, NULL);
		CHECK_RC(answer.reasonCode, 0);
		MQTTResponse_free(answer);
	}
	else
	{
		MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;

		options.reliable = 0;
		CHECK_RC(MQTTClient_connect(client, &options), 0);
	}
	subscribe(client, "threads/#");
	run_threads(client, callbacks, client_work);
	while (!callbacks && counter_get(&arrived) < THREADS * PER_THREAD)
	{
		MQTTClient_message *m = NULL;
		char *name = NULL;
		int name_length;

		CHECK_RC(MQTTClient_receive(client, &name, &name_length, &m, PATIENCE_SECONDS * 1000UL), 0);
		CHECK(m != NULL);
		MQTTClient_freeMessage(&m);
		MQTTClient_free(name);
		counter_add(&arrived, 1);
	}
	AWAIT(&arrived, THREADS * PER_THREAD);
	MQTTClient_destroy(&client);
	CHECK(counter_get(&arrived) == THREADS * PER_THREAD);
}

/* ---- Shared callbacks ------------------------------------------------------------------------------------------------------------- */

static int on_shared_message(void *context, char *topic, int topic_len, MQTTAsync_message *m)
{
	(void)topic_len;
	MQTTAsync_freeMessage(&m);
	MQTTAsync_free(topic);
	counter_add(context, 1);
	return 1;
}

static void clients_that_share_callbacks(void)
{
	static counter shared = COUNTER_INITIALIZER;
	MQTTAsync clients[CLIENTS];

	connected.value = subscriptions.value = acknowledged.value = 0;
	for (int i = 0; i < CLIENTS; i++)
	{
		char id[16];

		snprintf(id, sizeof id, "shared-%d", i);
		clients[i] = make(id, on_shared_message);
		CHECK_RC(MQTTAsync_setMessageArrivedCallback(clients[i], &shared, on_shared_message), 0);
	}
	AWAIT(&connected, CLIENTS);
	for (int i = 0; i < CLIENTS; i++)
	{
		MQTTAsync_responseOptions options = response(on_change, on_change5);

		CHECK_RC(MQTTAsync_subscribe(clients[i], "shared", 1, &options), 0);
	}
	AWAIT(&subscriptions, CLIENTS);
	for (int n = 0; n < PER_CLIENT; n++)
		for (int i = 0; i < CLIENTS; i++)
		{
			MQTTAsync_responseOptions options = response(on_send, on_send5);

			CHECK_RC(MQTTAsync_send(clients[i], "shared", 5, "hello", n % 3, 0, &options), 0);
		}
	AWAIT(&acknowledged, CLIENTS * PER_CLIENT);
	AWAIT(&shared, (long)CLIENTS * CLIENTS * PER_CLIENT);
	for (int i = 0; i < CLIENTS; i++)
		MQTTAsync_destroy(&clients[i]);
	CHECK(counter_get(&shared) == (long)CLIENTS * CLIENTS * PER_CLIENT);
}

int main(int argc, char **argv)
{
	CHECK(argc >= 3);
	uri = argv[1];
	version = number(argv[2]);
	threads_on_one_async_client();
	threads_on_one_client(1);
	threads_on_one_client(0);
	clients_that_share_callbacks();
	check_heap();
	printf("all arrived\n");
	return 0;
}
