/* The secrets of secrets.h with MQTTClient. */
#include "MQTTClient.h"
#define API MQTTClient
#include "secrets_roads.h"

static int session(const struct road *road) {
    MQTTClient client;
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
    MQTTClient_SSLOptions ssl = MQTTClient_SSLOptions_initializer;
    char password[LENGTH + 1], passphrase[LENGTH + 1], proxy[100] = "", secret[LENGTH + 1], header[LENGTH + 1] = "";
    int rc, token;
    spell(password, PASSWORD);
    spell(passphrase, PASSPHRASE);
    if (road->proxy_port) {
        spell(secret, PROXY);
        snprintf(proxy, sizeof proxy, "http://user:%s@127.0.0.1:%d", secret, road->proxy_port);
        options.httpProxy = proxy;
    }
    MQTTClient_nameValue headers[] = {{"Authorization", header}, {NULL, NULL}};
    if (road->header) {
        spell(header, HEADER);
        options.httpHeaders = headers;
    }
    options.username = "user";
    options.password = password;
    options.keepAliveInterval = KEEPALIVE;
    options.MQTTVersion = MQTTVERSION_3_1_1;
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
    MQTTClient_create(&client, road->uri, "secrets", MQTTCLIENT_PERSISTENCE_NONE, NULL);
    rc = MQTTClient_connect(client, &options);
    explicit_bzero(password, sizeof password);
    explicit_bzero(passphrase, sizeof passphrase);
    explicit_bzero(proxy, sizeof proxy);
    explicit_bzero(secret, sizeof secret);
    explicit_bzero(header, sizeof header);
    if (rc == MQTTCLIENT_SUCCESS) {
        MQTTClient_publish(client, "a", 1, "x", 1, 0, &token);
        MQTTClient_waitForCompletion(client, token, 5000);
        MQTTClient_disconnect(client, 1000);
    }
    MQTTClient_destroy(&client);
    return rc;
}

int main(int argc, char **argv) {
    return all_roads(argc, argv);
}
