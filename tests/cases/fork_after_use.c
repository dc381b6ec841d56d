/*
 * Situation: MQTTAsync around fork, in four orders:
 *   A  create, fork; the child connects, publishes, disconnects with that client; the parent does so afterwards.
 *   B  connect, publish, disconnect, destroy, fork; the child does all that with a client of its own.
 *   C  connected, fork; the child calls isConnected, send, disconnect and destroy on the parent's client.
 *   D  connected, fork; the child ends by exit().
 *
 * Right: in A and B the child's calls succeed. In C and D the child neither hangs nor crashes, and the parent keeps
 * its connection.
 *
 * Original: A, B, D right; C: in the child isConnected is 1, send and disconnect never end and destroy takes 10 s
 */
#include "case.h"
#include "MQTTAsync.h"

static atomic_int outcome; /* 0 waiting, 1 success, -1 failure */
static const char *uri;

static void succeeded(void *context, MQTTAsync_successData *data) {
    outcome = 1;
}

static void failed(void *context, MQTTAsync_failureData *data) {
    outcome = -1;
}

/* The call's code if it was refused, 0 on success, -1 on failure, -99 if nothing came. */
static int result(int rc) {
    return rc ? rc : AWAIT(outcome) ? (outcome == 1 ? 0 : -1) : -99;
}

static int create(MQTTAsync *client) {
    char id[40];
    sprintf(id, "fork-%d", getpid());
    return MQTTAsync_create(client, uri, id, MQTTCLIENT_PERSISTENCE_NONE, NULL);
}

static int run_connect(MQTTAsync client) {
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    options.onSuccess = succeeded;
    options.onFailure = failed;
    options.connectTimeout = 50;
    options.keepAliveInterval = 5;
    outcome = 0;
    return result(MQTTAsync_connect(client, &options));
}

static int run_publish(MQTTAsync client) {
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    options.onSuccess = succeeded;
    options.onFailure = failed;
    outcome = 0;
    return result(MQTTAsync_send(client, "fork", 1, "x", 1, 0, &options));
}

static int run_disconnect(MQTTAsync client) {
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
    options.onSuccess = succeeded;
    options.onFailure = failed;
    outcome = 0;
    return result(MQTTAsync_disconnect(client, &options));
}

/* Connect, publish, disconnect; 0 if all went well. */
static int use(const char *who, MQTTAsync client) {
    int connected = run_connect(client), published = run_publish(client), disconnected = run_disconnect(client);
    say("%s: connect %d publish %d disconnect %d", who, connected, published, disconnected);
    return connected || published || disconnected;
}

static void child(char order, MQTTAsync client) {
    int bad = 0;
    alarm(200);
    if (order == 'B')
        say("child: create %d", create(&client));
    if (order == 'A' || order == 'B')
        bad = use("child", client);
    if (order == 'C') {
        say("child: isConnected %d", MQTTAsync_isConnected(client));
        say("child: publish %d", run_publish(client));
        say("child: disconnect %d", run_disconnect(client));
    }
    if (order == 'D')
        exit(0);
    MQTTAsync_destroy(&client);
    say("child: ends");
    _exit(bad);
}

int main(int count, char **argument) {
    char order = count > 2 ? argument[2][0] : 'B';
    int status, right, connected = 1, published = 0;
    MQTTAsync client;
    uri = argument[1];
    create(&client);
    if (order == 'B') {
        use("parent", client);
        MQTTAsync_destroy(&client);
    } else if (order != 'A') {
        say("parent: connect %d", run_connect(client));
        say("parent: publish %d", run_publish(client));
    }
    pid_t pid = fork();
    if (pid == 0)
        child(order, client);
    waitpid(pid, &status, 0);
    say("the child ended by %s %d", WIFEXITED(status) ? "exit" : "signal",
        WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    right = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (order == 'A')
        right &= use("parent", client) == 0;
    if (order == 'C' || order == 'D') {
        pause_ms(7000); /* a ping, at least, is due in it */
        connected = MQTTAsync_isConnected(client);
        published = run_publish(client);
        say("parent, 7 s later: isConnected %d publish %d", connected, published);
    }
    if (order != 'B')
        MQTTAsync_destroy(&client);
    return verdict(right && connected && published == 0);
}
