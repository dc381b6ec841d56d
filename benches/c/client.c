/*
 * The scenarios of the blocking API (MQTTClient): the same program runs on any library that offers it.
 */
#include "MQTTClient.h"
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Milliseconds that anything may take. */
#define PATIENCE 120000L

static MQTTClient create(const char *id)
{
    MQTTClient_createOptions v5 = MQTTClient_createOptions_initializer;
    MQTTClient client;
    v5.MQTTVersion = opt.version >= 5 ? MQTTVERSION_5 : MQTTVERSION_DEFAULT;
    int rc = MQTTClient_createWithOptions(&client, opt.uri, id,
                                          opt.store ? MQTTCLIENT_PERSISTENCE_DEFAULT : MQTTCLIENT_PERSISTENCE_NONE,
                                          (void *)opt.store, &v5);
    if (rc != MQTTCLIENT_SUCCESS)
        fail("MQTTClient_create", rc);
    return client;
}

static void connect_client(MQTTClient client)
{
    MQTTClient_connectOptions v3 = MQTTClient_connectOptions_initializer;
    MQTTClient_connectOptions v5 = MQTTClient_connectOptions_initializer5;
    MQTTClient_connectOptions *options = opt.version >= 5 ? &v5 : &v3;
    MQTTClient_SSLOptions tls = MQTTClient_SSLOptions_initializer;
    int rc;
    options->keepAliveInterval = 60;
    if (opt.inflight) {
        options->reliable = 0;
        options->maxInflightMessages = (int)opt.inflight;
    }
    if (opt.cafile) {
        tls.trustStore = opt.cafile;
        options->ssl = &tls;
    }
    if (opt.version >= 5) {
        MQTTResponse response = MQTTClient_connect5(client, options, NULL, NULL);
        rc = (int)response.reasonCode;
        MQTTResponse_free(response);
    } else {
        options->MQTTVersion = MQTTVERSION_3_1_1;
        rc = MQTTClient_connect(client, options);
    }
    if (rc != MQTTCLIENT_SUCCESS)
        fail("MQTTClient_connect", rc);
}

static void subscribe(MQTTClient client, const char *filter)
{
    int rc;
    if (opt.version >= 5) {
        MQTTResponse response = MQTTClient_subscribe5(client, filter, opt.qos, NULL, NULL);
        rc = (int)response.reasonCode > 2 ? (int)response.reasonCode : 0;
        MQTTResponse_free(response);
    } else {
        rc = MQTTClient_subscribe(client, filter, opt.qos);
    }
    if (rc != MQTTCLIENT_SUCCESS)
        fail("MQTTClient_subscribe", rc);
}

static void disconnect(MQTTClient client)
{
    int rc = MQTTClient_disconnect(client, 10000);
    if (rc != MQTTCLIENT_SUCCESS)
        fail("MQTTClient_disconnect", rc);
    MQTTClient_destroy(&client);
}

static MQTTClient_deliveryToken publish(MQTTClient client, const char *topic, uint32_t number, void *payload)
{
    MQTTClient_message message = MQTTClient_message_initializer;
    MQTTClient_deliveryToken token = 0;
    int rc;
    payload_write(payload, opt.size, 0, number);
    message.payload = payload;
    message.payloadlen = (int)opt.size;
    message.qos = opt.qos;
    if (opt.version >= 5) {
        MQTTResponse response = MQTTClient_publishMessage5(client, topic, &message, &token);
        rc = (int)response.reasonCode;
        MQTTResponse_free(response);
    } else {
        rc = MQTTClient_publishMessage(client, topic, &message, &token);
    }
    if (rc != MQTTCLIENT_SUCCESS)
        fail("MQTTClient_publishMessage", rc);
    return token;
}

static void *payload_buffer(void)
{
    void *payload = malloc(opt.size);
    if (!payload)
        fail("memory", 1);
    return payload;
}

static struct gate arrived;
static struct check checked;

static int on_message(void *context, char *topic, int length, MQTTClient_message *message)
{
    (void)context;
    (void)length;
    check_sized(&checked, message->payload, (size_t)message->payloadlen, opt.size);
    MQTTClient_freeMessage(&message);
    MQTTClient_free(topic);
    gate_add(&arrived, 1);
    return 1;
}

static void on_lost(void *context, char *cause)
{
    (void)context;
    fail(cause ? cause : "connection lost", 0);
}

/* QoS 1 and 2: by default a publish waits inside the library until the message before it is complete; wait=1 has the
 * program wait for each, inflight= allows as many under way. */
static void run_publish(void)
{
    void *payload = payload_buffer();
    MQTTClient client = create("publisher");
    MQTTClient_deliveryToken token = 0;
    if (opt.callbacks)
        MQTTClient_setCallbacks(client, NULL, on_lost, on_message, NULL);
    connect_client(client);
    measure_start();
    for (long i = 0; i < opt.n; i++) {
        token = publish(client, "bench/topic", (uint32_t)i, payload);
        if (opt.qos > 0 && (opt.wait || i == opt.n - 1)) {
            int rc = MQTTClient_waitForCompletion(client, token, PATIENCE);
            if (rc != MQTTCLIENT_SUCCESS)
                fail("MQTTClient_waitForCompletion", rc);
        }
    }
    measure_finish();
    report("sent", (double)opt.n);
    disconnect(client);
    free(payload);
}

static void receive(MQTTClient client, struct check *check)
{
    char *topic = NULL;
    int length;
    MQTTClient_message *message = NULL;
    int rc = MQTTClient_receive(client, &topic, &length, &message, PATIENCE);
    if ((rc != MQTTCLIENT_SUCCESS && rc != MQTTCLIENT_TOPICNAME_TRUNCATED) || !message)
        fail("MQTTClient_receive", rc);
    check_sized(check, message->payload, (size_t)message->payloadlen, opt.size);
    MQTTClient_freeMessage(&message);
    MQTTClient_free(topic);
}

static void run_receive(void)
{
    struct check check;
    char filter[64];
    MQTTClient client = create("receiver");
    check_init(&check);
    snprintf(filter, sizeof filter, "f/%d/%zu/%ld/%ld", opt.qos, opt.size, opt.n, opt.window);
    connect_client(client);
    measure_start();
    subscribe(client, filter);
    while (check.count < opt.n)
        receive(client, &check);
    measure_finish();
    report_check(&check);
    disconnect(client);
}

/* The same with callbacks. */
static void run_callbacks(void)
{
    char filter[64];
    MQTTClient client = create("receiver");
    check_init(&checked);
    gate_init(&arrived);
    snprintf(filter, sizeof filter, "f/%d/%zu/%ld/%ld", opt.qos, opt.size, opt.n, opt.window);
    MQTTClient_setCallbacks(client, NULL, on_lost, on_message, NULL);
    connect_client(client);
    measure_start();
    subscribe(client, filter);
    if (!gate_wait(&arrived, opt.n, PATIENCE / 1000))
        fail("messages missing", (int)atomic_load(&arrived.count));
    measure_finish();
    report_check(&checked);
    disconnect(client);
}

static void run_pingpong(void)
{
    const long warm_up = 20;
    struct check check;
    double *samples = calloc((size_t)opt.n, sizeof *samples);
    void *payload = payload_buffer();
    MQTTClient client = create("pingpong");
    if (!samples)
        fail("memory", 1);
    check_init(&check);
    connect_client(client);
    subscribe(client, "e/ping");
    measure_start();
    for (long i = 0; i < opt.n + warm_up; i++) {
        double start = now_us();
        publish(client, "e/ping", (uint32_t)i, payload);
        receive(client, &check);
        if (i >= warm_up)
            samples[i - warm_up] = now_us() - start;
    }
    measure_finish();
    report_check(&check);
    report_samples("rtt", samples, opt.n);
    report("sent", (double)(opt.n + warm_up));
    disconnect(client);
    free(payload);
    free(samples);
}

static void run_churn(void)
{
    double *samples = calloc((size_t)opt.n, sizeof *samples);
    if (!samples)
        fail("memory", 1);
    measure_start();
    for (long i = 0; i < opt.n; i++) {
        double start = now_us();
        MQTTClient client = create("churn");
        connect_client(client);
        MQTTClient_destroy(&client);
        samples[i] = now_us() - start;
    }
    measure_finish();
    report_samples("churn", samples, opt.n);
    free(samples);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } scenarios[] = {
        {"publish", run_publish},   {"receive", run_receive}, {"callbacks", run_callbacks},
        {"pingpong", run_pingpong}, {"churn", run_churn},
    };
    options_parse(argc, argv);
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        if (strcmp(scenarios[i].name, opt.scenario) == 0) {
            scenarios[i].run();
            return 0;
        }
    }
    fail("no such scenario", 2);
}
