/* MQTTClient: every options struct, in every version, with only that version's bytes. Run under valgrind, which reports whoever looks
 * further. A version that does not exist, and a struct that is another one, are refused.
 */
#include "hostile.h"

#include "MQTTClient.h"

static const char *uri;

/* Up to where each version goes, as the header says it. */
static const size_t connect_size[] = {
	UP_TO(MQTTClient_connectOptions, retryInterval),   UP_TO(MQTTClient_connectOptions, ssl),
	UP_TO(MQTTClient_connectOptions, serverURIs),      UP_TO(MQTTClient_connectOptions, MQTTVersion),
	UP_TO(MQTTClient_connectOptions, returned),        UP_TO(MQTTClient_connectOptions, binarypwd),
	UP_TO(MQTTClient_connectOptions, cleanstart),      UP_TO(MQTTClient_connectOptions, httpHeaders),
	UP_TO(MQTTClient_connectOptions, httpsProxy),
};
static const size_t ssl_size[] = {
	UP_TO(MQTTClient_SSLOptions, enableServerCertAuth), UP_TO(MQTTClient_SSLOptions, sslVersion),
	UP_TO(MQTTClient_SSLOptions, CApath),               UP_TO(MQTTClient_SSLOptions, ssl_error_context),
	UP_TO(MQTTClient_SSLOptions, disableDefaultTrustStore), UP_TO(MQTTClient_SSLOptions, protos_len),
};
static const size_t will_size[] = { UP_TO(MQTTClient_willOptions, qos), UP_TO(MQTTClient_willOptions, payload) };
static const size_t message_size[] = { UP_TO(MQTTClient_message, msgid), UP_TO(MQTTClient_message, properties) };
static const size_t create_size[] = { UP_TO(MQTTClient_createOptions, MQTTVersion) };
#define NEWEST(sizes) ((int)(sizeof(sizes) / sizeof *(sizes)) - 1)

static int reason(MQTTResponse response)
{
	int code = (int)response.reasonCode;

	MQTTResponse_free(response);
	return code;
}

static MQTTClient create(int version)
{
	MQTTClient_createOptions o = MQTTClient_createOptions_initializer;
	MQTTClient_createOptions *own;
	MQTTClient client = NULL;

	o.MQTTVersion = version;
	own = exact(&o, create_size[0]);
	CHECK_RC(MQTTClient_createWithOptions(&client, uri, "hostile-versions", MQTTCLIENT_PERSISTENCE_NONE, NULL, own), 0);
	free(own);
	return client;
}

/* A connect with these options, of which there are so many bytes, in a block that is gone after the call. */
static int connect(MQTTClient client, const MQTTClient_connectOptions *options, size_t size)
{
	MQTTClient_connectOptions *own = exact(options, size);
	int rc = MQTTClient_connect(client, own);

	free(own);
	if (rc == 0)
	{
		CHECK(MQTTClient_isConnected(client));
		CHECK_RC(MQTTClient_disconnect(client, 0), 0);
	}
	return rc;
}

static void create_options(void)
{
	MQTTClient_createOptions o = MQTTClient_createOptions_initializer;
	MQTTClient client = NULL;

	o.struct_version = -1;
	CHECK_RC(MQTTClient_createWithOptions(&client, uri, "v", MQTTCLIENT_PERSISTENCE_NONE, NULL, &o), MQTTCLIENT_BAD_STRUCTURE);
	o.struct_version = NEWEST(create_size) + 1;
	CHECK_RC(MQTTClient_createWithOptions(&client, uri, "v", MQTTCLIENT_PERSISTENCE_NONE, NULL, &o), MQTTCLIENT_BAD_STRUCTURE);
	o.struct_version = 0, o.struct_id[3] = 'X';
	CHECK_RC(MQTTClient_createWithOptions(&client, uri, "v", MQTTCLIENT_PERSISTENCE_NONE, NULL, &o), MQTTCLIENT_BAD_STRUCTURE);
	CHECK(client == NULL);
}

static void connect_options(MQTTClient client)
{
	MQTTClient_connectOptions o = MQTTClient_connectOptions_initializer;
	MQTTClient_willOptions will = MQTTClient_willOptions_initializer, *own_will;
	MQTTClient_SSLOptions ssl = MQTTClient_SSLOptions_initializer, *own_ssl;
	int v;

	for (v = 0; v <= NEWEST(connect_size); v++)
	{
		o.struct_version = v;
		CHECK_RC(connect(client, &o, connect_size[v]), MQTTCLIENT_SUCCESS);
	}
	o.struct_version = v;
	CHECK_RC(connect(client, &o, sizeof o), MQTTCLIENT_BAD_STRUCTURE);
	o.struct_version = -1;
	CHECK_RC(connect(client, &o, UP_TO(MQTTClient_connectOptions, struct_version)), MQTTCLIENT_BAD_STRUCTURE);
	memcpy(o.struct_id, "MQTX", 4), o.struct_version = 0;
	CHECK_RC(connect(client, &o, UP_TO(MQTTClient_connectOptions, struct_version)), MQTTCLIENT_BAD_STRUCTURE);

	memcpy(o.struct_id, "MQTC", 4), o.struct_version = NEWEST(connect_size);
	will.topicName = "will", will.message = "text";
	for (v = -1; v <= NEWEST(will_size) + 1; v++)
	{
		int exists = v >= 0 && v <= NEWEST(will_size);

		will.struct_version = v, will.message = v == 1 ? NULL : "text";
		o.will = own_will = exact(&will, exists ? will_size[v] : UP_TO(MQTTClient_willOptions, struct_version));
		CHECK_RC(connect(client, &o, sizeof o), exists ? MQTTCLIENT_SUCCESS : MQTTCLIENT_BAD_STRUCTURE);
		free(own_will);
	}
	o.will = NULL;
	for (v = -1; v <= NEWEST(ssl_size) + 1; v++)
	{
		int exists = v >= 0 && v <= NEWEST(ssl_size);

		ssl.struct_version = v;
		o.ssl = own_ssl = exact(&ssl, exists ? ssl_size[v] : UP_TO(MQTTClient_SSLOptions, struct_version));
		CHECK_RC(connect(client, &o, sizeof o), exists ? MQTTCLIENT_SUCCESS : MQTTCLIENT_BAD_STRUCTURE);
		free(own_ssl);
	}
	/* Version 0 has no pointer to TLS options: whatever is there in memory is not looked at. */
	o.ssl = (MQTTClient_SSLOptions *)1, o.struct_version = 0;
	CHECK_RC(connect(client, &o, sizeof o), MQTTCLIENT_SUCCESS);
}

static void messages(MQTTClient client, int version)
{
	MQTTClient_message m = MQTTClient_message_initializer, *own;
	MQTTClient_deliveryToken token;
	int v;

	m.payload = "x", m.payloadlen = 1, m.qos = 1;
	for (v = -1; v <= NEWEST(message_size) + 1; v++)
	{
		int exists = v >= 0 && v <= NEWEST(message_size), expected = exists ? MQTTCLIENT_SUCCESS : MQTTCLIENT_BAD_STRUCTURE;

		m.struct_version = v;
		own = exact(&m, exists ? message_size[v] : UP_TO(MQTTClient_message, struct_version));
		if (version == MQTTVERSION_5)
			CHECK_RC(reason(MQTTClient_publishMessage5(client, "v", own, &token)), expected);
		else
			CHECK_RC(MQTTClient_publishMessage(client, "v", own, &token), expected);
		free(own);
		if (exists)
			CHECK_RC(MQTTClient_waitForCompletion(client, token, PATIENCE_SECONDS * 1000), MQTTCLIENT_SUCCESS);
	}
}

int main(int argc, char **argv)
{
	MQTTClient_connectOptions o = MQTTClient_connectOptions_initializer, o5 = MQTTClient_connectOptions_initializer5;
	MQTTSubscribe_options subscribe = MQTTSubscribe_options_initializer, *own;
	MQTTClient_init_options init = MQTTClient_init_options_initializer, *own_init;
	MQTTClient client;

	CHECK(argc == 2);
	uri = argv[1];
	own_init = exact(&init, UP_TO(MQTTClient_init_options, do_openssl_init));
	MQTTClient_global_init(own_init);
	free(own_init);
	create_options();
	client = create(MQTTVERSION_3_1_1);
	connect_options(client);
	CHECK_RC(MQTTClient_connect(client, &o), MQTTCLIENT_SUCCESS);
	messages(client, MQTTVERSION_3_1_1);
	MQTTClient_destroy(&client);

	client = create(MQTTVERSION_5);
	CHECK_RC(reason(MQTTClient_connect5(client, &o5, NULL, NULL)), 0);
	messages(client, MQTTVERSION_5);
	own = exact(&subscribe, UP_TO(MQTTSubscribe_options, retainHandling));
	CHECK_RC(reason(MQTTClient_subscribe5(client, "v", 0, own, NULL)), 0);
	free(own);
	MQTTClient_destroy(&client);
	check_heap();
	printf("nobody looked further\n");
	return 0;
}
