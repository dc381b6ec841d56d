/* Rows of DIFFERENCES.md about an MQTTClient with a store of the program's own that refuses, on a server by hand. */
#include "client.h"
#include "rows_store.h"

static const char *server;

static MQTTClient stored_client(void)
{
	MQTTClient c = NULL;

	SHOW(MQTTClient_create(&c, server, "session/store", MQTTCLIENT_PERSISTENCE_USER, &shelf_functions));
	return c;
}

static int connect_again(MQTTClient c)
{
	MQTTClient_connectOptions o = MQTTClient_connectOptions_initializer;

	o.MQTTVersion = MQTTVERSION_3_1_1;
	o.cleansession = 0;
	o.reliable = 0;
	return MQTTClient_connect(c, &o);
}

static int pending(MQTTClient c)
{
	MQTTClient_deliveryToken *tokens = NULL;
	int count = 0;

	MQTTClient_getPendingDeliveryTokens(c, &tokens);
	while (tokens && tokens[count] != -1)
		count++;
	MQTTClient_free(tokens);
	return count;
}

/* A publish that cannot be stored is refused; the connection stays, and the next one goes out. */
static void publish_not_stored(int qos)
{
	MQTTClient c = stored_client();
	MQTTClient_deliveryToken token;
	int before;

	SHOW(connect_again(c));
	before = refuser_published;
	refuse("pput", "s-");
	row("publish that cannot be stored", MQTTClient_publish(c, "a", 1, "x", qos, 0, &token), "0", -2);
	refuse("", "");
	SHOW(MQTTClient_publish(c, "a", 1, "y", qos, 0, &token));
	SHOW(MQTTClient_waitForCompletion(c, token, 60000));
	row("PUBLISHes that came", refuser_published - before, "2", 1);
	SHOW(MQTTClient_isConnected(c));
	SHOW(MQTTClient_disconnect(c, 60000));
	SHOW(records(""));
	MQTTClient_destroy(&c);
}

/* A PUBREL that cannot be stored is not sent: the next connection ends the message. */
static void pubrel_not_stored(void)
{
	MQTTClient c = stored_client();
	MQTTClient_deliveryToken token;

	SHOW(connect_again(c));
	refuse("pput", "sc-");
	SHOW(MQTTClient_publish(c, "a", 1, "x", 2, 0, &token));
	row("waitForCompletion of what cannot go on", MQTTClient_waitForCompletion(c, token, 60000), "0", -3);
	row("connected still", MQTTClient_isConnected(c), "1", 0);
	row("pending", pending(c), "0", 1);
	refuse("", "");
	if (!on_the_original())
		connect_again(c);
	row("waitForCompletion on the next connection", MQTTClient_waitForCompletion(c, token, 60000), "?", 0);
	SHOW(pending(c));
	SHOW(MQTTClient_disconnect(c, 60000));
	SHOW(records(""));
	MQTTClient_destroy(&c);
}

/* A message that cannot be stored is not acknowledged, so that the server sends it again. QoS 1, and QoS 2, packet identifier 1. */
static void received_not_stored(int qos)
{
	const char *const message = qos == 1 ? "bytes/3206000161000178" : "bytes/34060001610001786202" "0001";
	MQTTClient c = stored_client();
	MQTTClient_message *m = NULL;
	MQTTClient_deliveryToken token;
	char *topic = NULL;
	int length, rc;

	SHOW(connect_again(c));
	refuse("pput", qos == 1 ? "q-" : "r-");
	SHOW(MQTTClient_publish(c, message, 1, "x", 0, 0, &token));
	rc = MQTTClient_receive(c, &topic, &length, &m, 60000);
	row("receive of what cannot be stored", rc, "0", -1);
	row("a message", m != NULL, "1", 0);
	row("connected still", MQTTClient_isConnected(c), "1", 0);
	if (m)
		MQTTClient_freeMessage(&m);
	MQTTClient_free(topic);
	refuse("", "");
	if (!on_the_original())
		connect_again(c);
	SHOW(MQTTClient_publish(c, message, 1, "x", 0, 0, &token));
	receive_messages(c, 1);
	SHOW(MQTTClient_disconnect(c, 0));
	MQTTClient_destroy(&c);
	SHOW(records(""));
}

/* What cannot be removed is removed later, and no later process finds it. */
static void not_removed(void)
{
	MQTTClient c = stored_client();
	MQTTClient_deliveryToken token;

	SHOW(connect_again(c));
	refuse("premove", "");
	SHOW(MQTTClient_publish(c, "a", 1, "x", 2, 0, &token));
	SHOW(MQTTClient_waitForCompletion(c, token, 60000));
	SHOW(records("s"));
	refuse("", "");
	await_no_records("s");
	row("records of a message that is over", records("s"), "2", 0);
	SHOW(MQTTClient_disconnect(c, 0));
	MQTTClient_destroy(&c);
	shelf_clear(NULL);
}

static void not_opened(const char *function)
{
	MQTTClient c = NULL;

	refuse(function, "");
	SHOW(MQTTClient_create(&c, server, "session/store", MQTTCLIENT_PERSISTENCE_USER, &shelf_functions));
	row("a client all the same", c != NULL, "1", 0);
	refuse("", "");
	MQTTClient_destroy(&c);
}

/* A message in flight that cannot be read at create is read later. */
static void not_read(void)
{
	MQTTClient c = stored_client();
	MQTTClient_deliveryToken token;
	int before;

	SHOW(connect_again(c));
	before = refuser_published;
	SHOW(MQTTClient_publish(c, "silent/a", 1, "x", 1, 0, &token));
	while (refuser_published == before)
		usleep(1000);
	SHOW(MQTTClient_disconnect(c, 0));
	MQTTClient_destroy(&c);
	SHOW(records("s"));
	refuse("pget", "s");
	row("create of a store that cannot be read", MQTTClient_create(&c, server, "session/store", MQTTCLIENT_PERSISTENCE_USER, &shelf_functions), "-2", 0);
	row("pending", pending(c), "0", 1);
	before = refuser_published;
	SHOW(connect_again(c));
	refuse("", "");
	while (!on_the_original() && refuser_published == before)
		MQTTClient_yield();
	row("PUBLISHes that came", refuser_published - before, "0", 1);
	SHOW(MQTTClient_disconnect(c, 0));
	MQTTClient_destroy(&c);
	SHOW(records("s"));
	shelf_clear(NULL);
}

int main(void)
{
	server = refuser_start();
	publish_not_stored(1);
	publish_not_stored(2);
	pubrel_not_stored();
	received_not_stored(1);
	received_not_stored(2);
	not_removed();
	not_opened("popen");
	not_opened("pkeys");
	not_read();
	return 0;
}
