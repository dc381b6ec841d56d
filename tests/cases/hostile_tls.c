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
    double worst;
    pthread_t thread;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
    watchdog(40);
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
    if (!WAIT_FOR(hostile_connected == number, 5000))
        return 2;
    good_worst("before the flood", 5);
    pause_ms(3000); /* the flood begins two seconds after CONNACK */
    worst = good_worst("in the flood", 5);
    pthread_create(&thread, NULL, call_hostile, NULL);
    if (!WAIT_FOR(returned, 2000))
        say("hostile server's client: a call has not returned after 2 s");
    double worst_later = good_worst("after that", 5);
    _exit(verdict(worst < 1 && worst_later < 1 && returned));
}
