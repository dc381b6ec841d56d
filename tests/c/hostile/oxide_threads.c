/*
 * Programs on the event API that call the same client from several threads: for each function two threads that call it without a
 * pause on a connection that is at work, until another thread destroys the client. Each of them gets MQTTOxide_E_HANDLE then, and
 * nothing else that it would have to fear. And a stream that one thread fills, another one empties, and a third one publishes to.
 */
#include "hostile.h"

#include "paho_oxide.h"

#include <sys/socket.h>
#include <unistd.h>

enum { CALLS_BEFORE = 20, THREADS = 2, MESSAGES = 2000 };

static struct MQTTOxide_connectOptions connect_options(void)
{
	struct MQTTOxide_connectOptions options;

	memset(&options, 0, sizeof options);
	options.size = sizeof options;
	options.version = 4;
	options.clean = 1;
	return options;
}

/* ---- the server ------------------------------------------------------------------------------------------------------- */

static int read_all(int fd, unsigned char *to, size_t length)
{
	while (length > 0) {
		ssize_t n = recv(fd, to, length, 0);

		if (n <= 0)
			return 0;
		to += n;
		length -= (size_t)n;
	}
	return 1;
}

/* Answers what has an answer, and each PUBLISH of QoS 1 with a message of the same payload, until the client has gone. */
static void *serve(void *of)
{
	static const unsigned char connack[] = { 0x20, 2, 0, 0 };
	unsigned char packet[256], answer[300];
	int fd = (int)(intptr_t)of;

	while (read_all(fd, packet, 2)) {
		size_t n = 0, length = packet[1];

		CHECK(length < 128);
		if (!read_all(fd, packet + 2, length))
			break;
		switch (packet[0] & 0xf0) {
		case 0x10:
			memcpy(answer, connack, n = sizeof connack);
			break;
		case 0x30:
			if ((packet[0] & 6) == 0)
				break;
			/* Topic "t", identifier, payload. */
			answer[0] = 0x40;
			answer[1] = 2;
			memcpy(answer + 2, packet + 5, 2);
			answer[4] = 0x30;
			answer[5] = (unsigned char)(length - 2);
			memcpy(answer + 6, packet + 2, 3);
			memcpy(answer + 9, packet + 7, length - 5);
			n = 9 + length - 5;
			break;
		case 0x80:
		case 0xa0:
			answer[0] = packet[0] == 0x82 ? 0x90 : 0xb0;
			answer[1] = packet[0] == 0x82 ? 3 : 2;
			memcpy(answer + 2, packet + 2, 2);
			answer[4] = 0;
			n = 2 + (size_t)answer[1];
			break;
		}
		/* A client that has gone, or is destroyed: the next read says so. */
		if (n > 0 && send(fd, answer, n, MSG_NOSIGNAL) < 0)
			break;
	}
	close(fd);
	return NULL;
}

/* Starts a server. Returns the client's end of its connection. */
static int start_server(pthread_t *thread)
{
	int ends[2];

	CHECK_RC(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	CHECK_RC(pthread_create(thread, NULL, serve, (void *)(intptr_t)ends[1]), 0);
	return ends[0];
}

/* ---- every call -------------------------------------------------------------------------------------------------------- */

static uint64_t queue, client;

#define CALL(name, expression) \
	static int64_t call_##name(void) { uint64_t buffer[512], number = 1; uint32_t count = 0; struct MQTTOxide_connectOptions again = connect_options(); \
		(void)buffer; (void)number; (void)count; (void)again; return (expression); }

static int64_t list_all(void)
{
	struct MQTTOxide_operation list[8];

	return MQTTOxide_inFlight(client, list, 8);
}

static int64_t count_all(void)
{
	struct MQTTOxide_counters counters;

	memset(&counters, 0, sizeof counters);
	counters.size = sizeof counters;
	return MQTTOxide_counters(client, &counters);
}

static int64_t publish_some(void)
{
	static const struct MQTTOxide_message messages[2] = { { "t", "m", NULL, 1, 1, 0, 1 }, { "t", "n", NULL, 1, 1, 0, 0 } };

	return MQTTOxide_publishMany(client, messages, 2, NULL, NULL);
}

static int64_t change_driver(void)
{
	static atomic_int turn;

	return MQTTOxide_setDriver(client, (uint32_t)atomic_fetch_add(&turn, 1) & 7);
}

static int64_t adopt(void)
{
	struct MQTTOxide_connectOptions options = connect_options();
	int ends[2];
	int64_t code;

	CHECK_RC(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	code = MQTTOxide_attachFd(client, ends[0], &options);
	close(ends[0]);
	close(ends[1]);
	return code;
}

#define ALL (MQTTOxide_READ | MQTTOxide_WRITE | MQTTOxide_TICK)

CALL(publish, MQTTOxide_publish(client, "t", 1, "m", 1, NULL, 0, 1, NULL))
CALL(drive, MQTTOxide_drive(client, ALL))
CALL(drive_level, MQTTOxide_drive(client, ALL | MQTTOxide_LEVEL))
CALL(drive_events, MQTTOxide_driveEvents(client, ALL, buffer, sizeof buffer, &count))
CALL(wants, MQTTOxide_wants(client))
/* That of a client that there is not is -1. */
CALL(deadline, MQTTOxide_deadlineMs(client) < -1 ? -1 : MQTTOxide_wants(client))
CALL(cancel, MQTTOxide_cancel(client, 1))
CALL(subscribe, MQTTOxide_subscribe(client, "\0\1t\0", 4, NULL, 0, NULL))
CALL(unsubscribe, MQTTOxide_unsubscribe(client, "\0\1t", 3, NULL, 0, NULL))
CALL(ack, MQTTOxide_ack(client, &number, 1, 0))
CALL(address, MQTTOxide_address(client, 0, (char *)buffer, sizeof buffer))
CALL(auth, MQTTOxide_auth(client, 0x18, NULL, 0))
CALL(feed, MQTTOxide_feed(client, "\xd0\0", 2))
CALL(feed_events, MQTTOxide_feedEvents(client, "\xd0\0", 2, &number, buffer, sizeof buffer, &count))
CALL(take, MQTTOxide_take(client, buffer, sizeof buffer))
CALL(eof, MQTTOxide_eof(client, NULL, 0))
CALL(stream, MQTTOxide_attachStream(client, &again))
CALL(connect, MQTTOxide_connect(client, "tcp://127.0.0.1:1", 17, &again, NULL))
CALL(abort, MQTTOxide_abort(client))
CALL(disconnect, MQTTOxide_disconnect(client, 1, 0, NULL, 0))
/* It ends the thread as E_HANDLE of the others does. */
CALL(destroy, MQTTOxide_destroy(client))

static int64_t (*const calls[])(void) = {
	call_publish, publish_some, call_drive, call_drive_level, call_drive_events, call_wants, call_deadline, change_driver, call_cancel,
	call_subscribe, call_unsubscribe, call_ack, list_all, count_all, call_address, call_auth, call_feed, call_feed_events, call_take,
	call_eof, adopt, call_stream, call_connect, call_abort, call_disconnect, call_destroy,
};

static int64_t (*under_test)(void);
static atomic_int called, over;

static void *call_until_destroyed(void *unused)
{
	(void)unused;
	for (;;) {
		int64_t code = under_test();

		CHECK(code != MQTTOxide_E_PANIC);
		atomic_fetch_add(&called, 1);
		if (code == MQTTOxide_E_HANDLE)
			return NULL;
	}
}

/* Keeps the connection at work: publishes, and takes the events. */
static void *keep_busy(void *unused)
{
	uint64_t buffer[512];

	(void)unused;
	while (!atomic_load(&over)) {
		(void)MQTTOxide_publish(client, "t", 1, "m", 1, NULL, 0, 1, NULL);
		CHECK(MQTTOxide_nextEvents(queue, buffer, sizeof buffer, 1, NULL) >= 0);
	}
	return NULL;
}

static void destroyed_under(int64_t (*call)(void))
{
	struct MQTTOxide_createOptions create;
	struct MQTTOxide_connectOptions options = connect_options();
	pthread_t server, busy, callers[THREADS];
	int fd, i;

	memset(&create, 0, sizeof create);
	create.size = sizeof create;
	CHECK_RC(MQTTOxide_createQueue(&queue), 0);
	CHECK_RC(MQTTOxide_create(&client, queue, &create), 0);
	fd = start_server(&server);
	CHECK_RC(MQTTOxide_attachFd(client, fd, &options), 0);
	close(fd);
	under_test = call;
	atomic_store(&called, 0);
	atomic_store(&over, 0);
	CHECK_RC(pthread_create(&busy, NULL, keep_busy, NULL), 0);
	for (i = 0; i < THREADS; i++)
		CHECK_RC(pthread_create(&callers[i], NULL, call_until_destroyed, NULL), 0);
	while (atomic_load(&called) < (call == call_destroy ? 1 : CALLS_BEFORE))
		sched_yield();
	CHECK_RC(MQTTOxide_destroy(client), call == call_destroy ? MQTTOxide_E_HANDLE : 0);
	for (i = 0; i < THREADS; i++)
		CHECK_RC(pthread_join(callers[i], NULL), 0);
	atomic_store(&over, 1);
	CHECK_RC(pthread_join(busy, NULL), 0);
	CHECK_RC(pthread_join(server, NULL), 0);
	CHECK_RC(MQTTOxide_destroyQueue(queue), 0);
}

/* ---- a stream that several threads carry -------------------------------------------------------------------------------- */

static int carrier;

static void *carry_in(void *unused)
{
	unsigned char bytes[64];
	ssize_t n;

	(void)unused;
	while ((n = recv(carrier, bytes, sizeof bytes, 0)) > 0) {
		ssize_t at = 0;

		while (at < n) {
			int64_t taken = MQTTOxide_feed(client, bytes + at, (uint64_t)(n - at));

			if (taken == MQTTOxide_E_HANDLE)
				return NULL;
			CHECK(taken >= 0);
			at += (ssize_t)taken;
			if (taken == 0)
				sched_yield(); /* the program takes its events */
		}
	}
	return NULL;
}

static void *carry_out(void *unused)
{
	unsigned char bytes[50];
	int64_t n;

	(void)unused;
	while ((n = MQTTOxide_take(client, bytes, sizeof bytes)) >= 0) {
		int64_t at;

		for (at = 0; at < n;) {
			ssize_t sent = send(carrier, bytes + at, (size_t)(n - at), MSG_NOSIGNAL);

			CHECK(sent > 0);
			at += sent;
		}
		if (n == 0)
			sched_yield();
	}
	CHECK_RC(n, MQTTOxide_E_HANDLE);
	return NULL;
}

static void carried_by_two(void)
{
	struct MQTTOxide_createOptions create;
	struct MQTTOxide_connectOptions options = connect_options();
	pthread_t server, in, out;
	uint64_t buffer[2048];
	uint32_t sent = 0, arrived = 0;
	uint64_t done = 0;
	int connected = 0;

	memset(&create, 0, sizeof create);
	create.size = sizeof create;
	CHECK_RC(MQTTOxide_createQueue(&queue), 0);
	CHECK_RC(MQTTOxide_create(&client, queue, &create), 0);
	CHECK_RC(MQTTOxide_attachStream(client, &options), 0);
	carrier = start_server(&server);
	CHECK_RC(pthread_create(&in, NULL, carry_in, NULL), 0);
	CHECK_RC(pthread_create(&out, NULL, carry_out, NULL), 0);
	while (arrived < MESSAGES || done < MESSAGES) {
		int64_t at, filled;

		const int publishes = connected && sent < MESSAGES;

		if (publishes) {
			CHECK_RC(MQTTOxide_publish(client, "t", 1, &sent, 4, NULL, 0, 1 | (sent % 2 ? MQTTOxide_LATER : 0), NULL), 0);
			sent++;
		}
		filled = MQTTOxide_nextEvents(queue, buffer, sizeof buffer, publishes ? 0 : PATIENCE_SECONDS * 1000, NULL);
		CHECK(filled >= 0);
		CHECK(filled > 0 || publishes);
		for (at = 0; at < filled;) {
			const struct MQTTOxide_event *event = (const void *)((const char *)buffer + at);

			if (event->kind == MQTTOxide_CONNECTED)
				connected = 1;
			if (event->kind == MQTTOxide_DONE)
				done += event->value;
			if (event->kind == MQTTOxide_MESSAGE) {
				CHECK(memcmp((const char *)(event + 1) + 1, &arrived, 4) == 0);
				arrived++;
			}
			at += event->size;
		}
	}
	/* Under both of them. */
	CHECK_RC(MQTTOxide_destroy(client), 0);
	CHECK_RC(pthread_join(out, NULL), 0);
	shutdown(carrier, SHUT_RDWR);
	CHECK_RC(pthread_join(in, NULL), 0);
	CHECK_RC(pthread_join(server, NULL), 0);
	close(carrier);
	CHECK_RC(MQTTOxide_destroyQueue(queue), 0);
}

int main(int argc, char **argv)
{
	int rounds = number(argv[argc - 1]), i;
	size_t at;

	CHECK(rounds > 0);
	for (i = 0; i < rounds; i++) {
		for (at = 0; at < sizeof calls / sizeof *calls; at++)
			destroyed_under(calls[at]);
		carried_by_two();
	}
	puts("right");
	return 0;
}
