/*
 * Situation: MQTTAsync with the default store. The process forks a background process that never execs and outlives
 * it. The program is started again while that one lives.
 *
 * Right: create succeeds; the background process has not inherited the store's lock.
 *
 * Original: 0
 */
#include "case.h"
#include "MQTTAsync.h"

static int create(const char *folder) {
    MQTTAsync client;
    return MQTTAsync_create(&client, "tcp://127.0.0.1:1", "forker", MQTTCLIENT_PERSISTENCE_DEFAULT, (void *)folder);
}

int main(void) {
    char folder[256];
    int ends[2], rc;
    pid_t background = 0;
    new_folder(folder);
    if (pipe(ends))
        return 2;
    pid_t pid = fork();
    if (pid == 0) {
        say("first process: create %d", create(folder));
        background = fork();
        if (background == 0) {
            sleep(20);
            _exit(0);
        }
        _exit(write(ends[1], &background, sizeof background) != sizeof background);
    }
    waitpid(pid, NULL, 0);
    if (read(ends[0], &background, sizeof background) != sizeof background)
        return 2;
    rc = create(folder);
    say("second process, while the background process lives: create %d", rc);
    kill(background, SIGKILL);
    remove_folder(folder);
    return verdict(rc == MQTTASYNC_SUCCESS);
}
