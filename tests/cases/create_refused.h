/*
 * Situation: a store that cannot be opened. create's -2 is one code for many reasons; a person has to be told which.
 *
 * Right: create returns -2, strerror(-2) goes on with the reason, and a trace line of level ERROR has the same reason.
 *
 * Original: -2, "Failure" or "Unknown error code -2", and nothing of a reason in the trace
 *
 * The program that includes this defines API, its header's prefix, and TRACE_ERROR. Argument: which fault.
 */
#ifndef CREATE_REFUSED_H
#define CREATE_REFUSED_H

#include "case.h"
#include <sched.h>
#include <sys/mount.h>

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define CALL(name) JOIN(API, name)

#define NOBODY 65534

static char traced[4096];

static void on_trace(enum TRACE_LEVELS level, char *message) {
    if (level == TRACE_ERROR && strlen(traced) + strlen(message) + 2 < sizeof traced)
        strcat(strcat(traced, message), "\n");
}

static int make(CALL() * client, const char *id, const char *folder) {
    return CALL(_create)(client, "tcp://127.0.0.1:1", id, MQTTCLIENT_PERSISTENCE_DEFAULT, (void *)folder);
}

/* Whether create with this id fails with -2 and both texts name `reason`. */
static int says(const char *id, const char *folder, const char *reason) {
    CALL() client = NULL;
    char text[1024];
    int rc;
    traced[0] = 0;
    rc = make(&client, id, folder);
    snprintf(text, sizeof text, "%s", CALL(_strerror)(rc));
    say("create %d: %s", rc, text);
    say("trace: %s", traced);
    return rc == -2 && strstr(text, reason) && strstr(traced, reason);
}

static int too_long(const char *folder) {
    char id[301];
    memset(id, 'x', 300);
    id[300] = 0;
    return says(id, folder, "too long");
}

static int held(const char *folder) {
    CALL() first = NULL;
    int rc = make(&first, "same", folder), right = says("same", folder, "in use");
    CALL(_destroy)(&first);
    return rc == 0 && right;
}

/* Root may write anywhere: the program becomes nobody, who may not write here. */
static int forbidden(const char *folder) {
    if (chmod(folder, 0555))
        return 0;
    if (getuid() == 0 && (setgid(NOBODY) || setuid(NOBODY)))
        return 0;
    return says("forbidden", folder, "Permission denied");
}

/* A file system with room for no folder at all. Seen by this process alone, so that it ends with it. */
static int no_space(const char *folder) {
    if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("none", folder, "tmpfs", 0, "nr_inodes=1")) {
        puts("may not mount");
        remove_folder(folder);
        exit(77);
    }
    return says("full", folder, "No space left on device");
}

static int no_folder(const char *folder) {
    char path[300];
    snprintf(path, sizeof path, "%s/file", folder);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    return says("id", path, "Not a directory");
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        int (*fault)(const char *);
    } faults[] = {{"too-long", too_long}, {"held", held}, {"forbidden", forbidden}, {"no-space", no_space}, {"no-folder", no_folder}};
    char folder[256];
    int status = 0;
    pid_t child;
    new_folder(folder);
    /* In a child: two of the faults change the whole process. */
    child = fork();
    if (child == 0) {
        int right = 0;
        watchdog(100);
        CALL(_setTraceCallback)(on_trace);
        CALL(_setTraceLevel)(TRACE_ERROR);
        for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
            if (argc > 1 && strcmp(argv[1], faults[i].name) == 0)
                right = faults[i].fault(folder);
        fflush(stdout);
        _exit(right ? 0 : 1);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return 2;
    chmod(folder, 0700);
    remove_folder(folder);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        return 77;
    return verdict(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#endif
