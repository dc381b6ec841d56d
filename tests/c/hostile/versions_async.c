/* MQTTAsync: every options struct, in every version, with only that version's bytes. Run under valgrind, which reports whoever looks
 * further. A version that does not exist, and a struct that is another one, are refused.
 */
#include "hostile.h"

#include "MQTTAsync.h"

static const char *uri;
static counter done = COUNTER_INITIALIZER;

/* Up to where each version goes, as the header says it. `ssl` lies before `context`, so that versions 0 and 1 are of the same length. */
static const size_t connect_size[] = {
	UP_TO(MQTTAsync_connectOptions, context),      UP_TO(MQTTAsync_connectOptions, context),
	UP_TO(MQTTAsync_connectOptions, serverURIs),   UP_TO(MQTTAsync_connectOptions, MQTTVersion),
	UP_TO(MQTTAsync_connectOptions, maxRetryInterval), UP_TO(MQTTAsync_connectOptions, binarypwd),
	UP_TO(MQTTAsync_connectOptions, onFailure5),   UP_TO(MQTTAsync_connectOptions, httpHeaders),
	UP_TO(MQTTAsync_connectOptions, httpsProxy),
};
static const size_t ssl_size[] = {
	UP_TO(MQTTAsync_SSLOptions, enableServerCertAuth), UP_TO(MQTTAsync_SSLOptions, sslVersion),
	UP_TO(MQTTAsync_SSLOptions, CApath),               UP_TO(MQTTAsync_SSLOptions, ssl_error_context),
	UP_TO(MQTTAsync_SSLOptions, disableDefaultTrustStore), UP_TO(MQTTAsync_SSLOptions, protos_len),
};
static const size_t will_size[] = { UP_TO(MQTTAsync_willOptions, qos), UP_TO(MQTTAsync_willOptions, payload) };
static const size_t message_size[] = { UP_TO(MQTTAsync_message, msgid), UP_TO(MQTTAsync_message, properties) };
/* The initializer makes version 2 with all members; version 3 is accepted and has no more. */
static const size_t create_size[] = {
	UP_TO(MQTTAsync_createOptions, maxBufferedMessages), UP_TO(MQTTAsync_createOptions, MQTTVersion),
	UP_TO(MQTTAsync_createOptions, persistQoS0),         UP_TO(MQTTAsync_createOptions, persistQoS0),
};
static const size_t disconnect_size[] = {
	UP_TO(MQTTAsync_disconnectOptions, context), UP_TO(MQTTAsync_disconnectOptions, onFailure5),
};
static const size_t response_size[] = {
	UP_TO(MQTTAsync_responseOptions, token), UP_TO(MQTTAsync_responseOptions, subscribeOptionsList),
};
#define NEWEST(sizes) ((int)(sizeof(sizes) / sizeof *(sizes)) - 1)

static void success(void *context, MQTTAsync_successData *data)
{
	(void)context, (void)data;
	counter_add(&done, 1);
}

static void success5(void *context, MQTTAsync_successData5 *data)
{
	(void)context, (void)data;
	counter_add(&done, 1);
}

static void failure(void *context, MQTTAsync_failureData *data)
{
	(void)context;
	FAIL("failed: %d %s", data ? data->code : 0, data && data->message ? data->message : "");
}

static void end(MQTTAsync client, int v)
{
	MQTTAsync_disconnectOptions o = MQTTAsync_disconnectOptions_initializer, *own;
	long before = counter_get(&done);

	o.struct_version = v, o.onSuccess = success, o.onFailure = failure;
	own = exact(&o, disconnect_size[v]);
	CHECK_RC(MQTTAsync_disconnect(client, own), MQTTASYNC_SUCCESS);
	free(own);
	AWAIT(&done, before + 1);
}

/* A connect with these options, of which there are so many bytes, in a block that is gone after the call. */
static int connect(MQTTAsync client, const MQTTAsync_connectOptions *options, size_t size)
{
	long before = counter_get(&done);
	MQTTAsync_connectOptions *own = exact(options, size);
	int rc = MQTTAsync_connect(client, own);

	free(own);
	if (rc == MQTTASYNC_SUCCESS)
	{
		AWAIT(&done, before + 1);
		CHECK(MQTTAsync_isConnected(client));
		end(client, 1);
	}
	return rc;
}

static void create_options(void)
{
	MQTTAsync_createOptions o = MQTTAsync_createOptions_initializer, *own;
	MQTTAsync client = NULL;
	int v;

	for (v = -1; v <= NEWEST(create_size) + 1; v++)
	{
		int exists = v >= 0 && v <= NEWEST(create_size);

		o.struct_version = v;
		own = exact(&o, exists ? create_size[v] : UP_TO(MQTTAsync_createOptions, struct_version));
		CHECK_RC(MQTTAsync_createWithOptions(&client, uri, "v", MQTTCLIENT_PERSISTENCE_NONE, NULL, own),
			 exists ? MQTTASYNC_SUCCESS : MQTTASYNC_BAD_STRUCTURE);
		free(own);
		CHECK((client != NULL) == exists);
		MQTTAsync_destroy(&client);
	}
	o.struct_version = 0, o.struct_id[3] = 'X';
	CHECK_RC(MQTTAsync_createWithOptions(&client, uri, "v", MQTTCLIENT_PERSISTENCE_NONE, NULL, &o), MQTTASYNC_BAD_STRUCTURE);
	CHECK(client == NULL);
}

static void connect_options(MQTTAsync client)
{
	MQTTAsync_connectOptions o = MQTTAsync_connectOptions_initializer;
	MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer, *own_will;
	MQTTAsync_SSLOptions ssl = MQTTAsync_SSLOptions_initializer, *own_ssl;
	int v;

	o.onSuccess = success, o.onFailure = failure;
	for (v = 0; v <= NEWEST(connect_size); v++)
	{
		o.struct_version = v;
		CHECK_RC(connect(client, &o, connect_size[v]), MQTTASYNC_SUCCESS);
	}
	o.struct_version = v;
	CHECK_RC(connect(client, &o, sizeof o), MQTTASYNC_BAD_STRUCTURE);
	o.struct_version = -1;
	CHECK_RC(connect(client, &o, UP_TO(MQTTAsync_connectOptions, struct_version)), MQTTASYNC_BAD_STRUCTURE);
	memcpy(o.struct_id, "MQTX", 4), o.struct_version = 0;
	CHECK_RC(connect(client, &o, UP_TO(MQTTAsync_connectOptions, struct_version)), MQTTASYNC_BAD_STRUCTURE);

	memcpy(o.struct_id, "MQTC", 4), o.struct_version = NEWEST(connect_size);
	will.topicName = "will";
	for (v = -1; v <= NEWEST(will_size) + 1; v++)
	{
		int exists = v >= 0 && v <= NEWEST(will_size);

		will.struct_version = v, will.message = v == 1 ? NULL : "text";
		o.will = own_will = exact(&will, exists ? will_size[v] : UP_TO(MQTTAsync_willOptions, struct_version));
		CHECK_RC(connect(client, &o, sizeof o), exists ? MQTTASYNC_SUCCESS : MQTTASYNC_BAD_STRUCTURE);
		free(own_will);
	}
	o.will = NULL;
	for (v = -1; v <= NEWEST(ssl_size) + 1; v++)
	{
		int exists = v >= 0 && v <= NEWEST(ssl_size);

		ssl.struct_version = v;
		o.ssl = own_ssl = exact(&ssl, exists ? ssl_size[v] : UP_TO(MQTTAsync_SSLOptions, struct_version));
		CHECK_RC(connect(client, &o, sizeof o), exists ? MQTTASYNC_SUCCESS : MQTTASYNC_BAD_STRUCTURE);
		free(own_ssl);
	}
	/* Version 0 has no pointer to TLS options: whatever is there in memory is not looked at. */
	o.ssl = (MQTTAsync_SSLOptions *)1, o.struct_version = 0;
	CHECK_RC(connect(client, &o, sizeof o), MQTTASYNC_SUCCESS);
}

static void messages(MQTTAsync client)
{
	MQTTAsync_message m = MQTTAsync_message_initializer, *own;
	int v;

	m.payload = "x", m.payloadlen = 1, m.qos = 1;
	for (v = -1; v <= NEWEST(message_size) + 1; v++)
	{
		int exists = v >= 0 && v <= NEWEST(message_size);

		m.struct_version = v;
		own = exact(&m, exists ? message_size[v] : UP_TO(MQTTAsync_message, struct_version));
		CHECK_RC(MQTTAsync_sendMessage(client, "v", own, NULL), exists ? MQTTASYNC_SUCCESS : MQTTASYNC_BAD_STRUCTURE);
		free(own);
	}
}

/* In version 0 the token is the last member there is, and there is nothing of MQTT 5. */
static void responses(MQTTAsync client, int v, int refused)
{
	MQTTAsync_responseOptions r = MQTTAsync_responseOptions_initializer, *own;
	char *const topics[] = { "v", "w" };
	int qoss[] = { 0, 0 };
	int expected = refused ? MQTTASYNC_BAD_MQTT_OPTION : MQTTASYNC_SUCCESS;
	long before = counter_get(&done);

	r.struct_version = v;
	own = exact(&r, response_size[v]);
	CHECK_RC(MQTTAsync_send(client, "v", 1, "x", 0, 0, own), expected);
	CHECK_RC(MQTTAsync_subscribe(client, "v", 0, own), expected);
	CHECK_RC(MQTTAsync_subscribeMany(client, 2, topics, qoss, own), expected);
	CHECK_RC(MQTTAsync_unsubscribeMany(client, 2, topics, own), expected);
	CHECK_RC(MQTTAsync_unsubscribe(client, "v", own), expected);
	CHECK_RC(MQTTAsync_waitForCompletion(client, own->token, PATIENCE_SECONDS * 1000), MQTTASYNC_SUCCESS);
	free(own);
	CHECK(counter_get(&done) == before);
}

static void disconnect_options(MQTTAsync client)
{
	MQTTAsync_disconnectOptions o = MQTTAsync_disconnectOptions_initializer;

	o.struct_version = -1;
	CHECK_RC(MQTTAsync_disconnect(client, &o), MQTTASYNC_BAD_STRUCTURE);
	o.struct_version = NEWEST(disconnect_size) + 1;
	CHECK_RC(MQTTAsync_disconnect(client, &o), MQTTASYNC_BAD_STRUCTURE);
	o.struct_version = 0, o.struct_id[0] = 'X';
	CHECK_RC(MQTTAsync_disconnect(client, &o), MQTTASYNC_BAD_STRUCTURE);
	CHECK(MQTTAsync_isConnected(client));
}

int main(int argc, char **argv)
{
	MQTTAsync_connectOptions o = MQTTAsync_connectOptions_initializer, o5 = MQTTAsync_connectOptions_initializer5;
	MQTTAsync_createOptions co = MQTTAsync_createOptions_initializer;
	MQTTAsync_init_options init = MQTTAsync_init_options_initializer, *own_init;
	MQTTAsync client;
	int v;

	CHECK(argc == 2);
	uri = argv[1];
	own_init = exact(&init, UP_TO(MQTTAsync_init_options, do_openssl_init));
	MQTTAsync_global_init(own_init);
	free(own_init);
	create_options();
	for (v = 0; v <= 1; v++)
	{
		int version = v ? MQTTVERSION_5 : MQTTVERSION_3_1_1;
		long before = counter_get(&done);

		co.MQTTVersion = version;
		CHECK_RC(MQTTAsync_createWithOptions(&client, uri, "hostile-versions", MQTTCLIENT_PERSISTENCE_NONE, NULL, &co), 0);
		if (v == 0)
			connect_options(client);
		before = counter_get(&done);
		o.onSuccess = success, o.onFailure = failure, o5.onSuccess5 = success5;
		CHECK_RC(MQTTAsync_connect(client, v ? &o5 : &o), MQTTASYNC_SUCCESS);
		AWAIT(&done, before + 1);
		messages(client);
		responses(client, 0, version == MQTTVERSION_5);
		responses(client, 1, 0);
		disconnect_options(client);
		/* Version 0 belongs to programs from before MQTT 5. Of one that made a MQTT 5 client the library reads the members
		   for that whatever the version says, because Paho's C++ library states 0. */
		end(client, v);
		MQTTAsync_destroy(&client);
	}
	check_heap();
	printf("nobody looked further\n");
	return 0;
}
