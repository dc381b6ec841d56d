/* What memcheck has to find, by way of this library: a leak, a stale read, and a decision on uninitialised memory.
 *
 *   faulty <lost|stale|uninitialised>
 */
#include "stress.h"

#include "MQTTClient.h"

int main(int argc, char **argv)
{
	MQTTProperties properties = MQTTProperties_initializer;
	MQTTProperty property = { .identifier = MQTTPROPERTY_CODE_CORRELATION_DATA };
	char *data = malloc(8);
	MQTTClient client;

	CHECK(argc == 2 && data != NULL);
	CHECK_RC(MQTTClient_create(&client, "tcp://localhost:1", "faulty", MQTTCLIENT_PERSISTENCE_NONE, NULL), 0);
	property.value.data.data = data;
	property.value.data.len = 8;
	if (strcmp(argv[1], "lost") == 0)
	{
		memset(data, 0, 8);
		CHECK_RC(MQTTProperties_add(&properties, &property), 0);
		/* Its memory is the library's, and never given back. */
		memset(&properties, 0, sizeof properties);
	}
	else if (strcmp(argv[1], "stale") == 0)
	{
		free(data);
		CHECK_RC(MQTTProperties_add(&properties, &property), 0); /* copies what was freed */
		data = NULL;
	}
	else
	{
		CHECK_RC(MQTTProperties_add(&properties, &property), 0); /* copies what was never written */
		if (properties.array[0].value.data.data[3] == 'x')
			puts("x");
	}
	MQTTProperties_free(&properties);
	free(data);
	MQTTClient_destroy(&client);
	return 0;
}
