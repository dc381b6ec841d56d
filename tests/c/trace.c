/* Does what its arguments say, in order, so that a test can see what the trace makes of it. The first is the server's URI.
 *
 * callback, no-callback: MQTTClient_setTraceCallback; a line that comes is printed as `callback <level> <line>`
 * level:N                MQTTClient_setTraceLevel
 * create, connect, publish, disconnect, destroy, others: the functions of the API; a client must exist
 */
#include "MQTTClient.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void traced(enum MQTTCLIENT_TRACE_LEVELS level, char *line)
{
	printf("callback %d %s\n", (int)level, line);
	fflush(stdout);
}

static void publish(MQTTClient client)
{
	MQTTClient_deliveryToken token;

	if (MQTTClient_publish5(client, "trace", 4, "text", 1, 0, NULL, &token).reasonCode != MQTTREASONCODE_SUCCESS)
		printf("publish failed\n");
	if (MQTTClient_waitForCompletion(client, token, 5000) != MQTTCLIENT_SUCCESS)
		printf("waitForCompletion failed\n");
}

static void perform(const char *what, const char *uri, MQTTClient *client)
{
	if (strcmp(what, "callback") == 0)
		MQTTClient_setTraceCallback(traced);
	else if (strcmp(what, "no-callback") == 0)
		MQTTClient_setTraceCallback(NULL);
	else if (strncmp(what, "level:", 6) == 0)
		MQTTClient_setTraceLevel((enum MQTTCLIENT_TRACE_LEVELS)atoi(what + 6));
	else if (strcmp(what, "create") == 0)
		printf("create %d\n", MQTTClient_createWithOptions(client, uri, "traced", MQTTCLIENT_PERSISTENCE_NONE, NULL, NULL));
	else if (strcmp(what, "connect") == 0)
	{
		MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
		printf("connect %d\n", MQTTClient_connect(*client, &options));
	}
	else if (strcmp(what, "publish") == 0)
		publish(*client);
	else if (strcmp(what, "disconnect") == 0)
		MQTTClient_disconnect(*client, 1000);
	else if (strcmp(what, "others") == 0)
	{
		MQTTClient_deliveryToken *tokens = NULL;
		MQTTClient_setCommandTimeout(*client, 6000);
		MQTTClient_isConnected(*client);
		MQTTClient_getPendingDeliveryTokens(*client, &tokens);
		MQTTClient_waitForCompletion(*client, 1, 1);
		MQTTClient_setCommandTimeout(*client, 1);
		MQTTClient_strerror(0);
		MQTTClient_getVersionInfo();
	}
	else if (strcmp(what, "destroy") == 0)
		MQTTClient_destroy(client);
	else
		printf("what is %s?\n", what);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	MQTTClient client = NULL;
	int i;

	for (i = 2; i < argc; i++)
		perform(argv[i], argv[1], &client);
	return 0;
}
