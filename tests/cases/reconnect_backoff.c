/*
 * Situation: automaticReconnect with intervals from 1 to 16 s; the server accepts each connection and closes it at
 * once. After 18 s the program calls MQTTAsync_reconnect.
 *
 * Right: it begins the backoff anew: one attempt soon after it, the next one after a short interval again, not after
 * the long one that was reached before. Two calls in a row make one attempt.
 *
 * Original: attempts at once, 3 s and 9 s after the call (minimum 1 s)
 */
#include "case.h"
#include "MQTTAsync.h"

static double times[200];
static atomic_int attempts;

static void *server(void *argument) {
    int fd;
    double before = seconds();
    while ((fd = accept((int)(long)argument, NULL, NULL)) >= 0) {
        double at = seconds();
        close(fd);
        if (at - before < 0.2 && attempts > 0) /* 3.1.1 first, then 3.1: one attempt */
            continue;
        say("  attempt, %.2f s after the one before", at - before);
        before = times[attempts++] = at;
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
    options.connectTimeout = 3;
    options.onFailure = failed;
    say("connect: %d", MQTTAsync_connect(client, &options));
    pause_ms(18000);
    before = attempts;
    double called = seconds();
    say("reconnect: %d", MQTTAsync_reconnect(client));
    pause_ms(10000);
    in_time = attempts >= before + 2 && times[before] - called < 1 && times[before + 1] - times[before] < 5;
    say("attempts in the 10 s after it: %d", attempts - before);
    int first = MQTTAsync_reconnect(client), second = MQTTAsync_reconnect(client);
    say("reconnect twice: %d %d", first, second);
    pause_ms(5000);
    MQTTAsync_destroy(&client);
    return verdict(in_time);
}
