/*
 * Situation: MQTTAsync with the default store, cleansession = 0. A process is connected to a server that acknowledges nothing, has
 * sent a message of QoS 1 and one of QoS 2, and is killed. Then three processes with a client of another MQTT version run,
 * one after the other, on that store. First argument after the URI: the version of the first process, 3 or 5.
 *
 * Right: both messages arrive once, in the first of the three; the store is empty afterwards.
 *
 * Original: both arrive in each of the three, and the records stay (wrong, too)
 */
#include "case.h"
#include "MQTTAsync.h"

/* is_connected: of subscribing, too. */
static atomic_int is_connected, arrivals;

static void connected(void *context, MQTTAsync_successData *data) {
    is_connected = 1;
}

static void connected5(void *context, MQTTAsync_successData5 *data) {
    is_connected = 1;
}

static int arrived(void *context, char *topic, int length, MQTTAsync_message *message) {
    arrivals++;
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

/* Says CONNACK, and nothing else. */
static void *accept_and_be_silent(void *argument) {
    int fd = accept((int)(long)argument, NULL, NULL);
    unsigned char packet[130];
    if (read_small_packet(fd, packet) == 0)
        return NULL;
    /* The protocol's level follows its name. */
    if (packet[8] == 5)
        send(fd, "\x20\x03\0\0\0", 5, MSG_NOSIGNAL);
    else
        send(fd, "\x20\x02\0\0", 4, MSG_NOSIGNAL);
    while (recv(fd, packet, sizeof packet, 0) > 0)
        ;
    return NULL;
}

static void connect_to(MQTTAsync *client, const char *uri, const char *store, int version) {
    MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    MQTTAsync_connectOptions options5 = MQTTAsync_connectOptions_initializer5;
    create.MQTTVersion = version;
    int rc = MQTTAsync_createWithOptions(client, uri, "in-flight", MQTTCLIENT_PERSISTENCE_DEFAULT, (void *)store, &create);
    if (rc != MQTTASYNC_SUCCESS) {
        printf("create: %d\n", rc);
        _exit(1);
    }
    options.onSuccess = connected;
    options.cleansession = 0;
    options5.onSuccess5 = connected5;
    options5.cleanstart = 0;
    MQTTAsync_connect(*client, version == MQTTVERSION_5 ? &options5 : &options);
    AWAIT(is_connected);
}

/* Leaves two messages in flight. Its store is the one of the broker's URI. */
static int sender(const char *store, const char *folder, int version) {
    char uri[64], own[400];
    pthread_t thread;
    MQTTAsync client;
    pthread_create(&thread, NULL, accept_and_be_silent, (void *)(long)listen_anywhere(uri));
    connect_to(&client, uri, store, version);
    for (int qos = 1; qos <= 2; qos++)
        MQTTAsync_send(client, "in/flight", 1, "x", qos, 0, NULL);
    snprintf(own, sizeof own, "%s/in-flight-%s", store, strrchr(uri, '/') + 1);
    *strrchr(own, ':') = '-';
    /* Their files, which appear at leisure. */
    AWAIT(files_in(own) >= 2);
    if (rename(own, folder))
        perror("rename");
    kill(getpid(), SIGKILL);
    return 1;
}

static int nothing_pending(MQTTAsync client) {
    MQTTAsync_token *tokens = NULL;
    int rc = MQTTAsync_getPendingTokens(client, &tokens), none = rc == MQTTASYNC_SUCCESS && tokens == NULL;
    MQTTAsync_free(tokens);
    return none;
}

static int receiver(const char *uri, const char *store, int version) {
    MQTTAsync client;
    connect_to(&client, uri, store, version);
    AWAIT(nothing_pending(client));
    pause_ms(1000); /* in which something could be sent again */
    MQTTAsync_destroy(&client);
    return 0;
}

static void run_process(const char *program, const char *uri, const char *role, const char *store, const char *version) {
    pid_t pid = fork();
    if (pid == 0) {
        execl(program, program, uri, role, store, version, NULL);
        _exit(2);
    }
    waitpid(pid, NULL, 0);
}

int main(int count, char **argument) {
    const char *uri = argument[1];
    char store[256], folder[400];
    int number[3];
    MQTTAsync subscriber;
    MQTTAsync_responseOptions subscribed = MQTTAsync_responseOptions_initializer;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    if (count > 4) {
        int version = atoi(argument[4]);
        snprintf(folder, sizeof folder, "%s/in-flight-%s", argument[3], strrchr(uri, '/') + 1);
        *strrchr(folder, ':') = '-';
        return strcmp(argument[2], "sender") == 0 ? sender(argument[3], folder, version)
                                                  : receiver(uri, argument[3], version);
    }
    int from_5 = count > 2 && strcmp(argument[2], "5") == 0;
    new_folder(store);
    snprintf(folder, sizeof folder, "%s/in-flight-%s", store, strrchr(uri, '/') + 1);
    *strrchr(folder, ':') = '-';
    run_process(argument[0], uri, "sender", store, from_5 ? "5" : "4");
    say("left %d records in flight", files_in(folder));
    MQTTAsync_create(&subscriber, uri, "subscriber", MQTTCLIENT_PERSISTENCE_NONE, NULL);
    MQTTAsync_setCallbacks(subscriber, NULL, NULL, arrived, NULL);
    options.onSuccess = connected;
    MQTTAsync_connect(subscriber, &options);
    AWAIT(is_connected);
    subscribed.onSuccess = connected;
    is_connected = 0;
    MQTTAsync_subscribe(subscriber, "in/#", 2, &subscribed);
    AWAIT(is_connected);
    for (int life = 0; life < 3; life++) {
        arrivals = 0;
        run_process(argument[0], uri, "receiver", store, from_5 ? "4" : "5");
        if (life == 0)
            AWAIT(arrivals >= 2);
        else
            pause_ms(300);
        number[life] = arrivals;
        say("process %d: arrived %d; files left %d", life + 1, number[life], files_in(folder));
    }
    int right = number[0] == 2 && number[1] == 0 && number[2] == 0 && files_in(folder) <= 0;
    MQTTAsync_destroy(&subscriber);
    remove_folder(store);
    return verdict(right);
}
