/*
 * Situation: some clients (two, or the number given) are connected to servers that send PUBREL without end and read
 * the answers. Another client of the process talks to a quick server.
 *
 * Right: reading has a budget: the good client's round trips stay short (10 ms; some are longer on a busy machine whose
 * processors the servers take).
 *
 * Original: 0.5 ms
 */
#include "case.h"
#include "MQTTAsync.h"
#include "good_client.h"

static atomic_int hostile_connected;

static void connected(void *context, MQTTAsync_successData *data) {
    hostile_connected++;
}

static void lost(void *context, char *cause) {
    say("hostile server: connectionLost: %s", cause ? cause : "");
}

int main(int count, char **argument) {
    int number = count > 2 ? atoi(argument[2]) : 2;
    watchdog(200);
    good_start();
    for (int i = 0; i < number; i++) {
        char id[30];
        MQTTAsync hostile;
        MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
        options.onSuccess = connected;
        options.keepAliveInterval = 60;
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
    _exit(verdict(in_flood));
}
