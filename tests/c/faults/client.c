/* MQTTClient: see scenario.h. */
#include "scenario.h"

#include "MQTTClient.h"

enum { WAIT = 4000 };

static void converse(MQTTClient client)
{
	MQTTClient_deliveryToken token;
	int qos, i;

	if (documented("subscribe", MQTTClient_subscribe(client, "faults", 2)) != 0)
		return;
	for (qos = 0; qos <= 2; qos++)
	{
		char payload[] = "0 a message";

		payload[0] = (char)('0' + qos);
		if (documented("publish", MQTTClient_publish(client, "faults", sizeof payload, payload, qos, 0, &token)) == 0)
			documented("waitForCompletion", MQTTClient_waitForCompletion(client, token, WAIT));
	}
	for (i = 0; i < 3; i++)
	{
		MQTTClient_message *message = NULL;
		char *topic = NULL;
		int length;
		int rc = MQTTClient_receive(client, &topic, &length, &message, strict ? WAIT : 100);

		documented("receive", rc);
		if (message)
		{
			CHECK(strcmp(topic, "faults") == 0 && message->payloadlen == 12);
			MQTTClient_freeMessage(&message);
			MQTTClient_free(topic);
		}
		else if (strict)
			FAIL("message %d did not come; before, %s had failed", i, inject_failed);
		if (rc != 0)
			return;
	}
	documented("unsubscribe", MQTTClient_unsubscribe(client, "faults"));
}

static void life(void)
{
	MQTTClient_connectOptions o = MQTTClient_connectOptions_initializer;
	MQTTClient_SSLOptions ssl = MQTTClient_SSLOptions_initializer;
	MQTTClient client = NULL;

	o.keepAliveInterval = 20, o.cleansession = 1, o.connectTimeout = 10;
	if (authority)
		o.ssl = &ssl, ssl.trustStore = authority;
	if (documented("create", MQTTClient_create(&client, uri, "faults-client", MQTTCLIENT_PERSISTENCE_DEFAULT, (void *)store)) != 0)
	{
		CHECK(client == NULL);
		return;
	}
	if (documented("connect", MQTTClient_connect(client, &o)) == 0)
		converse(client);
	/* Not connected any more is what was wanted. */
	if (MQTTClient_disconnect(client, 1000) != 0)
		CHECK(!strict);
	MQTTClient_destroy(&client);
	CHECK(client == NULL);
}
