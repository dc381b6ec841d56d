/* The secrets of secrets.h with MQTTAsync. */
#include "MQTTAsync.h"
#define API MQTTAsync
#include "secrets_roads.h"

static atomic_int ended;

static void on_success(void *context, MQTTAsync_successData *data) {
    ended = 1;
}

static void on_failure(void *context, MQTTAsync_failureData *data) {
    ended = 2;
}

static int session(const struct road *road) {
    MQTTAsync client;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    MQTTAsync_SSLOptions ssl = MQTTAsync_SSLOptions_initializer;
    MQTTAsync_disconnectOptions leave = MQTTAsync_disconnectOptions_initializer;
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
    char password[LENGTH + 1], passphrase[LENGTH + 1], proxy[100] = "", secret[LENGTH + 1], header[LENGTH + 1] = "";
    int rc;
    spell(password, PASSWORD);
    spell(passphrase, PASSPHRASE);
    if (road->proxy_port) {
        spell(secret, PROXY);
        snprintf(proxy, sizeof proxy, "http://user:%s@127.0.0.1:%d", secret, road->proxy_port);
        options.httpProxy = proxy;
    }
    MQTTAsync_nameValue headers[] = {{"Authorization", header}, {NULL, NULL}};
    if (road->header) {
        spell(header, HEADER);
        options.httpHeaders = headers;
    }
    options.username = "user";
    options.password = password;
    options.keepAliveInterval = KEEPALIVE;
    options.MQTTVersion = MQTTVERSION_3_1_1;
    options.onSuccess = on_success;
    options.onFailure = on_failure;
    ssl.keyStore = road->certificate;
    ssl.privateKey = road->key;
    ssl.privateKeyPassword = road->passphrase ? passphrase : NULL;
    ssl.trustStore = road->authority;
    if (road->psk) {
        ssl.ssl_psk_cb = give_key;
        ssl.enabledCipherSuites = "PSK";
        ssl.enableServerCertAuth = 0;
    }
    options.ssl = &ssl;
    MQTTAsync_create(&client, road->uri, "secrets", MQTTCLIENT_PERSISTENCE_NONE, NULL);
    ended = 0;
    rc = MQTTAsync_connect(client, &options);
    explicit_bzero(password, sizeof password);
    explicit_bzero(passphrase, sizeof passphrase);
    explicit_bzero(proxy, sizeof proxy);
    explicit_bzero(secret, sizeof secret);
    explicit_bzero(header, sizeof header);
    if (rc == MQTTASYNC_SUCCESS && AWAIT(ended) == 1) {
        MQTTAsync_send(client, "a", 1, "x", 1, 0, &response);
        MQTTAsync_waitForCompletion(client, response.token, PATIENCE_MS);
        ended = 0;
        leave.onSuccess = on_success;
        leave.timeout = PATIENCE_MS;
        MQTTAsync_disconnect(client, &leave);
        AWAIT(ended);
    }
    MQTTAsync_destroy(&client);
    return rc == MQTTASYNC_SUCCESS && ended == 1 ? 0 : -1;
}

int main(int argc, char **argv) {
    return all_roads(argc, argv);
}
