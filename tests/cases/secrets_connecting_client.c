/* secrets_connecting.h with MQTTClient, whose connect waits on a thread of the program's. */
#include "MQTTClient.h"
#define API MQTTClient
#include "secrets_connecting.h"

static MQTTClient client;
static struct road asked;
static pthread_t thread;
static char password[LENGTH + 1], passphrase[LENGTH + 1], proxy[100];

static void *connect_client(void *argument) {
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
    MQTTClient_SSLOptions ssl = MQTTClient_SSLOptions_initializer;
    if (asked.proxy_port)
        options.httpProxy = proxy;
    options.username = "user";
    options.password = password;
    options.keepAliveInterval = KEEPALIVE;
    options.MQTTVersion = MQTTVERSION_3_1_1;
    ssl.keyStore = asked.certificate;
    ssl.privateKey = asked.key;
    ssl.privateKeyPassword = asked.passphrase ? passphrase : NULL;
    ssl.trustStore = asked.authority;
    options.ssl = &ssl;
    MQTTClient_connect(client, &options);
    return NULL;
}

static void begin(const struct road *road) {
    char secret[LENGTH + 1];
    asked = *road;
    spell(password, PASSWORD);
    spell(passphrase, PASSPHRASE);
    spell(secret, PROXY);
    snprintf(proxy, sizeof proxy, "http://user:%s@127.0.0.1:%d", secret, road->proxy_port);
    explicit_bzero(secret, sizeof secret);
    MQTTClient_create(&client, road->uri, "secrets", MQTTCLIENT_PERSISTENCE_NONE, NULL);
    pthread_create(&thread, NULL, connect_client, NULL);
}

/* The call has read its options by now: it is in the middle of the attempt. */
static void end(void) {
    explicit_bzero(password, sizeof password);
    explicit_bzero(passphrase, sizeof passphrase);
    explicit_bzero(proxy, sizeof proxy);
    MQTTClient_destroy(&client);
}

static void joined(void) {
    pthread_join(thread, NULL);
}

int main(int argc, char **argv) {
    return verdict(all_stages(argc, argv, 1, 1));
}
