/* MQTTAsync and a server that refuses: every acknowledgement with every kind of reason code, and what each callback is told then. */
#include "async.h"
#include "refuser.h"

static const char *uri;
static struct watch watch = WATCH_INITIALIZER;

static MQTTAsync_responseOptions answer(int version, const char *name)
{
	return version == MQTTVERSION_5 ? response5(call_of(&watch, name), on_publish5) : response3(call_of(&watch, name), on_publish);
}

/* With callbacks, which come before or after deliveryComplete: both logs are shown. */
static void publishes(int version)
{
	static const struct { const char *topic; int qos; } sends[] = {
		{"fine", 0}, {"fine", 1}, {"fine", 2}, {"puback/10", 1}, {"puback/10/p", 1}, {"puback/80", 1}, {"puback/83/p", 1}, {"puback/87", 1},
		{"puback/90", 1}, {"puback/91", 1}, {"puback/97", 1}, {"puback/99", 1}, {"pubrec/10", 2}, {"pubrec/80", 2}, {"pubrec/87/p", 2},
		{"pubrec/91", 2}, {"pubrec/97", 2}, {"pubcomp/92", 2},
	};
	MQTTAsync c = new_async(uri, "refusal", version, &watch);
	size_t i;

	connect_async(c, version, &watch);
	log_expect(&watch.state, 1);
	for (i = 0; i < sizeof(sends) / sizeof(sends[0]); i++)
	{
		MQTTAsync_responseOptions response = answer(version, sends[i].topic);

		printf("-- %s at QoS %d\n", sends[i].topic, sends[i].qos);
		SHOW(MQTTAsync_send(c, sends[i].topic, 1, "x", sends[i].qos, 0, &response));
		printf("token %d\n", response.token);
		log_expect(&watch.done, 1);
		if (sends[i].qos > 0)
		{
			SHOW(MQTTAsync_waitForCompletion(c, response.token, 5000));
			SHOW(MQTTAsync_isComplete(c, response.token));
		}
	}
	printf("without callbacks\n");
	for (i = 0; i < sizeof(sends) / sizeof(sends[0]); i++)
	{
		MQTTAsync_responseOptions none = MQTTAsync_responseOptions_initializer;

		if (sends[i].qos == 0)
			continue;
		printf("-- %s at QoS %d\n", sends[i].topic, sends[i].qos);
		SHOW(MQTTAsync_send(c, sends[i].topic, 1, "x", sends[i].qos, 0, &none));
		SHOW(MQTTAsync_waitForCompletion(c, none.token, 5000));
		SHOW(MQTTAsync_isComplete(c, none.token));
	}
	show_pending(c);
	SHOW(MQTTAsync_isConnected(c));
	disconnect_async(c, version, &watch);
	MQTTAsync_destroy(&c);
	log_print(&watch.delivery);
	log_print(&watch.state);
}

static void subscriptions(int version)
{
	static char *const one_bad[] = {"fine", "suback/80", "suback/2"};
	static char *const all_bad[] = {"suback/80", "suback/80", "suback/80/p"};
	static char *const others[] = {"suback/87", "suback/97", "suback/a2"};
	static char *const unsubscribed[] = {"fine", "unsuback/11", "unsuback/87/p"};
	static const char *const filters[] = {"suback/0", "suback/2", "suback/80", "suback/87", "suback/8f/p", "suback/97", "suback/9e", "suback/a1"};
	static const char *const left[] = {"unsuback/0", "unsuback/11", "unsuback/80", "unsuback/87/p"};
	const int qos[] = {1, 1, 2};
	MQTTAsync c = new_async(uri, "refusal", version, &watch);
	MQTTAsync_responseOptions r;
	size_t i;

	connect_async(c, version, &watch);
	for (i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
	{
		/* MQTT 3.1.1 has no other codes. */
		if (i > 2 && version != MQTTVERSION_5)
			break;
		r = version == MQTTVERSION_5 ? response5(call_of(&watch, filters[i]), on_success5) : response3(call_of(&watch, filters[i]), on_subscribe);
		SHOW(MQTTAsync_subscribe(c, filters[i], 2, &r));
		log_expect(&watch.done, 1);
		SHOW(MQTTAsync_waitForCompletion(c, r.token, 5000));
		SHOW(MQTTAsync_isComplete(c, r.token));
	}
	for (i = 0; i < (version == MQTTVERSION_5 ? 3 : 2); i++)
	{
		r = version == MQTTVERSION_5 ? response5(call_of(&watch, "many"), on_codes5) : response3(call_of(&watch, "many"), on_subscribe_three);
		SHOW(MQTTAsync_subscribeMany(c, 3, i == 0 ? one_bad : i == 1 ? all_bad : others, qos, &r));
		log_expect(&watch.done, 1);
	}
	for (i = 0; i < sizeof(left) / sizeof(left[0]); i++)
	{
		r = version == MQTTVERSION_5 ? response5(call_of(&watch, left[i]), on_success5) : response3(call_of(&watch, left[i]), on_success);
		SHOW(MQTTAsync_unsubscribe(c, left[i], &r));
		log_expect(&watch.done, 1);
	}
	r = version == MQTTVERSION_5 ? response5(call_of(&watch, "unsubscribeMany"), on_codes5) : response3(call_of(&watch, "unsubscribeMany"), on_success);
	SHOW(MQTTAsync_unsubscribeMany(c, 3, unsubscribed, &r));
	log_expect(&watch.done, 1);
	disconnect_async(c, version, &watch);
	MQTTAsync_destroy(&c);
	log_print(&watch.delivery);
	log_print(&watch.state);
}

static void connects(int version)
{
	static const char *const v3[] = {"connack/1", "connack/2", "connack/3", "connack/4", "connack/5"};
	static const char *const v5[] = {"connack/80", "connack/84", "connack/85", "connack/86", "connack/87", "connack/8a", "connack/8c", "connack/97",
	                                 "connack/9c", "connack/9f"};
	const char *const *ids = version == MQTTVERSION_5 ? v5 : v3;
	const size_t count = version == MQTTVERSION_5 ? sizeof(v5) / sizeof(v5[0]) : sizeof(v3) / sizeof(v3[0]);
	size_t i;

	for (i = 0; i < count; i++)
	{
		MQTTAsync c = new_async(uri, ids[i], version, &watch);
		MQTTAsync_connectOptions o = connect_options(version, call_of(&watch, ids[i]));

		SHOW(MQTTAsync_connect(c, &o));
		log_expect(&watch.done, 1);
		SHOW(MQTTAsync_isConnected(c));
		MQTTAsync_destroy(&c);
	}
	log_print(&watch.state);
}

/* The server ends the connection, with a DISCONNECT and without, while something is in flight. */
static void ends(int version)
{
	static const char *const topics[] = {"close/x", "disconnect/8b", "disconnect/8d", "disconnect/98"};
	size_t i;

	for (i = 0; i < sizeof(topics) / sizeof(topics[0]); i++)
	{
		MQTTAsync c = new_async(uri, "refusal", version, &watch);
		MQTTAsync_responseOptions r = answer(version, topics[i]);

		if (i > 0 && version != MQTTVERSION_5)
		{
			MQTTAsync_destroy(&c);
			continue;
		}
		connect_async(c, version, &watch);
		log_expect(&watch.state, 1);
		SHOW(MQTTAsync_send(c, "silent/a", 1, "x", 1, 0, &r));
		SHOW(MQTTAsync_send(c, "silent/b", 1, "x", 2, 0, NULL));
		show_pending_in_any_order(c);
		SHOW(MQTTAsync_send(c, topics[i], 1, "x", 0, 0, NULL));
		/* A DISCONNECT of the server's is told by disconnected() alone. */
		log_expect(&watch.state, 1);
		SHOW(MQTTAsync_isConnected(c));
		MQTTAsync_destroy(&c);
		log_print(&watch.done);
		log_print(&watch.delivery);
	}
}

/* A call while the server has not answered the first connect yet: `again` is a connect or a reconnect. One only: whether the original's
 * thread has begun the one decides what becomes of the next. */
static void connecting(int version, const char *again)
{
	MQTTAsync c = new_async(uri, "silent/connack", version, &watch);
	MQTTAsync_connectOptions o = connect_options(version, call_of(&watch, "connect"));
	char row[64];
	int rc;

	SHOW(MQTTAsync_connect(c, &o));
	/* While its thread has not begun the first, the original refuses a second one. */
	log_await(&refuser_silent, 1);
	refuser_silent.count = 0;
	rc = strcmp(again, "connect") == 0 ? MQTTAsync_connect(c, &o) : MQTTAsync_reconnect(c);
	printf("MQTTAsync_%s = %s\n", again, render_row_number(row, sizeof(row), rc, "0", -18));
	SHOW(MQTTAsync_isConnected(c));
	MQTTAsync_destroy(&c);
	/* The original calls onFailure for what its thread has not begun; ours never, when the client is destroyed. */
	if (!on_the_original())
		log_print(&watch.done);
	else
		printf("  %s: 0\n", watch.done.name);
	watch.done.count = 0;
	log_print(&watch.state);
}

int main(void)
{
	static const int versions[] = {MQTTVERSION_3_1_1, MQTTVERSION_5};
	size_t i;

	uri = refuser_start();
	for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
	{
		printf("==== MQTT version %d\n", versions[i]);
		publishes(versions[i]);
		subscriptions(versions[i]);
		connects(versions[i]);
		ends(versions[i]);
		connecting(versions[i], "connect");
		connecting(versions[i], "reconnect");
	}
	return 0;
}
