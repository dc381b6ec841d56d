/* MQTTClient: connect options one at a time and combined: what connect returns, and what it writes back. */
#include "client.h"

static const char *uri;
static MQTTClient c;
static MQTTClient_connectOptions o;
static MQTTClient_willOptions will;

static void fresh(int version)
{
	MQTTClient_connectOptions v3 = MQTTClient_connectOptions_initializer;
	MQTTClient_connectOptions v5 = MQTTClient_connectOptions_initializer5;
	MQTTClient_willOptions w = MQTTClient_willOptions_initializer;

	o = version == MQTTVERSION_5 ? v5 : v3;
	will = w;
	will.topicName = "will/topic";
	will.message = "gone";
	c = new_client(uri, "client-options", version);
}

static void connect_and_out(void)
{
	SHOW(MQTTClient_connect(c, &o));
	SHOW(MQTTClient_isConnected(c));
	printf("returned: serverURI %s, MQTTVersion %d, sessionPresent %d\n", o.returned.serverURI ? "set" : "NULL", o.returned.MQTTVersion,
	       o.returned.sessionPresent);
	MQTTClient_disconnect(c, 0);
}

static void connect5_and_out(void)
{
	SHOW_RESPONSE(MQTTClient_connect5(c, &o, NULL, NULL));
	SHOW(MQTTClient_isConnected(c));
	printf("returned: serverURI %s, MQTTVersion %d, sessionPresent %d\n", o.returned.serverURI ? "set" : "NULL", o.returned.MQTTVersion,
	       o.returned.sessionPresent);
	MQTTClient_disconnect(c, 0);
}

/* One option changed, then connect on a 3.1.1 client. */
#define WITH3(...) ISOLATED("3.1.1: " #__VA_ARGS__) { fresh(MQTTVERSION_DEFAULT); __VA_ARGS__; connect_and_out(); }
/* The same with connect5 on an MQTT 5 client. */
#define WITH5(...) ISOLATED("5: " #__VA_ARGS__) { fresh(MQTTVERSION_5); __VA_ARGS__; connect5_and_out(); }

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
		if (version < 0 || version >= 3)
			WITH5(o.struct_version = version);
	}
	WITH3(o.will = &will; memcpy(will.struct_id, "XXXX", 4));
	WITH3(o.will = &will; will.struct_version = -1);
	WITH3(o.will = &will; will.struct_version = 0);
	WITH3(o.will = &will; will.struct_version = 1);
	WITH3(o.will = &will; will.struct_version = 2);
	WITH5(o.will = &will; memcpy(will.struct_id, "XXXX", 4));
	WITH5(o.will = &will; will.struct_version = 2);
}

static void versions(void)
{
	int created, asked;

	for (created = 0; created <= 5; created++)
	{
		if (created == 1 || created == 2)
			continue;
		for (asked = -1; asked <= 6; asked++)
		{
			printf("created for %d, MQTTVersion %d\n", created, asked);
			ISOLATED("connect")
			{
				fresh(created == 5 ? 0 : created);
				c = new_client(uri, "client-options", created);
				o.MQTTVersion = asked;
				connect_and_out();
			}
			ISOLATED("connect5")
			{
				fresh(MQTTVERSION_5);
				c = new_client(uri, "client-options", created);
				o.MQTTVersion = asked;
				connect5_and_out();
			}
		}
	}
}

static void sessions(void)
{
	WITH3(o.cleansession = 0);
	WITH3(o.cleansession = 1; o.cleanstart = 1);
	WITH3(o.cleansession = 0; o.cleanstart = 1);
	WITH3(o.cleansession = 5);
	WITH5(o.cleansession = 1; o.cleanstart = 0);
	WITH5(o.cleansession = 1; o.cleanstart = 1);
	WITH5(o.cleansession = 0; o.cleanstart = 0);
	WITH5(o.cleanstart = 7);
	ISOLATED("empty client id, clean session")
	{
		fresh(MQTTVERSION_DEFAULT);
		c = new_client(uri, "", MQTTVERSION_DEFAULT);
		connect_and_out();
	}
	ISOLATED("3.1 and a client id of 30 characters")
	{
		fresh(MQTTVERSION_DEFAULT);
		c = new_client(uri, "012345678901234567890123456789", MQTTVERSION_DEFAULT);
		o.MQTTVersion = MQTTVERSION_3_1;
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
	WITH5(o.will = &will; will.topicName = NULL);
	WITH3(o.will = &will; will.message = "");
	WITH3(o.will = &will; will.message = NULL);
	WITH3(o.will = &will; will.message = NULL; will.payload.len = 3; will.payload.data = "bin");
	WITH3(o.will = &will; will.message = NULL; will.payload.len = 0; will.payload.data = "bin");
	WITH3(o.will = &will; will.qos = 2);
	WITH3(o.will = &will; will.qos = 3);
	WITH3(o.will = &will; will.qos = -1);
	WITH5(o.will = &will; will.qos = 3);
	WITH3(o.will = &will; will.retained = 1);
	WITH3(o.will = &will; will.retained = 7);
	WITH3(o.will = &will; will.topicName = "a/#");
	WITH3(o.will = &will; will.topicName = ""; will.qos = 3);
	WITH3(o.will = &will; will.topicName = ""; memcpy(will.struct_id, "XXXX", 4));
}

static void credentials(void)
{
	WITH3(o.username = "me");
	WITH3(o.username = "");
	WITH3(o.username = "me"; o.password = "secret");
	WITH3(o.username = "me"; o.password = "");
	WITH3(o.password = "secret");
	WITH5(o.password = "secret");
	WITH3(o.username = "me"; o.binarypwd.len = 3; o.binarypwd.data = "a\0b");
	WITH3(o.username = "me"; o.binarypwd.len = 0; o.binarypwd.data = "ab");
	WITH3(o.username = "me"; o.binarypwd.len = 3; o.binarypwd.data = NULL);
	WITH3(o.username = "me"; o.password = "secret"; o.binarypwd.len = 3; o.binarypwd.data = "a\0b");
	WITH3(o.username = "\xff");
	WITH3(o.password = "\xff");
	WITH3(o.username = "me"; o.password = "\xff");
	WITH5(o.username = "\xff");
}

static void numbers(void)
{
	WITH3(o.keepAliveInterval = 0);
	WITH3(o.keepAliveInterval = -1);
	WITH3(o.keepAliveInterval = 65535);
	WITH3(o.keepAliveInterval = 65536);
	WITH3(o.maxInflightMessages = 0);
	WITH3(o.maxInflightMessages = -1);
	WITH3(o.maxInflightMessages = 1);
	WITH3(o.maxInflightMessages = 100000);
	WITH3(o.reliable = 0);
	WITH3(o.reliable = 7);
	WITH3(o.retryInterval = 20);
	WITH3(o.retryInterval = -1);
}

static void servers(void)
{
	static char *list[2] = {"tcp://127.0.0.1:1", NULL};
	static char *only_down[1] = {"tcp://127.0.0.1:1"};
	static char *bad[2] = {"rub..bish://x", NULL};
	static char *only_bad[1] = {"rub..bish://x"};
	static char *spaced[2] = {"a b://x", NULL};

	list[1] = bad[1] = spaced[1] = (char *)uri;
	WITH3(o.serverURIcount = 2; o.serverURIs = list);
	WITH3(o.serverURIcount = 1; o.serverURIs = list);
	WITH3(o.serverURIcount = 1; o.serverURIs = only_down);
	WITH3(o.serverURIcount = 1; o.serverURIs = only_bad);
	WITH3(o.serverURIcount = 2; o.serverURIs = bad);
	WITH3(o.serverURIcount = 2; o.serverURIs = spaced);
	WITH3(o.serverURIcount = 0; o.serverURIs = list);
	CRASHES_ORIGINAL("serverURIcount without serverURIs")
	{
		fresh(MQTTVERSION_DEFAULT);
		o.serverURIcount = 2;
		connect_and_out();
	}
	WITH3(o.serverURIcount = -1; o.serverURIs = list);
	WITH5(o.serverURIcount = 2; o.serverURIs = list);
	WITH5(o.serverURIcount = 1; o.serverURIs = only_down);
}

static void again(void)
{
	ISOLATED("connect while connected")
	{
		fresh(MQTTVERSION_DEFAULT);
		SHOW(MQTTClient_connect(c, &o));
		SHOW(MQTTClient_connect(c, &o));
		SHOW(MQTTClient_isConnected(c));
		SHOW(MQTTClient_disconnect(c, 0));
		SHOW(MQTTClient_isConnected(c));
	}
	ISOLATED("connect, disconnect, connect")
	{
		fresh(MQTTVERSION_DEFAULT);
		SHOW(MQTTClient_connect(c, &o));
		SHOW(MQTTClient_disconnect(c, 0));
		SHOW(MQTTClient_disconnect(c, 0));
		SHOW(MQTTClient_connect(c, &o));
		SHOW(MQTTClient_isConnected(c));
	}
	ISOLATED("connect after a refused one")
	{
		static char *down[1] = {"tcp://127.0.0.1:1"};
		fresh(MQTTVERSION_DEFAULT);
		o.serverURIcount = 1;
		o.serverURIs = down;
		SHOW(MQTTClient_connect(c, &o));
		o.serverURIcount = 0;
		SHOW(MQTTClient_connect(c, &o));
		SHOW(MQTTClient_isConnected(c));
	}
	ISOLATED("the URI that is given back")
	{
		fresh(MQTTVERSION_DEFAULT);
		SHOW(MQTTClient_connect(c, &o));
		SHOW(strcmp(o.returned.serverURI, uri) == 0);
		SHOW(strcmp(o.returned.serverURI, uri + strlen("tcp://")) == 0);
	}
	ISOLATED("connect properties that connect does not take")
	{
		MQTTProperties connect_properties = MQTTProperties_initializer;
		MQTTProperties will_properties = MQTTProperties_initializer;
		fresh(MQTTVERSION_5);
		add_number(&connect_properties, MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, 100);
		add_number(&will_properties, MQTTPROPERTY_CODE_WILL_DELAY_INTERVAL, 5);
		SHOW_RESPONSE(MQTTClient_connect5(c, &o, &connect_properties, NULL));
		SHOW(MQTTClient_disconnect5(c, 0, MQTTREASONCODE_SUCCESS, NULL));
		o.will = &will;
		SHOW_RESPONSE(MQTTClient_connect5(c, &o, &connect_properties, &will_properties));
		SHOW(MQTTClient_disconnect5(c, 0, MQTTREASONCODE_DISCONNECT_WITH_WILL_MESSAGE, NULL));
		o.will = NULL;
		SHOW_RESPONSE(MQTTClient_connect5(c, &o, NULL, &will_properties));
		SHOW(MQTTClient_disconnect5(c, 0, MQTTREASONCODE_NORMAL_DISCONNECTION, &connect_properties));
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
