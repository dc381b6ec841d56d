/*
 * One connection of our own API's with what the program knows of it: how its bytes are carried, and what has come so far. The program
 * may have two of them, to compare.
 */
#ifndef OXIDE_SIDE_H
#define OXIDE_SIDE_H

#include "bench.h"
#include "paho_oxide.h"

#include <stdatomic.h>

#define PATIENCE_MS 30000
/* How often a program that publishes without a pause looks at its events. */
#define EVERY 64
/* How often it carries its bytes, or has its thread carry them: as many as fill a buffer, since each time costs system calls. */
#define CARRY_EVERY 512

struct side {
    uint64_t queue, client;
    /* Who carries the bytes: NULL or "own" the library, "fd" the library over a socket of this program's, "feed" this program, "pump"
     * this program in a thread of its own. */
    const char *link;
    /* This program's thread reads, writes and keeps the time. */
    int drive;
    /* This program's socket, or -1. */
    int fd;
    /* The messages' stream. */
    uint32_t stream;
    /* What has come so far. */
    long connected, subscribed, done, arrived, closed;
    int room;
    struct check received;
    /* The thread that carries: how often it was told of bytes; it sleeps, and nobody has woken it yet; DISCONNECT is the last there
     * is. */
    pthread_t pump;
    atomic_long pump_told;
    atomic_int pump_sleeps, pump_ends;
    int pump_alarm;
};

int linked(const struct side *side, const char *how);
void must(const char *what, int64_t code);

/* Makes a queue, a client on it, and its connection. */
void open_side(struct side *side, const char *id);
void close_side(struct side *side);
/* The two halves of it, for a queue of many clients. */
uint64_t create(const struct side *side, uint64_t context, const char *id);
void begin(struct side *side, uint64_t client);

/* Handles what there is, or waits for something. */
void work(struct side *side, int timeout_ms);
void wait_for(struct side *side, const long *count, long target);

void subscribe(struct side *side, const char *filter);
/* Publishes; waits for room where there is none. */
void publish(struct side *side, uint64_t by, const char *topic, int qos, long number, void *payload);
/* Publishes the messages from `from` to `to`, and waits until all are done. */
void publish_all(struct side *side, long from, long to, void *payload);

void *buffer(size_t size);
/* Touches the buffers, for a program that measures what memory clients take. */
void touch_buffers(void);

#endif
