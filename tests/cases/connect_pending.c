/*
 * Situation: a server accepts the TCP connection and sends no CONNACK. While MQTTAsync_connect is under way, the
 * program calls
 *   destroy      MQTTAsync_destroy, 0, 250 and 500 ms after the connect (its callbacks' data may be freed after it),
 *   disconnect   MQTTAsync_disconnect with automaticReconnect on; the server would answer the second connection.
 *
 * Right: destroy runs no callback. disconnect returns MQTTASYNC_DISCONNECTED (-3), and after it no further attempt
 * reaches the server.
 *
 * Original: no callback in destroy; disconnect -3, then one onFailure, one connection in all
 */
#include "case.h"
#include "MQTTAsync.h"

static atomic_int failures, connections;

static void failed(void *context, MQTTAsync_failureData *data) {
    failures++;
    say("  connect onFailure: code %d %s", data ? data->code : 0, data && data->message ? data->message : "");
}

static void disconnected(void *context, MQTTAsync_successData *data) {
    say("  disconnect onSuccess");
}

static void not_disconnected(void *context, MQTTAsync_failureData *data) {
    say("  disconnect onFailure: code %d", data ? data->code : 0);
}

/* Silent on the first connection, polite on the later ones. */
static void *server(void *argument) {
    int listener = (int)(long)argument, fd;
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        unsigned char packet[130];
        say("  server: connection %d", ++connections);
        if (connections > 1 && read_small_packet(fd, packet))
            send(fd, "\x20\x02\0\0", 4, MSG_NOSIGNAL);
    }
    return NULL;
}

static int test_destroy(const char *uri) {
    for (int ms = 0; ms <= 500; ms += 250) {
        MQTTAsync client;
        MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
        options.onFailure = failed;
        MQTTAsync_create(&client, uri, "pending", MQTTCLIENT_PERSISTENCE_NONE, NULL);
        MQTTAsync_connect(client, &options);
        pause_ms(ms);
        say("destroy %d ms after connect", ms);
        MQTTAsync_destroy(&client);
        say("destroyed");
        pause_ms(300);
    }
    return failures == 0;
}

static int test_disconnect(const char *uri) {
    int rc, is_connected;
    pthread_t thread;
    MQTTAsync client;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    MQTTAsync_disconnectOptions end = MQTTAsync_disconnectOptions_initializer;
    options.connectTimeout = 3;
    options.automaticReconnect = 1;
    options.minRetryInterval = 1;
    options.maxRetryInterval = 2;
    options.MQTTVersion = MQTTVERSION_3_1_1;
    options.onFailure = failed;
    end.onSuccess = disconnected;
    end.onFailure = not_disconnected;
    int listener = listen_anywhere((char *)uri);
    pthread_create(&thread, NULL, server, (void *)(long)listener);
    MQTTAsync_create(&client, uri, "pending", MQTTCLIENT_PERSISTENCE_NONE, NULL);
    say("connect: %d", MQTTAsync_connect(client, &options));
    AWAIT(connections == 1);
    rc = MQTTAsync_disconnect(client, &end);
    say("disconnect: %d", rc);
    pause_ms(10000);
    is_connected = MQTTAsync_isConnected(client);
    say("the server saw %d connections, isConnected %d", connections, is_connected);
    MQTTAsync_destroy(&client);
    return rc == MQTTASYNC_DISCONNECTED && connections == 1 && !is_connected;
}

int main(int count, char **argument) {
    char uri[64] = "";
    if (count > 1 && strcmp(argument[1], "disconnect") == 0)
        return verdict(test_disconnect(uri));
    listen_anywhere(uri);
    return verdict(test_destroy(uri));
}
