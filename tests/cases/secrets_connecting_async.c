/* secrets_connecting.h with MQTTAsync, and the automatic reconnect. */
#include "MQTTAsync.h"
#define API MQTTAsync
#include "secrets_connecting.h"

static MQTTAsync client;
static atomic_int lost;

static void on_lost(void *context, char *cause) {
    lost = 1;
}

static int on_message(void *context, char *topic, int length, MQTTAsync_message *message) {
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static void connect_client(const struct road *road, int reconnects) {
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    MQTTAsync_SSLOptions ssl = MQTTAsync_SSLOptions_initializer;
    char password[LENGTH + 1], passphrase[LENGTH + 1], proxy[100] = "", secret[LENGTH + 1] = "";
    int rc;
    spell(password, PASSWORD);
    spell(passphrase, PASSPHRASE);
    if (road->proxy_port) {
        spell(secret, PROXY);
        snprintf(proxy, sizeof proxy, "http://user:%s@127.0.0.1:%d", secret, road->proxy_port);
        options.httpProxy = proxy;
    }
    options.username = "user";
    options.password = password;
    options.keepAliveInterval = KEEPALIVE;
    options.MQTTVersion = MQTTVERSION_3_1_1;
    options.automaticReconnect = reconnects;
    options.minRetryInterval = 1;
    ssl.keyStore = road->certificate;
    ssl.privateKey = road->key;
    ssl.privateKeyPassword = road->passphrase ? passphrase : NULL;
    ssl.trustStore = road->authority;
    options.ssl = &ssl;
    lost = 0;
    MQTTAsync_create(&client, road->uri, "secrets", MQTTCLIENT_PERSISTENCE_NONE, NULL);
    MQTTAsync_setCallbacks(client, NULL, on_lost, on_message, NULL);
    rc = MQTTAsync_connect(client, &options);
    explicit_bzero(password, sizeof password);
    explicit_bzero(passphrase, sizeof passphrase);
    explicit_bzero(proxy, sizeof proxy);
    explicit_bzero(secret, sizeof secret);
    if (rc != MQTTASYNC_SUCCESS)
        say("connect gave %d", rc);
}

static void begin(const struct road *road) {
    connect_client(road, 0);
}

static void end(void) {
    MQTTAsync_destroy(&client);
}

static void joined(void) {
}

/* Between two attempts of the automatic reconnect, and, if it is to come so far, in the middle of one. */
static int during_reconnect(int attempt) {
    char uri[64];
    const struct road road = {.uri = uri};
    int listener = listen_anywhere(uri), peer, right;
    connect_client(&road, 1);
    peer = accept_and_read(listener);
    send(peer, "\x20\x02\0\0", 4, MSG_NOSIGNAL);
    close(peer);
    if (!AWAIT(lost))
        say("the connection was not lost");
    peer = attempt ? accept_and_read(listener) : -1;
    right = destroyed(attempt ? "reconnecting" : "between attempts to reconnect");
    if (peer >= 0)
        close(peer);
    close(listener);
    return right;
}

int main(int argc, char **argv) {
    int right = all_stages(argc, argv, 1, 1);
    right &= during_reconnect(0);
    right &= during_reconnect(1);
    return verdict(right);
}
