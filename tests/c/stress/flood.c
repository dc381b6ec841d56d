/* A server that sends faster than the program takes: what waits in memory is bounded, the rest waits in the socket and at the server, and
 * in the end all of it has come, in order.
 *
 *   flood
 */
#include "stress.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "MQTTAsync.h"

/* What no buffer of the system holds. */
enum { TOTAL = 128 << 20 };
/* MAX_QUEUED_BYTES and what is in the hands of the library besides: the packet that is over the limit, and what one read has brought. */
enum { LIMIT = 4 << 20 };
/* Each of them is waited for on its own. */
enum { PARTS = 64 };

static counter connected = COUNTER_INITIALIZER, stalls = COUNTER_INITIALIZER, arrivals = COUNTER_INITIALIZER, gate = COUNTER_INITIALIZER;
static int listener, payload_size;
static long count;

static void send_all(int socket, const unsigned char *bytes, size_t size)
{
	int stalled = 0;

	while (size > 0)
	{
		ssize_t n = send(socket, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
		struct pollfd room = { socket, POLLOUT, 0 };

		if (n > 0)
			bytes += n, size -= (size_t)n;
		else if (errno != EAGAIN)
			FAIL("send: %s", strerror(errno));
		/* Nobody reads: this is what is waited for, once. */
		else if (poll(&room, 1, stalled ? PATIENCE_SECONDS * 1000 : 1000) == 0)
		{
			if (stalled)
				FAIL("the client reads no more");
			stalled = 1;
			counter_add(&stalls, 1);
		}
	}
}

/* PUBLISHes at QoS 0 with their number in the payload. */
static void *serve(void *argument)
{
	static const unsigned char connack[] = { 0x20, 2, 0, 0 };
	int socket = accept(listener, NULL, NULL);
	size_t rest = 3 + (size_t)payload_size;
	unsigned char *packet = calloc(1, rest + 5), *p = packet, buffer[1024];
	uint32_t i;

	(void)argument;
	CHECK(socket >= 0 && recv(socket, buffer, sizeof buffer, 0) > 0);
	send_all(socket, connack, sizeof connack);
	*p++ = 0x30;
	do
		*p++ = (unsigned char)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
	while ((rest >>= 7) > 0);
	*p++ = 0, *p++ = 1, *p++ = 't';
	for (i = 0; i < count; i++)
	{
		memcpy(p, &i, sizeof i);
		send_all(socket, packet, (size_t)(p - packet) + (size_t)payload_size);
	}
	/* Until the client's end. */
	while (recv(socket, buffer, sizeof buffer, 0) > 0)
		;
	close(socket);
	free(packet);
	return NULL;
}

static void on_connect(void *context, MQTTAsync_successData *data) { (void)context; (void)data; counter_add(&connected, 1); }
static void on_failure(void *context, MQTTAsync_failureData *data) { (void)context; FAIL("failed, code %d", data->code); }

static int arrived(void *context, char *topic, int topic_len, MQTTAsync_message *m)
{
	uint32_t number;

	(void)context; (void)topic_len;
	AWAIT(&gate, 1);
	memcpy(&number, m->payload, sizeof number);
	CHECK(m->payloadlen == payload_size && number == counter_get(&arrivals));
	counter_add(&arrivals, 1);
	MQTTAsync_freeMessage(&m);
	MQTTAsync_free(topic);
	return 1;
}

static void flood(int size, long messages)
{
	MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof address;
	MQTTAsync client;
	pthread_t server;
	size_t held;
	char uri[40];
	long i;

	payload_size = size, count = messages;
	counter_init(&connected), counter_init(&stalls), counter_init(&arrivals), counter_init(&gate);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(listener >= 0 && bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 1) == 0);
	CHECK_RC(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	snprintf(uri, sizeof uri, "tcp://127.0.0.1:%d", ntohs(address.sin_port));
	CHECK_RC(pthread_create(&server, NULL, serve, NULL), 0);

	CHECK_RC(MQTTAsync_create(&client, uri, "flood", MQTTCLIENT_PERSISTENCE_NONE, NULL), 0);
	CHECK_RC(MQTTAsync_setCallbacks(client, NULL, NULL, arrived, NULL), 0);
	options.onSuccess = on_connect, options.onFailure = on_failure, options.keepAliveInterval = 0;
	CHECK_RC(MQTTAsync_connect(client, &options), 0);
	AWAIT(&connected, 1);
	AWAIT(&stalls, 1);
	held = Heap_get_info()->current_size;
	if (held > LIMIT)
		FAIL("%zu bytes are held for a program that takes nothing", held);
	counter_add(&gate, 1);
	/* As long as some come: a busy machine takes its time for millions. */
	for (i = 1; i <= PARTS; i++)
		AWAIT(&arrivals, messages / PARTS * i);
	AWAIT(&arrivals, messages);
	MQTTAsync_destroy(&client);
	pthread_join(server, NULL);
	close(listener);
	check_heap();
	printf("%ld messages of %d bytes: %zu bytes held\n", messages, size, held);
}

int main(void)
{
	flood(64 << 10, TOTAL / (64 << 10));
	/* Small ones take more memory than their bytes: their number is bounded too. */
	flood(40, TOTAL / 43);
	return 0;
}
