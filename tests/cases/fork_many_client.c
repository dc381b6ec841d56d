/*
 * Situation: as fork_many.c, with MQTTClient: 16 threads of the parent publish with 8 clients of their own, with callbacks and the
 * default store (none with TLS), and the parent forks beside them, as often as the second argument says. Each child makes a client of
 * its own, connects, publishes at QoS 1, disconnects and destroys it; then it uses a client of the parent's.
 *
 * Right: all of the child's own calls succeed; each call on the parent's client is an error, and the trace says why in one line of level
 * ERROR; no child hangs, and the parent's clients stay connected and go on.
 *
 * Original: children hang, at locks that threads of the parent held (wrong, too)
 */
#include "case.h"
#include "MQTTClient.h"

#define CLIENTS 8
#define THREADS 16
#define AT_ONCE 4

static const char *uri;
static char folder[256];
static MQTTClient clients[CLIENTS];
static atomic_int lost, stop, told, errors;
static atomic_long completed;

static void connection_lost(void *context, char *cause) {
    lost++;
}

static int message_arrived(void *context, char *topic, int length, MQTTClient_message *message) {
    MQTTClient_freeMessage(&message);
    MQTTClient_free(topic);
    return 1;
}

static void delivered(void *context, MQTTClient_deliveryToken token) {
    completed++;
}

static void traced(enum MQTTCLIENT_TRACE_LEVELS level, char *line) {
    if (strstr(line, "was forked from")) {
        told++;
        errors += level == MQTTCLIENT_TRACE_ERROR;
    }
}

static int make(MQTTClient *client, const char *id) {
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
    MQTTClient_SSLOptions ssl = MQTTClient_SSLOptions_initializer;
    int tls = strncmp(uri, "ssl:", 4) == 0;
    int rc = MQTTClient_create(client, uri, id, tls ? MQTTCLIENT_PERSISTENCE_NONE : MQTTCLIENT_PERSISTENCE_DEFAULT, folder);
    if (rc == MQTTCLIENT_SUCCESS)
        rc = MQTTClient_setCallbacks(*client, NULL, connection_lost, message_arrived, delivered);
    ssl.enableServerCertAuth = 0;
    if (tls)
        options.ssl = &ssl;
    options.reliable = 0;
    return rc == MQTTCLIENT_SUCCESS ? MQTTClient_connect(*client, &options) : rc;
}

static void *publish(void *client) {
    while (!stop) {
        MQTTClient_publish(client, "fork/many", 3, "abc", 1, 0, NULL);
        pause_ms(1);
    }
    return NULL;
}

/* Exit status 0 if all went well, else which step did not. */
static void child(int number) {
    MQTTClient client, parents = clients[number % CLIENTS];
    MQTTClient_deliveryToken token;
    char id[40];
    alarm(200);
    sprintf(id, "child-%d", number);
    if (make(&client, id) != MQTTCLIENT_SUCCESS)
        _exit(1);
    if (MQTTClient_publish(client, "fork/child", 1, "x", 1, 0, &token) != MQTTCLIENT_SUCCESS)
        _exit(2);
    if (MQTTClient_waitForCompletion(client, token, PATIENCE_MS) != MQTTCLIENT_SUCCESS)
        _exit(3);
    if (MQTTClient_disconnect(client, 1000) != MQTTCLIENT_SUCCESS)
        _exit(4);
    MQTTClient_destroy(&client);
    if (told != 0 || MQTTClient_isConnected(parents))
        _exit(5);
    told = errors = 0;
    if (MQTTClient_publish(parents, "fork/child", 1, "x", 1, 0, NULL) == MQTTCLIENT_SUCCESS)
        _exit(6);
    if (told != 1 || errors != 1)
        _exit(7);
    if (MQTTClient_subscribe(parents, "fork/child", 1) == MQTTCLIENT_SUCCESS ||
        MQTTClient_disconnect(parents, 100) == MQTTCLIENT_SUCCESS)
        _exit(8);
    MQTTClient_destroy(&parents);
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
    int bad = 0, alive = 0, children = atoi(argument[count - 1]);
    uri = argument[1];
    new_folder(folder);
    MQTTClient_setTraceCallback(traced);
    MQTTClient_setTraceLevel(MQTTCLIENT_TRACE_ERROR);
    for (int i = 0; i < CLIENTS; i++) {
        char id[40];
        sprintf(id, "parent-%d", i);
        int rc = make(&clients[i], id);
        if (rc != MQTTCLIENT_SUCCESS) {
            say("connect %d", rc);
            return 2;
        }
    }
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, publish, clients[i % CLIENTS]);
    AWAIT(completed > 0);
    for (int i = 0; i < children; i++) {
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
    long before = completed;
    int going = AWAIT(completed > before + 100);
    stop = 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    say("%d bad children, %d connections of the parent lost, %s", bad, lost, going ? "goes on" : "stands still");
    for (int i = 0; i < CLIENTS; i++)
        MQTTClient_destroy(&clients[i]);
    remove_folder(folder);
    return verdict(bad == 0 && lost == 0 && going);
}
