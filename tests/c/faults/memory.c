/* There is no memory for a message that the server sends: the connection ends, the process does not, and a QoS 1 or 2 message comes again.
 *
 *   memory <uri>
 *
 * And what a program asks for by itself is NULL or an error.
 */
#include "../stress/stress.h"

#include <limits.h>

#include "MQTTAsync.h"

/* Sizes that nothing else in the process has. */
enum { TOPIC = 1233, PAYLOAD = 54320, PROPERTY = 777, LARGE = 16 << 20, HUGE_BLOCK = 8 << 20 };

/* Blocks of this size there are none of; or, where it is HUGE_BLOCK, none as large or larger. */
static atomic_size_t refused;
static atomic_int refusals;

extern void *__libc_malloc(size_t size), *__libc_calloc(size_t count, size_t size), *__libc_realloc(void *block, size_t size);

static int none_left(size_t size)
{
	size_t which = refused;

	if (which == 0 || (which == HUGE_BLOCK ? size < which : size != which))
		return 0;
	refusals++;
	return 1;
}

void *malloc(size_t size) { return none_left(size) ? NULL : __libc_malloc(size); }
void *calloc(size_t count, size_t size) { return none_left(count * size) ? NULL : __libc_calloc(count, size); }
void *realloc(void *block, size_t size) { return none_left(size) ? NULL : __libc_realloc(block, size); }

static counter done = COUNTER_INITIALIZER, arrivals = COUNTER_INITIALIZER, losses = COUNTER_INITIALIZER;
static int expected_payload, expected_properties;
static char topic[TOPIC + 1];

static void succeeded(void *context, MQTTAsync_successData *data)
{
	(void)context, (void)data;
	counter_add(&done, 1);
}

static void failed(void *context, MQTTAsync_failureData *data)
{
	(void)data;
	FAIL("%s failed", (char *)context);
}

static void succeeded5(void *context, MQTTAsync_successData5 *data)
{
	(void)context, (void)data;
	counter_add(&done, 1);
}

static void failed5(void *context, MQTTAsync_failureData5 *data)
{
	(void)data;
	FAIL("%s failed", (char *)context);
}

/* Afterwards there is memory again. */
static void lost(void *context, char *cause)
{
	(void)context, (void)cause;
	refused = 0;
	counter_add(&losses, 1);
}

static int arrived(void *context, char *name, int length, MQTTAsync_message *message)
{
	(void)context, (void)length;
	CHECK(strcmp(name, topic) == 0 && message->payloadlen == expected_payload && message->properties.count == expected_properties);
	MQTTAsync_freeMessage(&message);
	MQTTAsync_free(name);
	counter_add(&arrivals, 1);
	return 1;
}

static MQTTAsync_responseOptions told(int version, const char *what)
{
	MQTTAsync_responseOptions r = MQTTAsync_responseOptions_initializer;

	r.context = (void *)what;
	if (version == 5)
		r.onSuccess5 = succeeded5, r.onFailure5 = failed5;
	else
		r.onSuccess = succeeded, r.onFailure = failed;
	return r;
}

static MQTTAsync connected(const char *uri, const char *id, int version, int clean)
{
	MQTTAsync_createOptions c = MQTTAsync_createOptions_initializer;
	MQTTAsync_connectOptions o = MQTTAsync_connectOptions_initializer;
	MQTTAsync_connectOptions o5 = MQTTAsync_connectOptions_initializer5;
	MQTTProperties properties = MQTTProperties_initializer;
	MQTTProperty expiry = { .identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, .value.integer4 = 100 };
	MQTTAsync client = NULL;
	long before = counter_get(&done);

	c.MQTTVersion = version;
	CHECK_RC(MQTTAsync_createWithOptions(&client, uri, id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &c), 0);
	CHECK_RC(MQTTAsync_setCallbacks(client, NULL, lost, arrived, NULL), 0);
	if (version == 5)
	{
		CHECK_RC(MQTTProperties_add(&properties, &expiry), 0);
		o = o5;
		o.cleanstart = clean, o.connectProperties = &properties, o.onSuccess5 = succeeded5, o.onFailure5 = failed5;
	}
	else
		o.cleansession = clean, o.onSuccess = succeeded, o.onFailure = failed;
	o.context = "connect", o.MQTTVersion = version;
	CHECK_RC(MQTTAsync_connect(client, &o), 0);
	AWAIT(&done, before + 1);
	MQTTProperties_free(&properties);
	return client;
}

static void publish(const char *uri, int version, int qos, const char *payload, int length)
{
	MQTTAsync client = connected(uri, "faults-publisher", version, 1);
	MQTTAsync_responseOptions r = told(version, "send");
	MQTTAsync_message message = MQTTAsync_message_initializer;
	char text[PROPERTY];
	MQTTProperty property = { .identifier = MQTTPROPERTY_CODE_USER_PROPERTY };
	long before = counter_get(&done);

	message.payload = (void *)payload, message.payloadlen = length, message.qos = qos, message.retained = 1;
	if (version == 5 && length > 0)
	{
		memset(text, 'p', sizeof text);
		property.value.data.data = text, property.value.data.len = sizeof text;
		property.value.value.data = text, property.value.value.len = 1;
		CHECK_RC(MQTTProperties_add(&message.properties, &property), 0);
	}
	CHECK_RC(MQTTAsync_sendMessage(client, topic, &message, &r), 0);
	AWAIT(&done, before + 1);
	MQTTProperties_free(&message.properties);
	MQTTAsync_destroy(&client);
}

/* A message for which there is no memory when it comes first. */
static void comes_again(const char *uri, int version, int qos, int length, size_t missing)
{
	char *payload = calloc(1, (size_t)length);
	MQTTAsync_responseOptions r = told(version, "unsubscribe");
	MQTTAsync client;
	long came = counter_get(&arrivals), went = counter_get(&losses), before;

	expected_payload = length, expected_properties = version == 5 ? 1 : 0;
	publish(uri, version, qos, payload, length);
	/* First without the session that there may be, then with one. */
	client = connected(uri, "faults-memory", version, 1);
	MQTTAsync_destroy(&client);
	client = connected(uri, "faults-memory", version, 0);
	refusals = 0;
	refused = missing;
	/* What was retained comes behind the answer to this, or before it: whether the answer arrives is of no interest. */
	CHECK_RC(MQTTAsync_subscribe(client, topic, 2, NULL), 0);
	AWAIT(&losses, went + 1);
	CHECK(refusals > 0 && counter_get(&arrivals) == came);
	CHECK_RC(MQTTAsync_reconnect(client), 0);
	AWAIT(&arrivals, came + 1);
	before = counter_get(&done);
	CHECK_RC(MQTTAsync_unsubscribe(client, topic, &r), 0);
	AWAIT(&done, before + 1);
	CHECK(counter_get(&arrivals) == came + 1 && counter_get(&losses) == went + 1);
	MQTTAsync_destroy(&client);
	publish(uri, version, qos, NULL, 0);
	free(payload);
	printf("MQTT %d, QoS %d: a block of %zu\n", version, qos, missing);
}

static void asked_for(void)
{
	MQTTProperties list = MQTTProperties_initializer, copy;
	char text[PROPERTY];
	MQTTProperty property = { .identifier = MQTTPROPERTY_CODE_REASON_STRING };

	refused = HUGE_BLOCK;
	CHECK(MQTTAsync_malloc(HUGE_BLOCK) == NULL && MQTTAsync_malloc((size_t)-1) == NULL);
	memset(text, 'p', sizeof text);
	property.value.data.data = text, property.value.data.len = sizeof text;
	refused = PROPERTY + 1;
	if (MQTTProperties_add(&list, &property) == 0)
		FAIL("a property was added without memory for it");
	CHECK(list.count == 0 && list.length == 0);
	refused = 0;
	CHECK_RC(MQTTProperties_add(&list, &property), 0);
	refused = PROPERTY + 1;
	copy = MQTTProperties_copy(&list);
	refused = 0;
	CHECK(copy.count == 0);
	MQTTProperties_free(&copy);
	MQTTProperties_free(&list);
}

int main(int argc, char **argv)
{
	int version, qos;

	CHECK(argc == 2);
	memset(topic, 't', TOPIC);
	alarm(200);
	asked_for();
	for (version = 4; version <= 5; version++)
		for (qos = 1; qos <= 2; qos++)
		{
			comes_again(argv[1], version, qos, PAYLOAD, PAYLOAD + 1);
			comes_again(argv[1], version, qos, PAYLOAD, TOPIC + 1);
			if (version == 5)
				comes_again(argv[1], version, qos, PAYLOAD, PROPERTY + 1);
			comes_again(argv[1], version, qos, LARGE, HUGE_BLOCK);
		}
	check_heap();
	return 0;
}
