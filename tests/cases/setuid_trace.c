/*
 * Situation: a setuid root program uses the library; an ordinary user (nobody) starts it with MQTT_C_CLIENT_TRACE set
 * to a file that this user could not write.
 *
 * Right: the file is not written: in a setuid program the environment is not trusted.
 *
 * Original: the trace file is written, owner root, mode 0644 (wrong, too)
 */
#include "case.h"
#include "MQTTAsync.h"

#define NOBODY 65534

static int traced(void) {
    MQTTAsync client;
    printf("uid %d euid %d\n", getuid(), geteuid());
    printf("create %d\n", MQTTAsync_create(&client, "tcp://127.0.0.1:1", "setuid", MQTTCLIENT_PERSISTENCE_NONE, NULL));
    MQTTAsync_destroy(&client);
    return 0;
}

int main(int count, char **argument) {
    char folder[256], program[300], trace[300], command[1500];
    struct stat status;
    if (count > 1)
        return traced();
    if (getuid() != 0) {
        puts("needs root");
        return 77;
    }
    new_folder(folder);
    snprintf(program, sizeof program, "%s/traced", folder);
    snprintf(trace, sizeof trace, "%s/trace.txt", folder);
    snprintf(command, sizeof command, "chmod 755 '%s' && cp '%s' '%s' && chmod 4755 '%s'", folder, argument[0], program,
             program);
    if (system(command) != 0)
        return 2;
    pid_t pid = fork();
    if (pid == 0) {
        setenv("MQTT_C_CLIENT_TRACE", trace, 1);
        setenv("MQTT_C_CLIENT_TRACE_LEVEL", "PROTOCOL", 1);
        if (setgid(NOBODY) || setuid(NOBODY))
            _exit(2);
        execl(program, program, "traced", NULL);
        _exit(2);
    }
    int ended;
    waitpid(pid, &ended, 0);
    int written = stat(trace, &status) == 0;
    if (written)
        printf("the trace file was written: owner %d, mode %o, %ld bytes\n", (int)status.st_uid, status.st_mode & 0777,
               (long)status.st_size);
    remove_folder(folder);
    return WIFEXITED(ended) && WEXITSTATUS(ended) == 0 ? verdict(!written) : 2;
}
