#include "async.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- one client ------------------------------------------------------------------------------------------------------- */

static void connect_failed(void *context, MQTTAsync_failureData *data)
{
    (void)context;
    fail(data && data->message ? data->message : "connect", data ? data->code : 0);
}

static void connect_failed5(void *context, MQTTAsync_failureData5 *data)
{
    (void)context;
    fail(data && data->message ? data->message : "connect", data ? data->code : 0);
}

static void failed(void *context, MQTTAsync_failureData *data)
{
    (void)context;
    fail("onFailure", data ? data->code : 0);
}

static void failed5(void *context, MQTTAsync_failureData5 *data)
{
    (void)context;
    fail("onFailure5", data ? data->code : 0);
}

static void count(void *context, MQTTAsync_successData *data)
{
    (void)data;
    gate_add(context, 1);
}

static void count5(void *context, MQTTAsync_successData5 *data)
{
    (void)data;
    gate_add(context, 1);
}

static void connection_lost(void *context, char *cause)
{
    (void)context;
    fail(cause ? cause : "connection lost", 0);
}

static int unexpected(void *context, char *topic, int length, MQTTAsync_message *message)
{
    (void)context;
    (void)topic;
    (void)length;
    (void)message;
    fail("unexpected message", 0);
}

static MQTTAsync_responseOptions answer_to(struct gate *gate)
{
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    options.context = gate;
    if (opt.version >= 5) {
        options.onSuccess5 = count5;
        options.onFailure5 = failed5;
    } else {
        options.onSuccess = count;
        options.onFailure = failed;
    }
    return options;
}

MQTTAsync client_create(struct client *client, const char *id, MQTTAsync_createOptions *given)
{
    MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
    if (given)
        options = *given;
    else
        /* With options, the original counts messages under way as buffered ones, and refuses the hundredth. */
        options.maxBufferedMessages = 100 * 1000 * 1000;
    if (opt.version >= 5)
        options.MQTTVersion = MQTTVERSION_5;
    gate_init(&client->connected);
    gate_init(&client->subscribed);
    gate_init(&client->done);
    gate_init(&client->arrived);
    gate_init(&client->ended);
    int rc = MQTTAsync_createWithOptions(&client->handle, opt.uri, id,
                                         opt.store ? MQTTCLIENT_PERSISTENCE_DEFAULT : MQTTCLIENT_PERSISTENCE_NONE,
                                         (void *)opt.store, &options);
    if (rc != MQTTASYNC_SUCCESS)
        fail("MQTTAsync_create", rc);
    rc = MQTTAsync_setCallbacks(client->handle, client, connection_lost, client->on_message ? client->on_message : unexpected,
                                NULL);
    if (rc != MQTTASYNC_SUCCESS)
        fail("MQTTAsync_setCallbacks", rc);
    return client->handle;
}

void client_connect_begin(struct client *client)
{
    MQTTAsync_connectOptions v3 = MQTTAsync_connectOptions_initializer;
    MQTTAsync_connectOptions v5 = MQTTAsync_connectOptions_initializer5;
    MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
    MQTTAsync_connectOptions *options = opt.version >= 5 ? &v5 : &v3;
    if (opt.version >= 5) {
        options->onSuccess5 = count5;
        options->onFailure5 = connect_failed5;
    } else {
        options->MQTTVersion = MQTTVERSION_3_1_1;
        options->onSuccess = count;
        options->onFailure = connect_failed;
    }
    options->context = &client->connected;
    options->keepAliveInterval = strcmp(opt.scenario, "clients") == 0 ? 5 : 60;
    if (opt.inflight)
        options->maxInflight = (int)opt.inflight;
    if (opt.cafile) {
        tls.trustStore = opt.cafile;
        options->ssl = &tls;
    }
    int rc = MQTTAsync_connect(client->handle, options);
    if (rc != MQTTASYNC_SUCCESS)
        fail("MQTTAsync_connect", rc);
}

void client_connect(struct client *client)
{
    client_connect_begin(client);
    if (!gate_wait(&client->connected, 1, PATIENCE))
        fail("connect timed out", 0);
}

void client_subscribe(struct client *client, const char *filter, int qos)
{
    MQTTAsync_responseOptions options = answer_to(&client->subscribed);
    int rc = MQTTAsync_subscribe(client->handle, filter, qos, &options);
    if (rc != MQTTASYNC_SUCCESS)
        fail("MQTTAsync_subscribe", rc);
}

void client_disconnect(struct client *client)
{
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
    options.context = &client->ended;
    options.onSuccess = count;
    options.timeout = 10000;
    int rc = MQTTAsync_disconnect(client->handle, &options);
    if (rc != MQTTASYNC_SUCCESS)
        fail("MQTTAsync_disconnect", rc);
    if (!gate_wait(&client->ended, 1, PATIENCE))
        fail("disconnect timed out", 0);
    MQTTAsync_destroy(&client->handle);
}

static MQTTProperties message_properties;

static void properties_init(void)
{
    MQTTProperty type = {.identifier = MQTTPROPERTY_CODE_CONTENT_TYPE};
    MQTTProperty user = {.identifier = MQTTPROPERTY_CODE_USER_PROPERTY};
    MQTTProperty correlation = {.identifier = MQTTPROPERTY_CODE_CORRELATION_DATA};
    MQTTProperties empty = MQTTProperties_initializer;
    message_properties = empty;
    if (!opt.properties)
        return;
    type.value.data = (MQTTLenString){4, "text"};
    MQTTProperties_add(&message_properties, &type);
    correlation.value.data = (MQTTLenString){8, "12345678"};
    MQTTProperties_add(&message_properties, &correlation);
    user.value.data = (MQTTLenString){4, "unit"};
    user.value.value = (MQTTLenString){2, "mV"};
    MQTTProperties_add(&message_properties, &user);
    user.value.data = (MQTTLenString){4, "site"};
    user.value.value = (MQTTLenString){3, "lab"};
    MQTTProperties_add(&message_properties, &user);
}

int client_publish(struct client *client, const char *topic, uint32_t stream, uint32_t number, void *payload, int with_callback)
{
    MQTTAsync_message message = MQTTAsync_message_initializer;
    MQTTAsync_responseOptions options;
    if (with_callback)
        options = answer_to(&client->done);
    payload_write(payload, opt.size, stream, number);
    message.payload = payload;
    message.payloadlen = (int)opt.size;
    message.qos = opt.qos;
    message.properties = message_properties;
    return MQTTAsync_sendMessage(client->handle, topic, &message, with_callback ? &options : NULL);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } scenarios[] = {
        {"publish", run_publish}, {"offline", run_offline}, {"receive", run_receive}, {"loop", run_loop},
        {"pingpong", run_pingpong}, {"slow", run_slow}, {"hostile", run_hostile}, {"clients", run_clients}, {"churn", run_churn},
    };
    options_parse(argc, argv);
    if (opt.cafile) {
        MQTTAsync_init_options init = MQTTAsync_init_options_initializer;
        init.do_openssl_init = 1;
        MQTTAsync_global_init(&init);
    }
    properties_init();
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        if (strcmp(scenarios[i].name, opt.scenario) == 0) {
            scenarios[i].run();
            return 0;
        }
    }
    fail("no such scenario", 2);
}
