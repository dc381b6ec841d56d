/*
 * Situation: a program has its signals handled on threads of its own, and looks at the threads of its process with ps or gdb.
 *
 * Right: each thread that the library starts has a name that says whose it is, and blocks all signals but those that a thread
 * causes itself.
 *
 * Original: its threads have names, and block nothing
 */
#include "case.h"
#include "MQTTAsync.h"
#include "threads.h"

/* main, and the two of start_server: one that accepts, one for the connection. */
enum { PROGRAMS_OWN = 3 };

static volatile int connected, sent;

static void on_connect(void *context, MQTTAsync_successData *data) {
    connected = 1;
}

static void on_send(void *context, MQTTAsync_successData *data) {
    sent = 1;
}

int main(void) {
    char uri[64], folder[256];
    int ours, others;
    MQTTAsync client;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
    new_folder(folder);
    start_server(uri);
    /* With a store, which has a thread of its own. */
    MQTTAsync_create(&client, uri, "threads", MQTTCLIENT_PERSISTENCE_DEFAULT, folder);
    MQTTAsync_setCallbacks(client, NULL, NULL, NULL, NULL);
    options.onSuccess = on_connect;
    if (MQTTAsync_connect(client, &options) != MQTTASYNC_SUCCESS || !AWAIT(connected))
        return 2;
    response.onSuccess = on_send;
    MQTTAsync_send(client, "t", 1, "x", 1, 0, &response);
    if (!AWAIT(sent))
        return 2;
    /* Threads that have only just begun may not have their names yet. */
    int named = AWAIT((look(&ours, &others, 0), others == PROGRAMS_OWN));
    int wrong = look(&ours, &others, 1);
    say("%d threads of the library's, %d others, %d signals wrong", ours, others, wrong);
    MQTTAsync_destroy(&client);
    remove_folder(folder);
    return verdict(named && ours >= 3 && wrong == 0);
}
