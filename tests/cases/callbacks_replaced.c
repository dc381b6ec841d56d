/*
 * Situation: MQTTAsync. While a callback runs, another thread sets callbacks, and then frees what the old ones used.
 *
 *   failure   connect's onFailure runs while MQTTAsync_setCallbacks is called
 *   message   messageArrived runs, with more messages behind it, while each other function that sets one is called
 *   inside    onFailure itself sets callbacks
 *   mutual    the onFailures of two clients set each other's callbacks at the same time
 *
 * Right: the call returns after the callback has returned (the original has one lock for both), and before the next ones have;
 * inside a callback, of whichever client, it returns at once.
 *
 * Original: right for failure and inside, and mutual cannot come about, as one callback runs at a time; of messages it hands over all that have come before the call gets the lock
 */
#include "case.h"
#include <semaphore.h>
#include "MQTTAsync.h"

#define MESSAGES 20

static sem_t entered, released;
static MQTTAsync handle;
static const char *mode;
static atomic_int ended, set_inside;

/* Time for the other thread to return too early in. */
static void linger(void) {
    sem_post(&entered);
    pause_ms(300);
    ended++;
}

static int arrived(void *context, char *topic, int length, MQTTAsync_message *message) {
    if (ended == 0)
        linger();
    else
        sem_wait(&released);
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static int other(void *context, char *topic, int length, MQTTAsync_message *message) {
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static void failed(void *context, MQTTAsync_failureData *data) {
    if (strcmp(mode, "inside") == 0)
        set_inside = MQTTAsync_setCallbacks(handle, NULL, NULL, other, NULL) == MQTTASYNC_SUCCESS;
    linger();
}

static void succeeded(void *context, MQTTAsync_successData *data) {
    int i;
    for (i = 0; i < MESSAGES; i++)
        MQTTAsync_send(handle, "t", 1, "x", 0, 0, NULL);
}

/* Each of two clients. */
struct one {
    MQTTAsync own, *other;
    pthread_barrier_t *together;
    atomic_int returned;
};

static void failed_together(void *context, MQTTAsync_failureData *data) {
    struct one *one = context;
    pthread_barrier_wait(one->together);
    MQTTAsync_setCallbacks(*one->other, NULL, NULL, other, NULL);
    one->returned = 1;
}

/* True if both calls return before any of them could have given up waiting. */
static int mutual(const char *uri) {
    pthread_barrier_t together;
    struct one ones[2] = {{.together = &together}, {.together = &together}};
    int i, right;
    pthread_barrier_init(&together, NULL, 2);
    for (i = 0; i < 2; i++) {
        MQTTAsync_create(&ones[i].own, uri, i ? "one" : "two", MQTTCLIENT_PERSISTENCE_NONE, NULL);
        ones[i].other = &ones[1 - i].own;
    }
    for (i = 0; i < 2; i++) {
        MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
        options.onFailure = failed_together;
        options.context = &ones[i];
        MQTTAsync_connect(ones[i].own, &options);
    }
    right = WAIT_FOR(ones[0].returned && ones[1].returned, 8000);
    for (i = 0; i < 2; i++)
        MQTTAsync_destroy(&ones[i].own);
    return right;
}

static int set(int which) {
    switch (which) {
    case 0: return MQTTAsync_setCallbacks(handle, NULL, NULL, arrived, NULL);
    case 1: return MQTTAsync_setConnected(handle, NULL, NULL);
    case 2: return MQTTAsync_setDisconnected(handle, NULL, NULL);
    case 3: return MQTTAsync_setUpdateConnectOptions(handle, NULL, NULL);
    case 4: return MQTTAsync_setConnectionLostCallback(handle, NULL, NULL);
    case 5: return MQTTAsync_setDeliveryCompleteCallback(handle, NULL, NULL);
    case 6: return MQTTAsync_setMessageArrivedCallback(handle, NULL, arrived);
    case 7: return MQTTAsync_setBeforePersistenceWrite(handle, NULL, NULL);
    default: return MQTTAsync_setAfterPersistenceRead(handle, NULL, NULL);
    }
}

int main(int argc, char **argv) {
    char uri[64];
    int wrong = 0, which, messages;
    mode = argc > 1 ? argv[1] : "message";
    messages = strcmp(mode, "message") == 0;
    watchdog(120);
    if (messages)
        start_server(uri);
    else
        close(listen_anywhere(uri));
    if (strcmp(mode, "mutual") == 0)
        return verdict(mutual(uri));
    for (which = 0; which < (messages ? 9 : 1); which++) {
        MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
        int i, rc;
        options.onSuccess = succeeded;
        options.onFailure = failed;
        sem_init(&entered, 0, 0);
        sem_init(&released, 0, 0);
        ended = 0;
        MQTTAsync_create(&handle, uri, "replaced", MQTTCLIENT_PERSISTENCE_NONE, NULL);
        MQTTAsync_setCallbacks(handle, NULL, NULL, arrived, NULL);
        MQTTAsync_connect(handle, &options);
        sem_wait(&entered);
        rc = strcmp(mode, "inside") == 0 ? MQTTASYNC_SUCCESS : set(which);
        if (rc != MQTTASYNC_SUCCESS || (!set_inside && ended != 1)) {
            say("%s, function %d: rc %d, callbacks that have returned: %d", mode, which, rc, ended);
            wrong++;
        }
        for (i = 0; i < MESSAGES; i++)
            sem_post(&released);
        MQTTAsync_destroy(&handle);
    }
    if (strcmp(mode, "inside") == 0)
        wrong += !set_inside;
    return verdict(wrong == 0);
}
