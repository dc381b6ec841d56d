/* MQTTClient: which server URIs create takes, and what connecting to them gives. */
#include "client.h"

static const char *const only_create[] = {
	"", " ", "not used", "rubbish", "://", "tcp://", "tcp:// ", "tcp:/x", "tcp:", "TCP://localhost", "Mqtt://localhost", "mqtt://localhost",
	"mqtts://localhost", "ssl://localhost", "ws://localhost", "wss://localhost", "udp://localhost", "http://localhost",
	"rubbish://localhost", "a b://localhost", " tcp://localhost", "tcp://local host", "tcp://user:pw@localhost", "localhost", "localhost:1883",
	"[::1]:1883", "::1", "tcp://[::1]", "tcp://[::1]:1883", "tcp://::1", "tcp://localhost:", "tcp://localhost:abc", "tcp://localhost:70000",
	"tcp://localhost:-1", "tcp://localhost/path", "tcp://:1883", "tcp://localhost:1883/x?y=z"};

/* %d is the broker's port. None needs a name server. */
static const char *const and_connect[] = {
	"tcp://127.0.0.1:%d", "mqtt://127.0.0.1:%d", "127.0.0.1:%d", "tcp://localhost:%d", "localhost:%d", "tcp://127.0.0.1:1", "tcp://[::1]:1",
	"tcp://", "", "tcp://:%d", "tcp://127.0.0.1:0", "tcp://127.0.0.1:", "tcp://127.0.0.1:x"};

int main(int argc, char **argv)
{
	char uri[4096];
	size_t i;
	int port;

	if (argc < 2)
		return 2;
	port = atoi(strrchr(argv[1], ':') + 1);
	for (i = 0; i < sizeof(only_create) / sizeof(only_create[0]); i++)
	{
		MQTTClient client = NULL;
		int rc = MQTTClient_create(&client, only_create[i], "client-uri", MQTTCLIENT_PERSISTENCE_NONE, NULL);
		printf("create(\"%s\") = %d, handle %s\n", only_create[i], rc, client ? "set" : "NULL");
		MQTTClient_destroy(&client);
	}
	memset(uri, 'h', sizeof(uri) - 1);
	uri[sizeof(uri) - 1] = '\0';
	memcpy(uri, "tcp://", 6);
	ISOLATED("a host name of 4089 characters")
	{
		MQTTClient client = NULL;
		SHOW(MQTTClient_create(&client, uri, "client-uri", MQTTCLIENT_PERSISTENCE_NONE, NULL));
	}
	for (i = 0; i < sizeof(and_connect) / sizeof(and_connect[0]); i++)
	{
		snprintf(uri, sizeof(uri), and_connect[i], port);
		ISOLATED(and_connect[i])
		{
			MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
			MQTTClient client = new_client(uri, "client-uri", MQTTVERSION_DEFAULT);
			options.connectTimeout = 5;
			SHOW(MQTTClient_connect(client, &options));
			SHOW(MQTTClient_isConnected(client));
			SHOW(MQTTClient_disconnect(client, 0));
			MQTTClient_destroy(&client);
		}
	}
	return 0;
}
