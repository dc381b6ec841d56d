/* The puppet on MQTTClient: see puppet.h. */
#include "puppet.h"

#include <MQTTClient.h>

static MQTTClient client;
static int v5, take = 1;
/* Messages that begin like this are not taken; the empty string stands for none. */
static char refused[100];

static int on_message(void *context, char *topic, int topic_length, MQTTClient_message *message)
{
	(void)context;
	(void)topic_length;
	say_message(topic, message->payloadlen, message->payload, message->qos, message->dup, message->retained);
	if (!take || (refused[0] && strncmp(message->payload, refused, strlen(refused)) == 0))
		return 0;
	MQTTClient_freeMessage(&message);
	MQTTClient_free(topic);
	return 1;
}

static void on_lost(void *context, char *cause)
{
	(void)context;
	(void)cause;
	say("lost");
}

static void on_delivered(void *context, MQTTClient_deliveryToken token)
{
	(void)context;
	say("delivered %d", token);
}

static void create(const command *c)
{
	MQTTClient_createOptions options = MQTTClient_createOptions_initializer;
	const char *dir = word(c, 3);
	int rc;

	v5 = option_number(c, "v5", 0);
	options.MQTTVersion = v5 ? MQTTVERSION_5 : MQTTVERSION_DEFAULT;
	client = NULL;
	rc = MQTTClient_createWithOptions(&client, word(c, 1), word(c, 2),
		strcmp(dir, "-") == 0 ? MQTTCLIENT_PERSISTENCE_NONE : MQTTCLIENT_PERSISTENCE_DEFAULT,
		strcmp(dir, "-") == 0 ? NULL : (void *)dir, &options);
	if (rc == MQTTCLIENT_SUCCESS && option_number(c, "callbacks", 0))
		MQTTClient_setCallbacks(client, NULL, on_lost, on_message, on_delivered);
	say("create %d", rc);
}

static void do_connect(const command *c)
{
	MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer, options5 = MQTTClient_connectOptions_initializer5;
	MQTTProperties properties = MQTTProperties_initializer;
	int rc;

	if (v5)
		options = options5;
	options.struct_version = 6;
	options.keepAliveInterval = option_number(c, "keep", 60);
	options.reliable = 0;
	options.maxInflightMessages = option_number(c, "inflight", 100);
	if (v5)
	{
		MQTTProperty property;
		MQTTResponse response;

		options.cleanstart = option_number(c, "clean", 0);
		property.identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL;
		property.value.integer4 = (unsigned int)option_number(c, "expiry", 3600);
		MQTTProperties_add(&properties, &property);
		response = MQTTClient_connect5(client, &options, &properties, NULL);
		rc = response.reasonCode;
		MQTTResponse_free(response);
		MQTTProperties_free(&properties);
	}
	else
	{
		options.cleansession = option_number(c, "clean", 0);
		rc = MQTTClient_connect(client, &options);
	}
	say("connect %d", rc);
}

static void send_one(const command *c)
{
	MQTTClient_deliveryToken token = 0;
	int length, rc;
	char *payload = payload_of(word(c, 2), &length);

	if (v5)
	{
		MQTTResponse response = MQTTClient_publish5(client, word(c, 1), length, payload, number(c, 3), 0, NULL, &token);

		rc = response.reasonCode;
		MQTTResponse_free(response);
	}
	else
		rc = MQTTClient_publish(client, word(c, 1), length, payload, number(c, 3), 0, &token);
	free(payload);
	say("send %d %d", rc, token);
}

static void subscribe(const command *c)
{
	int rc;

	if (v5)
	{
		MQTTResponse response = MQTTClient_subscribe5(client, word(c, 1), number(c, 2), NULL, NULL);

		rc = response.reasonCode >= 0 && response.reasonCode <= 2 ? 0 : response.reasonCode;
		MQTTResponse_free(response);
	}
	else
		rc = MQTTClient_subscribe(client, word(c, 1), number(c, 2));
	say("subscribe %d 0", rc);
}

static void receive(const command *c)
{
	MQTTClient_message *message = NULL;
	char *topic = NULL;
	int length, rc = MQTTClient_receive(client, &topic, &length, &message, (unsigned long)number(c, 1));

	if (!message)
	{
		say("receive %d", rc);
		return;
	}
	say_message(topic, message->payloadlen, message->payload, message->qos, message->dup, message->retained);
	MQTTClient_freeMessage(&message);
	MQTTClient_free(topic);
}

static void pending(void)
{
	MQTTClient_deliveryToken *tokens = NULL;
	char text[8192] = "";
	int rc = MQTTClient_getPendingDeliveryTokens(client, &tokens), i, n = 0;

	for (i = 0; tokens && tokens[i] != -1; i++, n++)
		if (strlen(text) < sizeof text - 16)
			sprintf(text + strlen(text), " %d", tokens[i]);
	MQTTClient_free(tokens);
	say("pending %d %d%s", rc, n, text);
}

int main(void)
{
	static char line[65536];
	command c;

	while (next_command(line, sizeof line, &c))
	{
		if (is(&c, "create"))
			create(&c);
		else if (is(&c, "connect"))
			do_connect(&c);
		else if (is(&c, "send"))
			send_one(&c);
		else if (is(&c, "subscribe"))
			subscribe(&c);
		else if (is(&c, "receive"))
			receive(&c);
		else if (is(&c, "yield"))
		{
			MQTTClient_yield();
			say("yield");
		}
		else if (is(&c, "wait"))
			say("wait %d", MQTTClient_waitForCompletion(client, number(&c, 1), (unsigned long)number(&c, 2)));
		else if (is(&c, "pending"))
			pending();
		else if (is(&c, "is-connected"))
			say("is-connected %d", MQTTClient_isConnected(client));
		else if (is(&c, "take"))
		{
			take = number(&c, 1);
			say("take");
		}
		else if (is(&c, "refuse"))
		{
			snprintf(refused, sizeof refused, "%s", word(&c, 1));
			say("refuse");
		}
		else if (is(&c, "disconnect"))
			say("disconnect %d", MQTTClient_disconnect(client, number(&c, 1)));
		else if (is(&c, "destroy"))
		{
			MQTTClient_destroy(&client);
			say("destroy");
		}
		else
			say("PUPPET: no command %s", c.words[0]);
	}
	return 0;
}
