/*
 * Careless programs on the event API: NULL, handles that are none (any more), structs of other sizes, and buffers that are too
 * short, for each function; descriptors, tokens and numbers that nobody would expect; then all of it from several threads while clients come and go under them. After it all a client
 * works as if nothing had been.
 *
 * The last argument says how many clients come and go under the threads.
 */
#include "hostile.h"

#include "paho_oxide.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

#define V5 5

static struct MQTTOxide_createOptions create_options(void)
{
	struct MQTTOxide_createOptions options;

	memset(&options, 0, sizeof options);
	options.size = sizeof options;
	options.version = V5;
	return options;
}

static struct MQTTOxide_connectOptions connect_options(void)
{
	struct MQTTOxide_connectOptions options;

	memset(&options, 0, sizeof options);
	options.size = sizeof options;
	options.version = V5;
	options.clean = 1;
	return options;
}

/* Each function with this handle, which is a client's, a queue's or nobody's; returns how many said that it is none. */
static int call_all(uint64_t handle)
{
	struct MQTTOxide_createOptions create = create_options();
	struct MQTTOxide_connectOptions connect = connect_options();
	struct MQTTOxide_published published = { sizeof published, 0, 0, 0 };
	struct MQTTOxide_message message = { "t", "m", NULL, 1, 1, 0, 1 };
	struct MQTTOxide_counters counters;
	struct MQTTOxide_operation operations[2];
	uint64_t buffer[64], token = 1, made = 0, taken = 0, first = 0;
	uint32_t count = 0, accepted = 0;
	char address[8];
	const unsigned char filters[] = { 0, 1, 't', 1 };
	int64_t codes[40];
	int n = 0, none = 0, i;

	memset(&counters, 0, sizeof counters);
	counters.size = sizeof counters;
	/* What makes or ends something comes last, and only for handles that are none. */
	codes[n++] = MQTTOxide_eventFd(handle);
	codes[n++] = MQTTOxide_nextEvents(handle, buffer, sizeof buffer, 0, &count);
	codes[n++] = MQTTOxide_setLogLevel(handle, 0);
	codes[n++] = MQTTOxide_attachFd(handle, -1, &connect);
	codes[n++] = MQTTOxide_connect(handle, "tcp://127.0.0.1:1", 0, &connect, NULL);
	codes[n++] = MQTTOxide_auth(handle, 0x18, NULL, 0);
	codes[n++] = MQTTOxide_address(handle, 0, address, sizeof address);
	codes[n++] = MQTTOxide_feed(handle, "\xd0", 1);
	codes[n++] = MQTTOxide_feedEvents(handle, "", 0, &taken, buffer, sizeof buffer, &count);
	codes[n++] = MQTTOxide_take(handle, buffer, sizeof buffer);
	codes[n++] = MQTTOxide_setDriver(handle, MQTTOxide_TICK);
	codes[n++] = MQTTOxide_drive(handle, MQTTOxide_READ | MQTTOxide_LEVEL);
	codes[n++] = MQTTOxide_driveEvents(handle, MQTTOxide_WRITE, buffer, sizeof buffer, &count);
	codes[n++] = MQTTOxide_wants(handle);
	codes[n++] = MQTTOxide_publish(handle, "t", 1, "m", 1, NULL, 0, 0, &published);
	codes[n++] = MQTTOxide_publishMany(handle, &message, 1, &accepted, &first);
	codes[n++] = MQTTOxide_cancel(handle, token);
	codes[n++] = MQTTOxide_subscribe(handle, filters, sizeof filters, NULL, 0, &token);
	codes[n++] = MQTTOxide_unsubscribe(handle, filters, 3, NULL, 0, &token);
	codes[n++] = MQTTOxide_ack(handle, &token, 1, 0);
	codes[n++] = MQTTOxide_inFlight(handle, operations, 2);
	codes[n++] = MQTTOxide_counters(handle, &counters);
	codes[n++] = MQTTOxide_interrupt(handle);
	codes[n++] = MQTTOxide_attachStream(handle, &connect);
	codes[n++] = MQTTOxide_eof(handle, "over", 4);
	codes[n++] = MQTTOxide_abort(handle);
	codes[n++] = MQTTOxide_disconnect(handle, 0, 0, NULL, 0);
	codes[n++] = MQTTOxide_create(&made, handle, &create);
	if (made != 0)
		CHECK_RC(MQTTOxide_destroy(made), 0);
	(void)MQTTOxide_deadlineMs(handle);
	for (i = 0; i < n; i++)
		none += codes[i] == MQTTOxide_E_HANDLE;
	if (none == n) {
		CHECK_RC(MQTTOxide_destroy(handle), MQTTOxide_E_HANDLE);
		CHECK_RC(MQTTOxide_destroyQueue(handle), MQTTOxide_E_HANDLE);
	}
	return none == n;
}

static void handles(uint64_t queue, uint64_t client)
{
	uint64_t old_queue, old_client, next;
	struct MQTTOxide_createOptions create = create_options();
	void *none[NO_HANDLES];
	int i;

	CHECK_RC(MQTTOxide_createQueue(&old_queue), 0);
	CHECK_RC(MQTTOxide_create(&old_client, old_queue, &create), 0);
	CHECK_RC(MQTTOxide_destroyQueue(old_queue), MQTTOxide_E_STATE);
	CHECK_RC(MQTTOxide_destroy(old_client), 0);
	CHECK_RC(MQTTOxide_destroyQueue(old_queue), 0);
	/* Another one takes the place: the old handles stay none. */
	CHECK_RC(MQTTOxide_create(&next, queue, &create), 0);
	CHECK(next != old_client);
	CHECK(call_all(old_client));
	CHECK(call_all(old_queue));
	no_handles(none, (void *)(uintptr_t)client, (void *)(uintptr_t)old_client);
	for (i = 0; i < NO_HANDLES; i++)
		CHECK(call_all((uint64_t)(uintptr_t)none[i]));
	/* A client is no queue, and a queue no client. */
	CHECK_RC(MQTTOxide_destroy(queue), MQTTOxide_E_HANDLE);
	CHECK_RC(MQTTOxide_destroyQueue(client), MQTTOxide_E_HANDLE);
	CHECK(!call_all(queue));
	CHECK_RC(MQTTOxide_destroy(next), 0);
}

/* A struct says how large it is; one that says something else is not read beyond that, nor at all. */
#define SIZES(type, object, call) \
	do { \
		static const uint32_t sizes_[] = { 0, 1, 4, sizeof(type) - 1, sizeof(type) + 1, 1 << 20, UINT32_MAX }; \
		size_t at_; \
		for (at_ = 0; at_ < sizeof sizes_ / sizeof *sizes_; at_++) { \
			size_t room_ = sizes_[at_] < 4 ? 4 : sizes_[at_] > sizeof(type) ? sizeof(type) : sizes_[at_]; \
			type *block_ = exact(&(object), room_); \
			memcpy(block_, &sizes_[at_], 4); \
			{ type *given = block_; CHECK_RC(call, MQTTOxide_E_SIZE); } \
			free(block_); \
		} \
		{ type *given = NULL; CHECK_RC(call, MQTTOxide_E_NULL); } \
	} while (0)

static void structs(uint64_t queue, uint64_t client)
{
	struct MQTTOxide_createOptions create = create_options();
	struct MQTTOxide_connectOptions connect = connect_options();
	struct MQTTOxide_counters counters;
	struct MQTTOxide_published published;
	struct MQTTOxide_property property;
	struct MQTTOxide_tlsOptions tls;
	uint64_t made = 0;
	uint32_t at = 0;
	static const char user[] = "\x26\0\1a\0\1b";

	memset(&counters, 0, sizeof counters);
	memset(&published, 0, sizeof published);
	memset(&property, 0, sizeof property);
	memset(&tls, 0, sizeof tls);
	SIZES(struct MQTTOxide_createOptions, create, MQTTOxide_create(&made, queue, given));
	SIZES(struct MQTTOxide_connectOptions, connect, MQTTOxide_attachStream(client, given));
	SIZES(struct MQTTOxide_connectOptions, connect, MQTTOxide_attachFd(client, 0, given));
	SIZES(struct MQTTOxide_connectOptions, connect, MQTTOxide_connect(client, "tcp://h", 7, given, NULL));
	SIZES(struct MQTTOxide_counters, counters, MQTTOxide_counters(client, given));
	SIZES(struct MQTTOxide_property, property, MQTTOxide_nextProperty(user, 7, &at, given));
	CHECK(made == 0 && at == 0);
	/* Here NULL is allowed. */
	published.size = sizeof published - 1;
	CHECK_RC(MQTTOxide_publish(client, "t", 1, NULL, 0, NULL, 0, 0, &published), MQTTOxide_E_SIZE);
	tls.size = 8;
	CHECK_RC(MQTTOxide_connect(client, "ssl://h", 7, &connect, &tls), MQTTOxide_E_SIZE);
}

static void pointers(uint64_t queue, uint64_t client)
{
	struct MQTTOxide_createOptions create = create_options();
	struct MQTTOxide_connectOptions connect;
	struct MQTTOxide_message message = { NULL, NULL, NULL, 0, 0, 0, 0 };
	uint64_t buffer[8], made, taken;
	uint32_t at = 0, accepted = 7;
	size_t i;

	CHECK_RC(MQTTOxide_createQueue(NULL), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_create(NULL, queue, &create), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_nextEvents(queue, NULL, 64, 0, NULL), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_nextEvents(queue, NULL, 0, 0, NULL), 0);
	CHECK_RC(MQTTOxide_feed(client, NULL, 1), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_feed(client, "", UINT64_MAX), MQTTOxide_E_ARGUMENT);
	CHECK_RC(MQTTOxide_feedEvents(client, NULL, 1, &taken, buffer, sizeof buffer, NULL), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_feedEvents(client, "", 0, NULL, buffer, sizeof buffer, NULL), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_feedEvents(client, "", 0, &taken, NULL, 64, NULL), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_take(client, NULL, 1), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_driveEvents(client, MQTTOxide_READ, NULL, 64, NULL), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_address(client, 0, NULL, 1), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_address(client, 2, NULL, 0), MQTTOxide_E_ARGUMENT);
	CHECK_RC(MQTTOxide_eof(client, NULL, 1), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_publish(client, NULL, 1, NULL, 0, NULL, 0, 0, NULL), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_publish(client, "t", 1, NULL, 1, NULL, 0, 0, NULL), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_publish(client, "t", 1, NULL, 0, NULL, 1, 0, NULL), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_publishMany(client, NULL, 1, &accepted, NULL), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_publishMany(client, NULL, 0, &accepted, NULL), 0);
	CHECK(accepted == 0);
	message.topic_len = 1;
	CHECK_RC(MQTTOxide_publishMany(client, &message, 1, NULL, NULL), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_subscribe(client, NULL, 4, NULL, 0, NULL), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_unsubscribe(client, NULL, 4, NULL, 0, NULL), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_ack(client, NULL, 1, 0), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_inFlight(client, NULL, 1), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_inFlight(client, NULL, 0), 0);
	CHECK_RC(MQTTOxide_auth(client, 0x18, NULL, 1), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_disconnect(client, 0, 0, NULL, 1), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_connect(client, NULL, 1, NULL, NULL), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_putNumber(buffer, 64, NULL, 0x11, 1), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_putNumber(NULL, 64, &at, 0x11, 1), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_putBytes(buffer, 64, &at, 0x16, NULL, 1), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_putPair(buffer, 64, &at, 0x26, NULL, 1, "b", 1), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_putPair(buffer, 64, &at, 0x26, "a", 1, NULL, 1), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_putFilter(buffer, 64, &at, NULL, 1, 0), MQTTOxide_E_NULL);
	CHECK(at == 0);
	/* Lengths of strings that are not there, in structs. */
	{
		const size_t lengths[] = {
			offsetof(struct MQTTOxide_connectOptions, client_id_len), offsetof(struct MQTTOxide_connectOptions, username_len),
			offsetof(struct MQTTOxide_connectOptions, password_len), offsetof(struct MQTTOxide_connectOptions, props_len),
			offsetof(struct MQTTOxide_connectOptions, ws_path_len), offsetof(struct MQTTOxide_connectOptions, ws_host_len),
			offsetof(struct MQTTOxide_connectOptions, headers_len),
		};
		for (i = 0; i < sizeof lengths / sizeof *lengths; i++) {
			uint32_t length = 3;

			connect = connect_options();
			memcpy((char *)&connect + lengths[i], &length, sizeof length);
			CHECK_RC(MQTTOxide_attachStream(client, &connect), MQTTOxide_E_NULL);
		}
	}
	create = create_options();
	create.client_id_len = 1;
	CHECK_RC(MQTTOxide_create(&made, queue, &create), MQTTOxide_E_NULL);
	create = create_options();
	create.store = MQTTOxide_STORE_FILE;
	create.store_name_len = 1;
	CHECK_RC(MQTTOxide_create(&made, queue, &create), MQTTOxide_E_NULL);
	for (i = 0; i < BAD_UTF8; i++) {
		create = create_options();
		create.client_id = bad_utf8[i];
		create.client_id_len = (uint32_t)strlen(bad_utf8[i]);
		CHECK_RC(MQTTOxide_create(&made, queue, &create), MQTTOxide_E_ARGUMENT);
	}
	CHECK(MQTTOxide_errorName(0) != NULL && MQTTOxide_errorName(INT_MIN) != NULL && MQTTOxide_errorName(99) != NULL);
}

/* Takes the CONNECT and answers it. */
static void establish(uint64_t queue, uint64_t client)
{
	struct MQTTOxide_connectOptions connect = connect_options();
	uint64_t buffer[512];
	int64_t filled;

	while ((filled = MQTTOxide_nextEvents(queue, buffer, sizeof buffer, 0, NULL)) > 0)
		;
	CHECK_RC(filled, 0);
	CHECK_RC(MQTTOxide_attachStream(client, &connect), 0);
	CHECK(MQTTOxide_take(client, buffer, sizeof buffer) > 10);
	CHECK_RC(MQTTOxide_feed(client, "\x20\x03\0\0\0", 5), 5);
	for (;;) {
		const struct MQTTOxide_event *event = (const void *)buffer;

		CHECK(MQTTOxide_nextEvents(queue, buffer, sizeof buffer, PATIENCE_SECONDS * 1000, NULL) > 0);
		while ((const char *)event < (const char *)buffer + sizeof buffer && event->size && event->kind != MQTTOxide_CONNECTED)
			event = (const void *)((const char *)event + event->size);
		if (event->kind == MQTTOxide_CONNECTED)
			return;
	}
}

/* Buffers that are shorter than what they are for: nothing is written behind them, and nothing is lost. */
static void buffers(uint64_t queue, uint64_t client)
{
	static const char payload[] = "\x30\x0b\0\1t\0payload";
	uint32_t capacity, count, at;
	char *block;

	establish(queue, client);
	while (MQTTOxide_nextEvents(queue, block = malloc(4096), 4096, 0, NULL) > 0)
		free(block);
	free(block);
	CHECK_RC(MQTTOxide_feed(client, payload, 13), 13);
	for (capacity = 0; capacity < 56; capacity++) {
		block = malloc(capacity ? capacity : 1);
		count = 0;
		CHECK_RC(MQTTOxide_nextEvents(queue, block, capacity, 0, &count), MQTTOxide_E_TOO_SMALL);
		CHECK(count == 56);
		free(block);
	}
	block = malloc(56);
	CHECK_RC(MQTTOxide_nextEvents(queue, block, 56, 0, &count), 56);
	CHECK(count == 1 && memcmp(block + 48, "tpayload", 8) == 0);
	free(block);
	/* Properties and filters. */
	for (capacity = 0; capacity < 7; capacity++) {
		block = malloc(capacity ? capacity : 1);
		at = 0;
		CHECK_RC(MQTTOxide_putPair(block, capacity, &at, 0x26, "a", 1, "b", 1), MQTTOxide_E_TOO_SMALL);
		if (capacity < 5)
			CHECK_RC(MQTTOxide_putNumber(block, capacity, &at, 0x11, 1), MQTTOxide_E_TOO_SMALL);
		if (capacity < 4) {
			CHECK_RC(MQTTOxide_putBytes(block, capacity, &at, 0x16, "d", 1), MQTTOxide_E_TOO_SMALL);
			CHECK_RC(MQTTOxide_putFilter(block, capacity, &at, "t", 1, 1), MQTTOxide_E_TOO_SMALL);
		}
		CHECK(at == 0);
		/* A place behind the end. */
		at = capacity + 1;
		CHECK(MQTTOxide_putNumber(block, capacity, &at, 0x11, 1) < 0);
		at = UINT32_MAX;
		CHECK(MQTTOxide_putNumber(block, capacity, &at, 0x11, 1) < 0);
		free(block);
	}
	/* Properties that are cut off, read from blocks of exactly that size. */
	for (capacity = 1; capacity < 7; capacity++) {
		struct MQTTOxide_property property;

		memset(&property, 0, sizeof property);
		property.size = sizeof property;
		block = exact("\x26\0\1a\0\1b", capacity);
		at = 0;
		CHECK(MQTTOxide_nextProperty(block, capacity, &at, &property) < 0);
		CHECK(MQTTOxide_publish(client, "t", 1, NULL, 0, block, capacity, 0, NULL) == MQTTOxide_E_ARGUMENT);
		CHECK(MQTTOxide_disconnect(client, 0, 0, block, capacity) == MQTTOxide_E_ARGUMENT);
		CHECK(MQTTOxide_auth(client, 0x19, block, capacity) == MQTTOxide_E_ARGUMENT);
		free(block);
	}
	for (capacity = 1; capacity < 4; capacity++) {
		block = exact("\0\1t\1", capacity);
		CHECK(MQTTOxide_subscribe(client, block, capacity, NULL, 0, NULL) == MQTTOxide_E_ARGUMENT);
		free(block);
	}
	CHECK_RC(MQTTOxide_abort(client), 0);
}

/* Takes what there is. */
static void drain(uint64_t queue)
{
	static uint64_t buffer[8192];

	while (MQTTOxide_nextEvents(queue, buffer, sizeof buffer, 0, NULL) > 0)
		;
}

/* Buffers that no event may begin at, and times to wait of any size: nothing is fed, and the event stays. */
static void misplaced(uint64_t queue, uint64_t client)
{
	static const char message[] = "\x30\x05\0\1t\0m";
	static const int32_t timeouts[] = { 0, 1, -1, INT_MAX, INT_MIN };
	uint64_t buffer[512], taken;
	char *odd = (char *)buffer;
	size_t i;

	establish(queue, client);
	drain(queue);
	for (i = 0; i < sizeof timeouts / sizeof *timeouts; i++) {
		const int shift = 1 + (int)i;

		CHECK_RC(MQTTOxide_feed(client, message, 7), 7);
		taken = 99;
		CHECK_RC(MQTTOxide_nextEvents(queue, odd + shift, 1024, timeouts[i], NULL), MQTTOxide_E_ARGUMENT);
		CHECK_RC(MQTTOxide_feedEvents(client, message, 7, &taken, odd + shift, 1024, NULL), MQTTOxide_E_ARGUMENT);
		CHECK_RC(MQTTOxide_driveEvents(client, MQTTOxide_READ, odd + shift, 1024, NULL), MQTTOxide_E_ARGUMENT);
		CHECK(taken == 99);
		CHECK_RC(MQTTOxide_nextEvents(queue, buffer, sizeof buffer, timeouts[i], NULL), 56);
	}
	CHECK_RC(MQTTOxide_nextEvents(queue, odd + 1, 0, 0, NULL), 0);
	/* An end, and what is fed behind it. */
	CHECK_RC(MQTTOxide_eof(client, "gone", 4), 0);
	CHECK(MQTTOxide_feed(client, message, 7) <= 0);
	CHECK(MQTTOxide_eof(client, "gone", 4) <= 0);
	CHECK(MQTTOxide_nextEvents(queue, buffer, sizeof buffer, PATIENCE_SECONDS * 1000, NULL) > 0);
	drain(queue);
}

/* Descriptors that are no connected stream sockets, or none at all. */
static void descriptors(uint64_t queue, uint64_t client)
{
	struct MQTTOxide_connectOptions connect = connect_options();
	int ends[2], fds[6], n = 0, i;

	CHECK_RC(pipe(ends), 0);
	fds[n++] = ends[0];
	fds[n++] = ends[1];
	fds[n++] = open("/dev/null", O_RDWR);
	fds[n++] = socket(AF_INET, SOCK_STREAM, 0);
	fds[n++] = socket(AF_UNIX, SOCK_STREAM, 0);
	fds[n++] = dup(ends[0]);
	close(fds[5]);
	for (i = 0; i < n; i++)
		CHECK_RC(MQTTOxide_attachFd(client, fds[i], &connect), MQTTOxide_E_ARGUMENT);
	CHECK_RC(MQTTOxide_attachFd(client, INT_MAX, &connect), MQTTOxide_E_ARGUMENT);
	for (i = 0; i < n - 1; i++)
		CHECK_RC(close(fds[i]), 0); /* they are still the caller's */
	establish(queue, client);
	CHECK_RC(MQTTOxide_abort(client), 0);
	drain(queue);
}

/* Calls at a moment that is not theirs: the code says what is missing. */
static void out_of_turn(uint64_t queue)
{
	struct MQTTOxide_createOptions create = create_options();
	struct MQTTOxide_connectOptions connect = connect_options();
	const unsigned char filters[] = { 0, 1, 't', 1 };
	uint64_t client, taken, buffer[64];

	CHECK_RC(MQTTOxide_create(&client, queue, &create), 0);
	CHECK_RC(MQTTOxide_abort(client), MQTTOxide_E_STATE);
	CHECK_RC(MQTTOxide_disconnect(client, 0, 0, NULL, 0), MQTTOxide_E_DISCONNECTED);
	CHECK_RC(MQTTOxide_auth(client, 0x18, NULL, 0), MQTTOxide_E_DISCONNECTED);
	CHECK_RC(MQTTOxide_auth(client, 0x19, NULL, 0), MQTTOxide_E_DISCONNECTED);
	CHECK_RC(MQTTOxide_address(client, 0, NULL, 0), MQTTOxide_E_DISCONNECTED);
	CHECK_RC(MQTTOxide_feed(client, "", 0), MQTTOxide_E_DISCONNECTED);
	CHECK_RC(MQTTOxide_feedEvents(client, "", 0, &taken, buffer, sizeof buffer, NULL), MQTTOxide_E_DISCONNECTED);
	CHECK_RC(MQTTOxide_take(client, buffer, sizeof buffer), MQTTOxide_E_DISCONNECTED);
	CHECK_RC(MQTTOxide_eof(client, NULL, 0), MQTTOxide_E_DISCONNECTED);
	CHECK_RC(MQTTOxide_publish(client, "t", 1, "m", 1, NULL, 0, 1, NULL), MQTTOxide_E_DISCONNECTED);
	CHECK_RC(MQTTOxide_subscribe(client, filters, sizeof filters, NULL, 0, NULL), MQTTOxide_E_DISCONNECTED);
	CHECK_RC(MQTTOxide_unsubscribe(client, filters, 3, NULL, 0, NULL), MQTTOxide_E_DISCONNECTED);
	CHECK_RC(MQTTOxide_cancel(client, 1), MQTTOxide_E_NOT_FOUND);
	establish(queue, client);
	CHECK_RC(MQTTOxide_attachStream(client, &connect), MQTTOxide_E_STATE);
	CHECK_RC(MQTTOxide_connect(client, "tcp://127.0.0.1:1", 17, &connect, NULL), MQTTOxide_E_STATE);
	CHECK_RC(MQTTOxide_auth(client, 0x18, NULL, 0), MQTTOxide_E_STATE);
	CHECK_RC(MQTTOxide_auth(client, 0x19, NULL, 0), MQTTOxide_E_STATE);
	CHECK_RC(MQTTOxide_auth(client, 0, NULL, 0), MQTTOxide_E_ARGUMENT);
	CHECK_RC(MQTTOxide_cancel(client, 1), MQTTOxide_E_NOT_FOUND);
	/* After the end of the stream nothing is taken, and nothing is left to take. */
	CHECK_RC(MQTTOxide_eof(client, NULL, 0), 0);
	CHECK_RC(MQTTOxide_feed(client, "\xd0\0", 2), 0);
	CHECK_RC(MQTTOxide_take(client, buffer, sizeof buffer), 0);
	CHECK_RC(MQTTOxide_destroy(client), 0);
	drain(queue);
}

/* More messages in a call than may be unwritten; tokens of nobody's, and of another client's messages. */
static void numbers(uint64_t queue, uint64_t client)
{
	enum { MANY = 100000 };
	static struct MQTTOxide_message messages[MANY];
	static char payload[1000], room[64 * 1024];
	struct MQTTOxide_createOptions create = create_options();
	uint64_t other, first = 0, buffer[64], token, strange[4] = { 0, 1, UINT64_MAX, 1ULL << 63 };
	uint32_t accepted = 0;
	int i;

	establish(queue, client);
	for (i = 0; i < MANY; i++) {
		memset(&messages[i], 0, sizeof messages[i]);
		messages[i].topic = "t";
		messages[i].topic_len = 1;
		messages[i].payload = payload;
		messages[i].payload_len = sizeof payload;
	}
	CHECK_RC(MQTTOxide_publishMany(client, messages, MANY, &accepted, &first), MQTTOxide_E_WOULD_BLOCK);
	CHECK(accepted > 500 && accepted < 10000 && first > 0);
	while (MQTTOxide_take(client, room, sizeof room) > 0)
		;
	CHECK_RC(MQTTOxide_publishMany(client, messages, 1, &accepted, &first), 0);
	CHECK_RC(MQTTOxide_ack(client, strange, 4, 0), 0);
	drain(queue);

	create.flags = MQTTOxide_ACK_BY_PROGRAM;
	CHECK_RC(MQTTOxide_create(&other, queue, &create), 0);
	establish(queue, other);
	drain(queue);
	CHECK_RC(MQTTOxide_feed(other, "\x32\x07\0\1t\0\1\0m", 9), 9);
	CHECK(MQTTOxide_nextEvents(queue, buffer, sizeof buffer, 0, NULL) == 56);
	token = ((struct MQTTOxide_event *)(void *)buffer)->token;
	CHECK(token != 0);
	CHECK_RC(MQTTOxide_ack(client, &token, 1, 0), 0);
	CHECK_RC(MQTTOxide_ack(other, &token, 1, 0), 1);
	CHECK_RC(MQTTOxide_ack(other, &token, 1, 0), 0);
	CHECK_RC(MQTTOxide_destroyQueue(queue), MQTTOxide_E_STATE);
	CHECK_RC(MQTTOxide_destroy(other), 0);
	CHECK_RC(MQTTOxide_abort(client), 0);
	drain(queue);
}

static atomic_int waiting;

static void *wait_for_ever(void *queue)
{
	uint64_t buffer[64];

	atomic_fetch_add(&waiting, 1);
	return (void *)(intptr_t)MQTTOxide_nextEvents(*(uint64_t *)queue, buffer, sizeof buffer, -1, NULL);
}

/* Threads that wait for events of a queue when it is destroyed, or that come just then. */
static void destroyed_under_waiters(void)
{
	pthread_t threads[4];
	uint64_t queue;
	void *answer;
	int i;

	CHECK_RC(MQTTOxide_createQueue(&queue), 0);
	CHECK(MQTTOxide_eventFd(queue) >= 0);
	for (i = 0; i < 4; i++)
		CHECK_RC(pthread_create(&threads[i], NULL, wait_for_ever, &queue), 0);
	while (atomic_load(&waiting) < 4)
		sched_yield();
	CHECK_RC(MQTTOxide_destroyQueue(queue), 0);
	for (i = 0; i < 4; i++) {
		CHECK_RC(pthread_join(threads[i], &answer), 0);
		CHECK((intptr_t)answer == MQTTOxide_E_HANDLE);
	}
	CHECK_RC(MQTTOxide_destroyQueue(queue), MQTTOxide_E_HANDLE);
}

static uint64_t shared_queue;
static _Atomic uint64_t shared_client;
static atomic_int over;

/* Calls everything on whatever client there is at the moment. */
static void *careless(void *unused)
{
	(void)unused;
	while (!atomic_load(&over)) {
		call_all(atomic_load(&shared_client));
		call_all(shared_queue);
	}
	return NULL;
}

static void threads(int rounds)
{
	struct MQTTOxide_createOptions create = create_options();
	pthread_t running[4];
	uint64_t client;
	int i;

	create.flags = MQTTOxide_BUFFER_OFFLINE | MQTTOxide_ACK_BY_PROGRAM;
	CHECK_RC(MQTTOxide_createQueue(&shared_queue), 0);
	CHECK_RC(MQTTOxide_create(&client, shared_queue, &create), 0);
	atomic_store(&shared_client, client);
	for (i = 0; i < 4; i++)
		CHECK_RC(pthread_create(&running[i], NULL, careless, NULL), 0);
	for (i = 0; i < rounds; i++) {
		uint64_t next;

		CHECK_RC(MQTTOxide_create(&next, shared_queue, &create), 0);
		client = atomic_exchange(&shared_client, next);
		CHECK_RC(MQTTOxide_destroy(client), 0);
		sched_yield();
	}
	atomic_store(&over, 1);
	for (i = 0; i < 4; i++)
		CHECK_RC(pthread_join(running[i], NULL), 0);
	CHECK_RC(MQTTOxide_destroy(atomic_load(&shared_client)), 0);
	CHECK_RC(MQTTOxide_destroyQueue(shared_queue), 0);
}

int main(int argc, char **argv)
{
	struct MQTTOxide_createOptions create = create_options();
	uint64_t queue, client, buffer[64];
	int rounds = number(argv[argc - 1]);

	CHECK(rounds > 0);
	CHECK_RC(MQTTOxide_createQueue(&queue), 0);
	CHECK_RC(MQTTOxide_create(&client, queue, &create), 0);
	handles(queue, client);
	structs(queue, client);
	pointers(queue, client);
	buffers(queue, client);
	misplaced(queue, client);
	descriptors(queue, client);
	numbers(queue, client);
	out_of_turn(queue);
	destroyed_under_waiters();
	threads(rounds);
	establish(queue, client);
	CHECK_RC(MQTTOxide_feed(client, "\x30\x05\0\1t\0m", 7), 7);
	CHECK_RC(MQTTOxide_nextEvents(queue, buffer, sizeof buffer, 0, NULL), 56);
	CHECK(((struct MQTTOxide_event *)(void *)buffer)->kind == MQTTOxide_MESSAGE);
	CHECK_RC(MQTTOxide_destroy(client), 0);
	CHECK_RC(MQTTOxide_destroyQueue(queue), 0);
	puts("right");
	return 0;
}
