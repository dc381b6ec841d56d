/* The two ends that a program can make, MQTTAsync_destroy and MQTTAsync_disconnect, in each state of a client and from inside each
 * callback, idle and under load, in turn until there were as many as asked for.
 *
 *   ends <uri> <count>
 *
 * What has to hold: the call comes back; every operation that was accepted is told of its end exactly once, before destroy returns; no
 * callback begins after that; nothing leaks or is read after it was freed, which valgrind sees.
 */
#define _GNU_SOURCE
#include "names.h"
#include "stress.h"
#include "silent.h"

#include "MQTTAsync.h"

#include <fcntl.h>

static const char *uri;
static silent_server mute, idle, idle5, hanging, hanging5, goodbye, turning, turning5;
static char closed[40], full[40];

enum { VERSIONS = 2, LOAD = 20 };
typedef enum { DESTROY, DISCONNECT, ENDS } ending;
static const char *const ending_names[ENDS] = { "destroy", "disconnect" };

/* Where the call is made from: another thread, in a state of the client; or a callback. */
typedef enum
{
	CREATED, RESOLVING, IN_TCP, IN_TLS, AWAITING_CONNACK, CONNECTED, LOADED, WAITING_TO_RECONNECT, RECONNECTING, UPDATING, DISCONNECTING,
	FIRST_CALLBACK,
	CONNECT_SUCCESS = FIRST_CALLBACK, CONNECT_FAILURE, ON_CONNECTED, CONNECTION_LOST, SERVER_DISCONNECT, MESSAGE, DELIVERY, SEND_SUCCESS,
	SEND_FAILURE, SUBSCRIBE_SUCCESS, SUBSCRIBE_FAILURE, DISCONNECT_SUCCESS, UPDATE,
	PLACES
} place;
static const char *const place_names[PLACES] = {
	"created", "resolving", "connecting TCP", "in the TLS handshake", "awaiting CONNACK", "connected", "connected, under load",
	"waiting to reconnect", "reconnecting", "updateConnectOptions running", "disconnecting",
	"connect's onSuccess", "connect's onFailure", "connected callback", "connectionLost", "disconnected callback", "messageArrived",
	"deliveryComplete", "send's onSuccess", "send's onFailure", "subscribe's onSuccess", "subscribe's onFailure", "disconnect's onSuccess",
	"updateConnectOptions"
};

typedef struct client
{
	struct client *next;
	MQTTAsync handle;
	int version;
	ending what;
	_Atomic int where;       /* a callback's place, until it has been there */
	_Atomic int gone;        /* destroy has returned */
	_Atomic long connects, sends, subscribes, disconnects; /* accepted and not told of */
	counter connected, acted, updating;
} client;

/* Contexts stay until the end of the program, so that a callback that comes too late finds the mark. */
static client *all;

static void send_one(client *c, MQTTAsync handle, int qos);
static void disconnect_success(void *context, MQTTAsync_successData *data);
static void disconnect_success5(void *context, MQTTAsync_successData5 *data);

static int leave(client *c, MQTTAsync handle, int timeout)
{
	MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer, options5 = MQTTAsync_disconnectOptions_initializer5;
	int rc;

	if (c->version == 5)
		options = options5;
	options.timeout = timeout;
	options.context = c;
	if (c->version == 5)
		options.onSuccess5 = disconnect_success5;
	else
		options.onSuccess = disconnect_success;
	c->disconnects++;
	rc = MQTTAsync_disconnect(handle, &options);
	if (rc != 0)
		c->disconnects--;
	CHECK(rc == 0 || rc == MQTTASYNC_DISCONNECTED || rc == MQTTASYNC_FAILURE || rc == MQTTASYNC_COMMAND_IGNORED);
	return rc;
}

/* Everything that was accepted has been told of, but for a connect that was under way when the client was destroyed: nobody hears
   of that, as in the original. */
static void settled(client *c)
{
	CHECK(c->connects == 0 || (c->connects == 1 && counter_get(&c->connected) == 0));
	CHECK(c->sends == 0);
	CHECK(c->subscribes == 0);
	CHECK(c->disconnects == 0);
}

static void end(client *c)
{
	MQTTAsync copy = c->handle;

	MQTTAsync_destroy(&c->handle);
	CHECK(c->handle == NULL);
	atomic_store(&c->gone, 1);
	CHECK(MQTTAsync_isConnected(copy) == 0);
}

/* At the beginning of each callback. Nothing of the client is touched afterwards but counters. */
static void at(client *c, place here)
{
	int expected = here;

	CHECK(!atomic_load(&c->gone));
	if (!atomic_compare_exchange_strong(&c->where, &expected, -1))
		return;
	if (c->what == DESTROY)
		end(c);
	else
		(void)leave(c, c->handle, rand() % 3);
	counter_add(&c->acted, 1);
}

static void connect_success(void *context, MQTTAsync_successData *data)
{
	client *c = context;

	CHECK(data->alt.connect.serverURI != NULL);
	CHECK(c->connects-- == 1);
	at(c, CONNECT_SUCCESS);
	counter_add(&c->connected, 1);
}
static void connect_success5(void *context, MQTTAsync_successData5 *data)
{
	client *c = context;

	CHECK(data->alt.connect.MQTTVersion == 5);
	CHECK(c->connects-- == 1);
	at(c, CONNECT_SUCCESS);
	counter_add(&c->connected, 1);
}
static void connect_failure(void *context, MQTTAsync_failureData *data) { client *c = context; (void)data; CHECK(c->connects-- == 1); at(c, CONNECT_FAILURE); }
static void connect_failure5(void *context, MQTTAsync_failureData5 *data) { client *c = context; (void)data; CHECK(c->connects-- == 1); at(c, CONNECT_FAILURE); }
static void send_success(void *context, MQTTAsync_successData *data) { client *c = context; (void)data; c->sends--; at(c, SEND_SUCCESS); }
static void send_success5(void *context, MQTTAsync_successData5 *data) { client *c = context; (void)data; c->sends--; at(c, SEND_SUCCESS); }
static void send_failure(void *context, MQTTAsync_failureData *data) { client *c = context; (void)data; c->sends--; at(c, SEND_FAILURE); }
static void send_failure5(void *context, MQTTAsync_failureData5 *data) { client *c = context; (void)data; c->sends--; at(c, SEND_FAILURE); }
static void subscribed(void *context, MQTTAsync_successData *data) { client *c = context; (void)data; c->subscribes--; at(c, SUBSCRIBE_SUCCESS); }
static void subscribed5(void *context, MQTTAsync_successData5 *data) { client *c = context; (void)data; c->subscribes--; at(c, SUBSCRIBE_SUCCESS); }
static void not_subscribed(void *context, MQTTAsync_failureData *data) { client *c = context; (void)data; c->subscribes--; at(c, SUBSCRIBE_FAILURE); }
static void not_subscribed5(void *context, MQTTAsync_failureData5 *data) { client *c = context; (void)data; c->subscribes--; at(c, SUBSCRIBE_FAILURE); }
static void disconnect_success(void *context, MQTTAsync_successData *data) { client *c = context; (void)data; c->disconnects--; at(c, DISCONNECT_SUCCESS); }
static void disconnect_success5(void *context, MQTTAsync_successData5 *data) { client *c = context; (void)data; c->disconnects--; at(c, DISCONNECT_SUCCESS); }
static void connected(void *context, char *cause) { (void)cause; at(context, ON_CONNECTED); }
static void lost(void *context, char *cause) { (void)cause; at(context, CONNECTION_LOST); }
static void server_disconnect(void *context, MQTTProperties *properties, enum MQTTReasonCodes reason)
{
	(void)properties;
	(void)reason;
	at(context, SERVER_DISCONNECT);
}
static int message(void *context, char *topic, int topic_len, MQTTAsync_message *m)
{
	(void)topic_len;
	at(context, MESSAGE);
	CHECK(m->payloadlen == 4 && memcmp(m->payload, "hey!", 4) == 0);
	MQTTAsync_freeMessage(&m);
	MQTTAsync_free(topic);
	return 1;
}
static void delivered(void *context, MQTTAsync_token token) { (void)token; at(context, DELIVERY); }
static int update(void *context, MQTTAsync_connectData *data)
{
	client *c = context;

	at(c, UPDATE);
	counter_add(&c->updating, 1);
	data->username = strdup("somebody");
	usleep((useconds_t)(rand() % 500));
	return 1;
}

static client *fresh(const char *server, place where, ending what, int version)
{
	static unsigned number;
	char id[24];
	MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
	client *c = calloc(1, sizeof *c);

	CHECK(c != NULL);
	c->next = all;
	all = c;
	c->version = version;
	c->what = what;
	c->where = where >= FIRST_CALLBACK ? (int)where : -1;
	counter_init(&c->connected);
	counter_init(&c->acted);
	counter_init(&c->updating);
	snprintf(id, sizeof id, "ends%u", number++ % 50);
	options.MQTTVersion = version;
	CHECK_RC(MQTTAsync_createWithOptions(&c->handle, server, id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &options), 0);
	CHECK_RC(MQTTAsync_setCallbacks(c->handle, c, lost, message, delivered), 0);
	CHECK_RC(MQTTAsync_setConnected(c->handle, c, connected), 0);
	CHECK_RC(MQTTAsync_setDisconnected(c->handle, c, server_disconnect), 0);
	return c;
}

static void start(client *c, int reconnects)
{
	MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer, options5 = MQTTAsync_connectOptions_initializer5;
	MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;

	if (c->version == 5)
	{
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
	/* The system's certificates, read once a process, are twelve thousand blocks that hide everything else in a list of what is left. */
	tls.disableDefaultTrustStore = 1;
	options.ssl = &tls;
	options.maxInflight = 10;
	options.context = c;
	options.connectTimeout = 30;
	options.automaticReconnect = reconnects;
	options.minRetryInterval = 30;
	options.maxRetryInterval = 60;
	if (reconnects)
		CHECK_RC(MQTTAsync_setUpdateConnectOptions(c->handle, c, update), 0);
	c->connects++;
	CHECK_RC(MQTTAsync_connect(c->handle, &options), 0);
}

static void send_one(client *c, MQTTAsync handle, int qos)
{
	MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;

	options.context = c;
	if (c->version == 5)
	{
		options.onSuccess5 = send_success5;
		options.onFailure5 = send_failure5;
	}
	else
	{
		options.onSuccess = send_success;
		options.onFailure = send_failure;
	}
	c->sends++;
	/* It may be destroyed, or disconnected, by now. */
	if (MQTTAsync_send(handle, "ends/topic", 4, "hey!", qos, 0, &options) != 0)
		c->sends--;
}

static void subscribe(client *c, MQTTAsync handle)
{
	MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;

	options.context = c;
	if (c->version == 5)
	{
		options.onSuccess5 = subscribed5;
		options.onFailure5 = not_subscribed5;
	}
	else
	{
		options.onSuccess = subscribed;
		options.onFailure = not_subscribed;
	}
	c->subscribes++;
	if (MQTTAsync_subscribe(handle, "ends/#", 2, &options) != 0)
		c->subscribes--;
}

static void load(client *c, MQTTAsync handle)
{
	subscribe(c, handle);
	for (int i = 0; i < LOAD; i++)
		send_one(c, handle, i % 3);
}

/* The server for what a place needs. */
static const char *server_of(place where, int version)
{
	switch (where)
	{
	case RESOLVING: return "tcp://" UNKNOWN_NAME ":1883";
	case IN_TCP: return full;
	case AWAITING_CONNACK: return mute.uri;
	case DISCONNECTING: return version == 5 ? idle5.uri : idle.uri;
	case CONNECT_FAILURE: return closed;
	case WAITING_TO_RECONNECT: case CONNECTION_LOST: case SEND_FAILURE: case SUBSCRIBE_FAILURE:
		return version == 5 ? hanging5.uri : hanging.uri;
	case RECONNECTING: case UPDATING: case UPDATE: return version == 5 ? turning5.uri : turning.uri;
	case SERVER_DISCONNECT: return goodbye.uri;
	default: return uri;
	}
}

/* Brings the client to where the call is to be made, or has it made by the callback. */
static void lead(client *c, place where, int loaded)
{
	MQTTAsync handle = c->handle;
	silent_server *turns = c->version == 5 ? &turning5 : &turning;
	silent_server *waits = where == AWAITING_CONNACK || where == IN_TLS ? &mute : where == RECONNECTING ? turns : NULL;
	long before = waits ? counter_get(&waits->connections) : 0;
	int reconnects = where == WAITING_TO_RECONNECT || where == RECONNECTING || where == UPDATING || where == UPDATE;

	if (where == CREATED)
		return;
	turns->what = c->version == 5 ? HANGS_UP5 : HANGS_UP;
	start(c, reconnects);
	if (where == RESOLVING || where == IN_TCP)
		usleep((useconds_t)(rand() % 300));
	if (where == AWAITING_CONNACK || where == IN_TLS)
		AWAIT(&waits->connections, before + 1);
	if (where < CONNECTED || where == CONNECT_SUCCESS || where == CONNECT_FAILURE || where == ON_CONNECTED)
		return;
	AWAIT(&c->connected, 1);
	if (reconnects)
	{
		turns->what = SAYS_NOTHING;
		/* In answer to this it hangs up. */
		send_one(c, handle, 1);
		while (MQTTAsync_isConnected(handle))
			sched_yield();
		if (where != WAITING_TO_RECONNECT)
			(void)MQTTAsync_reconnect(handle);
		if (where == RECONNECTING)
			AWAIT(&turns->connections, before + 2);
		if (where == UPDATING)
			AWAIT(&c->updating, 1);
	}
	else if (where == DISCONNECTING)
	{
		send_one(c, handle, 1);
		CHECK_RC(leave(c, handle, 10000), 0);
	}
	else if (where == DISCONNECT_SUCCESS)
	{
		if (loaded)
			load(c, handle);
		(void)leave(c, handle, loaded ? 50 : 0);
	}
	else if (where == SEND_FAILURE)
	{
		/* First of all: the server hangs up upon it. */
		send_one(c, handle, 1);
		if (loaded)
			load(c, handle);
	}
	else if (loaded || where == MESSAGE || where == LOADED)
		load(c, handle);
	else if (where == SUBSCRIBE_SUCCESS || where == SUBSCRIBE_FAILURE)
		subscribe(c, handle);
	else if (where != CONNECTED)
		send_one(c, handle, where == DELIVERY ? 1 : rand() % 3);
}

static void once(place where, ending what, int version, int loaded)
{
	char tls_uri[sizeof mute.uri];
	const char *server = server_of(where, version);
	client *c;

	if (where == IN_TLS)
	{
		snprintf(tls_uri, sizeof tls_uri, "ssl:%s", strchr(mute.uri, '/'));
		server = tls_uri;
	}
	c = fresh(server, where, what, version);
	lead(c, where, loaded);
	if (where >= FIRST_CALLBACK)
		AWAIT(&c->acted, 1);
	else if (what == DISCONNECT)
		(void)leave(c, c->handle, rand() % 3);
	if (what == DISCONNECT && rand() % 2)
		usleep((useconds_t)(rand() % 1000));
	if (!c->gone)
		end(c);
	settled(c);
	counter_free(&c->connected);
	counter_free(&c->acted);
	counter_free(&c->updating);
}

/* A port whose queue of connections is full: connecting to it gets no answer. */
static int full_port(char *address_uri, size_t size, int *fillers, int count)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t length = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	CHECK_RC(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	CHECK_RC(listen(listener, 0), 0);
	CHECK_RC(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	for (int i = 0; i < count; i++)
	{
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fillers[i], (struct sockaddr *)&address, sizeof address);
	}
	snprintf(address_uri, size, "tcp://127.0.0.1:%d", ntohs(address.sin_port));
	return listener;
}

int main(int argc, char **argv)
{
	silent_server *const servers[] = { &mute, &idle, &idle5, &hanging, &hanging5, &goodbye, &turning, &turning5 };
	const silence says[] = { SAYS_NOTHING, SAYS_CONNACK, SAYS_CONNACK5, HANGS_UP, HANGS_UP5, SAYS_GOODBYE5, HANGS_UP, HANGS_UP5 };
	static long times[PLACES][ENDS];
	enum { FILLERS = 4 };
	int fillers[FILLERS], bound, listener, count, done = 0;
	unsigned combination = 0;

	CHECK(argc == 3);
	uri = argv[1];
	count = number(argv[2]);
	for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++)
		silent_start(servers[i], says[i]);
	bound = closed_port(closed, sizeof closed);
	listener = full_port(full, sizeof full, fillers, FILLERS);
	while (done < count)
	{
		place where = (place)(combination % PLACES);
		ending what = (ending)(combination / PLACES % ENDS);
		int version = 4 + (int)(combination / PLACES / ENDS % VERSIONS), loaded = (int)(combination / PLACES / ENDS / VERSIONS % 2);

		combination++;
		if (where == SERVER_DISCONNECT && version == 4)
			continue;
		if (getenv("STRESS_VERBOSE"))
			fprintf(stderr, "%d: %s, %s, version %d, load %d\n", done, ending_names[what], place_names[where], version, loaded);
		once(where, what, version, loaded);
		times[where][what]++;
		done++;
	}
	for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++)
		silent_stop(servers[i]);
	close(bound);
	close(listener);
	for (int i = 0; i < FILLERS; i++)
		close(fillers[i]);
	check_heap();
	while (all != NULL)
	{
		client *next = all->next;

		free(all);
		all = next;
	}
	for (int where = 0; where < PLACES; where++)
		printf("%-32s destroy %5ld, disconnect %5ld\n", place_names[where], times[where][DESTROY], times[where][DISCONNECT]);
	printf("%d ends\n", done);
	return 0;
}
