/* Large messages to a server that does not read for a while: no byte may stay behind, whatever the program does meanwhile.
 *
 *   slow_server
 */
#include "stress.h"
#include "silent.h"

#include "MQTTAsync.h"
#include "MQTTClient.h"

enum { LARGE = 8 << 20 };

static char *payload;

static MQTTClient make(const char *uri, int callbacks, MQTTClient_messageArrived *arrived)
{
	MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
	MQTTClient client;

	CHECK_RC(MQTTClient_create(&client, uri, "slow", MQTTCLIENT_PERSISTENCE_NONE, NULL), 0);
	if (callbacks)
		CHECK_RC(MQTTClient_setCallbacks(client, NULL, NULL, arrived, NULL), 0);
	options.cleansession = 1;
	options.reliable = 0;
	options.keepAliveInterval = 0;
	CHECK_RC(MQTTClient_connect(client, &options), 0);
	return client;
}

static int arrived(void *context, char *topic, int topic_len, MQTTClient_message *m)
{
	(void)context; (void)topic_len;
	MQTTClient_freeMessage(&m);
	MQTTClient_free(topic);
	return 1;
}

static void *open_gate(void *server)
{
	/* Long enough that the other side has filled the socket and found it full. */
	struct timespec t = { 0, 300000000 };

	nanosleep(&t, NULL);
	counter_add(&((silent_server *)server)->gate, 1);
	return NULL;
}

static void *receive(void *client)
{
	MQTTClient_message *m = NULL;
	char *topic = NULL;
	int length;

	/* Ends when the client is destroyed: that is an error, by whatever name. */
	(void)MQTTClient_receive(client, &topic, &length, &m, PATIENCE_SECONDS * 2000UL);
	CHECK(m == NULL);
	return NULL;
}

/* One large message. Nothing is called after it; with `receiver` another thread is inside MQTTClient_receive all the time. */
static void one_message(silent_server *server, int callbacks, int qos, int receiver)
{
	pthread_t gate, thread;
	MQTTClient client;

	server->gate.value = 0;
	server->bytes.value = 0;
	client = make(server->uri, callbacks, arrived);
	if (receiver)
		CHECK_RC(pthread_create(&thread, NULL, receive, client), 0);
	CHECK_RC(pthread_create(&gate, NULL, open_gate, server), 0);
	CHECK_RC(MQTTClient_publish(client, "slow", LARGE, payload, qos, 0, NULL), 0);
	AWAIT(&server->bytes, LARGE);
	CHECK_RC(pthread_join(gate, NULL), 0);
	MQTTClient_destroy(&client);
	if (receiver)
		CHECK_RC(pthread_join(thread, NULL), 0);
}

/* More than a blocking publish lets pile up: it waits, and goes on. */
static void many_messages(silent_server *server, int callbacks)
{
	enum { COUNT = 200, SIZE = 100000 };
	pthread_t gate;
	MQTTClient client;

	server->gate.value = 0;
	server->bytes.value = 0;
	client = make(server->uri, callbacks, arrived);
	CHECK_RC(pthread_create(&gate, NULL, open_gate, server), 0);
	for (int i = 0; i < COUNT; i++)
		CHECK_RC(MQTTClient_publish(client, "slow", SIZE, payload, 0, 0, NULL), 0);
	/* And a disconnect right behind leaves nothing behind. */
	CHECK_RC(MQTTClient_disconnect(client, PATIENCE_SECONDS * 1000), 0);
	AWAIT(&server->bytes, (long)COUNT * SIZE);
	CHECK_RC(pthread_join(gate, NULL), 0);
	MQTTClient_destroy(&client);
}

static counter sent = COUNTER_INITIALIZER, connected = COUNTER_INITIALIZER, disconnected = COUNTER_INITIALIZER;
static void on_connect(void *context, MQTTAsync_successData *data) { (void)context; (void)data; counter_add(&connected, 1); }
static void on_send(void *context, MQTTAsync_successData *data)
{
	(void)context;
	CHECK(data->alt.pub.message.payloadlen == LARGE);
	counter_add(&sent, 1);
}
static void on_disconnect(void *context, MQTTAsync_successData *data) { (void)context; (void)data; counter_add(&disconnected, 1); }

static void async_messages(silent_server *server)
{
	enum { COUNT = 3 };
	MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
	MQTTAsync_disconnectOptions leave = MQTTAsync_disconnectOptions_initializer;
	MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
	MQTTAsync client;
	pthread_t gate;

	server->gate.value = 0;
	server->bytes.value = 0;
	CHECK_RC(MQTTAsync_create(&client, server->uri, "slow", MQTTCLIENT_PERSISTENCE_NONE, NULL), 0);
	options.onSuccess = on_connect;
	options.keepAliveInterval = 0;
	CHECK_RC(MQTTAsync_connect(client, &options), 0);
	AWAIT(&connected, 1);
	response.onSuccess = on_send;
	CHECK_RC(pthread_create(&gate, NULL, open_gate, server), 0);
	for (int i = 0; i < COUNT; i++)
		CHECK_RC(MQTTAsync_send(client, "slow", LARGE, payload, 0, 0, &response), 0);
	AWAIT(&sent, COUNT);
	leave.onSuccess = on_disconnect;
	CHECK_RC(MQTTAsync_disconnect(client, &leave), 0);
	AWAIT(&disconnected, 1);
	AWAIT(&server->bytes, (long)COUNT * LARGE);
	CHECK_RC(pthread_join(gate, NULL), 0);
	MQTTAsync_destroy(&client);
}

int main(void)
{
	static silent_server server;

	payload = calloc(1, LARGE);
	CHECK(payload != NULL);
	silent_start(&server, READS_LATE);
#define RUN(call) (fprintf(stderr, "%s\n", #call), call)
	RUN(one_message(&server, 1, 0, 0));
	RUN(one_message(&server, 1, 1, 0));
	RUN(one_message(&server, 0, 0, 0));
	RUN(one_message(&server, 0, 1, 0));
	RUN(one_message(&server, 0, 0, 1));
	RUN(one_message(&server, 0, 1, 1));
	RUN(many_messages(&server, 1));
	RUN(many_messages(&server, 0));
	RUN(async_messages(&server));
	silent_stop(&server);
	free(payload);
	check_heap();
	printf("all arrived\n");
	return 0;
}
