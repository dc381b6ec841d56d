/*
 * Situation: MQTTAsync with automaticReconnect, intervals of 1 s. The connect options have onFailure, with or without
 * onSuccess. The server goes away, its port refuses connections.
 *
 * Right: with onFailure alone it runs once, when the first automatic attempt has failed; with onSuccess too it does
 * not run again, for onSuccess has ended the connect.
 *
 * Original: onFailure alone: once, code -1; with onSuccess: not at all
 */
#include "case.h"
#include "MQTTAsync.h"

static atomic_int failures, successes, connects;

static void succeeded(void *context, MQTTAsync_successData *data) {
    successes++;
}

static void failed(void *context, MQTTAsync_failureData *data) {
    failures++;
    say("connect onFailure: code %d %s", data ? data->code : 0, data && data->message ? data->message : "");
}

static void connected(void *context, char *cause) {
    connects++;
}

int main(int count, char **argument) {
    char uri[64];
    unsigned char packet[130];
    MQTTAsync client;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    int listener = listen_anywhere(uri), fd, with_success = count > 1;
    options.automaticReconnect = 1;
    options.minRetryInterval = 1;
    options.maxRetryInterval = 1;
    options.onFailure = failed;
    if (with_success)
        options.onSuccess = succeeded;
    MQTTAsync_create(&client, uri, "on-failure", MQTTCLIENT_PERSISTENCE_NONE, NULL);
    MQTTAsync_setConnected(client, NULL, connected);
    MQTTAsync_connect(client, &options);
    fd = accept(listener, NULL, NULL);
    read_small_packet(fd, packet);
    send(fd, "\x20\x02\0\0", 4, MSG_NOSIGNAL);
    AWAIT(connects);
    say("connected; the server goes away");
    close(listener);
    close(fd);
    if (!with_success)
        AWAIT(failures);
    /* Some attempts more, about which nothing is to be said. */
    pause_ms(6000);
    say("onFailure %d, onSuccess %d, connected %d", failures, successes, connects);
    MQTTAsync_destroy(&client);
    return verdict(failures == (with_success ? 0 : 1));
}
