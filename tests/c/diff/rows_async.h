/* What the programs of the rows about MQTTAsync share. */
#ifndef DIFF_ROWS_ASYNC_H
#define DIFF_ROWS_ASYNC_H

#include "async.h"
#include "rows.h"

static const char *server;
static struct watch watch = WATCH_INITIALIZER;

static UNUSED MQTTAsync connected_to(const char *id, int version)
{
	MQTTAsync c = new_async(server, id, version, &watch);
	MQTTAsync_connectOptions v3 = MQTTAsync_connectOptions_initializer, v5 = MQTTAsync_connectOptions_initializer5;
	MQTTAsync_connectOptions o = version == MQTTVERSION_5 ? v5 : v3;

	o.context = call_of(&watch, "connect");
	if (version == MQTTVERSION_5)
	{
		o.onSuccess5 = on_connect5;
		o.onFailure5 = on_connect_failure5;
	}
	else
	{
		o.onSuccess = on_connect;
		o.onFailure = on_failure;
	}
	SHOW(MQTTAsync_connect(c, &o));
	log_expect(&watch.done, 1);
	return c;
}

static UNUSED struct log delivered = {.name = "deliveryComplete"};

static UNUSED void on_delivered(void *context, MQTTAsync_token token)
{
	(void)context;
	log_add(&delivered, "%d", token);
}

static UNUSED struct log gone = {.name = "connectionLost"};

static UNUSED void on_gone(void *context, char *cause)
{
	(void)context;
	(void)cause;
	log_add(&gone, "lost");
}

#endif
