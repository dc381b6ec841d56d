/* MQTTClient helpers shared by the differential programs. */
#ifndef DIFF_CLIENT_H
#define DIFF_CLIENT_H

#include "MQTTClient.h"
#include "properties.h"

/* A printed MQTTResponse: reason code, the list of codes, the properties; frees it. */
static UNUSED void show_response(MQTTResponse response)
{
	char text[2048];
	int i;

	printf("{version %d, reasonCode %d, reasonCodeCount %d", response.version, (int)response.reasonCode, response.reasonCodeCount);
	for (i = 0; response.reasonCodes && i < response.reasonCodeCount; i++)
		printf("%s%d", i ? ", " : ", [", (int)response.reasonCodes[i]);
	printf("%s, properties %s}\n", response.reasonCodes && response.reasonCodeCount ? "]" : "",
	       response.properties ? render_properties(text, sizeof(text), response.properties) : "NULL");
	MQTTResponse_free(response);
	fflush(stdout);
}
#define SHOW_RESPONSE(call) (printf("%s = ", #call), (void)fflush(stdout), show_response(call))

static UNUSED MQTTClient new_client(const char *uri, const char *id, int version)
{
	MQTTClient_createOptions options = MQTTClient_createOptions_initializer;
	MQTTClient client = NULL;
	int rc;

	options.MQTTVersion = version;
	rc = MQTTClient_createWithOptions(&client, uri, id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &options);
	if (rc != MQTTCLIENT_SUCCESS)
		printf("  create(%s) = %d\n", id, rc);
	return client;
}

/* Connects with the plain options of the version: a clean session that ends with the connection. */
static UNUSED int connect_client(MQTTClient client, int version)
{
	MQTTResponse response;

	if (version == MQTTVERSION_5)
	{
		MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer5;
		int rc;
		response = MQTTClient_connect5(client, &options, NULL, NULL);
		rc = (int)response.reasonCode;
		MQTTResponse_free(response);
		return rc;
	}
	else
	{
		MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
		options.MQTTVersion = version;
		return MQTTClient_connect(client, &options);
	}
}

static UNUSED const char *render_message(char *out, size_t size, const char *topic, int topic_length, const MQTTClient_message *m)
{
	char payload[128], properties[1024];

	snprintf(out, size, "topic \"%s\" topicLen %d payload %s payloadlen %d qos %d retained %d dup %d msgid %d struct %.4s/%d properties %s",
	         topic, topic_length, render_payload(payload, sizeof(payload), m->payload, m->payloadlen), m->payloadlen, m->qos, m->retained,
	         m->dup, m->msgid, m->struct_id, m->struct_version, render_properties(properties, sizeof(properties), &m->properties));
	return out;
}

/* Receives `count` messages in sync mode and prints them as they come. */
static UNUSED void receive_messages(MQTTClient client, int count)
{
	char text[2048];
	int i;

	for (i = 0; i < count; i++)
	{
		char *topic = NULL;
		int length = -1, rc;
		MQTTClient_message *message = NULL;

		rc = MQTTClient_receive(client, &topic, &length, &message, 5000);
		if (message == NULL)
		{
			printf("  receive = %d, no message\n", rc);
			continue;
		}
		printf("  receive = %d: %s\n", rc, render_message(text, sizeof(text), topic, length, message));
		MQTTClient_freeMessage(&message);
		MQTTClient_free(topic);
	}
	fflush(stdout);
}

#endif
