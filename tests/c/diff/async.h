/* MQTTAsync helpers shared by the differential programs. */
#ifndef DIFF_ASYNC_H
#define DIFF_ASYNC_H

#include "MQTTAsync.h"
#include "properties.h"

/* What the callbacks of one client are given, one log a callback kind that may overtake another. */
struct watch
{
	struct log done;     /* onSuccess, onFailure and their MQTT 5 forms */
	struct log messages; /* messageArrived */
	struct log delivery; /* deliveryComplete */
	struct log state;    /* connected, connectionLost, disconnected */
};

#define WATCH_INITIALIZER {.done = {.name = "completions"}, .messages = {.name = "messages"}, .delivery = {.name = "deliveryComplete"}, .state = {.name = "connection"}}

/* The context of one call: which call it was, and whose. */
struct call
{
	struct watch *watch;
	const char *name;
};

static UNUSED struct call *call_of(struct watch *watch, const char *name)
{
	struct call *call = malloc(sizeof(*call)); /* lives as long as the program: a callback may come late */

	call->watch = watch;
	call->name = name;
	return call;
}

static UNUSED const char *render_async_message(char *out, size_t size, const MQTTAsync_message *m)
{
	char payload[128], properties[1024];

	snprintf(out, size, "payload %s qos %d retained %d dup %d struct %.4s/%d properties %s",
	         render_payload(payload, sizeof(payload), m->payload, m->payloadlen), m->qos, m->retained, m->dup, m->struct_id,
	         m->struct_version, render_properties(properties, sizeof(properties), &m->properties));
	return out;
}

/* The URI with its port left out: the port differs from run to run. */
static UNUSED const char *render_uri(char *out, size_t size, const char *uri)
{
	size_t length;

	if (uri == NULL)
		return "NULL";
	length = strlen(uri);
	while (length > 0 && uri[length - 1] >= '0' && uri[length - 1] <= '9')
		length--;
	snprintf(out, size, "%.*sPORT", (int)length, uri);
	return out;
}

/* What a failure's text begins with. Ours goes on after a colon with what the original does not tell. */
static UNUSED const char *render_failure(char *out, size_t size, const char *message)
{
	if (message == NULL)
		return "NULL";
	snprintf(out, size, "%.*s", (int)strcspn(message, ":"), message);
	return out;
}

static UNUSED void on_failure(void *context, MQTTAsync_failureData *data)
{
	struct call *call = context;
	char message[128];

	if (data == NULL)
		log_add(&call->watch->done, "%s: onFailure(NULL)", call->name);
	else
		log_add(&call->watch->done, "%s: onFailure(token %d, code %d, message %s)", call->name, data->token, data->code,
		        render_failure(message, sizeof(message), data->message));
}

/* For connects that end where the original has no text, or one that depends on the moment: the code only. */
static UNUSED void on_failure_code(void *context, MQTTAsync_failureData *data)
{
	struct call *call = context;

	if (data == NULL)
		log_add(&call->watch->done, "%s: onFailure(NULL)", call->name);
	else
		log_add(&call->watch->done, "%s: onFailure(token %d, code %d)", call->name, data->token, data->code);
}

/* packet_type is left out: the original does not set it reliably. */
static UNUSED void on_failure5(void *context, MQTTAsync_failureData5 *data)
{
	struct call *call = context;
	char properties[1024], message[128];

	if (data == NULL)
		log_add(&call->watch->done, "%s: onFailure5(NULL)", call->name);
	else
		log_add(&call->watch->done, "%s: onFailure5(%.4s/%d token %d, reasonCode %d, code %d, message %s, properties %s)",
		        call->name, data->struct_id, data->struct_version, data->token, (int)data->reasonCode, data->code,
		        /* The server's refusal: the original gives no message, ours the reason code's name (see DIFFERENCES.md). */
		        data->code == 0 && (data->message == NULL || strcmp(data->message, MQTTReasonCode_toString(data->reasonCode)) == 0)
		            ? "NULL" : render_failure(message, sizeof(message), data->message),
		        render_properties(properties, sizeof(properties), &data->properties));
}

/* For a connect: the original leaves reasonCode at 0 (see DIFFERENCES.md). */
static UNUSED void on_connect_failure5(void *context, MQTTAsync_failureData5 *data)
{
	struct call *call = context;
	char properties[1024], message[128];

	if (data == NULL)
		log_add(&call->watch->done, "%s: onFailure5(NULL)", call->name);
	else
		log_add(&call->watch->done, "%s: onFailure5(%.4s/%d token %d, code %d, message %s, properties %s)", call->name,
		        data->struct_id, data->struct_version, data->token, data->code,
		        render_failure(message, sizeof(message), data->message),
		        render_properties(properties, sizeof(properties), &data->properties));
}

/* The union of the success data has a different member for each kind of call: hence a callback for each. */
static UNUSED void on_success(void *context, MQTTAsync_successData *data)
{
	struct call *call = context;

	if (data == NULL)
		log_add(&call->watch->done, "%s: onSuccess(NULL)", call->name);
	else
		log_add(&call->watch->done, "%s: onSuccess(token %d)", call->name, data->token);
}

static UNUSED void on_connect(void *context, MQTTAsync_successData *data)
{
	struct call *call = context;
	char uri[256];

	if (data == NULL)
		log_add(&call->watch->done, "%s: onSuccess(NULL)", call->name);
	else
		log_add(&call->watch->done, "%s: onSuccess(token %d, serverURI %s, MQTTVersion %d, sessionPresent %d)", call->name, data->token,
		        render_uri(uri, sizeof(uri), data->alt.connect.serverURI), data->alt.connect.MQTTVersion, data->alt.connect.sessionPresent);
}

static UNUSED void on_subscribe(void *context, MQTTAsync_successData *data)
{
	struct call *call = context;

	log_add(&call->watch->done, "%s: onSuccess(token %d, qos %d)", call->name, data->token, data->alt.qos);
}

/* For subscribeMany of three topics. */
static UNUSED void on_subscribe_three(void *context, MQTTAsync_successData *data)
{
	struct call *call = context;

	log_add(&call->watch->done, "%s: onSuccess(token %d, qosList %d %d %d)", call->name, data->token, data->alt.qosList[0],
	        data->alt.qosList[1], data->alt.qosList[2]);
}

/* What a publish's success data tell of the message. The original fills in no more than this for every QoS. */
static UNUSED const char *render_sent(char *out, size_t size, const char *topic, const MQTTAsync_message *m)
{
	char payload[128];

	snprintf(out, size, "\"%s\" payload %s qos %d retained %d", topic ? topic : "NULL",
	         render_payload(payload, sizeof(payload), m->payload, m->payloadlen), m->qos, m->retained);
	return out;
}

static UNUSED void on_publish(void *context, MQTTAsync_successData *data)
{
	struct call *call = context;
	char sent[512];

	log_add(&call->watch->done, "%s: onSuccess(token %d, pub %s)", call->name, data->token,
	        render_sent(sent, sizeof(sent), data->alt.pub.destinationName, &data->alt.pub.message));
}

static UNUSED void on_success5(void *context, MQTTAsync_successData5 *data)
{
	struct call *call = context;
	char properties[1024];

	if (data == NULL)
		log_add(&call->watch->done, "%s: onSuccess5(NULL)", call->name);
	else
		log_add(&call->watch->done, "%s: onSuccess5(%.4s/%d token %d, reasonCode %d, properties %s)", call->name, data->struct_id,
		        data->struct_version, data->token, (int)data->reasonCode,
		        render_properties(properties, sizeof(properties), &data->properties));
}

static UNUSED void on_connect5(void *context, MQTTAsync_successData5 *data)
{
	struct call *call = context;
	char properties[1024], uri[256];

	if (data == NULL)
		log_add(&call->watch->done, "%s: onSuccess5(NULL)", call->name);
	else
		log_add(&call->watch->done, "%s: onSuccess5(token %d, reasonCode %d, serverURI %s, MQTTVersion %d, sessionPresent %d, properties %s)",
		        call->name, data->token, (int)data->reasonCode, render_uri(uri, sizeof(uri), data->alt.connect.serverURI),
		        data->alt.connect.MQTTVersion, data->alt.connect.sessionPresent,
		        render_properties(properties, sizeof(properties), &data->properties));
}

/* For more than one topic: with one, the original leaves the union unset and the code is in reasonCode. */
static UNUSED void on_codes5(void *context, MQTTAsync_successData5 *data)
{
	struct call *call = context;
	char codes[256] = "", properties[1024];
	int i;

	for (i = 0; data->alt.sub.reasonCodes && i < data->alt.sub.reasonCodeCount; i++)
		render_append(codes, sizeof(codes), " %d", (int)data->alt.sub.reasonCodes[i]);
	log_add(&call->watch->done, "%s: onSuccess5(token %d, reasonCode %d, reasonCodeCount %d, reasonCodes%s, properties %s)", call->name,
	        data->token, (int)data->reasonCode, data->alt.sub.reasonCodeCount, codes,
	        render_properties(properties, sizeof(properties), &data->properties));
}

static UNUSED void on_publish5(void *context, MQTTAsync_successData5 *data)
{
	struct call *call = context;
	char sent[512], properties[1024];

	log_add(&call->watch->done, "%s: onSuccess5(token %d, reasonCode %d, properties %s, pub %s)", call->name, data->token,
	        (int)data->reasonCode, render_properties(properties, sizeof(properties), &data->properties),
	        render_sent(sent, sizeof(sent), data->alt.pub.destinationName, &data->alt.pub.message));
}

static UNUSED int on_message(void *context, char *topic, int topic_length, MQTTAsync_message *message)
{
	struct watch *watch = context;
	char text[1500];
	/* The original gives the length for a message that it hands over at once, and 0 for one that had to queue: ours the length always. */
	const int may_be_0 = getenv("DIFF_ORIGINAL") != NULL && topic_length == 0;
	const char *fits = may_be_0 || topic_length == (int)strlen(topic) ? "fits" : "is wrong";

	log_add(&watch->messages, "topic \"%s\" topicLen %s %s", topic, fits, render_async_message(text, sizeof(text), message));
	MQTTAsync_freeMessage(&message);
	MQTTAsync_free(topic);
	return 1;
}

static UNUSED void on_delivery(void *context, MQTTAsync_token token)
{
	struct watch *watch = context;

	log_add(&watch->delivery, "token %d", token);
}

static UNUSED void on_lost(void *context, char *cause)
{
	struct watch *watch = context;

	/* The original never says why: NULL. Ours does: see DIFFERENCES.md. */
	log_add(&watch->state, "connectionLost(%s)", cause == NULL || *cause != '\0' ? "cause" : "empty");
}

static UNUSED void on_connected(void *context, char *cause)
{
	struct watch *watch = context;

	log_add(&watch->state, "connected(%s)", cause ? cause : "NULL");
}

static UNUSED void on_disconnected(void *context, MQTTProperties *properties, enum MQTTReasonCodes reason)
{
	struct watch *watch = context;
	char text[1024];

	log_add(&watch->state, "disconnected(%d, %s)", (int)reason, render_properties(text, sizeof(text), properties));
}

static UNUSED MQTTAsync new_async(const char *uri, const char *id, int version, struct watch *watch)
{
	MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
	MQTTAsync client = NULL;
	int rc;

	options.MQTTVersion = version;
	rc = MQTTAsync_createWithOptions(&client, uri, id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &options);
	if (rc != MQTTASYNC_SUCCESS)
		printf("  create(%s) = %d\n", id, rc);
	if (watch && client)
	{
		MQTTAsync_setCallbacks(client, watch, on_lost, on_message, on_delivery);
		MQTTAsync_setConnected(client, watch, on_connected);
		MQTTAsync_setDisconnected(client, watch, on_disconnected);
	}
	return client;
}

static UNUSED MQTTAsync_connectOptions connect_options(int version, struct call *call)
{
	MQTTAsync_connectOptions v3 = MQTTAsync_connectOptions_initializer;
	MQTTAsync_connectOptions v5 = MQTTAsync_connectOptions_initializer5;
	MQTTAsync_connectOptions options = version == MQTTVERSION_5 ? v5 : v3;

	options.context = call;
	options.MQTTVersion = version;
	if (version == MQTTVERSION_5)
	{
		options.onSuccess5 = on_connect5;
		options.onFailure5 = on_connect_failure5;
	}
	else
	{
		options.onSuccess = on_connect;
		options.onFailure = on_failure;
	}
	return options;
}

/* Response options with the callbacks of the version, the success callback chosen by the caller. */
static UNUSED MQTTAsync_responseOptions response3(struct call *call, MQTTAsync_onSuccess *success)
{
	MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;

	options.context = call;
	options.onSuccess = success;
	options.onFailure = on_failure;
	return options;
}

static UNUSED MQTTAsync_responseOptions response5(struct call *call, MQTTAsync_onSuccess5 *success)
{
	MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;

	options.context = call;
	options.onSuccess5 = success;
	options.onFailure5 = on_failure5;
	return options;
}

/* Connects and waits for the answer, which is printed. */
static UNUSED void connect_async(MQTTAsync client, int version, struct watch *watch)
{
	MQTTAsync_connectOptions options = connect_options(version, call_of(watch, "connect"));

	SHOW(MQTTAsync_connect(client, &options));
	log_expect(&watch->done, 1);
}

static UNUSED void disconnect_async(MQTTAsync client, int version, struct watch *watch)
{
	MQTTAsync_disconnectOptions v3 = MQTTAsync_disconnectOptions_initializer;
	MQTTAsync_disconnectOptions v5 = MQTTAsync_disconnectOptions_initializer5;
	MQTTAsync_disconnectOptions options = version == MQTTVERSION_5 ? v5 : v3;

	options.context = call_of(watch, "disconnect");
	if (version == MQTTVERSION_5)
	{
		options.onSuccess5 = on_success5;
		options.onFailure5 = on_failure5;
	}
	else
	{
		options.onSuccess = on_success;
		options.onFailure = on_failure;
	}
	SHOW(MQTTAsync_disconnect(client, &options));
	log_expect(&watch->done, 1);
}

#endif
