/* MQTTClient: the trace of packets, one call after the other. */
#include "client.h"
#include "trace.h"

static const char *uri;

static void traced(enum MQTTCLIENT_TRACE_LEVELS level, char *line)
{
	add_trace_line((int)level, line);
}

static void flow(int version, int retained)
{
	MQTTClient c = new_client(uri, "trace-client", version);
	char *const filters[] = {"trace/a", "trace/b"};
	int qos[] = {1, 2}, i, token;

	SHOW(connect_client(c, version));
	log_print(&trace_lines);
	if (version == MQTTVERSION_5)
	{
		SHOW_RESPONSE(MQTTClient_subscribeMany5(c, 2, filters, qos, NULL, NULL));
		SHOW_RESPONSE(MQTTClient_subscribe5(c, "trace/q", 2, NULL, NULL));
	}
	else
	{
		SHOW(MQTTClient_subscribeMany(c, 2, filters, qos));
		SHOW(MQTTClient_subscribe(c, "trace/q", 2));
	}
	/* The flow before this one has left a retained message: read here, for whether subscribe reads it too depends on the moment. */
	receive_messages(c, retained);
	log_print(&trace_lines);
	for (i = 0; i <= 2; i++)
	{
		/* More than the trace shows, a NUL among it, and nothing. */
		static const struct { int length; const char *bytes; } payload[] = {{26, "abcdefghijklmnopqrstuvwxyz"}, {3, "a\0b"}, {0, ""}};
		token = 0;
		if (version == MQTTVERSION_5)
			SHOW_RESPONSE(MQTTClient_publish5(c, "trace/q", payload[i].length, payload[i].bytes, i, i == 1, NULL, &token));
		else
			SHOW(MQTTClient_publish(c, "trace/q", payload[i].length, payload[i].bytes, i, i == 1, &token));
		receive_messages(c, 1);
		SHOW(MQTTClient_waitForCompletion(c, token, 5000));
		if (i < 2)
			log_print(&trace_lines);
	}
	if (version == MQTTVERSION_5)
		SHOW_RESPONSE(MQTTClient_unsubscribeMany5(c, 2, filters, NULL));
	else
		SHOW(MQTTClient_unsubscribeMany(c, 2, filters));
	SHOW(MQTTClient_disconnect(c, 1000));
	/* In which call the server's PUBREL is read depends on the moment. */
	log_take(&trace_lines, 1);
	MQTTClient_destroy(&c);
}

int main(int argc, char **argv)
{
	MQTTClient keeper;

	if (argc < 2)
		return 2;
	uri = argv[1];
	MQTTClient_setTraceLevel(MQTTCLIENT_TRACE_PROTOCOL);
	MQTTClient_setTraceCallback(traced);
	/* With its last client the original forgets that it has written the header. */
	keeper = new_client(uri, "trace-keeper", MQTTVERSION_DEFAULT);
	log_print(&trace_lines);
	flow(MQTTVERSION_3_1, 0);
	flow(MQTTVERSION_3_1_1, 1);
	flow(MQTTVERSION_5, 1);
	MQTTClient_setTraceCallback(NULL);
	flow(MQTTVERSION_3_1_1, 1);
	MQTTClient_destroy(&keeper);
	return 0;
}
