/* MQTTAsync: messages that wait for a connection, and what becomes of them at disconnect and destroy; callbacks set one by one. */
#include "async.h"

static const char *uri;
static struct watch watch = WATCH_INITIALIZER;

static MQTTAsync_responseOptions answer(int version, const char *name)
{
	return version == MQTTVERSION_5 ? response5(call_of(&watch, name), on_publish5) : response3(call_of(&watch, name), on_publish);
}

static int send_one(MQTTAsync c, int version, const char *payload, int qos)
{
	MQTTAsync_responseOptions response = answer(version, payload);
	int rc = MQTTAsync_send(c, "waiting", (int)strlen(payload), payload, qos, 0, &response);

	printf("send(%s, qos %d) = %d, token %d\n", payload, qos, rc, response.token);
	return rc;
}

static MQTTAsync buffering(int version, int at_any_time, int max, int delete_oldest)
{
	MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
	MQTTAsync c = NULL;
	int rc;

	options.MQTTVersion = version;
	options.sendWhileDisconnected = 1;
	options.allowDisconnectedSendAtAnyTime = at_any_time;
	options.maxBufferedMessages = max;
	options.deleteOldestMessages = delete_oldest;
	rc = MQTTAsync_createWithOptions(&c, uri, "async-pending", MQTTCLIENT_PERSISTENCE_NONE, NULL, &options);
	printf("create: at any time %d, %d messages, delete oldest %d = %d\n", at_any_time, max, delete_oldest, rc);
	MQTTAsync_setCallbacks(c, &watch, on_lost, on_message, on_delivery);
	return c;
}

/* What it ends with comes in no certain order with what was waiting. */
static void connect_silently(MQTTAsync c, int version)
{
	MQTTAsync_connectOptions options = connect_options(version, NULL);

	options.onSuccess = NULL;
	options.onSuccess5 = NULL;
	SHOW(MQTTAsync_connect(c, &options));
}

static void before_the_first_connect(int version)
{
	MQTTAsync c = buffering(version, 0, 3, 0);

	send_one(c, version, "too early", 1);
	show_pending(c);
	MQTTAsync_destroy(&c);
	log_print(&watch.done);

	c = buffering(version, 1, 3, 0);
	send_one(c, version, "one", 1);
	send_one(c, version, "two", 0);
	send_one(c, version, "three", 2);
	send_one(c, version, "four", 1);
	show_pending(c);
	connect_silently(c, version);
	log_await(&watch.delivery, 2);
	log_expect_any_order(&watch.done, 3);
	log_take(&watch.delivery, 1);
	show_pending(c);
	disconnect_async(c, version, &watch);
	send_one(c, version, "after disconnect", 0);
	MQTTAsync_destroy(&c);
	log_expect_any_order(&watch.done, 1);
	log_take(&watch.delivery, 1);

	/* The oldest is dropped: ours tells, the original does not. */
	c = buffering(version, 1, 2, 1);
	send_one(c, version, "first", 1);
	send_one(c, version, "second", 1);
	send_one(c, version, "third", 1);
	connect_silently(c, version);
	log_expect_any_order(&watch.delivery, 2);
	MQTTAsync_destroy(&c);
	watch.done.count = 0;

	/* Never connected: the messages end with the client. */
	c = buffering(version, 1, 5, 0);
	send_one(c, version, "never 1", 1);
	send_one(c, version, "never 2", 2);
	show_pending(c);
	SHOW(MQTTAsync_isComplete(c, 1));
	MQTTAsync_destroy(&c);
	log_take(&watch.done, 1);
	log_take(&watch.delivery, 1);
}

static void set_one_by_one(int version)
{
	MQTTAsync c = new_async(uri, "async-setters", version, NULL);
	MQTTAsync_responseOptions response = version == MQTTVERSION_5 ? response5(call_of(&watch, "subscribe"), on_success5)
	                                                              : response3(call_of(&watch, "subscribe"), on_success);

	SHOW(MQTTAsync_setMessageArrivedCallback(c, &watch, on_message));
	SHOW(MQTTAsync_setDeliveryCompleteCallback(c, &watch, on_delivery));
	SHOW(MQTTAsync_setConnectionLostCallback(c, &watch, on_lost));
	SHOW(MQTTAsync_setConnected(c, &watch, on_connected));
	connect_async(c, version, &watch);
	log_expect(&watch.state, 1);
	SHOW(MQTTAsync_subscribe(c, "waiting", 1, &response));
	log_expect(&watch.done, 1);
	send_one(c, version, "set", 1);
	log_expect(&watch.done, 1);
	log_expect(&watch.messages, 1);
	log_expect(&watch.delivery, 1);
	/* And taken away again, while connected. */
	SHOW(MQTTAsync_setDeliveryCompleteCallback(c, NULL, NULL));
	SHOW(MQTTAsync_setConnected(c, NULL, NULL));
	send_one(c, version, "unset", 1);
	log_expect(&watch.done, 1);
	log_expect(&watch.messages, 1);
	disconnect_async(c, version, &watch);
	connect_async(c, version, &watch);
	disconnect_async(c, version, &watch);
	MQTTAsync_destroy(&c);
	log_print(&watch.delivery);
	log_print(&watch.state);
}

static void count_pending(MQTTAsync c)
{
	MQTTAsync_token *tokens = NULL;
	int i = 0;

	MQTTAsync_getPendingTokens(c, &tokens);
	while (tokens && tokens[i] != -1)
		i++;
	printf("%d pending\n", i);
	MQTTAsync_free(tokens);
}

static MQTTAsync stored(const char *server, const char *dir, int version, int restore)
{
	MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
	MQTTAsync c = NULL;
	int rc;

	options.struct_version = 2;
	options.MQTTVersion = version;
	options.sendWhileDisconnected = 1;
	options.allowDisconnectedSendAtAnyTime = 1;
	options.restoreMessages = restore;
	rc = MQTTAsync_createWithOptions(&c, server, "twice", MQTTCLIENT_PERSISTENCE_DEFAULT, (void *)dir, &options);
	printf("create for %s = %d\n", server, rc);
	return c;
}

/* One client after the other on one store, and at the same time one of the same id for another server, which has its own. */
static void stores(int version)
{
	char dir[] = "/tmp/paho-stores-XXXXXX";
	MQTTAsync first, second;

	if (mkdtemp(dir) == NULL)
		exit(2);
	first = stored("tcp://localhost:1", dir, version, 1);
	SHOW(MQTTAsync_send(first, "a/b", 3, "one", 1, 0, NULL));
	SHOW(MQTTAsync_send(first, "a/b", 3, "two", 2, 0, NULL));
	second = stored("tcp://localhost:2", dir, version, 1);
	SHOW(MQTTAsync_send(second, "a/b", 5, "three", 1, 0, NULL));
	MQTTAsync_destroy(&first);
	first = stored("tcp://localhost:1", dir, version, 1);
	count_pending(first);
	MQTTAsync_destroy(&second);
	MQTTAsync_destroy(&first);
	first = stored("tcp://localhost:1", dir, version, 0);
	second = stored("tcp://localhost:2", dir, version, 1);
	count_pending(first);
	count_pending(second);
	MQTTAsync_destroy(&second);
	MQTTAsync_destroy(&first);
	second = stored("tcp://localhost:2", dir, version, 0);
	MQTTAsync_destroy(&second);
	printf("all gone: %d\n", rmdir(dir));
}

int main(int argc, char **argv)
{
	static const int versions[] = {MQTTVERSION_3_1_1, MQTTVERSION_5};
	size_t i;

	if (argc < 2)
		return 2;
	uri = argv[1];
	for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
	{
		printf("==== MQTT version %d\n", versions[i]);
		before_the_first_connect(versions[i]);
		set_one_by_one(versions[i]);
		stores(versions[i]);
	}
	return 0;
}
