/*
 * Situation: 16 threads of the parent publish with 8 clients of their own, with callbacks and the default store, and the
 * parent forks 200 times beside them. Each child creates a client with a store, connects, publishes at QoS 1,
 * disconnects and destroys it; then it calls isConnected and send on a client of the parent's.
 *
 * Right: all of the child's own calls succeed, the parent's client is not connected for the child and takes nothing, no
 * child hangs, and the parent's clients stay connected and go on.
 *
 * Original: children hang, at locks that threads of the parent held (wrong, too)
 */
#include "case.h"
#include "MQTTAsync.h"

#define CLIENTS 8
#define THREADS 16
#define CHILDREN 200
#define AT_ONCE 4

static const char *uri;
static char folder[256];
static MQTTAsync clients[CLIENTS];
static atomic_int connected, lost, stop;
static atomic_long completed, arrived;
static atomic_int outcome; /* of the child: 0 waiting, 1 success, -1 failure */

static void connection_lost(void *context, char *cause) {
    lost++;
}

static int message_arrived(void *context, char *topic, int length, MQTTAsync_message *message) {
    arrived++;
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static void parent_connected(void *context, MQTTAsync_successData *data) {
    connected++;
}

static void parent_completed(void *context, MQTTAsync_successData *data) {
    completed++;
}

static void succeeded(void *context, MQTTAsync_successData *data) {
    outcome = 1;
}

static void failed(void *context, MQTTAsync_failureData *data) {
    outcome = -1;
}

static void *publish(void *client) {
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    options.onSuccess = parent_completed;
    while (!stop) {
        MQTTAsync_send(client, "fork/many", 3, "abc", 1, 0, &options);
        pause_ms(1);
    }
    return NULL;
}

static int result(int rc) {
    return rc ? rc : AWAIT(outcome) ? (outcome == 1 ? 0 : -1) : -99;
}

/* Exit status 0 if all went well, else which step did not. */
static void child(int number) {
    MQTTAsync client;
    MQTTAsync_connectOptions connect = MQTTAsync_connectOptions_initializer;
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
    MQTTAsync_disconnectOptions disconnect = MQTTAsync_disconnectOptions_initializer;
    char id[40];
    alarm(200);
    sprintf(id, "child-%d", number);
    if (MQTTAsync_create(&client, uri, id, MQTTCLIENT_PERSISTENCE_DEFAULT, folder))
        _exit(1);
    MQTTAsync_setCallbacks(client, NULL, NULL, message_arrived, NULL);
    connect.onSuccess = response.onSuccess = disconnect.onSuccess = succeeded;
    connect.onFailure = response.onFailure = disconnect.onFailure = failed;
    if (result(MQTTAsync_connect(client, &connect)))
        _exit(2);
    outcome = 0;
    if (result(MQTTAsync_send(client, "fork/child", 1, "x", 1, 0, &response)))
        _exit(3);
    outcome = 0;
    if (result(MQTTAsync_disconnect(client, &disconnect)))
        _exit(4);
    MQTTAsync_destroy(&client);
    if (MQTTAsync_isConnected(clients[number % CLIENTS]))
        _exit(5);
    if (MQTTAsync_send(clients[number % CLIENTS], "fork/child", 1, "x", 1, 0, NULL) == 0)
        _exit(6);
    _exit(0);
}

static int reap(void) {
    int status;
    pid_t pid = wait(&status);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    say("child %d: %s %d", (int)pid, WIFEXITED(status) ? "exit" : "signal",
        WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    return 1;
}

int main(int count, char **argument) {
    pthread_t threads[THREADS];
    int bad = 0, alive = 0;
    uri = argument[1];
    new_folder(folder);
    for (int i = 0; i < CLIENTS; i++) {
        char id[40];
        MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
        sprintf(id, "parent-%d", i);
        MQTTAsync_create(&clients[i], uri, id, MQTTCLIENT_PERSISTENCE_DEFAULT, folder);
        MQTTAsync_setCallbacks(clients[i], NULL, connection_lost, message_arrived, NULL);
        options.onSuccess = parent_connected;
        MQTTAsync_connect(clients[i], &options);
    }
    if (!AWAIT(connected == CLIENTS))
        return 2;
    MQTTAsync_subscribe(clients[0], "fork/many", 1, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, publish, clients[i % CLIENTS]);
    AWAIT(arrived > 0);
    for (int i = 0; i < CHILDREN; i++) {
        pid_t pid = fork();
        if (pid == 0)
            child(i);
        if (++alive == AT_ONCE) {
            bad += reap();
            alive--;
        }
    }
    while (alive--)
        bad += reap();
    long before = completed, came = arrived;
    int going = AWAIT(completed > before + 100 && arrived > came + 100);
    stop = 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    say("%d bad children, %d connections of the parent lost, %s", bad, lost, going ? "goes on" : "stands still");
    for (int i = 0; i < CLIENTS; i++)
        MQTTAsync_destroy(&clients[i]);
    remove_folder(folder);
    return verdict(bad == 0 && lost == 0 && going);
}
