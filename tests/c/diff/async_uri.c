/* MQTTAsync: which server URIs create takes, and what connecting to them gives. */
#include "async.h"

static const char *const only_create[] = {
	"", " ", "not used", "rubbish", "://", "tcp://", "tcp:// ", "tcp:/x", "tcp:", "TCP://localhost", "Mqtt://localhost", "mqtt://localhost",
	"mqtts://localhost", "ssl://localhost", "ws://localhost", "wss://localhost", "udp://localhost", "http://localhost",
	"rubbish://localhost", "a b://localhost", " tcp://localhost", "tcp://local host", "tcp://user:pw@localhost", "localhost", "localhost:1883",
	"[::1]:1883", "::1", "tcp://[::1]", "tcp://[::1]:1883", "tcp://::1", "tcp://localhost:", "tcp://localhost:abc", "tcp://localhost:70000",
	"tcp://localhost:-1", "tcp://localhost/path", "tcp://:1883", "tcp://localhost:1883/x?y=z"};

/* %d is the broker's port. None needs a name server. */
static const char *const and_connect[] = {
	"tcp://127.0.0.1:%d", "mqtt://127.0.0.1:%d", "127.0.0.1:%d", "tcp://localhost:%d", "localhost:%d", "tcp://127.0.0.1:1", "tcp://[::1]:1"};

/* Those that lead nowhere: the original tells that by the callback. */
static const char *const nowhere[] = {"tcp://", "", "tcp://:%d", "tcp://127.0.0.1:0", "tcp://127.0.0.1:", "tcp://127.0.0.1:x"};

static struct watch watch = WATCH_INITIALIZER;

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
		MQTTAsync client = NULL;
		int rc = MQTTAsync_create(&client, only_create[i], "async-uri", MQTTCLIENT_PERSISTENCE_NONE, NULL);
		printf("create(\"%s\") = %d, handle %s\n", only_create[i], rc, client ? "set" : "NULL");
		MQTTAsync_destroy(&client);
	}
	for (i = 0; i < sizeof(and_connect) / sizeof(and_connect[0]); i++)
	{
		snprintf(uri, sizeof(uri), and_connect[i], port);
		ISOLATED(and_connect[i])
		{
			MQTTAsync client = new_async(uri, "async-uri", MQTTVERSION_DEFAULT, &watch);
			MQTTAsync_connectOptions options = connect_options(MQTTVERSION_DEFAULT, call_of(&watch, "connect"));
			options.connectTimeout = 5;
			/* Only of a port where nobody listens the original says something for certain. */
			if (strcmp(uri + strlen(uri) - 2, ":1") != 0)
				options.onFailure = on_failure_code;
			SHOW(MQTTAsync_connect(client, &options));
			log_expect(&watch.done, 1);
			SHOW(MQTTAsync_isConnected(client));
			MQTTAsync_destroy(&client);
		}
	}
	for (i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++)
	{
		snprintf(uri, sizeof(uri), nowhere[i], port);
		ISOLATED(nowhere[i])
		{
			MQTTAsync client = new_async(uri, "async-uri", MQTTVERSION_DEFAULT, &watch);
			MQTTAsync_connectOptions options = connect_options(MQTTVERSION_DEFAULT, call_of(&watch, "connect"));
			char row[64];
			int rc;

			options.connectTimeout = 5;
			options.onFailure = on_failure_code;
			rc = MQTTAsync_connect(client, &options);
			printf("MQTTAsync_connect = %s\n", render_row_number(row, sizeof(row), rc, "0", -1));
			if (on_the_original())
				log_await(&watch.done, 1);
			printf("%s\n", render_row_number(row, sizeof(row), watch.done.count, "1", 0));
			SHOW(MQTTAsync_isConnected(client));
			MQTTAsync_destroy(&client);
		}
	}
	return 0;
}
