/*
 * The scenarios of the asynchronous API (MQTTAsync): the same program runs on any library that offers it.
 */
#ifndef BENCH_ASYNC_H
#define BENCH_ASYNC_H

#include "MQTTAsync.h"
#include "bench.h"

/* How long anything may take. */
#define PATIENCE 120

/* One connected client, and what is counted for it. */
struct client {
    MQTTAsync handle;
    struct gate connected, subscribed, done, arrived, ended;
    MQTTAsync_messageArrived *on_message;
    void *context; /* the scenario's */
    int number;
};

MQTTAsync client_create(struct client *client, const char *id, MQTTAsync_createOptions *options);
/* Starts connecting; `connected` counts. */
void client_connect_begin(struct client *client);
void client_connect(struct client *client);
void client_subscribe(struct client *client, const char *filter, int qos);
void client_disconnect(struct client *client);
/* Publishes message `number` of a stream; with_callback: `done` counts it when it is complete. */
int client_publish(struct client *client, const char *topic, uint32_t stream, uint32_t number, void *payload, int with_callback);

/* Round trips of a client of its own, measured and reported. */
void play_pingpong(void);

void run_publish(void);
void run_offline(void);
void run_receive(void);
void run_loop(void);
void run_pingpong(void);
void run_slow(void);
void run_hostile(void);
void run_clients(void);
void run_churn(void);

#endif
