/*
 * Situation: a process with clients of the event API forks, with threads of the library's running.
 *
 * Right: in the child the parent's handles are none, without harm to the parent, whose client goes on; the child makes queues and
 * clients of its own. So it is in the child's child.
 *
 * Original: has no such API; with its own, create returns -1 in the child.
 */
#include "case.h"
#include "paho_oxide.h"

/* A client on a queue of its own, connected over a stream that this program carries. */
struct program {
    uint64_t queue, client;
};

static int fails(const char *what, long long code) {
    say("%s: %lld", what, code);
    return 0;
}

/* The next event's kind; what the library has to say of the stream itself is passed over. */
static unsigned next(struct program *p) {
    uint64_t buffer[512];
    for (;;) {
        const struct MQTTOxide_event *event = (const void *)buffer;
        int64_t filled = MQTTOxide_nextEvents(p->queue, buffer, 64, 20000, NULL);
        if (filled <= 0)
            return 1000;
        if (event->kind != MQTTOxide_OUTPUT && event->kind != MQTTOxide_WANTS)
            return event->kind;
    }
}

static int start(struct program *p) {
    struct MQTTOxide_createOptions create = {0};
    struct MQTTOxide_connectOptions connect = {0};
    char bytes[256];
    int64_t code;
    create.size = sizeof create;
    connect.size = sizeof connect;
    connect.version = 4;
    connect.clean = 1;
    connect.keep_alive_s = 600;
    if ((code = MQTTOxide_createQueue(&p->queue)) || (code = MQTTOxide_create(&p->client, p->queue, &create)) ||
        (code = MQTTOxide_attachStream(p->client, &connect)))
        return fails("start", code);
    if (MQTTOxide_eventFd(p->queue) < 0 || (code = MQTTOxide_take(p->client, bytes, sizeof bytes)) < 10)
        return fails("CONNECT", code);
    if ((code = MQTTOxide_feed(p->client, "\x20\x02\0\0", 4)) != 4 || next(p) != MQTTOxide_CONNECTED)
        return fails("CONNACK", code);
    return 1;
}

/* Both directions. */
static int works(struct program *p) {
    char bytes[64];
    int64_t code;
    if ((code = MQTTOxide_feed(p->client, "\x30\x04\0\1tx", 6)) != 6 || next(p) != MQTTOxide_MESSAGE)
        return fails("message", code);
    if ((code = MQTTOxide_publish(p->client, "t", 1, "y", 1, NULL, 0, 1, NULL)) != 0 ||
        (code = MQTTOxide_take(p->client, bytes, sizeof bytes)) != 8)
        return fails("publish", code);
    if ((code = MQTTOxide_feed(p->client, (char[]){0x40, 2, bytes[5], bytes[6]}, 4)) != 4 || next(p) != MQTTOxide_DONE)
        return fails("PUBACK", code);
    return 1;
}

static int end(struct program *p) {
    int64_t code;
    if ((code = MQTTOxide_destroy(p->client)) || (code = MQTTOxide_destroyQueue(p->queue)))
        return fails("end", code);
    return 1;
}

/* Handles of another process. */
static int strange(struct program *p) {
    uint64_t buffer[64], token = 1;
    char address[64];
    const int64_t codes[] = {
        MQTTOxide_feed(p->client, "\xd0\0", 2),
        MQTTOxide_take(p->client, address, sizeof address),
        MQTTOxide_publish(p->client, "t", 1, "y", 1, NULL, 0, 0, NULL),
        MQTTOxide_ack(p->client, &token, 1, 0),
        MQTTOxide_cancel(p->client, 1),
        MQTTOxide_abort(p->client),
        MQTTOxide_disconnect(p->client, 0, 0, NULL, 0),
        MQTTOxide_address(p->client, 0, address, sizeof address),
        MQTTOxide_drive(p->client, MQTTOxide_READ),
        MQTTOxide_nextEvents(p->queue, buffer, sizeof buffer, 0, NULL),
        MQTTOxide_eventFd(p->queue),
        MQTTOxide_interrupt(p->queue),
        MQTTOxide_destroy(p->client),
        MQTTOxide_destroyQueue(p->queue),
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i] != MQTTOxide_E_HANDLE) {
            say("call %zu in the child: %lld", i, (long long)codes[i]);
            return 0;
        }
    return 1;
}

/* A child that has such clients itself, to so many generations. */
static int forked(struct program *parents, int generations) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        struct program own;
        int right = strange(parents) && start(&own) && works(&own) && (generations < 2 || forked(&own, generations - 1)) &&
                    strange(parents) && works(&own) && end(&own);
        fflush(stdout);
        _exit(right ? 0 : 1);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(void) {
    struct program program;
    int right;
    watchdog(60);
    right = start(&program) && works(&program);
    for (int i = 0; i < 20 && right; i++)
        right = forked(&program, 2) && works(&program);
    right = right && end(&program);
    return verdict(right);
}
