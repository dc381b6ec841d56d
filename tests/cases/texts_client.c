/*
 * Situation and right: as texts_async.c, for what a blocking call returns at once: strerror has the text.
 *
 * Original: "Failure", or nothing.
 *
 * Run by texts.py; its arguments are those of texts_async.c.
 */
#include "texts.h"
#include "MQTTClient.h"

static void call(const char *what, int rc, int code, const char *words) {
    char text[1024];
    snprintf(text, sizeof text, "%s", MQTTClient_strerror(rc));
    expect_code(what, rc, code);
    expect_text(what, text, words);
}

static MQTTClient make_named(const char *uri, const char *id, int version) {
    MQTTClient client = NULL;
    MQTTClient_createOptions options = MQTTClient_createOptions_initializer;
    options.MQTTVersion = version;
    if (MQTTClient_createWithOptions(&client, uri, id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &options))
        exit(2);
    return client;
}

static MQTTClient make(const char *uri, int version) {
    return make_named(uri, "id", version);
}

/* A client without a name, which only a clean session of 3.1.1 can have, is told so in any other connect. */
static void nameless(const char *port) {
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
    char uri[64];
    snprintf(uri, sizeof uri, "tcp://127.0.0.1:%s", port);
    MQTTClient client = make_named(uri, "", MQTTVERSION_DEFAULT);
    options.cleansession = 0;
    call("no client id, session kept", MQTTClient_connect(client, &options), -1, "client id|empty|MQTT 3.1.1|clean session");
    options.cleansession = 1;
    options.MQTTVersion = MQTTVERSION_3_1;
    call("no client id, 3.1", MQTTClient_connect(client, &options), -1, "client id|empty|MQTT 3.1");
    options.MQTTVersion = MQTTVERSION_DEFAULT;
    options.httpProxy = "http://127.0.0.1:99999";
    call("a proxy's port", MQTTClient_connect(client, &options), -1, "HTTP proxy|httpProxy|port");
    MQTTClient_destroy(&client);
}

/* A connect to the URI fails with -1 and these words. */
static void fails(const char *what, const char *uri, MQTTClient_connectOptions *options, const char *words) {
    MQTTClient client = make(uri, MQTTVERSION_3_1_1);
    call(what, MQTTClient_connect(client, options), -1, words);
    MQTTClient_destroy(&client);
}

static void connects(char **argv) {
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
    MQTTClient_SSLOptions ssl = MQTTClient_SSLOptions_initializer;
    MQTTClient_willOptions will = MQTTClient_willOptions_initializer;
    const MQTTClient_connectOptions none = options;
    const MQTTClient_SSLOptions no_ssl = ssl;
    char *const too_long = letters(65536);
    char uri[64];
    options.password = "secret";
    fails("password alone", "tcp://127.0.0.1:1", &options, "password|without|user name");
    options = none;
    options.username = too_long;
    fails("long user name", "tcp://127.0.0.1:1", &options, "user name|65,535");
    options = none;
    options.will = &will;
    will.topicName = too_long;
    will.message = "gone";
    fails("long will topic", "tcp://127.0.0.1:1", &options, "will topic|65,535");
    options = none;
    fails("nobody", "tcp://127.0.0.1:1", &options, "127.0.0.1:1|refused");
    options.httpProxy = "http://no..such.host:80";
    fails("unknown proxy", "tcp://127.0.0.1:1", &options, "HTTP proxy|no..such.host");
    options.httpProxy = "socks5://127.0.0.1:99999";
    fails("a proxy's port", "tcp://127.0.0.1:1", &options, "SOCKS proxy|port");
    options = none;
    options.ssl = &ssl;
    snprintf(uri, sizeof uri, "ssl://127.0.0.1:%s", argv[4]);
    ssl.trustStore = "/no/such/ca.pem";
    fails("missing trustStore", uri, &options, "trustStore|/no/such/ca.pem|No such file or directory");
    ssl = no_ssl;
    ssl.keyStore = argv[6];
    ssl.privateKey = "/no/such/key.pem";
    fails("missing privateKey", uri, &options, "privateKey|/no/such/key.pem|No such file or directory");
    options = none;
    snprintf(uri, sizeof uri, "mqtt://127.0.0.1:%s", argv[8]);
    fails("mqtt:// to a port for TLS", uri, &options, "looks like TLS");
    snprintf(uri, sizeof uri, "mqtt://127.0.0.1:%s", argv[5]);
    fails("mqtt:// to a port for HTTP", uri, &options, "looks like HTTP");
    free(too_long);
}

/* The code of a response, which is freed. */
static int code_of(MQTTResponse response) {
    int code = response.reasonCode;
    MQTTResponse_free(response);
    return code;
}

static void while_connected(const char *port) {
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer5;
    MQTTProperties properties = MQTTProperties_initializer;
    MQTTProperty alias = {.identifier = MQTTPROPERTY_CODE_TOPIC_ALIAS};
    char uri[64];
    snprintf(uri, sizeof uri, "tcp://127.0.0.1:%s", port);
    MQTTClient client = make(uri, MQTTVERSION_5);
    expect_code("connect", code_of(MQTTClient_connect5(client, &options, NULL, NULL)), 0);
    call("publish to a wildcard", code_of(MQTTClient_publish5(client, "a/+", 1, "x", 0, 0, NULL, NULL)), -1, "topic|wildcard");
    MQTTProperties_add(&properties, &alias);
    call("topic alias 0", code_of(MQTTClient_publish5(client, "a", 1, "x", 0, 0, &properties, NULL)), -1, "topic alias");
    call("misplaced wildcard", code_of(MQTTClient_subscribe5(client, "a/#/b", 0, NULL, NULL)), -1, "filter|wildcard");
    options.httpProxy = "http://127.0.0.1:99999";
    call("a proxy's port", code_of(MQTTClient_connect5(client, &options, NULL, NULL)), -1, "HTTP proxy|httpProxy|port");
    expect_code("the connection that there is stays", MQTTClient_isConnected(client), 1);
    call("a property that SUBSCRIBE does not have", code_of(MQTTClient_subscribe5(client, "a", 0, NULL, &properties)), -1, "topic alias");
    MQTTProperties_free(&properties);
    MQTTClient_destroy(&client);
}

int main(int argc, char **argv) {
    if (argc < 9) {
        puts("run by texts.py");
        return 2;
    }
    watchdog(200);
    connects(argv);
    nameless(argv[3]);
    while_connected(argv[3]);
    return verdict(!wrong);
}
