/* MQTTAsync and MQTT 5: properties both ways, subscribe options, subscription identifiers, sessions, request and response. */
#include "async.h"

static const char *uri;
static struct watch watch = WATCH_INITIALIZER;

static MQTTAsync_responseOptions answer(const char *name, MQTTAsync_onSuccess5 *success)
{
	return response5(call_of(&watch, name), success);
}

static void send_with(MQTTAsync c, const char *topic, const char *payload, int qos, int retained, MQTTProperties *properties)
{
	MQTTAsync_responseOptions r = answer("send", on_publish5);

	if (properties)
		r.properties = *properties;
	SHOW(MQTTAsync_send(c, topic, (int)strlen(payload), payload, qos, retained, &r));
	log_expect(&watch.done, 1);
}

static void subscribe_with(MQTTAsync c, const char *filter, int qos, MQTTSubscribe_options *o, MQTTProperties *properties)
{
	MQTTAsync_responseOptions r = answer("subscribe", on_success5);

	if (o)
		r.subscribeOptions = *o;
	if (properties)
		r.properties = *properties;
	SHOW(MQTTAsync_subscribe(c, filter, qos, &r));
	log_expect(&watch.done, 1);
}

static int count_properties(void *context, char *topic, int length, MQTTAsync_message *message)
{
	char text[64];

	(void)context;
	(void)length;
	log_add(&watch.messages, "properties of a message without response options: %s",
	        render_row_number(text, sizeof(text), message->properties.count, "0", 7));
	MQTTAsync_freeMessage(&message);
	MQTTAsync_free(topic);
	return 1;
}

static void every_property(void)
{
	MQTTAsync c = new_async(uri, "async-v5", MQTTVERSION_5, &watch);
	MQTTProperties properties = MQTTProperties_initializer;
	MQTTAsync_message message = MQTTAsync_message_initializer;
	MQTTAsync_responseOptions r;
	char text[64];
	int qos;

	connect_async(c, MQTTVERSION_5, &watch);
	subscribe_with(c, "five/#", 2, NULL, NULL);
	add_number(&properties, MQTTPROPERTY_CODE_PAYLOAD_FORMAT_INDICATOR, 1);
	add_text(&properties, MQTTPROPERTY_CODE_CONTENT_TYPE, "text/plain");
	add_text(&properties, MQTTPROPERTY_CODE_RESPONSE_TOPIC, "five/answer");
	add_text(&properties, MQTTPROPERTY_CODE_CORRELATION_DATA, "corr");
	add_pair(&properties, "b", "2");
	add_pair(&properties, "a", "1");
	add_pair(&properties, "b", "2");
	for (qos = 0; qos <= 2; qos++)
	{
		send_with(c, "five/props", "hello", qos, 0, &properties);
		log_expect(&watch.messages, 1);
	}
	/* A message has properties of its own; those of the response options are not for it. */
	message.payload = "message";
	message.payloadlen = 7;
	message.qos = 1;
	message.properties = properties;
	r = answer("sendMessage", on_publish5);
	SHOW(MQTTAsync_sendMessage(c, "five/message", &message, &r));
	log_expect(&watch.done, 1);
	log_expect(&watch.messages, 1);
	printf("the options' properties afterwards: %s\n", render_row_number(text, sizeof(text), r.properties.count, "7", 0));
	/* Also where the message has none. */
	message.properties.count = message.properties.length = 0;
	r = answer("sendMessage without properties", on_publish5);
	r.properties = properties;
	SHOW(MQTTAsync_sendMessage(c, "five/message", &message, &r));
	log_expect(&watch.done, 1);
	log_expect(&watch.messages, 1);
	SHOW(MQTTAsync_setMessageArrivedCallback(c, NULL, count_properties));
	message.properties = properties;
	SHOW(MQTTAsync_sendMessage(c, "five/message", &message, NULL));
	log_expect(&watch.messages, 1);
	log_await(&watch.delivery, 5);
	MQTTProperties_free(&properties);
	disconnect_async(c, MQTTVERSION_5, &watch);
	MQTTAsync_destroy(&c);
	log_expect(&watch.delivery, 5);
	log_print(&watch.state);
}

static void subscriptions(void)
{
	MQTTAsync c = new_async(uri, "async-v5", MQTTVERSION_5, &watch);
	MQTTProperties identifier = MQTTProperties_initializer;
	MQTTSubscribe_options o = MQTTSubscribe_options_initializer;
	MQTTSubscribe_options list[3] = {MQTTSubscribe_options_initializer, MQTTSubscribe_options_initializer, MQTTSubscribe_options_initializer};
	char *const filters[] = {"list/a", "list/b", "list/c"};
	const int qos[] = {0, 1, 2};
	MQTTAsync_responseOptions r;

	connect_async(c, MQTTVERSION_5, &watch);
	add_number(&identifier, MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIER, 268435455);
	subscribe_with(c, "ids/+", 1, NULL, &identifier);
	send_with(c, "ids/x", "1", 1, 0, NULL);
	log_expect(&watch.messages, 1);
	printf("noLocal\n");
	o.noLocal = 1;
	subscribe_with(c, "local", 1, &o, NULL);
	send_with(c, "local", "not for me", 1, 0, NULL);
	send_with(c, "ids/end", "end", 1, 0, NULL);
	log_expect(&watch.messages, 1);
	printf("retained\n");
	send_with(c, "kept", "kept", 1, 1, NULL);
	o.noLocal = 0;
	o.retainHandling = 2;
	o.retainAsPublished = 1;
	subscribe_with(c, "kept", 1, &o, NULL);
	send_with(c, "kept", "kept again", 1, 1, NULL);
	log_expect(&watch.messages, 1);
	printf("a list of options\n");
	list[0].noLocal = 1;
	r = answer("subscribeMany", on_codes5);
	r.subscribeOptionsCount = 3;
	r.subscribeOptionsList = list;
	SHOW(MQTTAsync_subscribeMany(c, 3, filters, qos, &r));
	log_expect(&watch.done, 1);
	send_with(c, "list/a", "not for me", 1, 0, NULL);
	send_with(c, "list/c", "for me", 2, 0, NULL);
	log_expect(&watch.messages, 1);
	send_with(c, "kept", "", 1, 1, NULL);
	log_expect(&watch.messages, 1);
	disconnect_async(c, MQTTVERSION_5, &watch);
	MQTTProperties_free(&identifier);
	MQTTAsync_destroy(&c);
	log_take(&watch.delivery, 1);
	log_print(&watch.state);
}

static void sessions(void)
{
	MQTTAsync c = new_async(uri, "async-v5-session", MQTTVERSION_5, &watch);
	MQTTAsync_connectOptions o = connect_options(MQTTVERSION_5, call_of(&watch, "connect"));
	MQTTProperties hour = MQTTProperties_initializer;
	int clean;

	add_number(&hour, MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, 3600);
	o.connectProperties = &hour;
	for (clean = 2; clean >= 0; clean--)
	{
		o.cleanstart = clean > 0;
		SHOW(MQTTAsync_connect(c, &o));
		log_expect(&watch.done, 1);
		disconnect_async(c, MQTTVERSION_5, &watch);
	}
	MQTTProperties_free(&hour);
	MQTTAsync_destroy(&c);
	log_print(&watch.state);
}

/* The plain onSuccess of the disconnect options, on a 5 client; and what a callback of either kind is given. */
static void plain_disconnect(void)
{
	MQTTAsync c = new_async(uri, "async-v5", MQTTVERSION_5, &watch);
	MQTTAsync_disconnectOptions o = MQTTAsync_disconnectOptions_initializer5;

	connect_async(c, MQTTVERSION_5, &watch);
	o.context = call_of(&watch, "disconnect");
	o.onSuccess = on_success;
	o.reasonCode = MQTTREASONCODE_DISCONNECT_WITH_WILL_MESSAGE;
	SHOW(MQTTAsync_disconnect(c, &o));
	log_expect(&watch.done, 1);
	MQTTAsync_destroy(&c);
	log_print(&watch.state);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	uri = argv[1];
	every_property();
	subscriptions();
	sessions();
	plain_disconnect();
	return 0;
}
