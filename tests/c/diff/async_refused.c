/* MQTTAsync and a server that asks for a password (alice, secret) and lets alice use open/# only. */
#include "async.h"

static const char *uri;
static struct watch watch = WATCH_INITIALIZER;

static void connects(int version)
{
	static const char *const users[] = {NULL, "alice", "mallory", "alice"};
	static const char *const passwords[] = {NULL, "wrong", "secret", "secret"};
	size_t i;

	for (i = 0; i < sizeof(users) / sizeof(users[0]); i++)
	{
		MQTTAsync c = new_async(uri, "async-refused", version, &watch);
		MQTTAsync_connectOptions o = connect_options(version, call_of(&watch, "connect"));

		o.username = users[i];
		o.password = passwords[i];
		printf("user %s password %s\n", users[i] ? users[i] : "NULL", passwords[i] ? passwords[i] : "NULL");
		SHOW(MQTTAsync_connect(c, &o));
		log_expect(&watch.done, 1);
		SHOW(MQTTAsync_isConnected(c));
		MQTTAsync_destroy(&c);
		log_print(&watch.done);
		log_print(&watch.state);
	}
}

static void forbidden(int version)
{
	MQTTAsync c = new_async(uri, "async-alice", version, &watch);
	MQTTAsync_connectOptions o = connect_options(version, call_of(&watch, "connect"));
	MQTTAsync_responseOptions r;
	char *const filters[] = {"open/a", "closed/a", "open/c"};
	const int qos[] = {1, 1, 2};
	int i;

	o.username = "alice";
	o.password = "secret";
	SHOW(MQTTAsync_connect(c, &o));
	log_expect(&watch.done, 1);
	r = version == MQTTVERSION_5 ? response5(call_of(&watch, "subscribe"), on_success5) : response3(call_of(&watch, "subscribe"), on_subscribe);
	SHOW(MQTTAsync_subscribe(c, "closed/a", 1, &r));
	log_expect(&watch.done, 1);
	r = version == MQTTVERSION_5 ? response5(call_of(&watch, "subscribeMany"), on_codes5)
	                             : response3(call_of(&watch, "subscribeMany"), on_subscribe_three);
	SHOW(MQTTAsync_subscribeMany(c, 3, filters, qos, &r));
	log_expect(&watch.done, 1);
	for (i = 0; i <= 2; i++)
	{
		r = version == MQTTVERSION_5 ? response5(call_of(&watch, i == 2 ? "send at 2" : "send"), on_publish5) : response3(call_of(&watch, "send"), on_publish);
		SHOW(MQTTAsync_send(c, "closed/a", 1, "x", i, 0, &r));
		log_expect(&watch.done, 1);
		SHOW(MQTTAsync_isComplete(c, r.token));
		SHOW(MQTTAsync_waitForCompletion(c, r.token, 5000));
	}
	SHOW(MQTTAsync_isConnected(c));
	disconnect_async(c, version, &watch);
	MQTTAsync_destroy(&c);
	log_print(&watch.delivery);
	log_print(&watch.state);
}

int main(int argc, char **argv)
{
	static const int versions[] = {MQTTVERSION_3_1, MQTTVERSION_DEFAULT, MQTTVERSION_3_1_1, MQTTVERSION_5};
	size_t i;

	if (argc < 2)
		return 2;
	uri = argv[1];
	for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
	{
		printf("==== MQTT version %d\n", versions[i]);
		connects(versions[i]);
		forbidden(versions[i]);
	}
	return 0;
}
