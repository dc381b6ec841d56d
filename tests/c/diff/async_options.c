/* MQTTAsync: connect options one at a time and combined: what connect returns, and which callback comes with what. */
#include "async.h"

static const char *uri;
static MQTTAsync c;
static MQTTAsync_connectOptions o;
static MQTTAsync_willOptions will;
static struct watch watch = WATCH_INITIALIZER;

static void fresh(int version)
{
	MQTTAsync_willOptions w = MQTTAsync_willOptions_initializer;

	o = connect_options(version, call_of(&watch, "connect"));
	will = w;
	will.topicName = "will/topic";
	will.message = "gone";
	c = new_async(uri, "async-options", version, &watch);
}

/* A connect that was accepted is answered by one callback. */
static void connect_and_out(void)
{
	int rc = MQTTAsync_connect(c, &o);

	printf("MQTTAsync_connect(c, &o) = %d\n", rc);
	fflush(stdout);
	if (rc == MQTTASYNC_SUCCESS)
		log_expect(&watch.done, 1);
	SHOW(MQTTAsync_isConnected(c));
	MQTTAsync_destroy(&c);
	log_print(&watch.state);
}

#define WITH3(...) ISOLATED("3.1.1: " #__VA_ARGS__) { fresh(MQTTVERSION_DEFAULT); __VA_ARGS__; connect_and_out(); }
#define WITH5(...) ISOLATED("5: " #__VA_ARGS__) { fresh(MQTTVERSION_5); __VA_ARGS__; connect_and_out(); }

static void structures(void)
{
	int version;

	WITH3((void)0);
	WITH5((void)0);
	WITH3(memcpy(o.struct_id, "XXXX", 4));
	WITH5(memcpy(o.struct_id, "XXXX", 4));
	for (version = -1; version <= 10; version++)
	{
		printf("struct_version %d\n", version);
		WITH3(o.struct_version = version);
	}
	for (version = 3; version <= 9; version++)
	{
		printf("struct_version %d\n", version);
		WITH5(o.struct_version = version);
	}
	WITH3(o.will = &will; memcpy(will.struct_id, "XXXX", 4));
	WITH3(o.will = &will; will.struct_version = -1);
	WITH3(o.will = &will; will.struct_version = 0);
	WITH3(o.will = &will; will.struct_version = 1);
	WITH3(o.will = &will; will.struct_version = 2);
	WITH5(o.will = &will; will.struct_version = 2);
}

static void versions(void)
{
	int created, asked;

	for (created = 0; created <= 5; created++)
	{
		if (created == 1 || created == 2)
			continue;
		for (asked = 0; asked <= 5; asked++)
		{
			if (asked == 1 || asked == 2)
				continue;
			printf("created for %d, MQTTVersion %d\n", created, asked);
			ISOLATED("options for 3")
			{
				fresh(MQTTVERSION_DEFAULT);
				c = new_async(uri, "async-options", created, &watch);
				o.MQTTVersion = asked;
				connect_and_out();
			}
			ISOLATED("options for 5")
			{
				fresh(MQTTVERSION_5);
				c = new_async(uri, "async-options", created, &watch);
				o.MQTTVersion = asked;
				connect_and_out();
			}
		}
	}
	WITH3(o.onSuccess5 = on_connect5);
	WITH3(o.onFailure5 = on_failure5);
	WITH5(o.onSuccess = on_connect);
	WITH5(o.onFailure = on_failure);
	WITH3(o.onSuccess = NULL; o.onSuccess5 = on_connect5);
}

static void sessions(void)
{
	WITH3(o.cleansession = 0);
	WITH3(o.cleansession = 1; o.cleanstart = 1);
	WITH3(o.cleansession = 0; o.cleanstart = 1);
	WITH5(o.cleansession = 1; o.cleanstart = 0);
	WITH5(o.cleansession = 1; o.cleanstart = 1);
	WITH5(o.cleansession = 0; o.cleanstart = 0);
	ISOLATED("empty client id, clean session")
	{
		fresh(MQTTVERSION_DEFAULT);
		c = new_async(uri, "", MQTTVERSION_DEFAULT, &watch);
		connect_and_out();
	}
	ISOLATED("connect properties on a 3.1.1 client")
	{
		MQTTProperties properties = MQTTProperties_initializer;
		fresh(MQTTVERSION_DEFAULT);
		add_number(&properties, MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, 100);
		o.connectProperties = &properties;
		connect_and_out();
	}
	ISOLATED("will properties on a 3.1.1 client")
	{
		MQTTProperties properties = MQTTProperties_initializer;
		fresh(MQTTVERSION_DEFAULT);
		add_number(&properties, MQTTPROPERTY_CODE_WILL_DELAY_INTERVAL, 100);
		o.will = &will;
		o.willProperties = &properties;
		connect_and_out();
	}
	ISOLATED("will properties without a will")
	{
		MQTTProperties properties = MQTTProperties_initializer;
		fresh(MQTTVERSION_5);
		add_number(&properties, MQTTPROPERTY_CODE_WILL_DELAY_INTERVAL, 100);
		o.willProperties = &properties;
		connect_and_out();
	}
}

static void wills(void)
{
	WITH3(o.will = &will);
	WITH5(o.will = &will);
	WITH3(o.will = &will; will.topicName = "");
	WITH5(o.will = &will; will.topicName = "");
	WITH3(o.will = &will; will.topicName = NULL);
	WITH3(o.will = &will; will.message = "");
	WITH3(o.will = &will; will.message = NULL);
	WITH3(o.will = &will; will.message = NULL; will.payload.len = 3; will.payload.data = "bin");
	WITH3(o.will = &will; will.qos = 2);
	WITH3(o.will = &will; will.qos = 3);
	WITH3(o.will = &will; will.qos = -1);
	WITH5(o.will = &will; will.qos = 3);
	WITH3(o.will = &will; will.topicName = ""; will.qos = 3);
}

static void credentials(void)
{
	WITH3(o.username = "me");
	WITH3(o.username = "me"; o.password = "secret");
	WITH5(o.password = "secret");
	WITH3(o.username = "me"; o.binarypwd.len = 3; o.binarypwd.data = "a\0b");
	WITH3(o.username = "\xff");
	WITH3(o.password = "\xff");
	WITH3(o.username = "me"; o.password = "\xff");
}

static void numbers(void)
{
	WITH3(o.keepAliveInterval = 0);
	WITH3(o.keepAliveInterval = -1);
	WITH3(o.keepAliveInterval = 65536);
	WITH3(o.maxInflight = 0);
	WITH3(o.maxInflight = -1);
	WITH3(o.maxInflight = 1);
	WITH3(o.automaticReconnect = 1);
	WITH3(o.automaticReconnect = 1; o.minRetryInterval = 0; o.maxRetryInterval = 0);
	WITH3(o.automaticReconnect = 1; o.minRetryInterval = 5; o.maxRetryInterval = 1);
	WITH3(o.automaticReconnect = 1; o.minRetryInterval = -5; o.maxRetryInterval = -1);
}

static void servers(void)
{
	static char *list[2] = {"tcp://127.0.0.1:1", NULL};
	static char *all_down[2] = {"tcp://127.0.0.1:1", "tcp://127.0.0.1:2"};
	static char *bad[2] = {"rub..bish://x", NULL};

	list[1] = bad[1] = (char *)uri;
	WITH3(o.serverURIcount = 2; o.serverURIs = list);
	WITH3(o.serverURIcount = 1; o.serverURIs = list);
	WITH3(o.serverURIcount = 2; o.serverURIs = all_down);
	WITH3(o.serverURIcount = 2; o.serverURIs = bad);
	WITH3(o.serverURIcount = 0; o.serverURIs = list);
	WITH5(o.serverURIcount = 2; o.serverURIs = list);
	WITH5(o.serverURIcount = 2; o.serverURIs = all_down);
	CRASHES_ORIGINAL("serverURIcount without serverURIs")
	{
		fresh(MQTTVERSION_DEFAULT);
		o.serverURIcount = 2;
		connect_and_out();
	}
}

static void again(void)
{
	ISOLATED("connect, disconnect, connect")
	{
		fresh(MQTTVERSION_3_1_1);
		connect_async(c, MQTTVERSION_3_1_1, &watch);
		disconnect_async(c, MQTTVERSION_3_1_1, &watch);
		SHOW(MQTTAsync_isConnected(c));
		connect_async(c, MQTTVERSION_3_1_1, &watch);
		SHOW(MQTTAsync_isConnected(c));
		log_expect(&watch.state, 2);
	}
	ISOLATED("connect after a failed one")
	{
		static char *down[1] = {"tcp://127.0.0.1:1"};
		fresh(MQTTVERSION_3_1_1);
		o.serverURIcount = 1;
		o.serverURIs = down;
		SHOW(MQTTAsync_connect(c, &o));
		log_expect(&watch.done, 1);
		o.serverURIcount = 0;
		SHOW(MQTTAsync_connect(c, &o));
		log_expect(&watch.done, 1);
		SHOW(MQTTAsync_isConnected(c));
	}
	ISOLATED("reconnect")
	{
		fresh(MQTTVERSION_3_1_1);
		connect_async(c, MQTTVERSION_3_1_1, &watch);
		log_expect(&watch.state, 1);
		disconnect_async(c, MQTTVERSION_3_1_1, &watch);
		SHOW(MQTTAsync_reconnect(c));
		log_await(&watch.state, 1);
		log_print(&watch.state);
		SHOW(MQTTAsync_isConnected(c));
		log_print(&watch.done);
	}
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	uri = argv[1];
	structures();
	versions();
	sessions();
	wills();
	credentials();
	numbers();
	servers();
	again();
	return 0;
}
