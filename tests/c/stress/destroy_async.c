/* MQTTAsync_destroy at every moment at which a program may call it: in each state of a client, from inside each callback, and from
 * one thread while another is in the middle of each call.
 *
 *   destroy_async <uri> [rounds]
 *
 * What has to hold: it comes back; each operation that was pending, but for a connect, is told of its end exactly once, before destroy returns; no
 * callback runs afterwards; and nothing leaks or is read after it was freed, which valgrind sees.
 */
#define _GNU_SOURCE
#include "names.h"
#include "stress.h"
#include "silent.h"

#include "MQTTAsync.h"

static const char *uri;
static int rounds = 5;

/* The moments at which a callback destroys its client. */
enum moment
{
	NEVER, IN_CONNECT_SUCCESS, IN_CONNECT_FAILURE, IN_CONNECTED, IN_MESSAGE, IN_DELIVERY, IN_SEND_SUCCESS, IN_SEND_FAILURE, IN_SUBSCRIBE,
	IN_UNSUBSCRIBE, IN_DISCONNECT, IN_LOST, IN_SERVER_DISCONNECT, MOMENTS
};
static const char *const moment_names[MOMENTS] = {
	"never", "connect's onSuccess", "connect's onFailure", "connected", "messageArrived", "deliveryComplete", "send's onSuccess",
	"send's onFailure", "subscribe's onSuccess", "unsubscribe's onSuccess", "disconnect's onSuccess", "connectionLost", "disconnected"
};

typedef struct client
{
	struct client *next;
	MQTTAsync handle;
	_Atomic enum moment when; /* changed while callbacks look at it */
	int version;
	_Atomic int gone;       /* destroy has returned: nothing may be called any more */
	counter destroyed;      /* by a callback */
	counter connected, ended, failed, delivered;
} client;

/* True: the client is destroyed now, and `c` belongs to the main thread again. */
static int event(client *c, enum moment moment)
{
	CHECK(!atomic_load(&c->gone));
	if (c->when == moment)
	{
		MQTTAsync copy = c->handle;

		c->when = NEVER;
		MQTTAsync_destroy(&c->handle);
		CHECK(c->handle == NULL);
		CHECK(MQTTAsync_isConnected(copy) == 0);
		CHECK_RC(MQTTAsync_disconnect(copy, NULL), MQTTASYNC_FAILURE);
		MQTTAsync_destroy(&copy);
		counter_add(&c->destroyed, 1);
		return 1;
	}
	return 0;
}

static void connect_success(void *context, MQTTAsync_successData *data)
{
	int gone = event(context, IN_CONNECT_SUCCESS);
	char copy[64];

	/* Still ours to read, the client gone or not. */
	snprintf(copy, sizeof copy, "%s", data->alt.connect.serverURI);
	CHECK(strlen(copy) > 8);
	if (!gone)
		counter_add(&((client *)context)->connected, 1);
}
static void connect_success5(void *context, MQTTAsync_successData5 *data)
{
	int gone = event(context, IN_CONNECT_SUCCESS);

	CHECK(data->alt.connect.MQTTVersion == 5);
	if (!gone)
		counter_add(&((client *)context)->connected, 1);
}
static void connect_failure(void *context, MQTTAsync_failureData *data)
{
	int gone = event(context, IN_CONNECT_FAILURE);

	CHECK(data == NULL || data->message == NULL || strlen(data->message) > 0);
	if (!gone)
		counter_add(&((client *)context)->failed, 1);
}
static void connect_failure5(void *context, MQTTAsync_failureData5 *data) { (void)data; if (event(context, IN_CONNECT_FAILURE)) return; counter_add(&((client *)context)->failed, 1); }
static void send_success(void *context, MQTTAsync_successData *data)
{
	int gone = event(context, IN_SEND_SUCCESS);

	CHECK(strncmp(data->alt.pub.destinationName, "destroy/", 8) == 0 && data->alt.pub.message.payloadlen == 4);
	if (!gone)
		counter_add(&((client *)context)->ended, 1);
}
static void send_success5(void *context, MQTTAsync_successData5 *data)
{
	int gone = event(context, IN_SEND_SUCCESS);

	CHECK(strncmp(data->alt.pub.destinationName, "destroy/", 8) == 0 && data->alt.pub.message.payloadlen == 4);
	if (!gone)
		counter_add(&((client *)context)->ended, 1);
}
static void send_failure(void *context, MQTTAsync_failureData *data)
{
	int gone = event(context, IN_SEND_FAILURE);

	CHECK(data->token >= 0);
	if (!gone)
		counter_add(&((client *)context)->ended, 1);
}
static void send_failure5(void *context, MQTTAsync_failureData5 *data)
{
	int gone = event(context, IN_SEND_FAILURE);

	CHECK(data->token >= 0);
	if (!gone)
		counter_add(&((client *)context)->ended, 1);
}
static void subscribed(void *context, MQTTAsync_successData *data) { (void)data; if (event(context, IN_SUBSCRIBE)) return; counter_add(&((client *)context)->ended, 1); }
static void subscribed5(void *context, MQTTAsync_successData5 *data) { (void)data; if (event(context, IN_SUBSCRIBE)) return; counter_add(&((client *)context)->ended, 1); }
static void unsubscribed(void *context, MQTTAsync_successData *data) { (void)data; if (event(context, IN_UNSUBSCRIBE)) return; counter_add(&((client *)context)->ended, 1); }
static void unsubscribed5(void *context, MQTTAsync_successData5 *data) { (void)data; if (event(context, IN_UNSUBSCRIBE)) return; counter_add(&((client *)context)->ended, 1); }
static void disconnect_success(void *context, MQTTAsync_successData *data) { (void)data; event(context, IN_DISCONNECT); }
static void disconnect_success5(void *context, MQTTAsync_successData5 *data) { (void)data; event(context, IN_DISCONNECT); }
static void connected(void *context, char *cause) { if (event(context, IN_CONNECTED)) return; CHECK(strlen(cause) > 0); }
static void lost(void *context, char *cause) { (void)cause; event(context, IN_LOST); }
static void server_disconnect(void *context, MQTTProperties *properties, enum MQTTReasonCodes reason)
{
	(void)event(context, IN_SERVER_DISCONNECT);
	CHECK(properties != NULL && (int)reason != 0);
}
static int message(void *context, char *topic, int topic_len, MQTTAsync_message *m)
{
	(void)topic_len;
	(void)event(context, IN_MESSAGE);
	CHECK(m->payloadlen == 4 && memcmp(m->payload, "hey!", 4) == 0);
	MQTTAsync_freeMessage(&m);
	MQTTAsync_free(topic);
	return 1;
}
static void delivered(void *context, MQTTAsync_token token) { if (event(context, IN_DELIVERY)) return; CHECK(token > 0); counter_add(&((client *)context)->delivered, 1); }

/* Contexts stay until the end of the program, so that a callback that comes too late finds the mark. */
static client *all;

static client *fresh(void)
{
	client *c = calloc(1, sizeof *c);

	CHECK(c != NULL);
	c->next = all;
	all = c;
	return c;
}

static void free_all(void)
{
	while (all != NULL)
	{
		client *next = all->next;

		free(all);
		all = next;
	}
}

static void make(client *c, const char *server, const char *id, int version, enum moment when)
{
	MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;

	c->when = when;
	c->version = version;
	counter_init(&c->destroyed); counter_init(&c->connected); counter_init(&c->ended); counter_init(&c->failed); counter_init(&c->delivered);
	options.MQTTVersion = version;
	CHECK_RC(MQTTAsync_createWithOptions(&c->handle, server, id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &options), 0);
	CHECK_RC(MQTTAsync_setCallbacks(c->handle, c, lost, message, delivered), 0);
	CHECK_RC(MQTTAsync_setConnected(c->handle, c, connected), 0);
	CHECK_RC(MQTTAsync_setDisconnected(c->handle, c, server_disconnect), 0);
}

static void start(client *c)
{
	MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;

	if (c->version == 5)
	{
		MQTTAsync_connectOptions options5 = MQTTAsync_connectOptions_initializer5;

		options = options5;
		options.onSuccess5 = connect_success5;
		options.onFailure5 = connect_failure5;
	}
	else
	{
		options.cleansession = 1;
		options.onSuccess = connect_success;
		options.onFailure = connect_failure;
	}
	options.maxInflight = 10;
	options.context = c;
	options.connectTimeout = 10;
	CHECK_RC(MQTTAsync_connect(c->handle, &options), 0);
}

static MQTTAsync_responseOptions response(client *c, MQTTAsync_onSuccess *success, MQTTAsync_onSuccess5 *success5)
{
	MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;

	options.context = c;
	if (c->version == 5)
	{
		options.onSuccess5 = success5;
		options.onFailure5 = send_failure5;
	}
	else
	{
		options.onSuccess = success;
		options.onFailure = send_failure;
	}
	return options;
}

/* The return code is not looked at: the client may be destroyed by now. */
static int send_one(client *c, MQTTAsync handle, int qos)
{
	MQTTAsync_responseOptions options = response(c, send_success, send_success5);

	return MQTTAsync_send(handle, "destroy/topic", 4, "hey!", qos, 0, &options);
}

static void end(client *c)
{
	MQTTAsync_destroy(&c->handle);
	CHECK(c->handle == NULL);
	atomic_store(&c->gone, 1);
}

static void forget(client *c)
{
	counter_free(&c->destroyed); counter_free(&c->connected); counter_free(&c->ended); counter_free(&c->failed); counter_free(&c->delivered);
}

/* ---- In each state ---------------------------------------------------------------------------------------------------------------- */

static void never_connected(void)
{
	client *c = fresh();

	make(c, uri, "never", 4, NEVER);
	end(c);
	MQTTAsync_destroy(&c->handle); /* again: nothing there */
	forget(c);
}

static void while_connecting(const char *server, int version, counter *wait_for_connection)
{
	client *c = fresh();
	long before = wait_for_connection ? counter_get(wait_for_connection) : 0;

	make(c, server, "connecting", version, NEVER);
	start(c);
	if (wait_for_connection)
		AWAIT(wait_for_connection, before + 1);
	end(c);
	/* Had it been connected or refused by then, it was told once. Destroying itself tells nothing of a connect, as in the original:
	 * what its callback uses may be gone. */
	CHECK(counter_get(&c->connected) + counter_get(&c->failed) <= 1);
	forget(c);
}

static void after_failure(const char *server)
{
	client *c = fresh();

	make(c, server, "refused", 4, NEVER);
	start(c);
	AWAIT(&c->failed, 1);
	/* The handle is good for another attempt. */
	start(c);
	AWAIT(&c->failed, 2);
	end(c);
	CHECK(counter_get(&c->failed) == 2);
	forget(c);
}

static void with_queued_messages(const char *server, int version)
{
	enum { SENT = 100 };
	MQTTAsync_token *tokens = NULL;
	int pending = 0;
	client *c = fresh();

	make(c, server, "queued", version, NEVER);
	start(c);
	AWAIT(&c->connected, 1);
	for (int i = 0; i < SENT; i++)
		CHECK_RC(send_one(c, c->handle, 1 + i % 2), 0);
	CHECK_RC(MQTTAsync_getPendingTokens(c->handle, &tokens), 0);
	while (tokens != NULL && tokens[pending] != -1)
		pending++;
	MQTTAsync_free(tokens);
	CHECK(pending == SENT);
	end(c);
	CHECK(counter_get(&c->ended) == SENT);
	CHECK(counter_get(&c->delivered) == 0);
	forget(c);
}

/* ---- Inside each callback --------------------------------------------------------------------------------------------------------- */

static void inside(enum moment when, int version, const char *server)
{
	client *c = fresh(), *other;
	MQTTAsync handle;

	make(c, server, "inside", version, when);
	handle = c->handle;
	start(c);
	if (when == IN_CONNECT_SUCCESS || when == IN_CONNECT_FAILURE || when == IN_CONNECTED)
	{
		AWAIT(&c->destroyed, 1);
		goto done;
	}
	AWAIT(&c->connected, 1);
	if (when == IN_SEND_FAILURE)
	{
		/* Acknowledgements may come before it leaves, so: try until one did not. */
		c->when = when;
		for (int i = 0; i < 50; i++)
			(void)send_one(c, handle, 2);
		{
			MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;

			(void)MQTTAsync_disconnect(handle, &options);
		}
		while (counter_get(&c->destroyed) == 0 && counter_get(&c->ended) < 50)
			sched_yield();
	}
	else if (when == IN_LOST)
	{
		other = fresh();
		make(other, uri, "inside", version, NEVER);
		start(other);
		AWAIT(&other->connected, 1);
		AWAIT(&c->destroyed, 1);
		end(other);
		forget(other);
		goto done;
	}
	else if (when == IN_SERVER_DISCONNECT)
	{
		CHECK_RC(MQTTAsync_send(handle, "destroy/topic", 4, "hey!", 1, 0, NULL), 0);
		AWAIT(&c->destroyed, 1);
		goto done;
	}
	else
	{
		MQTTAsync_responseOptions options = response(c, subscribed, subscribed5);
		MQTTAsync_disconnectOptions leave = MQTTAsync_disconnectOptions_initializer;

		CHECK_RC(MQTTAsync_subscribe(handle, "destroy/#", 2, &options), 0);
		for (int i = 0; i < 5; i++)
			(void)send_one(c, handle, i % 3);
		options = response(c, unsubscribed, unsubscribed5);
		if (when == IN_UNSUBSCRIBE)
			(void)MQTTAsync_unsubscribe(handle, "destroy/#", &options);
		if (when == IN_DISCONNECT)
		{
			leave.context = c;
			leave.timeout = 100;
			if (version == 5)
			{
				MQTTAsync_disconnectOptions leave5 = MQTTAsync_disconnectOptions_initializer5;

				leave = leave5;
				leave.context = c;
				leave.onSuccess5 = disconnect_success5;
			}
			else
				leave.onSuccess = disconnect_success;
			(void)MQTTAsync_disconnect(handle, &leave);
		}
		AWAIT(&c->destroyed, 1);
	}
done:
	end(c);
	CHECK(!MQTTAsync_isConnected(handle));
	forget(c);
}

/* ---- While another thread is inside a call ---------------------------------------------------------------------------------------- */

typedef struct
{
	client *c;
	MQTTAsync handle;
	int call;
	counter *ready;
} caller;

enum { CALLS = 13 };

static void *call_until_gone(void *argument)
{
	caller *self = argument;
	client *c = self->c;
	MQTTAsync handle = self->handle;
	char *topics[] = { "destroy/a", "destroy/b" };
	int qos[] = { 1, 2 };

	for (int i = 0;; i++)
	{
		MQTTAsync_token *tokens = NULL;
		int rc = 0;

		switch (self->call)
		{
		case 0: rc = send_one(c, handle, i % 3); break;
		case 1:
		{
			MQTTAsync_message m = MQTTAsync_message_initializer;

			m.payload = "hey!";
			m.payloadlen = 4;
			m.qos = i % 3;
			rc = MQTTAsync_sendMessage(handle, "destroy/topic", &m, NULL);
			break;
		}
		case 2: rc = MQTTAsync_subscribe(handle, "destroy/other", 1, NULL); break;
		case 3: rc = MQTTAsync_subscribeMany(handle, 2, topics, qos, NULL); break;
		case 4: rc = MQTTAsync_unsubscribe(handle, "destroy/other", NULL); break;
		case 5: rc = MQTTAsync_unsubscribeMany(handle, 2, topics, NULL); break;
		case 6: rc = MQTTAsync_getPendingTokens(handle, &tokens); MQTTAsync_free(tokens); break;
		case 7: rc = MQTTAsync_isComplete(handle, i % 100) < 0 ? -1 : 0; break;
		case 8:
		{
			/* A wait for what never ends, but with the client. */
			MQTTAsync_responseOptions options = response(c, send_success, send_success5);

			rc = MQTTAsync_send(handle, "destroy/topic", 4, "hey!", 2, 0, &options);
			if (rc == 0)
				rc = MQTTAsync_waitForCompletion(handle, options.token, PATIENCE_SECONDS * 1000UL);
			break;
		}
		case 9: rc = MQTTAsync_isConnected(handle) ? 0 : -1; break;
		case 10: rc = MQTTAsync_setCallbacks(handle, c, lost, message, delivered); break;
		case 11: rc = MQTTAsync_setConnected(handle, c, connected); break;
		case 12: rc = MQTTAsync_reconnect(handle); rc = rc == MQTTASYNC_COMMAND_IGNORED ? 0 : rc; break;
		}
		if (i == 0)
			counter_add(self->ready, 1);
		if (rc != 0 || atomic_load(&c->gone))
			return NULL;
	}
}

static void during(int call, const char *server)
{
	enum { THREADS = 2 };
	pthread_t threads[THREADS];
	caller callers[THREADS];
	counter ready = COUNTER_INITIALIZER;
	client *c = fresh();
	struct timespec pause = { 0, 0 };

	make(c, server, "during", 4, NEVER);
	start(c);
	AWAIT(&c->connected, 1);
	for (int i = 0; i < THREADS; i++)
	{
		caller self = { c, c->handle, call, &ready };

		callers[i] = self;
		CHECK_RC(pthread_create(&threads[i], NULL, call_until_gone, &callers[i]), 0);
	}
	if (call != 8)
		AWAIT(&ready, THREADS);
	pause.tv_nsec = rand() % 2000000;
	nanosleep(&pause, NULL);
	end(c);
	for (int i = 0; i < THREADS; i++)
		CHECK_RC(pthread_join(threads[i], NULL), 0);
	counter_free(&ready);
	forget(c);
}

int main(int argc, char **argv)
{
	static silent_server mute, idle, idle5, goodbye;
	char closed[40];
	int bound = closed_port(closed, sizeof closed);

	CHECK(argc >= 2);
	uri = argv[1];
	if (argc > 2)
		rounds = number(argv[2]);
	silent_start(&mute, SAYS_NOTHING);
	silent_start(&idle, SAYS_CONNACK);
	silent_start(&idle5, SAYS_CONNACK5);
	silent_start(&goodbye, SAYS_GOODBYE5);
	for (int round = 0; round < rounds; round++)
	{
		never_connected();
		for (int version = 3; version <= 5; version++)
		{
			while_connecting(uri, version, NULL);
			while_connecting(mute.uri, version, &mute.connections);
			with_queued_messages(version == 5 ? idle5.uri : idle.uri, version);
		}
		while_connecting("tcp://localhost:1", 4, NULL);
		while_connecting("tcp://" UNKNOWN_NAME ":1883", 4, NULL);
		after_failure(closed);
		for (int when = 1; when < MOMENTS; when++)
			for (int version = 4; version <= 5; version++)
			{
				if (version == 4 && when == IN_SERVER_DISCONNECT)
					continue;
				if (getenv("STRESS_VERBOSE"))
					fprintf(stderr, "in %s, version %d\n", moment_names[when], version);
				inside((enum moment)when, version,
						when == IN_CONNECT_FAILURE ? closed : when == IN_SERVER_DISCONNECT ? goodbye.uri : uri);
			}
		for (int call = 0; call < CALLS; call++)
		{
			if (getenv("STRESS_VERBOSE"))
				fprintf(stderr, "during call %d\n", call);
			during(call, call == 8 ? idle.uri : uri);
		}
	}
	silent_stop(&mute);
	silent_stop(&idle);
	silent_stop(&idle5);
	silent_stop(&goodbye);
	close(bound);
	check_heap();
	free_all();
	printf("%d rounds\n", rounds);
	return 0;
}
