/* How long one message takes. */
#include "async.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Round trips: the next message is published from the callback of the one before. */
struct pingpong {
    struct client client;
    double *samples;
    double sent_us, until_us;
    long rounds; /* so far, warm-up included */
    long warm_up;
    void *payload;
    struct check check;
};

#define WARM_UP 20

static void ping(struct pingpong *game)
{
    game->sent_us = now_us();
    int rc = client_publish(&game->client, "e/ping", 0, (uint32_t)game->rounds, game->payload, 0);
    if (rc != MQTTASYNC_SUCCESS)
        fail("MQTTAsync_sendMessage", rc);
}

static int pong(void *context, char *topic, int length, MQTTAsync_message *message)
{
    struct client *client = context;
    struct pingpong *game = client->context;
    double now = now_us();
    (void)length;
    check_sized(&game->check, message->payload, (size_t)message->payloadlen, opt.size);
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    if (game->rounds >= game->warm_up)
        game->samples[game->rounds - game->warm_up] = now - game->sent_us;
    game->rounds++;
    if (game->rounds < opt.n + game->warm_up && now < game->until_us)
        ping(game);
    else
        gate_add(&client->arrived, 1);
    return 1;
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

static void prepare(struct pingpong *game)
{
    game->samples = calloc((size_t)opt.n + WARM_UP, sizeof *game->samples);
    game->payload = malloc(opt.size);
    if (!game->samples || !game->payload)
        fail("memory", 1);
    check_init(&game->check);
    game->client.on_message = pong;
    game->client.context = game;
    client_create(&game->client, "pingpong", NULL);
    client_connect(&game->client);
    client_subscribe(&game->client, "e/ping", opt.qos);
    if (!gate_wait(&game->client.subscribed, 1, PATIENCE))
        fail("subscribe timed out", 0);
}

static struct pingpong alone;

void play_pingpong(void)
{
    alone.warm_up = opt.n > 10 * WARM_UP ? WARM_UP : 0;
    prepare(&alone);
    play(&alone);
}

void run_pingpong(void)
{
    play_pingpong();
    client_disconnect(&alone.client);
}

/* ---- beside a slow callback ------------------------------------------------------------------------------------------- */

static int doze(void *context, char *topic, int length, MQTTAsync_message *message)
{
    struct client *client = context;
    (void)length;
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    gate_add(&client->arrived, 1);
    usleep(200 * 1000); /* this is the work of the program's slow callback, not a wait for anything */
    return 1;
}

void run_slow(void)
{
    struct pingpong game = {0};
    struct client slow = {.on_message = doze};
    prepare(&game);
    client_create(&slow, "slow", NULL);
    client_connect(&slow);
    client_subscribe(&slow, "f/0/64/1000/0", 0);
    if (!gate_wait(&slow.arrived, 1, PATIENCE))
        fail("no message for the slow client", 0);
    play(&game);
    report("dozed", (double)atomic_load(&slow.arrived.count));
    /* The slow client has minutes of work left. */
    fflush(stdout);
    _Exit(0);
}
