/*
 * Situation: one client (or the number given) is connected to a TLS 1.3 server that sends session tickets without end
 * (many small handshake messages in each record, no application data). Another client of the process talks to a quick
 * server.
 *
 * Right: the good client's round trips stay short, and MQTTAsync_isConnected and MQTTAsync_destroy of the hostile
 * server's client return. (Ending that connection is right, too.)
 *
 * Original: once the flood runs, a call on the good client does not return within 40 s (wrong, too)
 */
#include "case.h"
#include "MQTTAsync.h"
#include "good_client.h"

static atomic_int hostile_connected, returned;
static MQTTAsync hostile;

static void connected(void *context, MQTTAsync_successData *data) {
    hostile_connected++;
}

static void failed(void *context, MQTTAsync_failureData *data) {
    say("hostile server: connect onFailure: code %d %s", data->code, data->message ? data->message : "");
}

static void lost(void *context, char *cause) {
    say("hostile server: connectionLost: %s", cause ? cause : "");
}

static void *call_hostile(void *argument) {
    say("hostile server's client: isConnected %d", MQTTAsync_isConnected(hostile));
    MQTTAsync_destroy(&hostile);
    returned = 1;
    return NULL;
}

int main(int count, char **argument) {
    int number = count > 2 ? atoi(argument[2]) : 1;
    pthread_t thread;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
    watchdog(200);
    good_start();
    tls.enableServerCertAuth = 0;
    tls.verify = 0;
    options.ssl = &tls;
    options.onSuccess = connected;
    options.onFailure = failed;
    options.keepAliveInterval = 60;
    for (int i = 0; i < number; i++) {
        char id[30];
        sprintf(id, "hostile-%d", i);
        MQTTAsync_create(&hostile, argument[1], id, MQTTCLIENT_PERSISTENCE_NONE, NULL);
        MQTTAsync_setCallbacks(hostile, NULL, lost, good_arrived, NULL);
        MQTTAsync_connect(hostile, &options);
    }
    if (!AWAIT(hostile_connected == number))
        return 2;
    good_goes_on("before the flood");
    pause_ms(3000); /* the flood begins two seconds after CONNACK */
    int in_flood = good_goes_on("in the flood");
    pthread_create(&thread, NULL, call_hostile, NULL);
    /* Not for longer: there are floods that end before anybody loses patience. */
    int in_time = WAIT_FOR(returned, 8000);
    if (!in_time)
        say("hostile server's client: a call has not returned after 8 s");
    int later = good_goes_on("after that");
    _exit(verdict(in_flood && in_time && later));
}
