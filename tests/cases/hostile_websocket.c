/*
 * Situation: one client (or the number given) is connected to a WebSocket server that sends tiny frames without any
 * data and without end. Another client of the process talks to a quick server.
 *
 * Right: the good client's round trips stay short; isConnected, send and destroy of the hostile server's client
 * return. (Ending that connection is right, too.)
 *
 * Original: once the flood runs, a call on the good client does not return within 40 s, all three kinds (wrong, too)
 */
#include "case.h"
#include "MQTTAsync.h"
#include "good_client.h"

static atomic_int hostile_connected, returned;
static MQTTAsync hostile;

static void connected(void *context, MQTTAsync_successData *data) {
    hostile_connected++;
}

static void lost(void *context, char *cause) {
    say("hostile server: connectionLost: %s", cause ? cause : "");
}

static void *call_hostile(void *argument) {
    double begin = seconds();
    int is_connected = MQTTAsync_isConnected(hostile);
    say("hostile server's client: isConnected %d after %.3f s", is_connected, seconds() - begin);
    begin = seconds();
    int rc = MQTTAsync_send(hostile, "t", 1, "x", 0, 0, NULL);
    say("hostile server's client: send %d after %.3f s", rc, seconds() - begin);
    begin = seconds();
    MQTTAsync_destroy(&hostile);
    say("hostile server's client: destroy after %.3f s", seconds() - begin);
    returned = 1;
    return NULL;
}

int main(int count, char **argument) {
    int number = count > 2 ? atoi(argument[2]) : 1;
    pthread_t thread;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    watchdog(200);
    good_start();
    options.onSuccess = connected;
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
    pause_ms(2000); /* the flood begins one second after CONNACK */
    int in_flood = good_goes_on("in the flood");
    pthread_create(&thread, NULL, call_hostile, NULL);
    /* Not for longer: there are floods that end before anybody loses patience. */
    int in_time = WAIT_FOR(returned, 8000);
    if (!in_time)
        say("hostile server's client: a call has not returned after 8 s");
    int later = good_goes_on("after that");
    _exit(verdict(in_flood && in_time && later));
}
