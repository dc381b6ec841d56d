/*
 * Situation: a synchronous client waits inside MQTTClient_receive, MQTTClient_yield and MQTTClient_waitForCompletion, and
 * nothing comes.
 *
 * Right: the waits sleep; they take next to no processor time.
 *
 * Original: sleeps in slices of up to a second
 */
#include "case.h"
#include "MQTTClient.h"

static double cpu_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

int main(int count, char **argument) {
    MQTTClient client;
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
    MQTTClient_message *message = NULL;
    MQTTClient_deliveryToken token;
    char *topic;
    int length, right;
    MQTTClient_create(&client, argument[1], "idle", MQTTCLIENT_PERSISTENCE_NONE, NULL);
    if (MQTTClient_connect(client, &options) != MQTTCLIENT_SUCCESS)
        return 2;
    /* What has just been read must not keep the next wait awake. */
    MQTTClient_subscribe(client, "idle", 1);
    MQTTClient_publish(client, "idle", 1, "x", 1, 0, &token);
    if (MQTTClient_receive(client, &topic, &length, &message, 10000) != MQTTCLIENT_SUCCESS || !message)
        return 2;
    MQTTClient_freeMessage(&message);
    MQTTClient_free(topic);
    double before = cpu_ms();
    MQTTClient_receive(client, &topic, &length, &message, 1000);
    double receive = cpu_ms() - before;
    MQTTClient_yield();
    MQTTClient_waitForCompletion(client, token, 1000);
    double all = cpu_ms() - before;
    say("receive took %.1f ms of processor time in 1,000 ms, all waits %.1f ms", receive, all);
    right = all < 50;
    MQTTClient_disconnect(client, 0);
    MQTTClient_destroy(&client);
    return verdict(right);
}
