/* 100 MiB to the broker and back over TLS, through a road that stalls, while other clients of the process keep their connections alive.
 *
 *   large async|client <TLS URI of the slow road> <file with its authority> <URI of the others' broker>
 */
#define _GNU_SOURCE
#include "../stress/stress.h"

#include "MQTTAsync.h"
#include "MQTTClient.h"

#include <dlfcn.h>
#include <sys/socket.h>

enum { SIZE = 100 << 20, KEEP_ALIVE = 4 };

static const char topic[] = "large";
static unsigned char *payload;
static counter done = COUNTER_INITIALIZER, arrived = COUNTER_INITIALIZER, echoed = COUNTER_INITIALIZER, lost = COUNTER_INITIALIZER;

/* A send buffer that no packet of this test fits into. Found before the system's function. */
int connect(int fd, const struct sockaddr *address, socklen_t length)
{
	int (*system)(int, const struct sockaddr *, socklen_t), size = 16384;

	*(void **)&system = dlsym(RTLD_NEXT, "connect");
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	return system(fd, address, length);
}

static void on_done(void *context, MQTTAsync_successData *data) { (void)context; (void)data; counter_add(&done, 1); }
static void on_failure(void *context, MQTTAsync_failureData *data) { (void)context; FAIL("code %d: %s", data->code, data->message); }
static void on_lost(void *context, char *cause) { (void)context; (void)cause; counter_add(&lost, 1); }

/* What came is what went. */
static void check_payload(const void *received, int length)
{
	CHECK(length == SIZE && memcmp(received, payload, SIZE) == 0);
}

static int on_large(void *context, char *name, int length, MQTTAsync_message *message)
{
	(void)context; (void)length;
	check_payload(message->payload, message->payloadlen);
	MQTTAsync_freeMessage(&message);
	MQTTAsync_free(name);
	counter_add(&arrived, 1);
	return 1;
}

static int on_echo(void *context, char *name, int length, MQTTAsync_message *message)
{
	(void)context; (void)length;
	MQTTAsync_freeMessage(&message);
	MQTTAsync_free(name);
	counter_add(&echoed, 1);
	return 1;
}

static MQTTAsync open_async(const char *uri, const char *name, int keep_alive, MQTTAsync_messageArrived *on_message, MQTTAsync_SSLOptions *ssl)
{
	MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
	MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
	long before = counter_get(&done);
	MQTTAsync client;

	CHECK_RC(MQTTAsync_create(&client, uri, name, MQTTCLIENT_PERSISTENCE_NONE, NULL), 0);
	CHECK_RC(MQTTAsync_setCallbacks(client, NULL, on_lost, on_message, NULL), 0);
	options.keepAliveInterval = keep_alive;
	options.onSuccess = on_done;
	options.onFailure = on_failure;
	options.ssl = ssl;
	CHECK_RC(MQTTAsync_connect(client, &options), 0);
	AWAIT(&done, before + 1);
	response.onSuccess = on_done;
	response.onFailure = on_failure;
	CHECK_RC(MQTTAsync_subscribe(client, name, 1, &response), 0);
	AWAIT(&done, before + 2);
	return client;
}

static MQTTClient open_client(const char *uri, const char *name, int keep_alive, MQTTClient_SSLOptions *ssl)
{
	MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
	MQTTClient client;

	CHECK_RC(MQTTClient_create(&client, uri, name, MQTTCLIENT_PERSISTENCE_NONE, NULL), 0);
	options.keepAliveInterval = keep_alive;
	options.ssl = ssl;
	CHECK_RC(MQTTClient_connect(client, &options), 0);
	CHECK_RC(MQTTClient_subscribe(client, name, 1), 0);
	return client;
}

/* The large message's own keep-alive is long: while the road stalls, nothing of this connection gets through. */
static void async_there_and_back(const char *uri, const char *authority)
{
	MQTTAsync_SSLOptions ssl = MQTTAsync_SSLOptions_initializer;
	MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
	MQTTAsync client;
	long before;

	ssl.trustStore = authority;
	ssl.verify = 1;
	client = open_async(uri, topic, 60, on_large, &ssl);
	before = counter_get(&done);
	response.onSuccess = on_done;
	response.onFailure = on_failure;
	CHECK_RC(MQTTAsync_send(client, topic, SIZE, payload, 1, 0, &response), 0);
	AWAIT(&done, before + 1);
	AWAIT(&arrived, 1);
	MQTTAsync_destroy(&client);
}

static void client_there_and_back(const char *uri, const char *authority)
{
	MQTTClient_SSLOptions ssl = MQTTClient_SSLOptions_initializer;
	MQTTClient_deliveryToken token;
	MQTTClient_message *message = NULL;
	MQTTClient client;
	char *name = NULL;
	int length;

	ssl.trustStore = authority;
	ssl.verify = 1;
	client = open_client(uri, topic, 60, &ssl);
	CHECK_RC(MQTTClient_publish(client, topic, SIZE, payload, 1, 0, &token), 0);
	CHECK_RC(MQTTClient_waitForCompletion(client, token, PATIENCE_SECONDS * 1000UL), 0);
	CHECK_RC(MQTTClient_receive(client, &name, &length, &message, PATIENCE_SECONDS * 1000UL), 0);
	CHECK(message != NULL);
	check_payload(message->payload, message->payloadlen);
	MQTTClient_freeMessage(&message);
	MQTTClient_free(name);
	MQTTClient_destroy(&client);
}

static atomic_int stop;
static double longest;

static void *round_trips(void *client)
{
	while (!stop)
	{
		long before = counter_get(&echoed);
		double begun = now_seconds(), taken;

		CHECK_RC(MQTTAsync_send(client, "busy", 4, "ping", 0, 0, NULL), 0);
		AWAIT(&echoed, before + 1);
		taken = now_seconds() - begun;
		if (taken > longest)
			longest = taken;
		usleep(1000);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	MQTTAsync idle, busy;
	MQTTClient quiet;
	pthread_t thread;
	double begun;

	CHECK(argc == 5);
	payload = malloc(SIZE);
	CHECK(payload != NULL);
	for (uint32_t i = 0; i < SIZE; i++)
		payload[i] = (unsigned char)((i * UINT32_C(2654435761)) >> 24);
	/* Whoever is silent for one and a half intervals loses the connection. */
	idle = open_async(argv[4], "idle", KEEP_ALIVE, on_echo, NULL);
	busy = open_async(argv[4], "busy", KEEP_ALIVE, on_echo, NULL);
	quiet = open_client(argv[4], "quiet", KEEP_ALIVE, NULL);
	CHECK_RC(pthread_create(&thread, NULL, round_trips, busy), 0);

	begun = now_seconds();
	if (strcmp(argv[1], "async") == 0)
		async_there_and_back(argv[2], argv[3]);
	else
		client_there_and_back(argv[2], argv[3]);
	printf("%.1f s, longest round trip of another client %.1f ms\n", now_seconds() - begun, longest * 1e3);
	CHECK(now_seconds() - begun > 3 * KEEP_ALIVE);

	stop = 1;
	CHECK_RC(pthread_join(thread, NULL), 0);
	CHECK(counter_get(&lost) == 0);
	CHECK(MQTTAsync_isConnected(idle) && MQTTAsync_isConnected(busy) && MQTTClient_isConnected(quiet));
	/* Less than the road stalls, also on a busy machine. */
	CHECK(longest < 5);
	MQTTAsync_destroy(&idle);
	MQTTAsync_destroy(&busy);
	MQTTClient_destroy(&quiet);
	free(payload);
	check_heap();
	return 0;
}
