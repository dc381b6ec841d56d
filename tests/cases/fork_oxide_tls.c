/*
 * Situation: a client of the event API with TLS is connected. A thread of the program sends SIGUSR1 to the process all the time, while
 * the program waits for events and publishes; then the process forks, ten times. Each child calls what it can on the parent's handles,
 * makes a queue and a client of its own, connects that with TLS to the same server, publishes and disconnects. Every other child ends
 * by exit(), the others by _exit().
 *
 * Right: no signal is handled by a thread of the library's, and none ends a wait before its time. The parent's handles are none in the
 * child; the child's client works; the parent's connection goes on.
 *
 * Original: has no such API
 *
 * Run by tls_broker.py.
 */
#include "case.h"
#include "paho_oxide.h"
#include "threads.h"
#include <sys/prctl.h>

#define CHILDREN 10
#define WAIT_MS 300

struct program {
    uint64_t queue, client;
};

static const char *uri;
static atomic_int handled, by_ours, stop;
static pthread_t main_thread, sender;

static void on_signal(int signal) {
    char name[16] = "";
    prctl(PR_GET_NAME, name);
    handled++;
    if (strncmp(name, "paho-", 5) == 0)
        by_ours++;
}

static void *send_signals(void *unused) {
    while (!stop) {
        kill(getpid(), SIGUSR1);
        pthread_kill(main_thread, SIGUSR1);
        usleep(500);
    }
    return NULL;
}

static int fails(const char *what, long long code) {
    say("%s: %lld", what, code);
    return 0;
}

/* Waits for that kind of event; the others are passed over. */
static int await(struct program *p, unsigned kind) {
    uint64_t buffer[1024];
    for (;;) {
        const struct MQTTOxide_event *event = (const void *)buffer;
        int64_t filled = MQTTOxide_nextEvents(p->queue, buffer, sizeof buffer, PATIENCE_MS, NULL);
        if (filled <= 0)
            return fails("no event", kind);
        for (int64_t at = 0; at < filled; at += event->size) {
            event = (const void *)((const char *)buffer + at);
            if (event->kind == kind)
                return 1;
            if (event->kind == MQTTOxide_LOST || event->kind == MQTTOxide_CONNECT_FAILED)
                return fails("event", event->kind);
        }
    }
}

static int start(struct program *p, const char *id) {
    struct MQTTOxide_createOptions create = {.size = sizeof create, .client_id = id, .client_id_len = (uint32_t)strlen(id)};
    struct MQTTOxide_connectOptions connect = {.size = sizeof connect, .version = 4, .clean = 1, .keep_alive_s = 600};
    struct MQTTOxide_tlsOptions tls = {.size = sizeof tls, .flags = 1};
    int32_t code;
    if ((code = MQTTOxide_createQueue(&p->queue)) || (code = MQTTOxide_create(&p->client, p->queue, &create)) ||
        (code = MQTTOxide_connect(p->client, uri, (uint32_t)strlen(uri), &connect, &tls)))
        return fails("start", code);
    return await(p, MQTTOxide_CONNECTED);
}

static int works(struct program *p) {
    int32_t code = MQTTOxide_publish(p->client, "fork/tls", 8, "abc", 3, NULL, 0, 1, NULL);
    return code ? fails("publish", code) : await(p, MQTTOxide_DONE);
}

static int end(struct program *p) {
    int32_t code = MQTTOxide_disconnect(p->client, 1000, 0, NULL, 0);
    if (code || !await(p, MQTTOxide_CLOSED))
        return fails("disconnect", code);
    if ((code = MQTTOxide_destroy(p->client)) || (code = MQTTOxide_destroyQueue(p->queue)))
        return fails("end", code);
    return 1;
}

/* Nothing comes: each wait takes its time, whatever signals there are. */
static int waits_in_full(struct program *p) {
    uint64_t buffer[64];
    for (int i = 0; i < 3; i++) {
        double before = seconds();
        int64_t filled = MQTTOxide_nextEvents(p->queue, buffer, sizeof buffer, WAIT_MS, NULL);
        double took = seconds() - before;
        if (filled != 0 || took < WAIT_MS / 1000.0 * 0.99)
            return fails("a wait of fewer ms than asked for", (long long)(took * 1000));
    }
    return 1;
}

static int child(int number, struct program *parents) {
    struct program own;
    uint64_t buffer[64];
    char id[40];
    alarm(200);
    if (MQTTOxide_publish(parents->client, "t", 1, "x", 1, NULL, 0, 0, NULL) != MQTTOxide_E_HANDLE ||
        MQTTOxide_abort(parents->client) != MQTTOxide_E_HANDLE ||
        MQTTOxide_nextEvents(parents->queue, buffer, sizeof buffer, -1, NULL) != MQTTOxide_E_HANDLE ||
        MQTTOxide_destroy(parents->client) != MQTTOxide_E_HANDLE || MQTTOxide_destroyQueue(parents->queue) != MQTTOxide_E_HANDLE)
        return 1;
    sprintf(id, "oxide-child-%d", number);
    return start(&own, id) && works(&own) && end(&own) ? 0 : 2;
}

int main(int count, char **argument) {
    struct program program;
    struct sigaction action = {.sa_handler = on_signal};
    int ours = 0, others, bad = 0;
    if (count < 2)
        return 2;
    watchdog(200);
    uri = argument[1];
    main_thread = pthread_self();
    sigaction(SIGUSR1, &action, NULL);
    if (!start(&program, "oxide-parent"))
        return verdict(0);
    pthread_create(&sender, NULL, send_signals, NULL);
    int right = 1;
    for (int i = 0; i < 200 && right; i++)
        right = works(&program);
    right = right && waits_in_full(&program);
    stop = 1;
    pthread_join(sender, NULL);
    int unblocked = look(&ours, &others, 0);
    say("%d signals, %d on the library's threads; %d threads of the library's, %d signals wrong", handled, by_ours, ours, unblocked);
    right = right && handled > 100 && by_ours == 0 && ours > 0 && unblocked == 0;

    for (int i = 0; i < CHILDREN && right; i++) {
        int status = 0;
        pid_t pid = fork();
        if (pid == 0) {
            int step = child(i, &program);
            fflush(stdout);
            if (i % 2)
                exit(step);
            _exit(step);
        }
        waitpid(pid, &status, 0);
        bad += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
        right = works(&program);
    }
    say("%d bad children", bad);
    right = right && bad == 0 && end(&program);
    return verdict(right);
}
