/*
 * Situation: MQTTAsync is used wrongly, is configured wrongly, or meets the wrong server.
 *
 * Right: a mistake that can be found in the call is found there, with a code, and strerror names the field; what is found later
 * has a text that says what and where: the proxy's mistakes name the proxy, a missing file is named with "No such file or directory",
 * a server of another protocol is called one, connectionLost has a cause, a refused subscribe a message. Nothing is said twice.
 *
 * Original: 0 from most of these calls, and "TCP/TLS connect failure", NULL, or nothing.
 *
 * Run by texts.py. Arguments: the ports of a server that closes, one that breaks the protocol, an MQTT 5 server that refuses
 * subscribes, one with TLS, one for HTTP; a PEM file without a key; a file that is no PEM; the port of a TLS server that sends an alert.
 */
#include "texts.h"
#include "MQTTAsync.h"

static atomic_int ended, lost, refused;
static char message[1024], cause[1024], traced[8192];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void keep(char *out, size_t size, const char *text) {
    pthread_mutex_lock(&lock);
    snprintf(out, size, "%s", text ? text : "");
    pthread_mutex_unlock(&lock);
}

static void on_success(void *context, MQTTAsync_successData *data) {
    ended = 1;
}

static void on_success5(void *context, MQTTAsync_successData5 *data) {
    ended = 1;
}

static void on_failure(void *context, MQTTAsync_failureData *data) {
    keep(message, sizeof message, data ? data->message : NULL);
    ended = 2;
}

static void on_failure5(void *context, MQTTAsync_failureData5 *data) {
    keep(message, sizeof message, data ? data->message : NULL);
    ended = 2;
}

static void on_lost(void *context, char *why) {
    keep(cause, sizeof cause, why);
    lost = 1;
}

static int on_arrived(void *context, char *topic, int length, MQTTAsync_message *m) {
    MQTTAsync_freeMessage(&m);
    MQTTAsync_free(topic);
    return 1;
}

static void on_trace(enum MQTTASYNC_TRACE_LEVELS level, char *text) {
    pthread_mutex_lock(&lock);
    if (level == MQTTASYNC_TRACE_ERROR && strlen(traced) + strlen(text) + 2 < sizeof traced)
        strcat(strcat(traced, text), "\n");
    pthread_mutex_unlock(&lock);
}

static MQTTAsync make(const char *uri, const char *id, int version) {
    MQTTAsync client = NULL;
    MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
    options.MQTTVersion = version;
    if (MQTTAsync_createWithOptions(&client, uri, id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &options)) {
        printf("create(%s): %s\n", uri, MQTTAsync_strerror(-1));
        exit(2);
    }
    MQTTAsync_setCallbacks(client, NULL, on_lost, on_arrived, NULL);
    return client;
}

static MQTTAsync_connectOptions options_of(int version) {
    MQTTAsync_connectOptions v3 = MQTTAsync_connectOptions_initializer, v5 = MQTTAsync_connectOptions_initializer5;
    MQTTAsync_connectOptions options = version == MQTTVERSION_5 ? v5 : v3;
    options.connectTimeout = 50;
    if (version == MQTTVERSION_5) {
        options.onSuccess5 = on_success5;
        options.onFailure5 = on_failure5;
    } else {
        options.onSuccess = on_success;
        options.onFailure = on_failure;
    }
    return options;
}

/* A connect to the URI that is refused in the call. */
static void local_at(const char *uri, const char *what, const char *id, int version, MQTTAsync_connectOptions *options, int code,
                     const char *words) {
    MQTTAsync client = make(uri, id, version);
    int rc = MQTTAsync_connect(client, options);
    char text[1024];
    snprintf(text, sizeof text, "%s", MQTTAsync_strerror(rc));
    expect_code(what, rc, code);
    expect_text(what, text, words);
    MQTTAsync_destroy(&client);
}

static void local(const char *what, const char *id, int version, MQTTAsync_connectOptions *options, int code, const char *words) {
    local_at("tcp://127.0.0.1:1", what, id, version, options, code, words);
}

static void local_mistakes(void) {
    char *const too_long = letters(65536);
    MQTTAsync_connectOptions o;
    MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
    MQTTProperties properties = MQTTProperties_initializer;
    MQTTProperty property = {.identifier = MQTTPROPERTY_CODE_TOPIC_ALIAS};
    int version;
    o = options_of(MQTTVERSION_3_1_1);
    o.password = "secret";
    local("password alone", "id", 0, &o, -1, "password|without|user name");
    o.password = NULL;
    o.automaticReconnect = 1;
    o.cleansession = 0;
    local("no client id, session kept", "", MQTTVERSION_3_1_1, &o, -1, "client id|empty|MQTT 3.1.1|clean session");
    o.MQTTVersion = MQTTVERSION_3_1_1;
    local("no client id, session kept, 3.1.1", "", MQTTVERSION_3_1_1, &o, -1, "client id|empty|MQTT 3.1.1|clean session");
    o.cleansession = 1;
    o.MQTTVersion = MQTTVERSION_3_1;
    local("no client id, 3.1", "", MQTTVERSION_3_1_1, &o, -1, "client id|empty|MQTT 3.1");
    for (version = MQTTVERSION_3_1_1; version <= MQTTVERSION_5; version++) {
        o = options_of(version);
        local("long client id", too_long, version, &o, -1, "client id|65,535");
        o.username = too_long;
        local("long user name", "id", version, &o, -1, "user name|65,535");
        o.username = "user";
        o.password = too_long;
        local("long password", "id", version, &o, -1, "password|65,535");
        o.password = NULL;
        o.will = &will;
        will.topicName = "a/#";
        will.message = "gone";
        local("wildcard in the will's topic", "id", version, &o, -1, "will topic|wildcard");
        will.topicName = too_long;
        local("long will topic", "id", version, &o, -1, "will topic|65,535");
        will.topicName = "will";
        will.message = too_long;
        local("long will", "id", version, &o, -1, "will|65,535");
        will.message = NULL;
    }
    property.value.integer2 = 1;
    MQTTProperties_add(&properties, &property);
    o = options_of(MQTTVERSION_5);
    o.connectProperties = &properties;
    local("a property that CONNECT does not have", "id", MQTTVERSION_5, &o, -1, "propert|topic alias");
    MQTTProperties_free(&properties);
    free(too_long);
}

/* A connect that fails later. */
static void fails(const char *what, const char *uri, MQTTAsync_connectOptions *options, const char *words) {
    MQTTAsync client = make(uri, "id", MQTTVERSION_3_1_1);
    message[0] = 0;
    ended = 0;
    expect_code(what, MQTTAsync_connect(client, options), 0);
    AWAIT(ended);
    expect_code(what, ended, 2);
    expect_text(what, message, words);
    MQTTAsync_destroy(&client);
}

static void through(const char *proxy, const char *words) {
    MQTTAsync_connectOptions options = options_of(MQTTVERSION_3_1_1);
    options.httpProxy = proxy;
    fails(proxy, "tcp://127.0.0.1:1", &options, words);
}

/* A proxy that nothing can be asked of: told by the call. */
static void not_through(const char *uri, const char *proxy, const char *words) {
    MQTTAsync_connectOptions options = options_of(MQTTVERSION_3_1_1);
    MQTTAsync_SSLOptions ssl = MQTTAsync_SSLOptions_initializer;
    options.automaticReconnect = 1;
    options.ssl = &ssl;
    options.httpProxy = options.httpsProxy = proxy;
    local_at(uri, proxy, "id", MQTTVERSION_3_1_1, &options, -1, words);
}

static void bad_proxies(void) {
    char *const long_name = letters(256);
    char login[600];
    not_through("tcp://127.0.0.1:1", "http://127.0.0.1:99999", "HTTP proxy|httpProxy|port");
    not_through("ssl://127.0.0.1:1", "http://127.0.0.1:x", "HTTP proxy|httpsProxy|port");
    not_through("wss://127.0.0.1:1", "socks5://127.0.0.1:0", "SOCKS proxy|httpsProxy|port");
    not_through("tcp://127.0.0.1:1", "socks4://127.0.0.1:1", "HTTP proxy|httpProxy|unknown scheme");
    not_through("ws://127.0.0.1:1", "http://127.0.0.1\r\nX: y", "HTTP proxy|httpProxy|control character");
    not_through("tcp://127.0.0.1:1", "http://u%0a:p@127.0.0.1:1", "HTTP proxy|httpProxy|control character");
    not_through("tcp://127.0.0.1:1", "http://:1", "HTTP proxy|httpProxy|no host");
    not_through("tcp://a name:1", "http://127.0.0.1:1", "HTTP proxy|server's name|space");
    snprintf(login, sizeof login, "socks5://%s:p@127.0.0.1:1", long_name);
    not_through("tcp://127.0.0.1:1", login, "SOCKS proxy|user name|255");
    snprintf(login, sizeof login, "tcp://%s:1", long_name);
    not_through(login, "socks5h://127.0.0.1:1", "SOCKS proxy|server's name|255");
    free(long_name);
    /* Where the program names none, the environment's. */
    setenv("PAHO_C_CLIENT_USE_HTTP_PROXY", "TRUE", 1);
    setenv("http_proxy", "http://127.0.0.1:99999", 1);
    setenv("https_proxy", "socks4://127.0.0.1:1", 1);
    not_through("tcp://127.0.0.1:1", NULL, "HTTP proxy|http_proxy|port");
    not_through("ssl://127.0.0.1:1", NULL, "HTTP proxy|https_proxy|unknown scheme");
    unsetenv("http_proxy");
    unsetenv("https_proxy");
    setenv("all_proxy", "http://:1", 1);
    not_through("ws://127.0.0.1:1", NULL, "HTTP proxy|all_proxy|no host");
    unsetenv("all_proxy");
    unsetenv("PAHO_C_CLIENT_USE_HTTP_PROXY");
}

/* The server's URI and what goes with it. */
static void bad_addresses(void) {
    char *const long_path = letters(200);
    char uri[300];
    MQTTAsync_connectOptions options = options_of(MQTTVERSION_3_1_1);
    MQTTAsync_SSLOptions ssl = MQTTAsync_SSLOptions_initializer;
    MQTTAsync_nameValue headers[] = {{"X-One", "1\r\nX-Two: 2"}, {NULL, NULL}};
    char *bad_list[] = {"tcp://127.0.0.1:x", "x://127.0.0.1:1"}, *good_list[] = {"tcp://127.0.0.1:x", "tcp://127.0.0.1:1"};
    char *tls_list[] = {"ssl://127.0.0.1:1"};
    const MQTTAsync_connectOptions none = options;
    const MQTTAsync_SSLOptions no_ssl = ssl;
    options.automaticReconnect = 1;
    local_at("tcp://127.0.0.1:99999", "a server's port", "id", MQTTVERSION_3_1_1, &options, -1, "server URI|port");
    local_at("tcp://:1883", "a server without a name", "id", MQTTVERSION_3_1_1, &options, -1, "server URI|no host");
    local_at("tcp://user:" SECRET "@127.0.0.1:1", "a password in the URI", "id", MQTTVERSION_3_1_1, &options, -1, "server URI|user name");
    snprintf(uri, sizeof uri, "unix:///tmp/%s", long_path);
    local_at(uri, "a long path", "id", MQTTVERSION_3_1_1, &options, -1, "path");
    options.serverURIs = bad_list;
    options.serverURIcount = 2;
    local("a list of nothing", "id", MQTTVERSION_3_1_1, &options, -1, "server URI|port");
    options.serverURIs = tls_list;
    options.serverURIcount = 1;
    local("a list for TLS without ssl", "id", MQTTVERSION_3_1_1, &options, -6, "TLS options");
    options = none;
    options.serverURIs = good_list;
    options.serverURIcount = 2;
    fails("a list with one good URI", "tcp://127.0.0.1:1", &options, "127.0.0.1:1|refused");
    options = none;
    options.httpHeaders = headers;
    local_at("ws://127.0.0.1:1", "a header of two lines", "id", MQTTVERSION_3_1_1, &options, -1, "WebSocket|header|line break");
    options = none;
    options.ssl = &ssl;
    ssl.enabledCipherSuites = "RUBBISH";
    local_at("ssl://127.0.0.1:1", "unknown cipher suites", "id", MQTTVERSION_3_1_1, &options, -1, "enabledCipherSuites|RUBBISH");
    ssl = no_ssl;
    ssl.protos = (const unsigned char *)"\xff\x01";
    ssl.protos_len = 2;
    local_at("ssl://127.0.0.1:1", "wrong protos", "id", MQTTVERSION_3_1_1, &options, -1, "protos|lengths");
    ssl = no_ssl;
    ssl.trustStore = "-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n";
    local_at("wss://127.0.0.1:1", "a trustStore that is no certificate", "id", MQTTVERSION_3_1_1, &options, -1, "trustStore");
    ssl = no_ssl;
    ssl.keyStore = "-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n";
    local_at("ssl://127.0.0.1:1", "a keyStore that is no certificate", "id", MQTTVERSION_3_1_1, &options, -1, "keyStore");
    free(long_path);
}

static void proxies(const char *http_port) {
    char proxy[64];
    through("http://127.0.0.1:1", "HTTP proxy|refused|127.0.0.1");
    through("http://no..such.host:80", "HTTP proxy|no..such.host");
    through("socks5://127.0.0.1:1", "SOCKS proxy|refused");
    through("socks5://no..such.host:80", "SOCKS proxy|no..such.host");
    snprintf(proxy, sizeof proxy, "socks5://127.0.0.1:%s", http_port);
    through(proxy, "SOCKS proxy");
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%s", http_port);
    through(proxy, "HTTP proxy|400");
}

static void material(const char *port, const char *without_key, const char *no_pem) {
    char uri[64];
    MQTTAsync_connectOptions options = options_of(MQTTVERSION_3_1_1);
    MQTTAsync_SSLOptions ssl = MQTTAsync_SSLOptions_initializer;
    const MQTTAsync_SSLOptions none = ssl;
    snprintf(uri, sizeof uri, "ssl://127.0.0.1:%s", port);
    options.ssl = &ssl;
    ssl.trustStore = "/no/such/ca.pem";
    fails("missing trustStore", uri, &options, "trustStore|/no/such/ca.pem|No such file or directory");
    ssl = none;
    ssl.keyStore = "/no/such/cert.pem";
    fails("missing keyStore", uri, &options, "keyStore|/no/such/cert.pem|No such file or directory");
    ssl = none;
    ssl.keyStore = without_key;
    ssl.privateKey = "/no/such/key.pem";
    fails("missing privateKey", uri, &options, "privateKey|/no/such/key.pem|No such file or directory");
    ssl = none;
    ssl.keyStore = without_key;
    ssl.privateKey = no_pem;
    fails("privateKey that is no PEM", uri, &options, no_pem);
    ssl = none;
    ssl.trustStore = no_pem;
    fails("trustStore that is no PEM", uri, &options, no_pem);
    ssl = none;
    fails("nobody's certificate", uri, &options, "TLS|certificate");
}

static void other_servers(const char *tls, const char *http, char **others) {
    const char *const alerting = others[0];
    char uri[64];
    MQTTAsync_connectOptions options = options_of(MQTTVERSION_3_1_1);
    MQTTAsync_SSLOptions ssl = MQTTAsync_SSLOptions_initializer;
    options.ssl = &ssl;
    snprintf(uri, sizeof uri, "mqtt://127.0.0.1:%s", tls);
    fails("mqtt:// to a port for TLS", uri, &options, "a port for TLS");
    snprintf(uri, sizeof uri, "mqtt://127.0.0.1:%s", alerting);
    fails("mqtt:// to a port for TLS that says so", uri, &options, "looks like TLS");
    snprintf(uri, sizeof uri, "mqtt://127.0.0.1:%s", http);
    fails("mqtt:// to a port for HTTP", uri, &options, "looks like HTTP");
    snprintf(uri, sizeof uri, "ws://127.0.0.1:%s", alerting);
    fails("ws:// to a port for TLS", uri, &options, "looks like TLS");
    snprintf(uri, sizeof uri, "ws://127.0.0.1:%s", others[1]);
    fails("ws:// to a port that resets", uri, &options, "reset|a port for MQTT without WebSocket|for TLS");
    snprintf(uri, sizeof uri, "ws://127.0.0.1:%s", others[2]);
    fails("ws:// to a port that closes", uri, &options, "a port for MQTT without WebSocket|for TLS");
    snprintf(uri, sizeof uri, "ssl://127.0.0.1:%s", http);
    fails("ssl:// to a port for HTTP", uri, &options, "TLS");
    fails("nobody", "tcp://127.0.0.1:1", &options, "127.0.0.1:1|refused");
    fails("a name that nobody has", "tcp://no..such.host:1", &options, "no..such.host");
}

static MQTTAsync connected(const char *port, int version) {
    char uri[64];
    MQTTAsync_connectOptions options = options_of(version);
    snprintf(uri, sizeof uri, "tcp://127.0.0.1:%s", port);
    MQTTAsync client = make(uri, "id", version);
    ended = lost = 0;
    message[0] = cause[0] = 0;
    MQTTAsync_connect(client, &options);
    AWAIT(ended);
    expect_code("connect", ended, 1);
    return client;
}

/* A call that is refused at once. */
static void call(const char *what, int rc, int code, const char *words) {
    char text[1024];
    snprintf(text, sizeof text, "%s", MQTTAsync_strerror(rc));
    expect_code(what, rc, code);
    expect_text(what, text, words);
}

static void while_connected(const char *port) {
    MQTTAsync client = connected(port, MQTTVERSION_5);
    MQTTAsync_responseOptions r = MQTTAsync_responseOptions_initializer;
    char *const too_long = letters(65536);
    MQTTProperty alias = {.identifier = MQTTPROPERTY_CODE_TOPIC_ALIAS}, maximum = {.identifier = MQTTPROPERTY_CODE_RECEIVE_MAXIMUM};
    call("publish to a wildcard", MQTTAsync_send(client, "a/+", 1, "x", 0, 0, &r), -1, "topic|wildcard");
    call("publish to a long topic", MQTTAsync_send(client, too_long, 1, "x", 0, 0, &r), -1, "topic|65,535");
    call("publish to no topic", MQTTAsync_send(client, "", 1, "x", 0, 0, &r), -1, "topic|empty");
    call("publish with QoS 3", MQTTAsync_send(client, "a", 1, "x", 3, 0, &r), -9, "quality of service");
    MQTTProperties_add(&r.properties, &alias);
    call("topic alias 0", MQTTAsync_send(client, "a", 1, "x", 0, 0, &r), -1, "topic alias");
    MQTTProperties_free(&r.properties);
    alias.value.integer2 = 9;
    MQTTProperties_add(&r.properties, &alias);
    call("topic alias beyond the server's", MQTTAsync_send(client, "a", 1, "x", 0, 0, &r), 0x94, "topic alias");
    MQTTProperties_free(&r.properties);
    MQTTProperties_add(&r.properties, &maximum);
    call("a property that PUBLISH does not have", MQTTAsync_send(client, "a", 1, "x", 0, 0, &r), -1, "propert|receive maximum");
    MQTTProperties_free(&r.properties);
    call("misplaced wildcard", MQTTAsync_subscribe(client, "a/#/b", 0, &r), -1, "filter|wildcard");
    call("empty filter", MQTTAsync_subscribe(client, "", 0, &r), -1, "filter|empty");
    call("long filter", MQTTAsync_subscribe(client, too_long, 0, &r), -1, "filter|65,535");
    call("empty filter to unsubscribe", MQTTAsync_unsubscribe(client, "", &r), -1, "filter|empty");
    call("bad UTF-8", MQTTAsync_subscribe(client, "\xff", 0, &r), -5, "UTF-8");
    r.onSuccess5 = on_success5;
    r.onFailure5 = on_failure5;
    ended = 0;
    expect_code("subscribe", MQTTAsync_subscribe(client, "refused", 1, &r), 0);
    AWAIT(ended);
    expect_code("subscribe", ended, 2);
    expect_text("refused subscribe", message, "Not authorized");
    MQTTAsync_destroy(&client);
    free(too_long);
}

static void losses(const char *closes, const char *breaks) {
    MQTTAsync client = connected(closes, MQTTVERSION_3_1_1);
    AWAIT(lost);
    expect_text("the server closes", cause, "the server|closed");
    MQTTAsync_destroy(&client);
    client = connected(breaks, MQTTVERSION_3_1_1);
    AWAIT(lost);
    expect_text("the server breaks the protocol", cause, "PUBLISH");
    MQTTAsync_destroy(&client);
}

/* Three mistakes, one after the other: a password without a user name, a user name that is no text, a length that is none. */
static int spoil(void *context, MQTTAsync_connectData *data) {
    data->username = NULL;
    if (refused) {
        data->username = MQTTAsync_malloc(2);
        strcpy((char *)data->username, refused == 1 ? "\xff" : "u");
    }
    data->binarypwd.data = MQTTAsync_malloc(6);
    memcpy((void *)data->binarypwd.data, "secret", 6);
    data->binarypwd.len = refused >= 2 ? -1 : 6;
    refused++;
    return 1;
}

/* The options that the program gives for a reconnect are worse than those that it had. */
static void updated_options(const char *closes) {
    MQTTAsync_connectOptions options = options_of(MQTTVERSION_3_1_1);
    static const char *const wrong_with[] = {"password|user name", "username|UTF-8", "binarypwd.len"};
    char uri[64], text[8192];
    snprintf(uri, sizeof uri, "tcp://127.0.0.1:%s", closes);
    MQTTAsync client = make(uri, "id", MQTTVERSION_3_1_1);
    options.automaticReconnect = 1;
    options.minRetryInterval = options.maxRetryInterval = 1;
    MQTTAsync_setUpdateConnectOptions(client, NULL, spoil);
    keep(traced, sizeof traced, "");
    ended = lost = 0;
    MQTTAsync_connect(client, &options);
    AWAIT(lost);
    /* Each further loss means that a reconnect has succeeded: with the old options. */
    for (int i = 0; i < 3 && lost; i++) {
        lost = 0;
        AWAIT(lost);
    }
    expect_code("options of before are used", lost && refused >= 3, 1);
    keep(text, sizeof text, traced);
    char *line, *rest = text;
    for (int i = 0; i < 3; i++) {
        do
            line = strsep(&rest, "\n");
        while (line && !strstr(line, "updateConnectOptions"));
        expect_text("updateConnectOptions", line, wrong_with[i]);
    }
    MQTTAsync_destroy(&client);
}

int main(int argc, char **argv) {
    if (argc < 9) {
        puts("run by texts.py");
        return 2;
    }
    watchdog(200);
    MQTTAsync_setTraceCallback(on_trace);
    MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_ERROR);
    local_mistakes();
    bad_proxies();
    bad_addresses();
    proxies(argv[5]);
    material(argv[4], argv[6], argv[7]);
    other_servers(argv[4], argv[5], argv + 8);
    while_connected(argv[3]);
    losses(argv[1], argv[2]);
    updated_options(argv[1]);
    return verdict(!wrong);
}
