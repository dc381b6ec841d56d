/*
 * Situation: automaticReconnect with intervals from 1 to 16 s; the server accepts each connection and closes it at
 * once. After its fifth attempt the program calls MQTTAsync_reconnect.
 *
 * Right: it begins the backoff anew: one attempt soon after it, the next one after a short interval again, not after
 * the long one that was reached before. Two calls in a row make one attempt.
 *
 * Original: attempts at once, 3 s and 9 s after the call (minimum 1 s)
 */
#include "case.h"
#include "MQTTAsync.h"

#define MOST 200

static double times[MOST];
static atomic_int attempts;

static void *server(void *argument) {
    int fd;
    double before = seconds();
    while (attempts < MOST && (fd = accept((int)(long)argument, NULL, NULL)) >= 0) {
        double at = seconds();
        close(fd);
        say("  attempt, %.2f s after the one before", at - before);
        before = times[attempts] = at;
        attempts++;
    }
    return NULL;
}

static void failed(void *context, MQTTAsync_failureData *data) {
    say("connect onFailure: code %d %s", data ? data->code : 0, data && data->message ? data->message : "");
}

int main(void) {
    char uri[64];
    pthread_t thread;
    MQTTAsync client;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    int listener = listen_anywhere(uri), before, in_time;
    pthread_create(&thread, NULL, server, (void *)(long)listener);
    MQTTAsync_create(&client, uri, "backoff", MQTTCLIENT_PERSISTENCE_NONE, NULL);
    options.automaticReconnect = 1;
    options.minRetryInterval = 1;
    options.maxRetryInterval = 16;
    options.connectTimeout = 30;
    options.MQTTVersion = MQTTVERSION_3_1_1; /* one connection an attempt */
    options.onFailure = failed;
    say("connect: %d", MQTTAsync_connect(client, &options));
    /* The pauses that lead to it: 1, 2, 4 and 8 s. The next one has 16. */
    AWAIT(attempts >= 5);
    before = attempts;
    double called = seconds();
    say("reconnect: %d", MQTTAsync_reconnect(client));
    AWAIT(attempts >= before + 2);
    /* At once, and a second later; a machine that is busy adds to it, but not as much as the 16 s that were next. */
    in_time = attempts >= before + 2 && times[before] - called < 8 && times[before + 1] - times[before] < 8;
    int first = MQTTAsync_reconnect(client), second = MQTTAsync_reconnect(client);
    say("reconnect twice: %d %d", first, second);
    pause_ms(5000);
    MQTTAsync_destroy(&client);
    return verdict(in_time);
}
