/* Clients of MQTTAsync made, used at every QoS in both directions, and destroyed, many times over.
 *
 *   churn_async <uri> <clients> <MQTT version: 3, 4 or 5> [at the same time]
 *
 * A third of them disconnects first, a third is destroyed connected, a third with messages that nobody acknowledged yet.
 */
#include "stress.h"

#include "MQTTAsync.h"

enum { MESSAGES = 3 };

typedef struct
{
	MQTTAsync handle;
	char id[32], topic[48];
	counter connected, subscribed, sent, delivered, arrived, disconnected, failed;
} client;

static int version;

static void on_failure(void *context, MQTTAsync_failureData *data) { (void)data; counter_add(&((client *)context)->failed, 1); }
static void on_failure5(void *context, MQTTAsync_failureData5 *data) { (void)data; counter_add(&((client *)context)->failed, 1); }
static void on_connect(void *context, MQTTAsync_successData *data)
{
	CHECK(data->alt.connect.serverURI != NULL && strlen(data->alt.connect.serverURI) > 8);
	counter_add(&((client *)context)->connected, 1);
}
static void on_connect5(void *context, MQTTAsync_successData5 *data)
{
	CHECK(data->alt.connect.serverURI != NULL && strlen(data->alt.connect.serverURI) > 8);
	CHECK(data->alt.connect.MQTTVersion == 5);
	counter_add(&((client *)context)->connected, 1);
}
static void on_subscribe(void *context, MQTTAsync_successData *data)
{
	CHECK(data->token > 0);
	counter_add(&((client *)context)->subscribed, 1);
}
static void on_subscribe5(void *context, MQTTAsync_successData5 *data)
{
	CHECK(data->token > 0 && data->reasonCode == MQTTREASONCODE_GRANTED_QOS_2);
	counter_add(&((client *)context)->subscribed, 1);
}
static void check_sent(const client *c, const char *destination, const MQTTAsync_message *message)
{
	CHECK(strcmp(destination, c->topic) == 0);
	CHECK(message->payloadlen > 0 && memcmp(message->payload, "QoS ", 4) == 0);
	CHECK(((const char *)message->payload)[4] == '0' + message->qos);
}
static void on_send(void *context, MQTTAsync_successData *data)
{
	check_sent(context, data->alt.pub.destinationName, &data->alt.pub.message);
	counter_add(&((client *)context)->sent, 1);
}
static void on_send5(void *context, MQTTAsync_successData5 *data)
{
	check_sent(context, data->alt.pub.destinationName, &data->alt.pub.message);
	CHECK_RC(data->reasonCode, MQTTREASONCODE_SUCCESS);
	counter_add(&((client *)context)->sent, 1);
}
static void on_disconnect(void *context, MQTTAsync_successData *data) { (void)data; counter_add(&((client *)context)->disconnected, 1); }
static void on_disconnect5(void *context, MQTTAsync_successData5 *data) { (void)data; counter_add(&((client *)context)->disconnected, 1); }

static int on_message(void *context, char *topic, int topic_len, MQTTAsync_message *message)
{
	client *c = context;

	(void)topic_len;
	CHECK(strcmp(topic, c->topic) == 0);
	CHECK(message->payloadlen > 0 && memcmp(message->payload, "QoS ", 4) == 0);
	if (version == 5)
	{
		MQTTProperty *property = MQTTProperties_getProperty(&message->properties, MQTTPROPERTY_CODE_USER_PROPERTY);
		CHECK(property != NULL && property->value.value.len == 5);
	}
	MQTTAsync_freeMessage(&message);
	MQTTAsync_free(topic);
	counter_add(&c->arrived, 1);
	return 1;
}
static void on_delivery(void *context, MQTTAsync_token token) { CHECK(token > 0); counter_add(&((client *)context)->delivered, 1); }
static void on_lost(void *context, char *cause) { (void)context; (void)cause; FAIL("a connection was lost"); }
static void on_connected(void *context, char *cause) { (void)context; CHECK(cause != NULL); }
static void on_disconnected(void *context, MQTTProperties *properties, enum MQTTReasonCodes reason)
{
	(void)context; (void)properties;
	FAIL("the server said DISCONNECT, %d", (int)reason);
}

static void begin(client *c, const char *uri, int number)
{
	MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer;
	MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
	MQTTAsync_connectOptions options5 = MQTTAsync_connectOptions_initializer5;
	MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
	MQTTProperties connect_properties = MQTTProperties_initializer, will_properties = MQTTProperties_initializer;

	memset(c, 0, sizeof *c);
	counter_init(&c->connected); counter_init(&c->subscribed); counter_init(&c->sent); counter_init(&c->delivered);
	counter_init(&c->arrived); counter_init(&c->disconnected); counter_init(&c->failed);
	snprintf(c->id, sizeof c->id, "churn-%d", number);
	snprintf(c->topic, sizeof c->topic, "churn/async/%d", number);
	create.MQTTVersion = version;
	CHECK_RC(MQTTAsync_createWithOptions(&c->handle, uri, c->id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &create), 0);
	CHECK_RC(MQTTAsync_setCallbacks(c->handle, c, on_lost, on_message, on_delivery), 0);
	CHECK_RC(MQTTAsync_setConnected(c->handle, c, on_connected), 0);
	CHECK_RC(MQTTAsync_setDisconnected(c->handle, c, on_disconnected), 0);

	if (version == 5)
	{
		MQTTProperty property;

		options = options5;
		options.onSuccess5 = on_connect5;
		options.onFailure5 = on_failure5;
		property.identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL;
		property.value.integer4 = 0;
		CHECK_RC(MQTTProperties_add(&connect_properties, &property), 0);
		property.identifier = MQTTPROPERTY_CODE_WILL_DELAY_INTERVAL;
		CHECK_RC(MQTTProperties_add(&will_properties, &property), 0);
		options.connectProperties = &connect_properties;
		options.willProperties = &will_properties;
	}
	else
	{
		options.onSuccess = on_connect;
		options.onFailure = on_failure;
		options.cleansession = 1;
	}
	will.topicName = "churn/will";
	will.message = "gone";
	will.qos = 1;
	options.will = &will;
	options.MQTTVersion = version;
	options.username = "somebody";
	options.password = "secret";
	options.context = c;
	CHECK_RC(MQTTAsync_connect(c->handle, &options), 0);
	MQTTProperties_free(&connect_properties);
	MQTTProperties_free(&will_properties);
}

static MQTTAsync_responseOptions response(client *c)
{
	MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;

	options.context = c;
	if (version == 5)
		options.onFailure5 = on_failure5;
	else
		options.onFailure = on_failure;
	return options;
}

static void subscribe(client *c)
{
	MQTTAsync_responseOptions options = response(c);

	AWAIT(&c->connected, 1);
	CHECK(MQTTAsync_isConnected(c->handle));
	if (version == 5)
		options.onSuccess5 = on_subscribe5;
	else
		options.onSuccess = on_subscribe;
	CHECK_RC(MQTTAsync_subscribe(c->handle, c->topic, 2, &options), 0);
}

static void send_all(client *c)
{
	AWAIT(&c->subscribed, 1);
	for (int qos = 0; qos < MESSAGES; qos++)
	{
		MQTTAsync_responseOptions options = response(c);
		MQTTAsync_message message = MQTTAsync_message_initializer;
		char payload[2048];

		memset(payload, 'x', sizeof payload);
		memcpy(payload, "QoS ", 4);
		payload[4] = (char)('0' + qos);
		message.payload = payload;
		/* Short and long: both ways that a packet can be queued. */
		message.payloadlen = qos == 1 ? (int)sizeof payload : 5;
		message.qos = qos;
		if (version == 5)
		{
			MQTTProperty property;

			property.identifier = MQTTPROPERTY_CODE_USER_PROPERTY;
			property.value.data.data = "name"; property.value.data.len = 4;
			property.value.value.data = "value"; property.value.value.len = 5;
			CHECK_RC(MQTTProperties_add(&message.properties, &property), 0);
			options.onSuccess5 = on_send5;
		}
		else
			options.onSuccess = on_send;
		CHECK_RC(MQTTAsync_sendMessage(c->handle, c->topic, &message, &options), 0);
		MQTTProperties_free(&message.properties);
	}
}

static void end(client *c, int number)
{
	if (number % 3 != 2)
	{
		/* Not the third kind: its messages may be anywhere between here and the broker. */
		AWAIT(&c->sent, MESSAGES);
		AWAIT(&c->arrived, MESSAGES);
		AWAIT(&c->delivered, MESSAGES - 1);
		CHECK(counter_get(&c->failed) == 0);
	}
	if (number % 3 == 0)
	{
		MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;

		options.context = c;
		options.timeout = 1000;
		if (version == 5)
		{
			MQTTAsync_disconnectOptions options5 = MQTTAsync_disconnectOptions_initializer5;

			options5.context = c;
			options5.timeout = 1000;
			options5.onSuccess5 = on_disconnect5;
			options = options5;
		}
		else
			options.onSuccess = on_disconnect;
		CHECK_RC(MQTTAsync_disconnect(c->handle, &options), 0);
		AWAIT(&c->disconnected, 1);
	}
	MQTTAsync_destroy(&c->handle);
	CHECK(c->handle == NULL);
	counter_free(&c->connected); counter_free(&c->subscribed); counter_free(&c->sent); counter_free(&c->delivered);
	counter_free(&c->arrived); counter_free(&c->disconnected); counter_free(&c->failed);
}

int main(int argc, char **argv)
{
	int count, together, done = 0;
	client *clients;

	CHECK(argc >= 4);
	count = number(argv[2]);
	version = number(argv[3]);
	together = argc > 4 ? number(argv[4]) : 10;
	clients = malloc((size_t)together * sizeof *clients);
	CHECK(clients != NULL);
	while (done < count)
	{
		int n = count - done < together ? count - done : together;

		for (int i = 0; i < n; i++)
			begin(&clients[i], argv[1], done + i);
		for (int i = 0; i < n; i++)
			subscribe(&clients[i]);
		for (int i = 0; i < n; i++)
			send_all(&clients[i]);
		for (int i = 0; i < n; i++)
			end(&clients[i], done + i);
		done += n;
	}
	free(clients);
	check_heap();
	printf("%d clients\n", done);
	return 0;
}
