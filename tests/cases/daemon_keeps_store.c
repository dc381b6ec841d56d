/*
 * Situation: MQTTAsync with the default store. A program makes its client and then becomes a daemon: it forks, the parent ends,
 * and the child goes on with the client.
 *
 * Right: while the parent lives, the child's sends are refused, since the store is the parent's. Once it has ended they are
 * accepted, and the messages are in the store.
 *
 * Original: accepted at any time; both processes would write to the same files
 */
#include "case.h"
#include "MQTTAsync.h"

static void daemon_process(MQTTAsync client, const char *folder, pid_t parent, int go_on, int result) {
    int codes[3];
    char client_folder[400];
    codes[0] = MQTTAsync_send(client, "t", 5, "early", 1, 0, NULL);
    close(go_on);
    AWAIT(getppid() != parent);
    codes[1] = MQTTAsync_send(client, "t", 4, "late", 1, 0, NULL);
    MQTTAsync_destroy(&client);
    snprintf(client_folder, sizeof client_folder, "%s/daemon-127.0.0.1-1", folder);
    codes[2] = files_in(client_folder);
    _exit(write(result, codes, sizeof codes) != sizeof codes);
}

int main(void) {
    char folder[256], byte;
    int result[2], codes[3] = {0, -1, -1};
    new_folder(folder);
    if (pipe(result))
        return 2;
    pid_t first = fork();
    if (first == 0) {
        int go_on[2];
        MQTTAsync client;
        MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer;
        create.sendWhileDisconnected = 1;
        create.allowDisconnectedSendAtAnyTime = 1;
        int rc = MQTTAsync_createWithOptions(&client, "tcp://127.0.0.1:1", "daemon", MQTTCLIENT_PERSISTENCE_DEFAULT,
                                             folder, &create);
        if (rc || pipe(go_on))
            _exit(2);
        pid_t parent = getpid();
        if (fork() == 0)
            daemon_process(client, folder, parent, go_on[1], result[1]);
        close(go_on[1]);
        /* Ends when the child has tried. */
        _exit(read(go_on[0], &byte, 1) != 0);
    }
    waitpid(first, NULL, 0);
    close(result[1]);
    if (read(result[0], codes, sizeof codes) != sizeof codes)
        puts("the daemon said nothing");
    say("send while the parent lives: %d, afterwards: %d, records in the store: %d", codes[0], codes[1], codes[2]);
    remove_folder(folder);
    return verdict(codes[0] != 0 && codes[1] == 0 && codes[2] == 1);
}
