/* One client, or a few: how many messages a second. */
#include "async.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- publishing ------------------------------------------------------------------------------------------------------- */

static struct client publisher;

static void *publish_stream(void *argument)
{
    uint32_t stream = (uint32_t)(intptr_t)argument;
    void *payload = malloc(opt.size);
    if (!payload)
        fail("memory", 1);
    for (long i = 0; i < opt.n; i++) {
        /* At QoS 0 a program that does not limit itself asks for no word about each message, only about the last one. */
        int with_callback = opt.qos > 0 || opt.window > 0 || i == opt.n - 1;
        if (!gate_window(&publisher.done, i, opt.window, PATIENCE))
            fail("no completion", (int)i);
        int rc = client_publish(&publisher, "bench/topic", stream, (uint32_t)i, payload, with_callback);
        if (rc != MQTTASYNC_SUCCESS)
            fail("MQTTAsync_sendMessage", rc);
    }
    free(payload);
    return NULL;
}

void run_publish(void)
{
    pthread_t threads[64];
    long per_message = opt.qos > 0 || opt.window > 0;
    client_create(&publisher, "publisher", NULL);
    client_connect(&publisher);
    measure_start();
    for (int i = 1; i < opt.threads; i++)
        if (pthread_create(&threads[i], NULL, publish_stream, (void *)(intptr_t)i) != 0)
            fail("pthread_create", 0);
    publish_stream(NULL);
    for (int i = 1; i < opt.threads; i++)
        pthread_join(threads[i], NULL);
    long expected = opt.threads * (per_message ? opt.n : 1);
    int complete = gate_wait(&publisher.done, expected, PATIENCE);
    measure_finish();
    report("completions_missing", (double)(expected - atomic_load(&publisher.done.count)));
    report("sent", (double)(opt.n * opt.threads));
    if (complete)
        client_disconnect(&publisher);
}

void run_offline(void)
{
    MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
    void *payload = malloc(opt.size);
    long accepted = 0;
    if (!payload)
        fail("memory", 1);
    options.sendWhileDisconnected = 1;
    options.allowDisconnectedSendAtAnyTime = 1;
    options.maxBufferedMessages = (int)opt.n;
    client_create(&publisher, "offline", &options);
    measure_start();
    while (accepted < opt.n &&
           client_publish(&publisher, "bench/topic", 0, (uint32_t)accepted, payload, 1) == MQTTASYNC_SUCCESS)
        accepted++;
    report("queue_us", now_us());
    report("sent", (double)accepted);
    client_connect(&publisher);
    int complete = gate_wait(&publisher.done, accepted, PATIENCE);
    measure_finish();
    report("completions_missing", (double)(accepted - atomic_load(&publisher.done.count)));
    if (complete)
        client_disconnect(&publisher);
    free(payload);
}

/* ---- receiving -------------------------------------------------------------------------------------------------------- */

static struct check received;

static int check_arrived(void *context, char *topic, int length, MQTTAsync_message *message)
{
    struct client *client = context;
    (void)length;
    check_sized(&received, message->payload, (size_t)message->payloadlen, opt.size);
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    gate_add(&client->arrived, 1);
    return 1;
}

void run_receive(void)
{
    struct client client = {.on_message = check_arrived};
    char filter[64];
    check_init(&received);
    snprintf(filter, sizeof filter, "f/%d/%zu/%ld/%ld", opt.qos, opt.size, opt.n, opt.window);
    client_create(&client, "receiver", NULL);
    client_connect(&client);
    measure_start();
    client_subscribe(&client, filter, opt.qos);
    int complete = gate_wait(&client.arrived, opt.n, PATIENCE);
    measure_finish();
    report_check(&received);
    if (complete)
        client_disconnect(&client);
}

/* Publishes to itself, with a window: what a server that routes can do. */
void run_loop(void)
{
    struct client client = {.on_message = check_arrived};
    void *payload = malloc(opt.size);
    if (!payload)
        fail("memory", 1);
    check_init(&received);
    client_create(&client, "looper", NULL);
    client_connect(&client);
    client_subscribe(&client, "e/loop", opt.qos);
    if (!gate_wait(&client.subscribed, 1, PATIENCE))
        fail("subscribe timed out", 0);
    measure_start();
    for (long i = 0; i < opt.n; i++) {
        if (!gate_window(&client.arrived, i, opt.window ? opt.window : 50, PATIENCE))
            fail("no message", (int)i);
        int rc = client_publish(&client, "e/loop", 0, (uint32_t)i, payload, 0);
        if (rc != MQTTASYNC_SUCCESS)
            fail("MQTTAsync_sendMessage", rc);
    }
    int complete = gate_wait(&client.arrived, opt.n, PATIENCE);
    measure_finish();
    report_check(&received);
    if (complete)
        client_disconnect(&client);
    free(payload);
}
