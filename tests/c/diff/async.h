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
	const char *cause;   /* of the next connectionLost, where it is not that the server closed the connection */
};

#define WATCH_INITIALIZER {.done = {.name = "completions"}, .messages = {.name = "messages"}, .delivery = {.name = "deliveryComplete"}, .state = {.name = "connection"}}

static int compare_tokens(const void *a, const void *b)
{
	return *(const MQTTAsync_token *)a - *(const MQTTAsync_token *)b;
}

static UNUSED void list_pending(MQTTAsync c, int sorted)
{
	MQTTAsync_token *tokens = NULL;
	size_t i, count = 0;
	int rc = MQTTAsync_getPendingTokens(c, &tokens);

	printf("pending (%d):", rc);
	while (tokens && tokens[count] != -1)
		count++;
	if (tokens && sorted)
		qsort(tokens, count, sizeof(*tokens), compare_tokens);
	for (i = 0; i < count; i++)
		printf(" %d", tokens[i]);
	printf("%s\n", tokens ? "" : " none");
	MQTTAsync_free(tokens);
}

static UNUSED void show_pending(MQTTAsync c)
{
	list_pending(c, 0);
}

/* The original lists first what its thread has not got to yet. */
static UNUSED void show_pending_in_any_order(MQTTAsync c)
{
	list_pending(c, 1);
}

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

	snprintf(out, size, "payload %s payloadlen %d qos %d retained %d dup %d msgid %d struct %.4s/%d properties %s",
	         render_payload(payload, sizeof(payload), m->payload, m->payloadlen), m->payloadlen, m->qos, m->retained, m->dup, m->msgid,
	         m->struct_id, m->struct_version, render_properties(properties, sizeof(properties), &m->properties));
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

/* A failure's text. */
static UNUSED const char *render_failure(char *out, size_t size, const char *message)
{
	if (message == NULL)
		return "NULL";
	/* Ours goes on after the original's text, with a colon and why. */
	if (!on_the_original() && strstr(message, ": ") != NULL && strlen(strstr(message, ": ")) > 3)
		snprintf(out, size, "%.*s", (int)(strstr(message, ": ") - message), message);
	else
		snprintf(out, size, "%s", message);
	return out;
}

/* The text for a refused MQTT 5 publish, subscribe or unsubscribe: the original has none. */
static UNUSED const char *render_refusal(char *out, size_t size, const MQTTAsync_failureData5 *data)
{
	if (data->code == 0 && data->reasonCode >= 0x80)
		return render_row(out, size, data->message, "NULL", MQTTReasonCode_toString(data->reasonCode));
	return render_failure(out, size, data->message);
}

static UNUSED void on_failure(void *context, MQTTAsync_failureData *data)
{
	struct call *call = context;
	char message[512];

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

/* The type of the packet that refused, which the program's name for the call tells: the original leaves there what the memory held. */
static UNUSED const char *render_packet_type(char *out, size_t size, const struct call *call, const MQTTAsync_failureData5 *data)
{
	const int refused = data->code == 0 && data->reasonCode >= 0x80;
	const int expected = strncmp(call->name, "pubrec", 6) == 0    ? 5
	                     : strncmp(call->name, "pubcomp", 7) == 0 ? 7
	                     : strncmp(call->name, "sub", 3) == 0     ? 9
	                                                              : 4 + (strcmp(call->name, "send at 2") == 0);

	return render_row_number(out, size, data->packet_type, "?", refused ? expected : 0);
}

static UNUSED void on_failure5(void *context, MQTTAsync_failureData5 *data)
{
	struct call *call = context;
	char properties[1024], message[512], type[32];

	if (data == NULL)
		log_add(&call->watch->done, "%s: onFailure5(NULL)", call->name);
	else
		log_add(&call->watch->done, "%s: onFailure5(%.4s/%d token %d, reasonCode %d, code %d, message %s, packet_type %s, properties %s)",
		        call->name, data->struct_id, data->struct_version, data->token, (int)data->reasonCode, data->code,
		        render_refusal(message, sizeof(message), data), render_packet_type(type, sizeof(type), call, data),
		        render_properties(properties, sizeof(properties), &data->properties));
}

/* For a connect: the original tells the server's reason code in `code` alone. */
static UNUSED void on_connect_failure5(void *context, MQTTAsync_failureData5 *data)
{
	struct call *call = context;
	char properties[1024], message[512], reason[32], type[32];
	int refused;

	if (data == NULL)
	{
		log_add(&call->watch->done, "%s: onFailure5(NULL)", call->name);
		return;
	}
	refused = data->code > 0;
	log_add(&call->watch->done, "%s: onFailure5(%.4s/%d token %d, reasonCode %s, code %d, message %s, packet_type %s, properties %s)", call->name,
	        data->struct_id, data->struct_version, data->token,
	        render_row_number(reason, sizeof(reason), (int)data->reasonCode, "0", refused ? data->code : 0), data->code,
	        render_failure(message, sizeof(message), data->message),
	        render_row_number(type, sizeof(type), data->packet_type, "0", refused ? 2 : 0),
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

/* What a publish's success data tell of the message: `properties` are those it was sent with, NULL with MQTT 3. In the members that are shown
 * as rows the original leaves what the memory held, or nothing. */
static UNUSED const char *render_sent(char *out, size_t size, const char *topic, const MQTTAsync_message *m, int token,
                                       const char *properties)
{
	char payload[128], structure[32], own[1024], rows[3][64], row[2048];

	if (properties == NULL)
		snprintf(own, sizeof(own), "%d", on_the_original() ? 0 : m->properties.count);
	else
		render_properties(own, sizeof(own), &m->properties);

	snprintf(structure, sizeof(structure), "%.4s/%d", on_the_original() ? "" : m->struct_id, on_the_original() ? 0 : m->struct_version);
	snprintf(out, size, "\"%s\" payload %s payloadlen %d qos %d retained %d dup %s msgid %s struct %s properties %s", topic ? topic : "NULL",
	         render_payload(payload, sizeof(payload), m->payload, m->payloadlen), m->payloadlen, m->qos, m->retained,
	         render_row_number(rows[0], sizeof(rows[0]), m->dup, "?", 0), render_row_number(rows[1], sizeof(rows[1]), m->msgid, "?", token),
	         render_row(rows[2], sizeof(rows[2]), structure, "?", "MQTM/1"),
	         properties ? render_row(row, sizeof(row), own, "{}", properties) : render_row(row, sizeof(row), own, "?", "0"));
	return out;
}

static UNUSED void on_publish(void *context, MQTTAsync_successData *data)
{
	struct call *call = context;
	char sent[2048];

	log_add(&call->watch->done, "%s: onSuccess(token %d, pub %s)", call->name, data->token,
	        render_sent(sent, sizeof(sent), data->alt.pub.destinationName, &data->alt.pub.message, data->token, NULL));
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
		log_add(&call->watch->done, "%s: onSuccess5(%.4s/%d token %d, reasonCode %d, serverURI %s, MQTTVersion %d, sessionPresent %d, properties %s)",
		        call->name, data->struct_id, data->struct_version, data->token, (int)data->reasonCode, render_uri(uri, sizeof(uri), data->alt.connect.serverURI),
		        data->alt.connect.MQTTVersion, data->alt.connect.sessionPresent,
		        render_properties(properties, sizeof(properties), &data->properties));
}

/* For more than one topic: with one, the original leaves the union unset and the code is in reasonCode. */
static UNUSED void on_codes5(void *context, MQTTAsync_successData5 *data)
{
	struct call *call = context;
	char codes[256] = "", properties[1024], id[16], row[32];
	int i;

	for (i = 0; data->alt.sub.reasonCodes && i < data->alt.sub.reasonCodeCount; i++)
		render_append(codes, sizeof(codes), " %d", (int)data->alt.sub.reasonCodes[i]);
	snprintf(id, sizeof(id), "%.4s", data->struct_id);
	log_add(&call->watch->done, "%s: onSuccess5(%s/%d token %d, reasonCode %d, reasonCodeCount %d, reasonCodes%s, properties %s)", call->name,
	        /* For a list of filters the original leaves there what the memory held. */
	        strncmp(call->name, "unsubscribe", 11) == 0 ? id : render_row(row, sizeof(row), id, "?", "MQSD"), data->struct_version, data->token, (int)data->reasonCode, data->alt.sub.reasonCodeCount, codes,
	        render_properties(properties, sizeof(properties), &data->properties));
}

static UNUSED void on_publish5(void *context, MQTTAsync_successData5 *data)
{
	struct call *call = context;
	char sent[2048], properties[1024], row[1100];
	const char *topic = data->alt.pub.destinationName;
	const size_t length = topic ? strlen(topic) : 0;
	/* Where the acknowledgement has properties (see refuser.h): the original gives the message's all the same. */
	const int told = length > 2 && strcmp(topic + length - 2, "/p") == 0;

	render_properties(properties, sizeof(properties), &data->properties);
	log_add(&call->watch->done, "%s: onSuccess5(%.4s/%d token %d, reasonCode %d, properties %s, pub %s)", call->name, data->struct_id,
	        data->struct_version, data->token, (int)data->reasonCode,
	        told ? render_row(row, sizeof(row), properties, "{}", "{REASON_STRING=why, USER_PROPERTY=k:v}") : properties,
	        render_sent(sent, sizeof(sent), topic, &data->alt.pub.message, data->token, told ? "{}" : properties));
}

static UNUSED int on_message(void *context, char *topic, int topic_length, MQTTAsync_message *message)
{
	struct watch *watch = context;
	char text[1500];

	log_add(&watch->messages, "topic \"%s\" topicLen %d %s", topic, topic_length, render_async_message(text, sizeof(text), message));
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

	char text[256];

	/* The original never says why. */
	log_add(&watch->state, "connectionLost(%s)", render_row(text, sizeof(text), cause, "NULL", watch->cause ? watch->cause : "the server closed the connection"));
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
