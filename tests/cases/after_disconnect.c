/*
 * Situation: MQTTClient. Server A answers CONNECT, and after DISCONNECT keeps its end of the connection open. The
 * program disconnects from it and connects at once with the same client id: to another, quick server; to A again.
 *
 * Right: each connect takes milliseconds, and so does the end of the process.
 *
 * Original: each connect about 0.1 s
 */
#include "case.h"
#include "MQTTClient.h"

/* To wait for the server's end would take a second. */
#define QUICK 0.7

/* The waits of a fault are there each time; those that a busy machine adds are not. */
#define ROUNDS 8

static int slow;

/* Answers CONNECT and never closes. */
static void *keep_open(void *argument) {
    int fd = (int)(long)argument;
    unsigned char packet[130];
    while (read_small_packet(fd, packet))
        if (packet[0] == 0x10)
            send(fd, "\x20\x02\0\0", 4, MSG_NOSIGNAL);
    return NULL;
}

static void *server_a(void *argument) {
    int listener = (int)(long)argument, fd;
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, keep_open, (void *)(long)fd);
    }
    return NULL;
}

static void connect_and_time(const char *where, MQTTClient client) {
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
    double begin = seconds();
    options.MQTTVersion = MQTTVERSION_3_1_1;
    options.connectTimeout = 30;
    int rc = MQTTClient_connect(client, &options);
    double taken = seconds() - begin;
    slow += rc != MQTTCLIENT_SUCCESS || taken > QUICK;
    say("connect to %s: %d after %.3f s", where, rc, taken);
}

/* Whether no connect was slow. */
static int one_round(const char *uri_a, const char *uri_b) {
    MQTTClient a, b;
    slow = 0;
    MQTTClient_create(&a, uri_a, "same-name", MQTTCLIENT_PERSISTENCE_NONE, NULL);
    MQTTClient_create(&b, uri_b, "same-name", MQTTCLIENT_PERSISTENCE_NONE, NULL);

    connect_and_time("A", a);
    MQTTClient_disconnect(a, 0);
    connect_and_time("B, just disconnected from A", b);
    MQTTClient_disconnect(b, 0);
    connect_and_time("A, some time after", a);
    MQTTClient_disconnect(a, 0);
    connect_and_time("A, just disconnected from A", a);
    MQTTClient_disconnect(a, 0);
    MQTTClient_destroy(&a);
    MQTTClient_destroy(&b);
    return slow == 0;
}

int main(void) {
    char uri_a[64], uri_b[64];
    pthread_t thread;
    int listener = listen_anywhere(uri_a), rounds = 0, right;
    pthread_create(&thread, NULL, server_a, (void *)(long)listener);
    start_server(uri_b);
    do
        right = one_round(uri_a, uri_b);
    while (!right && ++rounds < ROUNDS);
    say("main returns");
    return verdict(right);
}
