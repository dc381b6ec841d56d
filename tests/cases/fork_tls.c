/*
 * Situation: a client with TLS is connected and in use: a thread publishes with it while the process forks, ten times. Each child calls
 * all it can on the parent's client, then connects a client of its own with TLS to the same server, publishes and disconnects. Every
 * other child ends by exit(), which runs OpenSSL's and the library's own ends, the others by _exit().
 *
 * Right: the child's own calls succeed, its calls on the parent's client are errors, none hangs; nothing of a child's gets onto the
 * parent's connection, which goes on: one byte more or less in a TLS session ends it.
 *
 * Original: a child that touches its parent's client ends the parent's session
 *
 * Run by tls_broker.py.
 */
#include "case.h"
#include "MQTTAsync.h"

#define CHILDREN 10

static const char *uri;
static atomic_int connected, lost, stop, outcome;
static atomic_long completed;

static void connection_lost(void *context, char *cause) {
    say("lost: %s", cause ? cause : "NULL");
    lost++;
}

static int message_arrived(void *context, char *topic, int length, MQTTAsync_message *message) {
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static void parent_connected(void *context, MQTTAsync_successData *data) {
    connected = 1;
}

static void parent_completed(void *context, MQTTAsync_successData *data) {
    completed++;
}

static void succeeded(void *context, MQTTAsync_successData *data) {
    outcome = 1;
}

static void failed(void *context, MQTTAsync_failureData *data) {
    fprintf(stderr, "%s\n", data && data->message ? data->message : "no text");
    outcome = -1;
}

static int result(int rc) {
    return rc ? rc : AWAIT(outcome) ? (outcome == 1 ? 0 : -1) : -99;
}

static int run_connect(MQTTAsync client, MQTTAsync_onSuccess *success) {
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    MQTTAsync_SSLOptions ssl = MQTTAsync_SSLOptions_initializer;
    ssl.enableServerCertAuth = 0;
    options.ssl = &ssl;
    options.onSuccess = success;
    options.onFailure = failed;
    return MQTTAsync_connect(client, &options);
}

static void *publish(void *client) {
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    options.onSuccess = parent_completed;
    while (!stop) {
        MQTTAsync_send(client, "fork/tls", 3, "abc", 1, 0, &options);
        pause_ms(1);
    }
    return NULL;
}

/* Exit status 0 if all went well, else which step did not. */
static int child(int number, MQTTAsync parents) {
    MQTTAsync client;
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
    MQTTAsync_disconnectOptions disconnect = MQTTAsync_disconnectOptions_initializer;
    char id[40];
    alarm(200);
    if (MQTTAsync_isConnected(parents))
        return 1;
    if (MQTTAsync_send(parents, "fork/tls", 1, "x", 1, 0, NULL) == 0)
        return 2;
    if (MQTTAsync_disconnect(parents, &disconnect) == 0)
        return 3;
    if (number % 3 == 0)
        MQTTAsync_destroy(&parents);
    sprintf(id, "tls-child-%d", number);
    if (MQTTAsync_create(&client, uri, id, MQTTCLIENT_PERSISTENCE_NONE, NULL))
        return 4;
    MQTTAsync_setCallbacks(client, NULL, NULL, message_arrived, NULL);
    response.onSuccess = disconnect.onSuccess = succeeded;
    response.onFailure = disconnect.onFailure = failed;
    if (result(run_connect(client, succeeded)))
        return 5;
    outcome = 0;
    if (result(MQTTAsync_send(client, "fork/child", 1, "x", 1, 0, &response)))
        return 6;
    outcome = 0;
    if (result(MQTTAsync_disconnect(client, &disconnect)))
        return 7;
    MQTTAsync_destroy(&client);
    return 0;
}

int main(int count, char **argument) {
    MQTTAsync client;
    pthread_t thread;
    int bad = 0;
    if (count < 2)
        return 2;
    watchdog(200);
    uri = argument[1];
    MQTTAsync_create(&client, uri, "tls-parent", MQTTCLIENT_PERSISTENCE_NONE, NULL);
    MQTTAsync_setCallbacks(client, NULL, connection_lost, message_arrived, NULL);
    if (run_connect(client, parent_connected) || !AWAIT(connected))
        return verdict(0);
    pthread_create(&thread, NULL, publish, client);
    for (int i = 0; i < CHILDREN; i++) {
        int status = 0;
        long before = completed;
        AWAIT(completed > before);
        pid_t pid = fork();
        if (pid == 0) {
            int step = child(i, client);
            if (i % 2)
                exit(step);
            _exit(step);
        }
        waitpid(pid, &status, 0);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            say("child %d: %s %d", i, WIFEXITED(status) ? "step" : "signal", WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
            bad++;
        }
    }
    long before = completed;
    int going = AWAIT(completed > before + 100);
    stop = 1;
    pthread_join(thread, NULL);
    say("%d bad children, %d connections of the parent lost, %s", bad, lost, going ? "goes on" : "stands still");
    MQTTAsync_destroy(&client);
    return verdict(bad == 0 && lost == 0 && going);
}
