/*
 * Situation: as many callbacks as the library has threads for wait for something, and the system gives no further thread for a
 * moment. A client that has nothing to do with it has sent a message.
 *
 * Right: once the system gives threads again, the client hears of its message, though no callback has returned and nothing is
 * called.
 *
 * Original: one thread for all callbacks of the process; nobody hears of anything until the first of them returns
 */
#define _GNU_SOURCE
#include "case.h"
#include "MQTTAsync.h"
#include <dlfcn.h>
#include <errno.h>

enum { MANY = 20 };

static volatile int refuses, refused, held = 1, inside, connected, acknowledged;

/* In the library's place: the system's, which may refuse. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument) {
    typedef int create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    static create *systems;
    if (refuses) {
        __sync_fetch_and_add(&refused, 1);
        return EAGAIN;
    }
    if (!systems)
        systems = (create *)dlsym(RTLD_NEXT, "pthread_create");
    return systems(thread, attributes, body, argument);
}

static int on_message(void *context, char *topic, int length, MQTTAsync_message *message) {
    (void)context, (void)length;
    __sync_fetch_and_add(&inside, 1);
    while (held)
        pause_ms(1);
    __sync_fetch_and_sub(&inside, 1);
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static void on_connect(void *context, MQTTAsync_successData *data) {
    (void)context, (void)data;
    connected++;
}

static void on_send(void *context, MQTTAsync_successData *data) {
    (void)context, (void)data;
    acknowledged = 1;
}

static MQTTAsync connect_one(const char *uri, const char *id) {
    MQTTAsync client;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    int before = connected;
    MQTTAsync_create(&client, uri, id, MQTTCLIENT_PERSISTENCE_NONE, NULL);
    MQTTAsync_setCallbacks(client, NULL, NULL, on_message, NULL);
    options.onSuccess = on_connect;
    if (MQTTAsync_connect(client, &options) != MQTTASYNC_SUCCESS || !AWAIT(connected > before)) {
        say("no connection");
        exit(2);
    }
    return client;
}

int main(void) {
    char uri[64], id[8];
    MQTTAsync busy[MANY], other;
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
    int number;
    start_server(uri);
    for (number = 0; number < MANY; number++) {
        snprintf(id, sizeof id, "busy%d", number);
        busy[number] = connect_one(uri, id);
    }
    other = connect_one(uri, "other");
    refuses = 1;
    /* The server sends it back. As many as it takes: there may be a thread more than usual. */
    for (number = 0; number < MANY && !refused; number++) {
        MQTTAsync_send(busy[number], "t", 1, "x", 0, 0, NULL);
        if (!AWAIT(inside == number + 1))
            return 2;
    }
    if (!refused) {
        say("no thread was asked for");
        return 2;
    }
    response.onSuccess = on_send;
    MQTTAsync_send(other, "t", 1, "x", 1, 0, &response);
    pause_ms(300);
    say("%d callbacks, %d threads refused, acknowledged meanwhile: %d", number, refused, acknowledged);
    refuses = 0;
    int right = AWAIT(acknowledged);
    say("acknowledged with threads to be had: %d", right);
    held = 0;
    for (number = 0; number < MANY; number++)
        MQTTAsync_destroy(&busy[number]);
    MQTTAsync_destroy(&other);
    return verdict(right && inside == 0);
}
