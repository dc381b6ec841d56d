/*
 * Situation: a cancellation (pthread_cancel) of a program's thread is pending when the thread makes a call: one that waits for the
 * server, writes, uses the store, makes a client or ends it. The trace callback, which runs inside calls, does what is a cancellation
 * point.
 *
 * Right: no call is a cancellation point. Each returns what it always does; the thread ends at the program's own pthread_testcancel,
 * and the process goes on with the same client.
 *
 * Original: not compared
 */
#include "case.h"

static const char *uri;
static char folder[256];
static int wrong, scratch_file;
static atomic_int ready, pending, returned, lines;

static void traced(int level, char *line) {
    lines++;
    if (write(scratch_file, line, 1) < 0) /* a cancellation point */
        perror("write");
}

/* A call under test. Returns 1 if it did what it should. */
typedef int call(void);

static void *make_the_call(void *argument) {
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    ready = 1;
    AWAIT(pending);
    pthread_setcancelstate(before, NULL);
    returned = (*(call **)argument)() ? 1 : 2;
    pthread_testcancel();
    return NULL;
}

/* Makes the call on a thread of its own whose cancellation is pending. */
static void cancelled_in(const char *name, call *it) {
    pthread_t thread;
    void *result = NULL;
    ready = pending = returned = 0;
    pthread_create(&thread, NULL, make_the_call, &it);
    AWAIT(ready);
    pthread_cancel(thread);
    pending = 1;
    pthread_join(thread, &result);
    if (returned != 1 || result != PTHREAD_CANCELED) {
        wrong++;
        say("WRONG  %s: %s, %s", name, returned == 0 ? "did not return" : returned == 1 ? "success" : "failed",
            result == PTHREAD_CANCELED ? "cancelled" : "not cancelled");
    }
}

#define CANCELLED_IN(it) cancelled_in(#it, it)

static void begin(const char *broker) {
    uri = broker;
    new_folder(folder);
    scratch_file = open("/dev/null", O_WRONLY);
    watchdog(200);
}
