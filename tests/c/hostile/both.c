/* One program with both APIs, each from its own library: the handle of one is no handle of the other, although both count alike. */
#include "hostile.h"

#include "MQTTAsync.h"
#include "MQTTClient.h"
#include "paho_oxide.h"

enum { EACH = 3 };

/* A program that takes a handle for the original's structure reads zeros, of one destroyed too. */
static void look_into(const void *handle)
{
	const unsigned char *bytes = handle;
	size_t i;

	for (i = 0; i < 4096; i++)
		CHECK(bytes[i] == 0);
	CHECK(*(const long *)handle == 0);
}

/* A function that both libraries have: the first one's asks the second, as far as there is a dynamic linker to ask. With `linked` the
 * program has both in it, and the functions of the first. */
static void shared_function(void *client, void *async, int linked)
{
	const char *address = "127.0.0.7";
	void *both[] = { client, async };
	char value[64];
	uint32_t length;
	int i;

	for (i = 0; i < 2; i++)
	{
		int32_t expected = linked && both[i] == async ? MQTTOxide_E_HANDLE : 0;

		CHECK_RC(MQTTOxide_setOption(both[i], "bind-address", 12, address, 9), expected);
		CHECK_RC(MQTTOxide_getOption(both[i], "bind-address", 12, value, sizeof value, &length), expected);
		CHECK(expected || (length == 9 && memcmp(value, address, 9) == 0));
	}
	CHECK_RC(MQTTOxide_setOption(&length, "bind-address", 12, address, 9), MQTTOxide_E_HANDLE);
}

int main(int argc, char **argv)
{
	const int linked = argc == 2 && strcmp(argv[1], "static") == 0;
	MQTTClient_connectOptions client_options = MQTTClient_connectOptions_initializer;
	MQTTAsync_connectOptions async_options = MQTTAsync_connectOptions_initializer;
	MQTTClient clients[EACH];
	MQTTAsync asyncs[EACH];
	int i;

	for (i = 0; i < EACH; i++)
	{
		CHECK_RC(MQTTClient_create(&clients[i], "tcp://127.0.0.1:1", "client", MQTTCLIENT_PERSISTENCE_NONE, NULL), 0);
		CHECK_RC(MQTTAsync_create(&asyncs[i], "tcp://127.0.0.1:1", "async", MQTTCLIENT_PERSISTENCE_NONE, NULL), 0);
		CHECK(clients[i] != asyncs[i]);
		look_into(clients[i]);
		look_into(asyncs[i]);
	}
	for (i = 0; i < EACH; i++)
	{
		void *client = clients[i], *async = asyncs[i];

		CHECK_RC(MQTTAsync_connect(client, &async_options), MQTTASYNC_FAILURE);
		CHECK_RC(MQTTAsync_send(client, "a", 1, "x", 0, 0, NULL), MQTTASYNC_FAILURE);
		CHECK_RC(MQTTAsync_subscribe(client, "a", 0, NULL), MQTTASYNC_FAILURE);
		CHECK_RC(MQTTAsync_isConnected(client), 0);
		CHECK_RC(MQTTAsync_setConnected(client, NULL, NULL), MQTTASYNC_FAILURE);
		MQTTAsync_destroy(&client);
		CHECK_RC(MQTTClient_connect(async, &client_options), MQTTCLIENT_NULL_PARAMETER);
		CHECK_RC(MQTTClient_publish(async, "a", 1, "x", 0, 0, NULL), MQTTCLIENT_FAILURE);
		CHECK_RC(MQTTClient_setPublished(async, NULL, NULL), MQTTCLIENT_FAILURE);
		MQTTClient_destroy(&async);
		shared_function(clients[i], asyncs[i], linked);
		/* Both are still there. */
		CHECK_RC(MQTTClient_setPublished(clients[i], NULL, NULL), MQTTCLIENT_SUCCESS);
		CHECK_RC(MQTTAsync_setConnected(asyncs[i], NULL, NULL), MQTTASYNC_SUCCESS);
	}
	for (i = 0; i < EACH; i++)
	{
		const void *client = clients[i], *async = asyncs[i];

		MQTTClient_destroy(&clients[i]);
		MQTTAsync_destroy(&asyncs[i]);
		look_into(client);
		look_into(async);
	}
	printf("neither took the other's\n");
	return 0;
}
