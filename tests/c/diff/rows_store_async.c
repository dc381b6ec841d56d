/* Rows of DIFFERENCES.md about an MQTTAsync with a store of the program's own that refuses, on a server by hand. */
#include "async.h"
#include "rows_store.h"

static const char *server;
static volatile int connects, sends, failures, arrivals, losses;

static void on_store_connect(void *context, MQTTAsync_successData *data)
{
	(void)context, (void)data;
	connects++;
}

static void on_sent(void *context, MQTTAsync_successData *data)
{
	(void)context, (void)data;
	sends++;
}

static void on_not_sent(void *context, MQTTAsync_failureData *data)
{
	(void)context, (void)data;
	failures++;
}

static int on_arrival(void *context, char *topic, int length, MQTTAsync_message *message)
{
	(void)context, (void)length;
	MQTTAsync_freeMessage(&message);
	MQTTAsync_free(topic);
	arrivals++;
	return 1;
}

static void on_loss(void *context, char *cause)
{
	(void)context, (void)cause;
	losses++;
}

static void await_count(volatile int *count, int wanted)
{
	const long long until = now_ms() + PATIENCE_SECONDS * 1000LL;

	while (*count < wanted && now_ms() < until)
		usleep(1000);
}

/* Creates a client, for which sending without a connection is allowed. */
static int create(MQTTAsync *c)
{
	MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;

	*c = NULL;
	options.sendWhileDisconnected = 1;
	options.allowDisconnectedSendAtAnyTime = 1;
	return MQTTAsync_createWithOptions(c, server, "session/store", MQTTCLIENT_PERSISTENCE_USER, &shelf_functions, &options);
}

static void connect_again(MQTTAsync c)
{
	MQTTAsync_connectOptions o = MQTTAsync_connectOptions_initializer;

	connects = 0;
	o.MQTTVersion = MQTTVERSION_3_1_1;
	o.cleansession = 0;
	o.onSuccess = on_store_connect;
	if (MQTTAsync_connect(c, &o) != MQTTASYNC_SUCCESS)
		printf("not connected\n");
	await_count(&connects, 1);
}

static MQTTAsync stored_client(void)
{
	MQTTAsync c;

	connects = sends = failures = arrivals = losses = 0;
	SHOW(create(&c));
	SHOW(MQTTAsync_setCallbacks(c, NULL, on_loss, on_arrival, NULL));
	return c;
}

static int send_to(MQTTAsync c, const char *topic, int qos)
{
	MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;

	response.onSuccess = on_sent;
	response.onFailure = on_not_sent;
	return MQTTAsync_send(c, topic, 1, "x", qos, 0, &response);
}

static void end(MQTTAsync *c)
{
	MQTTAsync_destroy(c);
	shelf_clear(NULL);
}

/* Connected or not, what cannot be stored is refused, and what comes after it is sent. */
static void send_not_stored(int online)
{
	MQTTAsync c = stored_client();

	if (online)
		connect_again(c);
	refuse("pput", online ? "s-" : "c-");
	row(online ? "send that cannot be stored" : "send without a connection that cannot be stored", send_to(c, "a", 1), "0", -2);
	refuse("", "");
	SHOW(send_to(c, "a", 1));
	if (!online)
		connect_again(c);
	await_count(&sends, on_the_original() ? 2 : 1);
	row("onSuccess", sends, "2", 1);
	SHOW(failures);
	SHOW(losses);
	end(&c);
}

/* A PUBREL that cannot be stored is not sent: the next connection ends the message. */
static void pubrel_not_stored(void)
{
	MQTTAsync c = stored_client();

	connect_again(c);
	refuse("pput", "sc-");
	SHOW(send_to(c, "a", 2));
	await_count(on_the_original() ? &sends : &losses, 1);
	row("connectionLost", losses, "0", 1);
	row("connected still", MQTTAsync_isConnected(c), "1", 0);
	refuse("", "");
	if (!on_the_original())
		connect_again(c);
	await_count(&sends, 1);
	SHOW(sends);
	SHOW(failures);
	end(&c);
}

/* A message that cannot be stored is not acknowledged, so that the server sends it again. */
static void received_not_stored(int qos)
{
	const char *const message = qos == 1 ? "bytes/3206000161000178" : "bytes/340600016100017862020001";
	MQTTAsync c = stored_client();

	connect_again(c);
	refuse("pput", qos == 1 ? "q-" : "r-");
	SHOW(send_to(c, message, 0));
	await_count(on_the_original() ? &arrivals : &losses, 1);
	row("messageArrived", arrivals, "1", 0);
	row("connectionLost", losses, "0", 1);
	refuse("", "");
	arrivals = 0;
	if (!on_the_original())
		connect_again(c);
	SHOW(send_to(c, message, 0));
	await_count(&arrivals, 1);
	SHOW(arrivals);
	end(&c);
}

/* What cannot be removed is removed later, and no later process finds it. */
static void not_removed(void)
{
	MQTTAsync c = stored_client();

	connect_again(c);
	refuse("premove", "s");
	SHOW(send_to(c, "a", 2));
	await_count(&sends, 1);
	SHOW(records("s"));
	refuse("", "");
	await_no_records("s");
	row("records of a message that is over", records("s"), "2", 0);
	end(&c);
}

static void not_opened(const char *function)
{
	MQTTAsync c;

	refuse(function, "");
	SHOW(create(&c));
	row("a client all the same", c != NULL, "1", 0);
	refuse("", "");
	MQTTAsync_destroy(&c);
}

/* A message that waits and cannot be read at create is read later. */
static void not_read(void)
{
	MQTTAsync c = stored_client();
	int before;

	SHOW(send_to(c, "a", 1));
	MQTTAsync_destroy(&c);
	SHOW(records(""));
	before = refuser_published;
	refuse("pget", "");
	SHOW(create(&c));
	refuse("", "");
	connect_again(c);
	if (!on_the_original())
		await_count(&refuser_published, before + 1);
	row("PUBLISHes that came", refuser_published - before, "0", 1);
	end(&c);
}

int main(void)
{
	server = refuser_start();
	send_not_stored(1);
	send_not_stored(0);
	pubrel_not_stored();
	received_not_stored(1);
	received_not_stored(2);
	not_removed();
	not_opened("popen");
	not_opened("pkeys");
	not_read();
	return 0;
}
