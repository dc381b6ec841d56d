/* MQTTAsync: publish and subscribe with every callback; MQTT 3.1, 3.1.1 and 5, every QoS. */
#include "async.h"

static const char *uri;
static char big[100 * 1024];
static struct watch watch = WATCH_INITIALIZER;

static MQTTAsync_responseOptions answer(int version, const char *name, MQTTAsync_onSuccess *three, MQTTAsync_onSuccess5 *five)
{
	return version == MQTTVERSION_5 ? response5(call_of(&watch, name), five) : response3(call_of(&watch, name), three);
}

static void round_trips(int version)
{
	MQTTAsync c = new_async(uri, "async-flow", version, &watch);
	MQTTAsync_responseOptions response;
	MQTTAsync_message message = MQTTAsync_message_initializer;
	int qos;

	SHOW(MQTTAsync_isConnected(c));
	connect_async(c, version, &watch);
	SHOW(MQTTAsync_isConnected(c));
	response = answer(version, "subscribe", on_subscribe, on_success5);
	SHOW(MQTTAsync_subscribe(c, "flow/+", 2, &response));
	printf("token %d\n", response.token);
	log_expect(&watch.done, 1);
	SHOW(MQTTAsync_isComplete(c, response.token));
	for (qos = 0; qos <= 2; qos++)
	{
		response = answer(version, "send", on_publish, on_publish5);
		SHOW(MQTTAsync_send(c, "flow/send", 5, "hello", qos, 0, &response));
		printf("token %d\n", response.token);
		log_expect(&watch.done, 1);
		log_expect(&watch.messages, 1);
		SHOW(MQTTAsync_isComplete(c, response.token));
		SHOW(MQTTAsync_waitForCompletion(c, response.token, 5000));
	}
	log_expect(&watch.delivery, 2);
	show_pending(c);
	for (qos = 0; qos <= 2; qos++)
	{
		response = answer(version, "sendMessage", on_publish, on_publish5);
		message.payload = "message";
		message.payloadlen = 7;
		message.qos = qos;
		message.retained = 1;
		message.dup = 1;
		message.msgid = 999;
		SHOW(MQTTAsync_sendMessage(c, "flow/message", &message, &response));
		printf("token %d\n", response.token);
		log_expect(&watch.done, 1);
		log_expect(&watch.messages, 1);
	}
	log_expect(&watch.delivery, 2);
	printf("retained\n");
	response = answer(version, "subscribe", on_subscribe, on_success5);
	SHOW(MQTTAsync_subscribe(c, "flow/message", 1, &response));
	log_expect(&watch.done, 1);
	log_expect(&watch.messages, 1);
	response = answer(version, "clear", on_success, on_success5);
	SHOW(MQTTAsync_send(c, "flow/message", 0, NULL, 1, 1, &response));
	log_expect(&watch.done, 1);
	log_await(&watch.delivery, 1);
	log_print(&watch.delivery);
	response = answer(version, "unsubscribe", on_success, on_success5);
	SHOW(MQTTAsync_unsubscribe(c, "flow/message", &response));
	log_expect(&watch.done, 1);
	/* Both filters match: mosquitto sends an MQTT 5 client one message for each. */
	log_expect(&watch.messages, version == MQTTVERSION_5 ? 2 : 1);
	printf("100 KB\n");
	for (qos = 0; qos <= 2; qos++)
	{
		response = answer(version, "send", on_publish, on_publish5);
		SHOW(MQTTAsync_send(c, "flow/big", (int)sizeof(big), big, qos, 0, &response));
		log_expect(&watch.done, 1);
		log_expect(&watch.messages, 1);
	}
	log_expect(&watch.delivery, 2);
	printf("without callbacks\n");
	response = answer(version, "none", NULL, NULL);
	response.onFailure = NULL;
	response.onFailure5 = NULL;
	SHOW(MQTTAsync_send(c, "flow/send", 1, "x", 1, 0, &response));
	printf("token %d\n", response.token);
	SHOW(MQTTAsync_waitForCompletion(c, response.token, 5000));
	SHOW(MQTTAsync_isComplete(c, response.token));
	log_expect(&watch.messages, 1);
	log_expect(&watch.delivery, 1);
	SHOW(MQTTAsync_send(c, "flow/send", 1, "y", 2, 0, NULL));
	log_expect(&watch.messages, 1);
	log_expect(&watch.delivery, 1);
	show_pending(c);
	disconnect_async(c, version, &watch);
	SHOW(MQTTAsync_isConnected(c));
	log_print(&watch.done);
	MQTTAsync_destroy(&c);
	SHOW(c == NULL);
	log_print(&watch.done);
	log_print(&watch.messages);
	log_print(&watch.delivery);
	log_print(&watch.state);
}

static void many(int version)
{
	MQTTAsync c = new_async(uri, "async-flow", version, &watch);
	MQTTAsync_responseOptions response;
	char *const filters[] = {"many/a", "many/b", "many/c"};
	const int qos[] = {0, 1, 2};
	int i;

	connect_async(c, version, &watch);
	response = answer(version, "subscribeMany", on_subscribe_three, on_codes5);
	SHOW(MQTTAsync_subscribeMany(c, 3, filters, qos, &response));
	printf("token %d\n", response.token);
	log_expect(&watch.done, 1);
	response = answer(version, "subscribeMany of one", on_subscribe, on_success5);
	SHOW(MQTTAsync_subscribeMany(c, 1, filters, qos + 2, &response));
	log_expect(&watch.done, 1);
	for (i = 0; i < 3; i++)
	{
		response = answer(version, "send", on_success, on_success5);
		SHOW(MQTTAsync_send(c, filters[i], 1, "m", 2, 0, &response));
		log_expect(&watch.done, 1);
		log_expect(&watch.messages, 1);
	}
	response = answer(version, "unsubscribeMany", on_success, on_codes5);
	SHOW(MQTTAsync_unsubscribeMany(c, 3, filters, &response));
	printf("token %d\n", response.token);
	log_expect(&watch.done, 1);
	response = answer(version, "unsubscribeMany", on_success, on_codes5);
	SHOW(MQTTAsync_unsubscribeMany(c, 3, filters, &response));
	log_expect(&watch.done, 1);
	printf("thirty in a row\n");
	for (i = 0; i < 30; i++)
	{
		response = answer(version, "row", on_success, on_success5);
		if (MQTTAsync_send(c, "row", 1, "r", i % 3, 0, &response) != MQTTASYNC_SUCCESS)
			printf("send %d failed\n", i);
	}
	log_expect_any_order(&watch.done, 30);
	disconnect_async(c, version, &watch);
	MQTTAsync_destroy(&c);
	log_take(&watch.delivery, 1);
	log_print(&watch.state);
}

/* The server ends the connection: whose callbacks come, and what is pending then. */
static void broken_off(int version)
{
	MQTTAsync c;
	MQTTAsync_responseOptions response;
	int qos;

	c = new_async(uri, "async-flow", version, &watch);
	connect_async(c, version, &watch);
	response = answer(version, "subscribe", on_subscribe, on_success5);
	SHOW(MQTTAsync_subscribe(c, too_deep(), 1, &response));
	log_expect(&watch.done, 1);
	log_expect(&watch.state, 2);
	SHOW(MQTTAsync_isConnected(c));
	MQTTAsync_destroy(&c);
	log_print(&watch.done);
	for (qos = 0; qos <= 2; qos++)
	{
		c = new_async(uri, "async-flow", version, &watch);
		connect_async(c, version, &watch);
		response = answer(version, "send", on_publish, on_publish5);
		SHOW(MQTTAsync_send(c, too_deep(), 1, "x", qos, 0, &response));
		log_expect(&watch.done, 1);
		log_expect(&watch.state, 2);
		SHOW(MQTTAsync_isConnected(c));
		show_pending(c);
		MQTTAsync_destroy(&c);
		log_print(&watch.done);
	}
}

static void takeover(int version)
{
	struct watch other = WATCH_INITIALIZER;
	MQTTAsync first = new_async(uri, "async-same", version, &watch);
	MQTTAsync second = new_async(uri, "async-same", version, &other);

	connect_async(first, version, &watch);
	connect_async(second, version, &other);
	log_expect(&watch.state, 2);
	log_expect(&other.state, 1);
	SHOW(MQTTAsync_isConnected(first));
	SHOW(MQTTAsync_isConnected(second));
	connect_async(first, version, &watch);
	log_expect(&watch.state, 1);
	log_expect(&other.state, 1);
	SHOW(MQTTAsync_isConnected(first));
	SHOW(MQTTAsync_isConnected(second));
	disconnect_async(first, version, &watch);
	MQTTAsync_destroy(&first);
	MQTTAsync_destroy(&second);
	log_print(&watch.state);
	log_print(&other.state);
}

/* Calls from inside callbacks: subscribe in the connect's onSuccess, send in the subscribe's, disconnect in messageArrived. */
static MQTTAsync inner;
static struct log chain = {.name = "chain"};

static void chain_disconnected(void *context, MQTTAsync_successData *data)
{
	(void)context, (void)data;
	log_add(&chain, "disconnected, isConnected %d", MQTTAsync_isConnected(inner));
}

static int chain_arrived(void *context, char *topic, int length, MQTTAsync_message *message)
{
	MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;

	(void)context, (void)length;
	log_add(&chain, "arrived %s %.*s", topic, message->payloadlen, (char *)message->payload);
	MQTTAsync_freeMessage(&message);
	MQTTAsync_free(topic);
	options.onSuccess = chain_disconnected;
	log_add(&chain, "disconnect = %d", MQTTAsync_disconnect(inner, &options));
	return 1;
}

static void chain_subscribed(void *context, MQTTAsync_successData *data)
{
	MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;

	(void)context;
	log_add(&chain, "subscribed, qos %d", data->alt.qos);
	log_add(&chain, "send = %d", MQTTAsync_send(inner, "chain", 5, "chain", 0, 0, &options));
}

static void chain_connected(void *context, MQTTAsync_successData *data)
{
	MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;

	(void)context;
	log_add(&chain, "connected, version %d, isConnected %d", data->alt.connect.MQTTVersion, MQTTAsync_isConnected(inner));
	options.onSuccess = chain_subscribed;
	log_add(&chain, "subscribe = %d", MQTTAsync_subscribe(inner, "chain", 0, &options));
}

static void calls_in_callbacks(void)
{
	MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;

	inner = new_async(uri, "async-chain", MQTTVERSION_DEFAULT, NULL);
	SHOW(MQTTAsync_setCallbacks(inner, NULL, NULL, chain_arrived, NULL));
	options.onSuccess = chain_connected;
	SHOW(MQTTAsync_connect(inner, &options));
	log_expect(&chain, 7);
	MQTTAsync_destroy(&inner);
}

int main(int argc, char **argv)
{
	static const int versions[] = {MQTTVERSION_3_1, MQTTVERSION_3_1_1, MQTTVERSION_5};
	size_t i;

	if (argc < 2)
		return 2;
	uri = argv[1];
	for (i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7);
	for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
	{
		printf("==== MQTT version %d\n", versions[i]);
		round_trips(versions[i]);
		many(versions[i]);
		broken_off(versions[i]);
		takeover(versions[i]);
	}
	calls_in_callbacks();
	return 0;
}
