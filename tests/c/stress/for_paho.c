/* The functions of paho_oxide.h for Paho handles, from many threads while messages come and go.
 *
 *   for_paho <uri> <rounds>
 *
 * A MQTTAsync and a MQTTClient with manual acknowledgements each subscribe to a topic and publish to it. Threads set and get options, add and
 * remove routes, ask for errors and counters, and make calls that are refused, all at once; callbacks acknowledge, and at last both are
 * destroyed under the threads. Every message arrives, at a route or at messageArrived, and no removed route is called.
 */
#include "stress.h"

#include "MQTTAsync.h"
#include "MQTTClient.h"
#include "paho_oxide.h"

enum { THREADS = 3, MESSAGES = 50 };

/* A client of either API, as its threads and callbacks see it. */
typedef struct
{
	void *handle;
	int is_async, rounds;
	const char *topic;
	counter arrived;
	atomic_int subscribed, came[MESSAGES];
} subject;

/* A message, whose payload is its number. It may come by two routes, and a thread may have guessed its packet identifier. */
static void seen(subject *s, int id, const void *payload)
{
	int rc = MQTTOxide_acknowledge(s->handle, id), number;

	CHECK(rc == 0 || rc == MQTTOxide_E_NOT_FOUND);
	memcpy(&number, payload, sizeof number);
	CHECK(number >= 0 && number < MESSAGES);
	counter_add(&s->arrived, atomic_exchange(&s->came[number], 1) == 0);
}

static void on_route(void *context, const char *topic, uint32_t topic_len, void *message)
{
	subject *s = context;

	CHECK(strlen(topic) == topic_len);
	if (s->is_async)
		seen(s, ((MQTTAsync_message *)message)->msgid, ((MQTTAsync_message *)message)->payload);
	else
		seen(s, ((MQTTClient_message *)message)->msgid, ((MQTTClient_message *)message)->payload);
}

/* Its context lives as long as it is there. */
static void on_passing_route(void *context, const char *topic, uint32_t topic_len, void *message)
{
	int *alive = context;

	(void)topic, (void)topic_len, (void)message;
	CHECK(*alive == 1);
}

static int async_arrived(void *context, char *topic, int length, MQTTAsync_message *message)
{
	(void)length;
	seen(context, message->msgid, message->payload);
	MQTTAsync_freeMessage(&message);
	MQTTAsync_free(topic);
	return 1;
}

static int client_arrived(void *context, char *topic, int length, MQTTClient_message *message)
{
	(void)length;
	seen(context, message->msgid, message->payload);
	MQTTClient_freeMessage(&message);
	MQTTClient_free(topic);
	return 1;
}

static void on_success(void *context, MQTTAsync_successData *data)
{
	(void)data;
	atomic_fetch_add((atomic_int *)context, 1);
}

static void set(void *handle, const char *name, const char *value)
{
	int rc = MQTTOxide_setOption(handle, name, (uint32_t)strlen(name), value, (uint32_t)strlen(value));

	CHECK(rc == 0 || rc == MQTTOxide_E_HANDLE);
}

static void *meddle(void *context)
{
	subject *s = context;
	char text[256], filter[32];
	int i, *alive = malloc(sizeof *alive);

	*alive = 1;
	snprintf(filter, sizeof filter, "%s/%p", s->topic, (void *)&i);
	for (i = 0; i < s->rounds; i++)
	{
		struct MQTTOxide_error error = { 0 };
		struct MQTTOxide_counters counters = { 0 };
		uint32_t length;

		set(s->handle, "resubscribe", i % 2 ? "on" : "off");
		set(s->handle, "tcp-keepalive", i % 2 ? "10" : "");
		MQTTOxide_getOption(s->handle, "tcp-keepalive", 13, text, sizeof text, &length);
		MQTTOxide_setOption(s->handle, "no-such", 7, NULL, 0);
		MQTTOxide_acknowledge(s->handle, 1 + i);
		if (s->is_async)
			MQTTAsync_send(s->handle, "bad/#", 0, NULL, 0, 0, NULL);
		else
			MQTTClient_publish(s->handle, "bad/#", 0, NULL, 0, 0, NULL);
		error.size = sizeof error;
		error.text = text;
		error.text_capacity = sizeof text;
		MQTTOxide_lastError(s->handle, &error);
		CHECK_RC(MQTTOxide_lastError(NULL, &error), 0);
		CHECK(error.kind == MQTTOxide_ERROR_CALL && error.text_len > 0);
		counters.size = sizeof counters;
		MQTTOxide_statistics(s->handle, &counters);
		MQTTOxide_addRoute(s->handle, s->topic, (uint32_t)strlen(s->topic), on_route, s);
		MQTTOxide_addRoute(s->handle, filter, (uint32_t)strlen(filter), on_passing_route, alive);
		MQTTOxide_addRoute(s->handle, "#", 1, on_route, s);
		MQTTOxide_removeRoute(s->handle, filter, (uint32_t)strlen(filter));
		MQTTOxide_removeRoute(s->handle, s->topic, (uint32_t)strlen(s->topic));
	}
	/* The route is gone, and so is what it pointed to. */
	MQTTOxide_removeRoute(s->handle, filter, (uint32_t)strlen(filter));
	*alive = 0;
	free(alive);
	return NULL;
}

static void with_threads(subject *s, void (*publish)(subject *, int))
{
	pthread_t threads[THREADS];
	int i;

	for (i = 0; i < THREADS; i++)
		CHECK_RC(pthread_create(&threads[i], NULL, meddle, s), 0);
	for (i = 0; i < MESSAGES; i++)
		publish(s, i);
	AWAIT(&s->arrived, MESSAGES);
	for (i = 0; i < THREADS; i++)
		CHECK_RC(pthread_join(threads[i], NULL), 0);
	/* And once more, with the client gone in the middle. */
	for (i = 0; i < THREADS; i++)
		CHECK_RC(pthread_create(&threads[i], NULL, meddle, s), 0);
	if (s->is_async)
	{
		MQTTAsync client = s->handle;

		MQTTAsync_destroy(&client);
	}
	else
	{
		MQTTClient client = s->handle;

		MQTTClient_destroy(&client);
	}
	for (i = 0; i < THREADS; i++)
		CHECK_RC(pthread_join(threads[i], NULL), 0);
}

static void async_publish(subject *s, int number)
{
	CHECK_RC(MQTTAsync_send(s->handle, s->topic, sizeof number, &number, 1, 0, NULL), 0);
}

static void client_publish(subject *s, int number)
{
	CHECK_RC(MQTTClient_publish(s->handle, s->topic, sizeof number, &number, 1, 0, NULL), 0);
}

static void wait_until(atomic_int *reached)
{
	double end = now_seconds() + PATIENCE_SECONDS;

	while (!atomic_load(reached))
	{
		CHECK(now_seconds() < end);
		sched_yield();
	}
}

static void run_async(const char *uri, int rounds)
{
	static subject s = { .is_async = 1, .topic = "for-paho/async", .arrived = COUNTER_INITIALIZER };
	static atomic_int connected;
	MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
	MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
	MQTTAsync client;

	s.rounds = rounds;
	CHECK_RC(MQTTAsync_create(&client, uri, "for-paho-async", MQTTCLIENT_PERSISTENCE_NONE, NULL), 0);
	s.handle = client;
	CHECK_RC(MQTTAsync_setCallbacks(client, &s, NULL, async_arrived, NULL), 0);
	set(client, "manual-acks", "unordered");
	options.onSuccess = on_success;
	options.context = &connected;
	CHECK_RC(MQTTAsync_connect(client, &options), 0);
	wait_until(&connected);
	response.onSuccess = on_success;
	response.context = &s.subscribed;
	CHECK_RC(MQTTAsync_subscribe(client, s.topic, 1, &response), 0);
	wait_until(&s.subscribed);
	with_threads(&s, async_publish);
}

static void run_client(const char *uri, int rounds)
{
	static subject s = { .topic = "for-paho/client", .arrived = COUNTER_INITIALIZER };
	MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
	MQTTClient client;

	s.rounds = rounds;
	CHECK_RC(MQTTClient_create(&client, uri, "for-paho-client", MQTTCLIENT_PERSISTENCE_NONE, NULL), 0);
	s.handle = client;
	CHECK_RC(MQTTClient_setCallbacks(client, &s, NULL, client_arrived, NULL), 0);
	set(client, "manual-acks", "unordered");
	CHECK_RC(MQTTClient_connect(client, &options), 0);
	CHECK_RC(MQTTClient_subscribe(client, s.topic, 1), 0);
	with_threads(&s, client_publish);
}

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? atoi(argv[2]) : 100;

	CHECK(argc > 1);
	run_async(argv[1], rounds);
	run_client(argv[1], rounds);
	return 0;
}
