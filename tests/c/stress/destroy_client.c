/* MQTTClient_destroy at every moment at which a program may call it: in each state of a client, from inside each callback, and from
 * one thread while another waits inside each call. And connects that fail, in every way.
 *
 *   destroy_client <uri> [rounds]
 *
 * What has to hold: every call comes back, and soon; no callback runs after destroy has returned; and nothing leaks or is read after it
 * was freed, which valgrind sees.
 */
#include "stress.h"
#include "silent.h"

#include "MQTTClient.h"

static const char *uri;
static int rounds = 5;

enum moment { NEVER, IN_MESSAGE, IN_DELIVERY, IN_PUBLISHED, IN_LOST, IN_SERVER_DISCONNECT, MOMENTS };
static const char *const moment_names[MOMENTS] = { "never", "messageArrived", "deliveryComplete", "published", "connectionLost", "disconnected" };

typedef struct client
{
	struct client *next;
	MQTTClient handle;
	enum moment when;
	int version;
	_Atomic int gone;
	counter destroyed;
} client;

/* Contexts stay until the end of the program, so that a callback that comes too late finds the mark. */
static client *all;

static client *fresh(int version, enum moment when)
{
	client *c = calloc(1, sizeof *c);

	CHECK(c != NULL);
	c->next = all;
	all = c;
	c->version = version;
	c->when = when;
	counter_init(&c->destroyed);
	return c;
}

static void free_all(void)
{
	while (all != NULL)
	{
		client *next = all->next;

		counter_free(&all->destroyed);
		free(all);
		all = next;
	}
}

static void event(client *c, enum moment moment)
{
	CHECK(!atomic_load(&c->gone));
	if (c->when == moment)
	{
		MQTTClient copy = c->handle;

		c->when = NEVER;
		MQTTClient_destroy(&c->handle);
		CHECK(c->handle == NULL);
		CHECK(MQTTClient_isConnected(copy) == 0);
		CHECK_RC(MQTTClient_publish(copy, "a", 1, "b", 0, 0, NULL), MQTTCLIENT_FAILURE);
		MQTTClient_destroy(&copy);
		atomic_store(&c->gone, 1);
		counter_add(&c->destroyed, 1);
	}
}

static int message(void *context, char *topic, int topic_len, MQTTClient_message *m)
{
	(void)topic_len;
	event(context, IN_MESSAGE);
	CHECK(m->payloadlen == 4 && memcmp(m->payload, "hey!", 4) == 0);
	MQTTClient_freeMessage(&m);
	MQTTClient_free(topic);
	return 1;
}
static void delivered(void *context, MQTTClient_deliveryToken token) { CHECK(token > 0); event(context, IN_DELIVERY); }
static void lost(void *context, char *cause) { (void)cause; event(context, IN_LOST); }
static void server_disconnect(void *context, MQTTProperties *properties, enum MQTTReasonCodes reason)
{
	event(context, IN_SERVER_DISCONNECT);
	CHECK(properties != NULL && (int)reason != 0);
}
static void published(void *context, int token, int packet_type, MQTTProperties *properties, enum MQTTReasonCodes reason)
{
	event(context, IN_PUBLISHED);
	CHECK(token > 0 && packet_type > 0 && properties != NULL && (int)reason < 0x80);
}

static void make(client *c, const char *server, const char *id, int callbacks)
{
	MQTTClient_createOptions options = MQTTClient_createOptions_initializer;

	options.MQTTVersion = c->version;
	CHECK_RC(MQTTClient_createWithOptions(&c->handle, server, id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &options), 0);
	if (callbacks)
	{
		CHECK_RC(MQTTClient_setCallbacks(c->handle, c, lost, message, delivered), 0);
		CHECK_RC(MQTTClient_setDisconnected(c->handle, c, server_disconnect), 0);
		CHECK_RC(MQTTClient_setPublished(c->handle, c, published), 0);
	}
}

/* With the handle and not the program's variable: that is NULL as soon as another thread destroys the client. */
static int start(MQTTClient handle, int version, int timeout_seconds)
{
	MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
	MQTTClient_connectOptions options5 = MQTTClient_connectOptions_initializer5;

	options.cleansession = 1;
	options.reliable = 0;
	options.MQTTVersion = version;
	options.connectTimeout = timeout_seconds;
	options5.reliable = 0;
	options5.connectTimeout = timeout_seconds;
	if (version == 5)
	{
		MQTTResponse answer = MQTTClient_connect5(handle, &options5, NULL, NULL);
		int code = (int)answer.reasonCode;

		MQTTResponse_free(answer);
		return code;
	}
	return MQTTClient_connect(handle, &options);
}

static int publish(MQTTClient handle, int version, int qos, MQTTClient_deliveryToken *token)
{
	if (version == 5)
	{
		MQTTResponse answer = MQTTClient_publish5(handle, "destroy/topic", 4, "hey!", qos, 0, NULL, token);
		int code = (int)answer.reasonCode;

		MQTTResponse_free(answer);
		return code;
	}
	return MQTTClient_publish(handle, "destroy/topic", 4, "hey!", qos, 0, token);
}

static int subscribe(MQTTClient handle, int version, const char *topic)
{
	if (version == 5)
	{
		MQTTResponse answer = MQTTClient_subscribe5(handle, topic, 1, NULL, NULL);
		int code = (int)answer.reasonCode;

		MQTTResponse_free(answer);
		return code == 1 ? 0 : code;
	}
	return MQTTClient_subscribe(handle, topic, 1);
}

static void end(client *c)
{
	MQTTClient_destroy(&c->handle);
	CHECK(c->handle == NULL);
	atomic_store(&c->gone, 1);
}

/* ---- In each state ---------------------------------------------------------------------------------------------------------------- */

static void in_states(int version, int callbacks, const char *idle)
{
	client *c = fresh(version, NEVER);
	MQTTClient_deliveryToken *tokens = NULL;

	make(c, uri, "state", callbacks);
	end(c);
	MQTTClient_destroy(&c->handle); /* again: nothing there */

	c = fresh(version, NEVER);
	make(c, uri, "state", callbacks);
	CHECK_RC(start(c->handle, version, 60), 0);
	end(c);

	/* With messages in flight that nobody acknowledges. */
	c = fresh(version, NEVER);
	make(c, idle, "state", callbacks);
	CHECK_RC(start(c->handle, version, 60), 0);
	for (int i = 0; i < 5; i++)
		CHECK_RC(publish(c->handle, version, 1 + i % 2, NULL), 0);
	CHECK_RC(MQTTClient_getPendingDeliveryTokens(c->handle, &tokens), 0);
	CHECK(tokens != NULL && tokens[4] != -1 && tokens[5] == -1);
	MQTTClient_free(tokens);
	end(c);

	/* With messages that have arrived and nobody received. */
	c = fresh(version, NEVER);
	make(c, uri, "state", callbacks);
	CHECK_RC(start(c->handle, version, 60), 0);
	CHECK_RC(subscribe(c->handle, version, "destroy/topic"), 0);
	for (int i = 0; i < 5; i++)
	{
		MQTTClient_deliveryToken token;

		CHECK_RC(publish(c->handle, version, 1, &token), 0);
		CHECK_RC(MQTTClient_waitForCompletion(c->handle, token, PATIENCE_SECONDS * 1000UL), 0);
	}
	if (!callbacks)
		MQTTClient_yield(); /* now they are in the library's own queue */
	end(c);
}

/* ---- Failing connects ------------------------------------------------------------------------------------------------------------- */

static void failing(int version, int callbacks, const char *closed, const char *mute)
{
	static const char *const bad[] = { "tcp://", "tcp://127.0.0.1:0", "tcp://127.0.0.1:abc", "tcp://no..such.host:1883", "" };
	client *c;
	double begun;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
	{
		c = fresh(version, NEVER);
		make(c, bad[i], "failing", callbacks);
		CHECK_RC(start(c->handle, version, 5), MQTTCLIENT_FAILURE);
		end(c);
	}
	c = fresh(version, NEVER);
	make(c, closed, "failing", callbacks);
	CHECK_RC(start(c->handle, version, 5), MQTTCLIENT_FAILURE);
	CHECK_RC(start(c->handle, version, 5), MQTTCLIENT_FAILURE);
	CHECK(!MQTTClient_isConnected(c->handle));
	end(c);
	c = fresh(version, NEVER);
	make(c, mute, "failing", callbacks);
	begun = now_seconds();
	CHECK_RC(start(c->handle, version, 1), MQTTCLIENT_FAILURE);
	CHECK(now_seconds() - begun > 0.9);
	end(c);
}

/* ---- Inside each callback --------------------------------------------------------------------------------------------------------- */

static void inside(enum moment when, int version, const char *server)
{
	client *c = fresh(version, when), *other;
	MQTTClient handle;

	make(c, server, "inside", 1);
	handle = c->handle;
	CHECK_RC(start(handle, version, 60), 0);
	if (when == IN_LOST)
	{
		other = fresh(version, NEVER);
		make(other, server, "inside", 0);
		CHECK_RC(start(other->handle, version, 60), 0);
		AWAIT(&c->destroyed, 1);
		end(other);
		return;
	}
	if (when == IN_MESSAGE)
		CHECK_RC(subscribe(handle, version, "destroy/topic"), 0);
	for (int i = 0; i < 5; i++)
	{
		int rc = publish(handle, version, 1 + i % 2, NULL);

		/* Which of them the client does not live to see, only the network knows. */
		CHECK(rc == 0 || rc == MQTTCLIENT_FAILURE || rc == MQTTCLIENT_DISCONNECTED);
	}
	AWAIT(&c->destroyed, 1);
	CHECK(!MQTTClient_isConnected(handle));
}

/* ---- While another thread waits inside a call ------------------------------------------------------------------------------------- */

enum { CALLS = 10 };

typedef struct
{
	client *c;
	MQTTClient handle;
	int call;
	counter *ready;
} caller;

static void *wait_inside(void *argument)
{
	caller *self = argument;
	int version = self->c->version, rc = 0;
	MQTTClient handle = self->handle;
	MQTTClient_message *m = NULL;
	MQTTClient_deliveryToken token = 0;
	char *topic = NULL;
	int length;
	double begun;

	if (self->call == 2)
		CHECK_RC(publish(handle, version, 1, &token), 0);
	counter_add(self->ready, 1);
	begun = now_seconds();
	switch (self->call)
	{
	case 0: rc = start(handle, version, 300); break;
	case 1: rc = MQTTClient_receive(handle, &topic, &length, &m, 300000); break;
	case 2: rc = MQTTClient_waitForCompletion(handle, token, 300000); break;
	case 3: rc = subscribe(handle, version, "destroy/none"); break;
	case 4: rc = MQTTClient_unsubscribe(handle, "destroy/none"); break;
	case 5:
		/* As many as may be in flight, and one that has to wait. */
		while (rc == 0)
			rc = publish(handle, version, 2, NULL);
		break;
	case 6: rc = MQTTClient_disconnect(handle, 300000); break;
	case 7:
		while (MQTTClient_isConnected(handle))
			MQTTClient_yield();
		rc = -1;
		break;
	case 8:
		while (rc == 0)
		{
			MQTTClient_deliveryToken *tokens = NULL;

			rc = MQTTClient_getPendingDeliveryTokens(handle, &tokens);
			MQTTClient_free(tokens);
		}
		break;
	case 9:
		while (rc == 0)
			rc = publish(handle, version, 0, NULL);
		break;
	}
	/* A disconnect that finds no connection any more has nothing to complain of. */
	CHECK(rc != 0 || self->call == 6);
	CHECK(now_seconds() - begun < 200);
	return NULL;
}

static void during(int call, int version, int callbacks, silent_server *idle, silent_server *mute)
{
	enum { THREADS = 3 };
	pthread_t threads[THREADS];
	caller callers[THREADS];
	counter ready = COUNTER_INITIALIZER;
	client *c = fresh(version, NEVER);
	struct timespec pause = { 0, rand() % 3000000 };
	int n = call == 0 || call == 6 ? 1 : THREADS;
	long before = counter_get(&mute->connections);

	if (callbacks && call == 1)
		return; /* receive is for clients without callbacks */
	make(c, call == 0 ? mute->uri : idle->uri, "during", callbacks);
	if (call != 0)
		CHECK_RC(start(c->handle, version, 60), 0);
	if (call == 6)
		CHECK_RC(publish(c->handle, version, 1, NULL), 0);
	for (int i = 0; i < n; i++)
	{
		caller self = { c, c->handle, call, &ready };

		callers[i] = self;
		CHECK_RC(pthread_create(&threads[i], NULL, wait_inside, &callers[i]), 0);
	}
	AWAIT(&ready, n);
	if (call == 0)
		AWAIT(&mute->connections, before + 1);
	nanosleep(&pause, NULL);
	end(c);
	for (int i = 0; i < n; i++)
		CHECK_RC(pthread_join(threads[i], NULL), 0);
	counter_free(&ready);
}

int main(int argc, char **argv)
{
	static silent_server mute, idle, idle5, goodbye;
	char closed[40];
	int bound = closed_port(closed, sizeof closed), verbose = getenv("STRESS_VERBOSE") != NULL;

	CHECK(argc >= 2);
	uri = argv[1];
	if (argc > 2)
		rounds = number(argv[2]);
	silent_start(&mute, SAYS_NOTHING);
	silent_start(&idle, SAYS_CONNACK);
	silent_start(&idle5, SAYS_CONNACK5);
	silent_start(&goodbye, SAYS_GOODBYE5);
	for (int round = 0; round < rounds; round++)
		for (int version = 4; version <= 5; version++)
		{
			silent_server *quiet = version == 5 ? &idle5 : &idle;

			for (int callbacks = 0; callbacks < 2; callbacks++)
			{
				if (verbose)
					fprintf(stderr, "version %d, callbacks %d\n", version, callbacks);
				in_states(version, callbacks, quiet->uri);
				if (round == 0)
					failing(version, callbacks, closed, mute.uri);
				for (int call = 0; call < CALLS; call++)
				{
					if (verbose)
						fprintf(stderr, "during call %d\n", call);
					during(call, version, callbacks, quiet, &mute);
				}
			}
			for (int when = 1; when < MOMENTS; when++)
			{
				if (version == 4 && (when == IN_PUBLISHED || when == IN_SERVER_DISCONNECT))
					continue;
				if (verbose)
					fprintf(stderr, "in %s, version %d\n", moment_names[when], version);
				inside((enum moment)when, version, when == IN_SERVER_DISCONNECT ? goodbye.uri : uri);
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
