/* Rows of DIFFERENCES.md about what MQTTAsync makes of packets that come, and about the order of its callbacks and calls. */
#include "rows_async.h"

/* Packets that no server may send, and acknowledgements of nothing. */
static void wrong_packets(void)
{
	static const char *const wrong[] = {
		"8206000100016101", /* SUBSCRIBE */
		"0000", "f000",     /* reserved types */
		"d100",             /* PINGRESP with a reserved flag */
		"e000",             /* DISCONNECT, with MQTT 3 */
		"3606000174000178", /* QoS 3 */
		"3206000174000078", /* packet identifier 0 */
		"300400012378",     /* a wildcard in the topic's name */
	};
	MQTTAsync c;
	char topic[64];
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
	{
		c = connected_to("wrong", MQTTVERSION_DEFAULT);
		gone.count = delivered.count = 0;
		MQTTAsync_setConnectionLostCallback(c, NULL, on_gone);
		MQTTAsync_setDeliveryCompleteCallback(c, NULL, on_delivered);
		snprintf(topic, sizeof(topic), "bytes/%s", wrong[i]);
		SHOW(MQTTAsync_send(c, topic, 1, "x", 0, 0, NULL));
		if (on_the_original())
		{
			/* Its acknowledgement comes behind those bytes. */
			SHOW(MQTTAsync_send(c, "a", 1, "x", 1, 0, NULL));
			log_await(&delivered, 1);
		}
		else
		{
			printf("MQTTAsync_send(c, \"a\", 1, \"x\", 1, 0, NULL) = 0\n");
			log_await(&gone, 1);
		}
		printf("%s, ", topic);
		row("connected", MQTTAsync_isConnected(c), "1", 0);
		MQTTAsync_destroy(&c);
	}
	c = connected_to("stray", MQTTVERSION_DEFAULT);
	delivered.count = 0;
	MQTTAsync_setDeliveryCompleteCallback(c, NULL, on_delivered);
	SHOW(MQTTAsync_send(c, "bytes/4002006370020063", 1, "x", 0, 0, NULL));
	SHOW(MQTTAsync_send(c, "a", 1, "x", 1, 0, NULL));
	log_await(&delivered, on_the_original() ? 3 : 1);
	row("deliveryComplete, with two of them for nothing", delivered.count, "3", 1);
	MQTTAsync_destroy(&c);
}

/* A message without acknowledgement that the server sends back: which callback comes first. */
enum { LOOPS = 200 };
static struct log looped = {.name = "looped"};
static volatile int sent_callback[LOOPS], early;

static void on_loop_sent(void *context, MQTTAsync_successData *data)
{
	(void)data;
	*(volatile int *)context = 1;
	log_add(&looped, "sent");
}

static int on_loop(void *context, char *topic, int length, MQTTAsync_message *message)
{
	(void)context;
	(void)length;
	early += !sent_callback[*(unsigned char *)message->payload];
	log_add(&looped, "arrived");
	MQTTAsync_freeMessage(&message);
	MQTTAsync_free(topic);
	return 1;
}

static void loopback(void)
{
	MQTTAsync c = connected_to("loopback", MQTTVERSION_DEFAULT);
	MQTTAsync_responseOptions r = MQTTAsync_responseOptions_initializer;
	char number[16], text[32];
	int i;

	MQTTAsync_setMessageArrivedCallback(c, NULL, on_loop);
	r.onSuccess = on_loop_sent;
	for (i = 0; i < LOOPS; i++)
	{
		const unsigned char payload = (unsigned char)i;

		looped.count = 0;
		r.context = (void *)&sent_callback[i];
		if (MQTTAsync_send(c, "loop/", 1, &payload, 0, 0, &r) != MQTTASYNC_SUCCESS)
			printf("send %d failed\n", i);
		log_await(&looped, 2);
	}
	snprintf(number, sizeof(number), "%d", early);
	printf("messages before the onSuccess of their send: %s\n", render_row(text, sizeof(text), number, "0", "?"));
	MQTTAsync_destroy(&c);
}

static volatile int told;

static void on_slow_delivery(void *context, MQTTAsync_token token)
{
	(void)context;
	(void)token;
	usleep(50000);
	told++;
}

static void on_slow_success(void *context, MQTTAsync_successData *data)
{
	(void)context;
	(void)data;
	usleep(50000);
	told++;
}

/* A program frees what a callback uses once it knows that the message is complete: the same on both. */
static void told_before_the_call_returns(void)
{
	MQTTAsync c = connected_to("told", MQTTVERSION_DEFAULT);
	MQTTAsync_responseOptions r = MQTTAsync_responseOptions_initializer;
	int qos;

	MQTTAsync_setDeliveryCompleteCallback(c, NULL, on_slow_delivery);
	r.onSuccess = on_slow_success;
	for (qos = 1; qos <= 2; qos++)
	{
		told = 0;
		SHOW(MQTTAsync_send(c, "a", 1, "x", qos, 0, &r));
		SHOW(MQTTAsync_waitForCompletion(c, r.token, 5000));
		SHOW(told);
		told = 0;
		SHOW(MQTTAsync_send(c, "a", 1, "x", qos, 0, &r));
		/* The first of its callbacks has run. */
		while (told == 0)
			usleep(1000);
		SHOW(MQTTAsync_isComplete(c, r.token));
		SHOW(told);
	}
	MQTTAsync_destroy(&c);
}

int main(void)
{
	server = refuser_start();
	wrong_packets();
	loopback();
	told_before_the_call_returns();
	return 0;
}
