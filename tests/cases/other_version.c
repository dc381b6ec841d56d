/*
 * Situation: MQTTAsync with the default store, cleansession = 0. A MQTT 5 process leaves six unsent messages (QoS 0,
 * 1, 2, 0, 1, 2) in the store and is killed. Then three MQTT 3.1.1 processes with the same client id run, one after
 * the other, each for two seconds.
 *
 * Right: each message arrives once, in the first of the three; the store is empty afterwards.
 *
 * Original: six arrive, in each of the three, QoS 2 too; six files stay (wrong, too)
 */
#include "case.h"
#include "MQTTAsync.h"

#define TOPIC "other/version"

/* is_connected: of subscribing, too. */
static atomic_int is_connected, arrivals;
static char sequence[400];

static void connected(void *context, MQTTAsync_successData *data) {
    is_connected = 1;
}

static int arrived(void *context, char *topic, int length, MQTTAsync_message *message) {
    size_t used = strlen(sequence);
    snprintf(sequence + used, sizeof sequence - used, " %.*s/%d", message->payloadlen, (char *)message->payload,
             message->qos);
    arrivals++;
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static int nothing_pending(MQTTAsync client) {
    MQTTAsync_token *tokens = NULL;
    int rc = MQTTAsync_getPendingTokens(client, &tokens), none = rc == MQTTASYNC_SUCCESS && tokens == NULL;
    MQTTAsync_free(tokens);
    return none;
}

/* One process of the client: MQTT 5 writes and is killed, MQTT 3.1.1 connects. */
static int client_process(const char *uri, const char *store, int version) {
    MQTTAsync client;
    MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    create.sendWhileDisconnected = 1;
    create.allowDisconnectedSendAtAnyTime = 1;
    create.MQTTVersion = version;
    int rc = MQTTAsync_createWithOptions(&client, uri, "other-version", MQTTCLIENT_PERSISTENCE_DEFAULT, (void *)store,
                                         &create);
    if (rc != MQTTASYNC_SUCCESS) {
        printf("create: %d\n", rc);
        return 1;
    }
    if (version == MQTTVERSION_5) {
        for (int i = 0; i < 6; i++) {
            char payload = (char)('0' + i);
            MQTTAsync_send(client, TOPIC, 1, &payload, i % 3, 0, NULL);
        }
        kill(getpid(), SIGKILL);
    }
    options.cleansession = 0;
    options.MQTTVersion = version;
    options.onSuccess = connected;
    MQTTAsync_connect(client, &options);
    AWAIT(is_connected);
    AWAIT(nothing_pending(client));
    pause_ms(1000); /* in which something could be sent again */
    MQTTAsync_destroy(&client);
    return 0;
}

static void run_process(const char *program, const char *uri, const char *store, const char *version) {
    pid_t pid = fork();
    if (pid == 0) {
        execl(program, program, uri, store, version, NULL);
        _exit(2);
    }
    waitpid(pid, NULL, 0);
}

int main(int count, char **argument) {
    const char *uri = argument[1];
    char store[256], client_folder[400];
    int number[3];
    MQTTAsync subscriber;
    MQTTAsync_responseOptions subscribed = MQTTAsync_responseOptions_initializer;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    if (count > 3)
        return client_process(uri, argument[2], atoi(argument[3]));
    new_folder(store);
    snprintf(client_folder, sizeof client_folder, "%s/other-version-%s", store, strrchr(uri, '/') + 1);
    *strrchr(client_folder, ':') = '-';
    run_process(argument[0], uri, store, "5");
    say("the MQTT 5 process left %d files", files_in(client_folder));
    MQTTAsync_create(&subscriber, uri, "subscriber", MQTTCLIENT_PERSISTENCE_NONE, NULL);
    MQTTAsync_setCallbacks(subscriber, NULL, NULL, arrived, NULL);
    options.onSuccess = connected;
    MQTTAsync_connect(subscriber, &options);
    AWAIT(is_connected);
    subscribed.onSuccess = connected;
    is_connected = 0;
    MQTTAsync_subscribe(subscriber, "other/#", 2, &subscribed);
    AWAIT(is_connected);
    for (int life = 0; life < 3; life++) {
        arrivals = 0;
        sequence[0] = 0;
        run_process(argument[0], uri, store, "4");
        if (life == 0)
            AWAIT(arrivals >= 6);
        else
            pause_ms(200);
        number[life] = arrivals;
        say("MQTT 3.1.1 process %d: arrived %d:%s; files left %d", life + 1, number[life], sequence,
            files_in(client_folder));
    }
    int right = number[0] == 6 && number[1] == 0 && number[2] == 0 && files_in(client_folder) <= 0;
    MQTTAsync_destroy(&subscriber);
    remove_folder(store);
    return verdict(right);
}
