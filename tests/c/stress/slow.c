/* Callbacks that take their time, on many clients at once. Nobody else may notice: neither another client's round trips, nor waits on the
 * same client, nor anybody's keep-alive.
 *
 *   slow <uri>
 */
#include "stress.h"

#include "MQTTAsync.h"
#include "MQTTClient.h"

enum { SLOW_CLIENTS = 8, SLOW_MESSAGES = 20, ROUND_TRIPS = 100 };
/* In seconds: long enough that a busy machine is no dead server. */
enum { KEEP_ALIVE = 3 };

static const char *uri;
static counter connected = COUNTER_INITIALIZER, subscribed = COUNTER_INITIALIZER, slow = COUNTER_INITIALIZER, echoed = COUNTER_INITIALIZER;
static counter inside = COUNTER_INITIALIZER, gate = COUNTER_INITIALIZER;
static counter lost = COUNTER_INITIALIZER, burst = COUNTER_INITIALIZER, burst_gate = COUNTER_INITIALIZER;

static void pause_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static void on_connect(void *context, MQTTAsync_successData *data) { (void)context; (void)data; counter_add(&connected, 1); }
static void on_failure(void *context, MQTTAsync_failureData *data) { (void)context; FAIL("failed, code %d", data->code); }
static void on_subscribe(void *context, MQTTAsync_successData *data) { (void)context; (void)data; counter_add(&subscribed, 1); }
static void on_lost(void *context, char *cause) { (void)context; (void)cause; counter_add(&lost, 1); }

static int take(char *topic, MQTTAsync_message *m)
{
	MQTTAsync_freeMessage(&m);
	MQTTAsync_free(topic);
	return 1;
}

static int slow_message(void *context, char *topic, int topic_len, MQTTAsync_message *m)
{
	(void)context; (void)topic_len;
	counter_add(&inside, 1);
	AWAIT(&gate, 1);
	counter_add(&slow, 1);
	return take(topic, m);
}

static int echo_message(void *context, char *topic, int topic_len, MQTTAsync_message *m)
{
	(void)context; (void)topic_len;
	counter_add(&echoed, 1);
	return take(topic, m);
}

static MQTTAsync make(const char *id, const char *topic, MQTTAsync_messageArrived *arrived, int keep_alive)
{
	MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
	MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
	long before = counter_get(&connected);
	MQTTAsync client;

	CHECK_RC(MQTTAsync_create(&client, uri, id, MQTTCLIENT_PERSISTENCE_NONE, NULL), 0);
	CHECK_RC(MQTTAsync_setCallbacks(client, NULL, on_lost, arrived, NULL), 0);
	options.keepAliveInterval = keep_alive;
	options.onSuccess = on_connect;
	options.onFailure = on_failure;
	CHECK_RC(MQTTAsync_connect(client, &options), 0);
	AWAIT(&connected, before + 1);
	before = counter_get(&subscribed);
	response.onSuccess = on_subscribe;
	response.onFailure = on_failure;
	CHECK_RC(MQTTAsync_subscribe(client, topic, 1, &response), 0);
	AWAIT(&subscribed, before + 1);
	return client;
}

/* Round trips through the broker on a client of its own. */
static void round_trips(MQTTAsync client)
{
	for (int i = 0; i < ROUND_TRIPS; i++)
	{
		long before = counter_get(&echoed);

		CHECK_RC(MQTTAsync_send(client, "slow/echo", 4, "ping", 0, 0, NULL), 0);
		AWAIT(&echoed, before + 1);
	}
}

/* Waits for acknowledgements on a client whose callback has not returned. */
static void waits(MQTTAsync client)
{
	for (int i = 0; i < ROUND_TRIPS; i++)
	{
		MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;

		CHECK_RC(MQTTAsync_send(client, "slow/other", 4, "ping", 1, 0, &response), 0);
		CHECK_RC(MQTTAsync_waitForCompletion(client, response.token, PATIENCE_SECONDS * 1000UL), 0);
	}
}

/* A callback that blocks until it is let go, while far more than one read brings waits behind it. */
static int burst_message(void *context, char *topic, int topic_len, MQTTAsync_message *m)
{
	(void)context; (void)topic_len;
	counter_add(&burst, 1);
	AWAIT(&burst_gate, 1);
	return take(topic, m);
}

static void *flood(void *sender)
{
	static char payload[4096];

	for (int i = 0; i < 500; i++)
		CHECK_RC(MQTTAsync_send(sender, "slow/burst", sizeof payload, payload, 0, 0, NULL), 0);
	return NULL;
}

static void waits_behind_a_burst(MQTTAsync sender)
{
	MQTTAsync client = make("burst", "slow/burst", burst_message, KEEP_ALIVE);
	pthread_t thread;

	CHECK_RC(pthread_create(&thread, NULL, flood, sender), 0);
	for (int i = 0; i < 300 || counter_get(&burst) == 0; i++)
	{
		MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;

		CHECK_RC(MQTTAsync_send(client, "slow/other", 4, "ping", 1, 0, &response), 0);
		CHECK_RC(MQTTAsync_waitForCompletion(client, response.token, PATIENCE_SECONDS * 1000UL), 0);
	}
	CHECK_RC(pthread_join(thread, NULL), 0);
	/* Three keep-alive intervals with the callback still blocked. */
	pause_ms(3 * KEEP_ALIVE * 1000);
	CHECK(MQTTAsync_isConnected(client));
	counter_add(&burst_gate, 1);
	AWAIT(&burst, 500);
	MQTTAsync_destroy(&client);
}

int main(int argc, char **argv)
{
	MQTTAsync slow_ones[SLOW_CLIENTS], fast, idle;
	MQTTClient sync;
	MQTTClient_connectOptions sync_options = MQTTClient_connectOptions_initializer;

	CHECK(argc >= 2);
	uri = argv[1];
	for (int i = 0; i < SLOW_CLIENTS; i++)
	{
		char id[16];

		snprintf(id, sizeof id, "slow-%d", i);
		slow_ones[i] = make(id, "slow/work", slow_message, KEEP_ALIVE);
	}
	fast = make("fast", "slow/echo", echo_message, KEEP_ALIVE);
	idle = make("idle", "slow/idle", echo_message, KEEP_ALIVE);
	/* A client without callbacks whose program calls nothing at all. */
	CHECK_RC(MQTTClient_create(&sync, uri, "sync", MQTTCLIENT_PERSISTENCE_NONE, NULL), 0);
	sync_options.keepAliveInterval = KEEP_ALIVE;
	CHECK_RC(MQTTClient_connect(sync, &sync_options), 0);
	CHECK_RC(MQTTClient_subscribe(sync, "slow/work", 1), 0);

	for (int i = 0; i < SLOW_MESSAGES; i++)
		CHECK_RC(MQTTAsync_send(fast, "slow/work", 4, "work", 1, 0, NULL), 0);
	/* Each is inside its first callback, all at a time, and stays there. */
	AWAIT(&inside, SLOW_CLIENTS);
	round_trips(fast);
	for (int i = 0; i < SLOW_CLIENTS; i++)
		waits(slow_ones[i]);
	pause_ms(3 * KEEP_ALIVE * 1000);
	CHECK(counter_get(&inside) == SLOW_CLIENTS && counter_get(&slow) == 0);
	counter_add(&gate, 1);
	AWAIT(&slow, SLOW_CLIENTS * SLOW_MESSAGES);

	waits_behind_a_burst(fast);
	CHECK(counter_get(&lost) == 0);
	for (int i = 0; i < SLOW_CLIENTS; i++)
	{
		CHECK(MQTTAsync_isConnected(slow_ones[i]));
		MQTTAsync_destroy(&slow_ones[i]);
	}
	CHECK(MQTTAsync_isConnected(fast) && MQTTAsync_isConnected(idle) && MQTTClient_isConnected(sync));
	MQTTAsync_destroy(&fast);
	MQTTAsync_destroy(&idle);
	for (int i = 0; i < SLOW_MESSAGES; i++)
	{
		MQTTClient_message *m = NULL;
		char *topic = NULL;
		int length;

		CHECK_RC(MQTTClient_receive(sync, &topic, &length, &m, PATIENCE_SECONDS * 1000UL), 0);
		CHECK(m != NULL);
		MQTTClient_freeMessage(&m);
		MQTTClient_free(topic);
	}
	MQTTClient_destroy(&sync);
	check_heap();
	return 0;
}
