/*
 * Situation: a program closes all descriptors that are not standard ones, as daemons do, while a client is connected, and then
 * connects another one. argv[1]: the server's URI
 *
 * Right: the process lives, every call returns, and a connect that cannot work says so. Nothing of the library's gets into what has
 * the numbers of its descriptors now.
 *
 * Original: the first client is lost, the second connects
 */
#include "case.h"
#include "MQTTAsync.h"

#include <fcntl.h>

static volatile int connected, failed;

static void on_connect(void *context, MQTTAsync_successData *data) {
    (void)context, (void)data;
    connected++;
}

static void on_failure(void *context, MQTTAsync_failureData *data) {
    (void)context, (void)data;
    failed++;
}

static int begin(MQTTAsync *client, const char *uri, const char *id) {
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    MQTTAsync_create(client, uri, id, MQTTCLIENT_PERSISTENCE_NONE, NULL);
    MQTTAsync_setCallbacks(*client, NULL, NULL, NULL, NULL);
    options.onSuccess = on_connect;
    options.onFailure = on_failure;
    return MQTTAsync_connect(*client, &options);
}

int main(int argc, char **argv) {
    enum { SECONDS = 120, CLOSED = 256, OWN = 16 };
    MQTTAsync first, others[4];
    int fd, code, refused = 0, pipes[OWN][2];
    char bytes[64];
    (void)argc;
    watchdog(SECONDS);
    if (begin(&first, argv[1], "first") != MQTTASYNC_SUCCESS || !AWAIT(connected == 1))
        return 2;
    for (fd = 3; fd < CLOSED; fd++)
        close(fd);
    /* With the numbers of what was closed. */
    for (fd = 0; fd < OWN; fd++)
        if (pipe2(pipes[fd], O_NONBLOCK))
            return 2;
    /* More than there are runtimes, each with descriptors of its own. */
    for (int i = 0; i < 4; i++) {
        code = begin(&others[i], argv[1], "other");
        say("connect: %d %s", code, code ? MQTTAsync_strerror(code) : "");
        if (code != MQTTASYNC_SUCCESS)
            refused++;
        else if (!AWAIT(connected + failed + refused == i + 2))
            say("neither connected nor failed");
    }
    int told = connected + failed + refused == 5, foreign = 0;
    for (fd = 0; fd < OWN; fd++)
        foreign += read(pipes[fd][0], bytes, sizeof bytes) > 0;
    say("%d pipes have bytes in them", foreign);
    for (int i = 0; i < 4; i++)
        MQTTAsync_destroy(&others[i]);
    return verdict(told && foreign == 0);
}
