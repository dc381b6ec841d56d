/* MQTTAsync: the trace of packets, one call after the other. */
#include "async.h"
#include "trace.h"

static const char *uri;
static struct watch watch = WATCH_INITIALIZER;

static void traced(enum MQTTASYNC_TRACE_LEVELS level, char *line)
{
	add_trace_line((int)level, line);
}

static MQTTAsync_responseOptions answer(int version, const char *name)
{
	return version == MQTTVERSION_5 ? response5(call_of(&watch, name), on_success5) : response3(call_of(&watch, name), on_success);
}

static void flow(int version)
{
	MQTTAsync c = new_async(uri, "trace-async", version, &watch);
	char *const filters[] = {"trace/a", "trace/b"};
	const int wanted[] = {1, 2};
	MQTTAsync_responseOptions response;
	int qos;

	connect_async(c, version, &watch);
	response = answer(version, "subscribeMany");
	SHOW(MQTTAsync_subscribeMany(c, 2, filters, wanted, &response));
	log_expect(&watch.done, 1);
	for (qos = 0; qos <= 2; qos++)
	{
		/* Nobody has subscribed to it: what comes back are acknowledgements only. */
		response = answer(version, "send");
		SHOW(MQTTAsync_send(c, "trace/out", 26, "abcdefghijklmnopqrstuvwxyz", qos, 0, &response));
		log_expect(&watch.done, 1);
		}
	response = answer(version, "unsubscribe");
	SHOW(MQTTAsync_unsubscribeMany(c, 2, filters, &response));
	log_expect(&watch.done, 1);
	disconnect_async(c, version, &watch);
	/* The original calls back before it traces what it calls back for. */
	log_take(&trace_lines, 1);
	MQTTAsync_destroy(&c);
}

int main(int argc, char **argv)
{
	MQTTAsync keeper;

	if (argc < 2)
		return 2;
	uri = argv[1];
	MQTTAsync_setTraceCallback(traced);
	MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_PROTOCOL);
	/* With its last client the original forgets that it has written the header. */
	keeper = new_async(uri, "trace-keeper", MQTTVERSION_DEFAULT, NULL);
	log_print(&trace_lines);
	flow(MQTTVERSION_3_1);
	flow(MQTTVERSION_3_1_1);
	flow(MQTTVERSION_5);
	MQTTAsync_destroy(&keeper);
	return 0;
}
