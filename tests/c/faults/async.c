/* MQTTAsync: see scenario.h. */
#include "scenario.h"

#include "MQTTAsync.h"

/* Counted over one life: accepted operations, how many ended, how many of them well; messages; lost connections. */
static counter ended, good, arrivals, losses;

static void success(void *context, MQTTAsync_successData *data)
{
	(void)context, (void)data;
	counter_add(&good, 1);
	counter_add(&ended, 1);
}

static void failure(void *context, MQTTAsync_failureData *data)
{
	(void)data;
	if (strict)
		FAIL("%s failed: %d %s; before, %s had failed", (char *)context, data ? data->code : 0,
			data && data->message ? data->message : "", inject_failed);
	counter_add(&ended, 1);
}

static void lost(void *context, char *cause)
{
	(void)context;
	if (strict)
		FAIL("connection lost: %s; before, %s had failed", cause ? cause : "", inject_failed);
	counter_add(&losses, 1);
}

static int arrived(void *context, char *topic, int length, MQTTAsync_message *message)
{
	(void)context, (void)length;
	CHECK(strcmp(topic, "faults") == 0 && message->payloadlen == 12);
	MQTTAsync_freeMessage(&message);
	MQTTAsync_free(topic);
	counter_add(&arrivals, 1);
	return 1;
}

/* Until all that was accepted has ended, or the connection is gone, without which nothing does. */
static int settled(long accepted)
{
	double until = now_seconds() + 100;

	while (counter_get(&ended) < accepted && counter_get(&losses) == 0)
	{
		if (now_seconds() > until)
			FAIL("%ld of %ld operations ended after a failing %s", counter_get(&ended), accepted, inject_failed);
		usleep(500);
	}
	return counter_get(&losses) == 0;
}

static MQTTAsync_responseOptions told(const char *what)
{
	MQTTAsync_responseOptions r = MQTTAsync_responseOptions_initializer;

	r.context = (void *)what, r.onSuccess = success, r.onFailure = failure;
	return r;
}

static long converse(MQTTAsync client, long accepted)
{
	MQTTAsync_responseOptions r = told("subscribe");
	double until;
	int qos;

	if (documented("subscribe", MQTTAsync_subscribe(client, "faults", 2, &r)) == 0)
		accepted++;
	if (!settled(accepted))
		return accepted;
	for (qos = 0; qos <= 2; qos++)
	{
		char payload[] = "0 a message";

		payload[0] = (char)('0' + qos);
		r = told("send");
		if (documented("send", MQTTAsync_send(client, "faults", sizeof payload, payload, qos, 0, &r)) == 0)
			accepted++;
	}
	if (!settled(accepted))
		return accepted;
	if (strict)
		AWAIT(&arrivals, 3);
	for (until = now_seconds() + 0.1; counter_get(&arrivals) < 3 && now_seconds() < until;)
		usleep(500);
	r = told("unsubscribe");
	if (documented("unsubscribe", MQTTAsync_unsubscribe(client, "faults", &r)) == 0)
		accepted++;
	settled(accepted);
	return accepted;
}

static void life(void)
{
	MQTTAsync_connectOptions o = MQTTAsync_connectOptions_initializer;
	MQTTAsync_disconnectOptions d = MQTTAsync_disconnectOptions_initializer;
	MQTTAsync_SSLOptions ssl = MQTTAsync_SSLOptions_initializer;
	MQTTAsync client = NULL;
	long accepted = 0;

	counter_init(&ended), counter_init(&good), counter_init(&arrivals), counter_init(&losses);
	o.keepAliveInterval = 20, o.cleansession = 1, o.connectTimeout = 60;
	o.context = "connect", o.onSuccess = success, o.onFailure = failure;
	if (authority)
		o.ssl = &ssl, ssl.trustStore = authority;
	if (documented("create", MQTTAsync_create(&client, uri, "faults-async", MQTTCLIENT_PERSISTENCE_DEFAULT, (void *)store)) != 0)
	{
		CHECK(client == NULL);
		return;
	}
	documented("setCallbacks", MQTTAsync_setCallbacks(client, NULL, lost, arrived, NULL));
	if (documented("connect", MQTTAsync_connect(client, &o)) == 0)
	{
		accepted = 1;
		settled(accepted);
		if (counter_get(&good) == 1)
			accepted = converse(client, accepted);
	}
	d.context = "disconnect", d.onSuccess = success, d.onFailure = failure, d.timeout = 1000;
	if (MQTTAsync_isConnected(client) && MQTTAsync_disconnect(client, &d) == 0)
	{
		accepted++;
		settled(accepted);
	}
	MQTTAsync_destroy(&client);
	CHECK(client == NULL);
	/* Without a connection too: destroy ends what has not ended. */
	if (counter_get(&ended) != accepted)
		FAIL("%ld of %ld operations ended after a failing %s", counter_get(&ended), accepted, inject_failed);
	counter_free(&ended), counter_free(&good), counter_free(&arrivals), counter_free(&losses);
}
