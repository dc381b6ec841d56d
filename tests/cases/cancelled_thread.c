/*
 * Situation: MQTTClient with the default store. A thread of the program publishes at QoS 1 in a loop; the program
 * cancels that thread with pthread_cancel and then publishes itself.
 *
 * Right: the process lives on, and the later publish returns.
 *
 * Original: all rounds exit 0
 */
#include "case.h"
#include "MQTTClient.h"

#define ROUNDS 5

static MQTTClient client;

static void *publish(void *argument) {
    for (;;) {
        MQTTClient_deliveryToken token;
        MQTTClient_publish(client, "cancel", 3, "abc", 1, 0, &token);
        pthread_testcancel();
    }
    return NULL;
}

static void one_round(const char *folder) {
    char uri[64];
    void *result;
    pthread_t thread;
    MQTTClient_deliveryToken token;
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
    start_server(uri);
    MQTTClient_create(&client, uri, "cancel", MQTTCLIENT_PERSISTENCE_DEFAULT, (void *)folder);
    MQTTClient_connect(client, &options);
    pthread_create(&thread, NULL, publish, NULL);
    pause_ms(200);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    watchdog(100);
    int rc = MQTTClient_publish(client, "cancel", 1, "x", 1, 0, &token);
    MQTTClient_destroy(&client);
    _exit(rc == MQTTCLIENT_SUCCESS ? 0 : 1);
}

int main(void) {
    int good = 0;
    for (int i = 0; i < ROUNDS; i++) {
        char folder[256];
        int status;
        new_folder(folder);
        pid_t pid = fork();
        if (pid == 0)
            one_round(folder);
        waitpid(pid, &status, 0);
        remove_folder(folder);
        good += WIFEXITED(status) && WEXITSTATUS(status) == 0;
        say("round %d: %s %d", i + 1, WIFEXITED(status) ? "exit" : "ended by signal",
            WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    }
    return verdict(good == ROUNDS);
}
