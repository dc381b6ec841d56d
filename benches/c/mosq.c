/*
 * The same scenarios with libmosquitto, in its threaded form: mosquitto_loop_start().
 */
#include "bench.h"

#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE 120

struct client {
    struct mosquitto *handle;
    struct gate connected, subscribed, done, arrived;
    void (*on_message)(struct mosquitto *, void *, const struct mosquitto_message *);
    void *context;
};

static void on_connect(struct mosquitto *handle, void *context, int rc)
{
    struct client *client = context;
    (void)handle;
    if (rc != 0)
        fail("CONNACK", rc);
    gate_add(&client->connected, 1);
}

static void on_disconnect(struct mosquitto *handle, void *context, int rc)
{
    (void)handle;
    (void)context;
    if (rc != 0)
        fail("connection lost", rc);
}

static void on_publish(struct mosquitto *handle, void *context, int id)
{
    struct client *client = context;
    (void)handle;
    (void)id;
    gate_add(&client->done, 1);
}

static void on_subscribe(struct mosquitto *handle, void *context, int id, int count, const int *granted)
{
    struct client *client = context;
    (void)handle;
    (void)id;
    (void)count;
    (void)granted;
    gate_add(&client->subscribed, 1);
}

static void client_create(struct client *client, const char *id)
{
    gate_init(&client->connected);
    gate_init(&client->subscribed);
    gate_init(&client->done);
    gate_init(&client->arrived);
    client->handle = mosquitto_new(id, true, client);
    if (!client->handle)
        fail("mosquitto_new", 0);
    mosquitto_connect_callback_set(client->handle, on_connect);
    mosquitto_disconnect_callback_set(client->handle, on_disconnect);
    mosquitto_publish_callback_set(client->handle, on_publish);
    mosquitto_subscribe_callback_set(client->handle, on_subscribe);
    if (client->on_message)
        mosquitto_message_callback_set(client->handle, client->on_message);
    mosquitto_int_option(client->handle, MOSQ_OPT_PROTOCOL_VERSION, opt.version >= 5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
    mosquitto_int_option(client->handle, MOSQ_OPT_TCP_NODELAY, 1);
    /* Where the other programs leave the library's limit alone, this one does too: 20. */
    if (opt.inflight)
        mosquitto_max_inflight_messages_set(client->handle, (unsigned)opt.inflight);
    if (opt.cafile)
        mosquitto_tls_set(client->handle, opt.cafile, NULL, NULL, NULL, NULL);
}

static void client_connect(struct client *client)
{
    char host[256];
    int port;
    options_address(host, sizeof host, &port);
    int rc = mosquitto_connect(client->handle, host, port, 60);
    if (rc != MOSQ_ERR_SUCCESS)
        fail("mosquitto_connect", rc);
    rc = mosquitto_loop_start(client->handle);
    if (rc != MOSQ_ERR_SUCCESS)
        fail("mosquitto_loop_start", rc);
    if (!gate_wait(&client->connected, 1, PATIENCE))
        fail("connect timed out", 0);
}

static void client_subscribe(struct client *client, const char *filter, int qos)
{
    int rc = mosquitto_subscribe(client->handle, NULL, filter, qos);
    if (rc != MOSQ_ERR_SUCCESS)
        fail("mosquitto_subscribe", rc);
}

static void client_disconnect(struct client *client)
{
    mosquitto_disconnect(client->handle);
    mosquitto_loop_stop(client->handle, false);
    mosquitto_destroy(client->handle);
}

static mosquitto_property *message_properties;

static void properties_init(void)
{
    if (!opt.properties)
        return;
    mosquitto_property_add_string(&message_properties, MQTT_PROP_CONTENT_TYPE, "text");
    mosquitto_property_add_binary(&message_properties, MQTT_PROP_CORRELATION_DATA, "12345678", 8);
    mosquitto_property_add_string_pair(&message_properties, MQTT_PROP_USER_PROPERTY, "unit", "mV");
    mosquitto_property_add_string_pair(&message_properties, MQTT_PROP_USER_PROPERTY, "site", "lab");
}

static int client_publish(struct client *client, const char *topic, uint32_t stream, uint32_t number, void *payload)
{
    payload_write(payload, opt.size, stream, number);
    if (message_properties)
        return mosquitto_publish_v5(client->handle, NULL, topic, (int)opt.size, payload, opt.qos, false, message_properties);
    return mosquitto_publish(client->handle, NULL, topic, (int)opt.size, payload, opt.qos, false);
}

static void *payload_buffer(void)
{
    void *payload = malloc(opt.size);
    if (!payload)
        fail("memory", 1);
    return payload;
}

/* ---- scenarios -------------------------------------------------------------------------------------------------------- */

static struct client publisher;

static void *publish_stream(void *argument)
{
    uint32_t stream = (uint32_t)(intptr_t)argument;
    void *payload = payload_buffer();
    for (long i = 0; i < opt.n; i++) {
        if (!gate_window(&publisher.done, i, opt.window, PATIENCE))
            fail("no completion", (int)i);
        int rc = client_publish(&publisher, "bench/topic", stream, (uint32_t)i, payload);
        if (rc != MOSQ_ERR_SUCCESS)
            fail("mosquitto_publish", rc);
    }
    free(payload);
    return NULL;
}

static void run_publish(void)
{
    pthread_t threads[64];
    client_create(&publisher, "publisher");
    client_connect(&publisher);
    measure_start();
    for (int i = 1; i < opt.threads; i++)
        if (pthread_create(&threads[i], NULL, publish_stream, (void *)(intptr_t)i) != 0)
            fail("pthread_create", 0);
    publish_stream(NULL);
    for (int i = 1; i < opt.threads; i++)
        pthread_join(threads[i], NULL);
    long expected = opt.threads * opt.n;
    int complete = gate_wait(&publisher.done, expected, PATIENCE);
    measure_finish();
    report("completions_missing", (double)(expected - atomic_load(&publisher.done.count)));
    report("sent", (double)expected);
    if (complete)
        client_disconnect(&publisher);
}

static void run_offline(void)
{
    void *payload = payload_buffer();
    long accepted = 0;
    client_create(&publisher, "offline");
    measure_start();
    while (accepted < opt.n &&
           client_publish(&publisher, "bench/topic", 0, (uint32_t)accepted, payload) == MOSQ_ERR_SUCCESS)
        accepted++;
    report("queue_us", now_us());
    report("sent", (double)accepted);
    if (accepted == 0) {
        measure_finish();
        return;
    }
    client_connect(&publisher);
    int complete = gate_wait(&publisher.done, accepted, PATIENCE);
    measure_finish();
    report("completions_missing", (double)(accepted - atomic_load(&publisher.done.count)));
    if (complete)
        client_disconnect(&publisher);
    free(payload);
}

static struct check received;

static void check_arrived(struct mosquitto *handle, void *context, const struct mosquitto_message *message)
{
    struct client *client = context;
    (void)handle;
    check_sized(&received, message->payload, (size_t)message->payloadlen, opt.size);
    gate_add(&client->arrived, 1);
}

static void run_receive(void)
{
    struct client client = {.on_message = check_arrived};
    char filter[64];
    check_init(&received);
    snprintf(filter, sizeof filter, "f/%d/%zu/%ld/%ld", opt.qos, opt.size, opt.n, opt.window);
    client_create(&client, "receiver");
    client_connect(&client);
    measure_start();
    client_subscribe(&client, filter, opt.qos);
    int complete = gate_wait(&client.arrived, opt.n, PATIENCE);
    measure_finish();
    report_check(&received);
    if (complete)
        client_disconnect(&client);
}

static void run_loop(void)
{
    struct client client = {.on_message = check_arrived};
    void *payload = payload_buffer();
    check_init(&received);
    client_create(&client, "looper");
    client_connect(&client);
    client_subscribe(&client, "e/loop", opt.qos);
    if (!gate_wait(&client.subscribed, 1, PATIENCE))
        fail("subscribe timed out", 0);
    measure_start();
    for (long i = 0; i < opt.n; i++) {
        if (!gate_window(&client.arrived, i, opt.window ? opt.window : 50, PATIENCE))
            fail("no message", (int)i);
        int rc = client_publish(&client, "e/loop", 0, (uint32_t)i, payload);
        if (rc != MOSQ_ERR_SUCCESS)
            fail("mosquitto_publish", rc);
    }
    int complete = gate_wait(&client.arrived, opt.n, PATIENCE);
    measure_finish();
    report_check(&received);
    if (complete)
        client_disconnect(&client);
    free(payload);
}

#define WARM_UP 20

struct pingpong {
    struct client client;
    double *samples;
    double sent_us, until_us;
    long rounds, warm_up;
    void *payload;
    struct check check;
};

static void ping(struct pingpong *game)
{
    game->sent_us = now_us();
    int rc = client_publish(&game->client, "e/ping", 0, (uint32_t)game->rounds, game->payload);
    if (rc != MOSQ_ERR_SUCCESS)
        fail("mosquitto_publish", rc);
}

static void pong(struct mosquitto *handle, void *context, const struct mosquitto_message *message)
{
    struct client *client = context;
    struct pingpong *game = client->context;
    double now = now_us();
    (void)handle;
    check_sized(&game->check, message->payload, (size_t)message->payloadlen, opt.size);
    if (game->rounds >= game->warm_up)
        game->samples[game->rounds - game->warm_up] = now - game->sent_us;
    game->rounds++;
    if (game->rounds < opt.n + game->warm_up && now < game->until_us)
        ping(game);
    else
        gate_add(&client->arrived, 1);
}

static void prepare(struct pingpong *game)
{
    game->samples = calloc((size_t)opt.n + WARM_UP, sizeof *game->samples);
    game->payload = payload_buffer();
    if (!game->samples)
        fail("memory", 1);
    check_init(&game->check);
    game->client.on_message = pong;
    game->client.context = game;
    client_create(&game->client, "pingpong");
    client_connect(&game->client);
    client_subscribe(&game->client, "e/ping", opt.qos);
    if (!gate_wait(&game->client.subscribed, 1, PATIENCE))
        fail("subscribe timed out", 0);
}

static void play(struct pingpong *game)
{
    game->until_us = now_us() + (double)opt.seconds * 1e6;
    measure_start();
    ping(game);
    if (!gate_wait(&game->client.arrived, 1, PATIENCE))
        fail("no message", 0);
    measure_finish();
    report_check(&game->check);
    report_samples("rtt", game->samples, game->rounds - game->warm_up);
    report("sent", (double)game->rounds);
}

static void run_pingpong(void)
{
    struct pingpong game = {.warm_up = opt.n > 10 * WARM_UP ? WARM_UP : 0};
    prepare(&game);
    play(&game);
    client_disconnect(&game.client);
}

static void doze(struct mosquitto *handle, void *context, const struct mosquitto_message *message)
{
    struct client *client = context;
    (void)handle;
    (void)message;
    gate_add(&client->arrived, 1);
    usleep(200 * 1000); /* the work of the program's slow callback */
}

static void run_slow(void)
{
    struct pingpong game = {0};
    struct client slow = {.on_message = doze};
    prepare(&game);
    client_create(&slow, "slow");
    client_connect(&slow);
    client_subscribe(&slow, "f/0/64/1000/0", 0);
    if (!gate_wait(&slow.arrived, 1, PATIENCE))
        fail("no message for the slow client", 0);
    play(&game);
    fflush(stdout);
    _Exit(0);
}

static void run_churn(void)
{
    double *samples = calloc((size_t)opt.n, sizeof *samples);
    if (!samples)
        fail("memory", 1);
    measure_start();
    for (long i = 0; i < opt.n; i++) {
        struct client client = {0};
        double start = now_us();
        client_create(&client, "churn");
        client_connect(&client);
        client_disconnect(&client);
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
        {"publish", run_publish}, {"offline", run_offline},   {"receive", run_receive}, {"loop", run_loop},
        {"slow", run_slow},       {"pingpong", run_pingpong}, {"churn", run_churn},
    };
    options_parse(argc, argv);
    mosquitto_lib_init();
    properties_init();
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        if (strcmp(scenarios[i].name, opt.scenario) == 0) {
            scenarios[i].run();
            return 0;
        }
    }
    fail("no such scenario", 2);
}
