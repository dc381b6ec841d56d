/*
 * Situation: a call is refused, and the program asks why.
 *
 * Right: MQTTOxide_lastError tells of the client that a call was refused, with what code, and in words that name the parameter or the
 * member at fault; with NULL it tells the same of the calling thread, where there is no client too; strerror goes on with the same words.
 * What comes of other threads, and calls that are well, do not change what a thread is told.
 *
 * Original: has no such function.
 *
 * The program that includes this defines API, its header's prefix; PUBLISH and PUBLISH_MESSAGE, the functions; NO_OPTIONS, what stands for
 * no options at the end of a call that may have some; TRACE_ALL, the level of all traces; and the codes in which the APIs differ.
 */
#ifndef LAST_ERROR_H
#define LAST_ERROR_H

#include "paho_oxide.h"
#include "texts.h"

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define CALL(name) JOIN(API, name)

#define BAD_TEXT "\xff\xfe"

static char words_of[2048];

/* What a handle, or NULL, says; its text is in words_of. */
static struct MQTTOxide_error ask(void *handle) {
    struct MQTTOxide_error error = {0};
    int32_t rc;
    error.size = sizeof error;
    error.text = words_of;
    error.text_capacity = sizeof words_of - 1;
    rc = MQTTOxide_lastError(handle, &error);
    if (rc) {
        printf("WRONG  lastError(%s): %d\n", handle ? "client" : "NULL", rc);
        wrong++;
    }
    words_of[rc ? 0 : error.text_len] = 0;
    return error;
}

static uint64_t seen_of_thread, seen_of_client;

/* A call was refused, for that client, or with NULL for none; it has to do with that step of connecting. */
static void refused_at(unsigned stage, void *client, const char *what, int rc, int code, const char *words) {
    struct MQTTOxide_error error;
    char text[sizeof words_of], whole[4096];
    expect_code(what, rc, code);
    error = ask(NULL);
    snprintf(text, sizeof text, "%s", words_of);
    expect_text(what, text, words);
    if (error.kind != MQTTOxide_ERROR_CALL || error.code != code || error.number <= seen_of_thread || error.stage != stage || error.os_error) {
        printf("WRONG  %s: of the thread kind %u, code %d, stage %u\n", what, error.kind, error.code, error.stage);
        wrong++;
    }
    seen_of_thread = error.number;
    /* It has not been changed by being asked for. Words that only repeat the code's text are not said twice. */
    snprintf(whole, sizeof whole, "%s", CALL(_strerror)(rc));
    if (strlen(whole) < strlen(text) || (strcasecmp(whole, text) && strcmp(whole + strlen(whole) - strlen(text), text))) {
        printf("WRONG  %s: strerror says \"%s\"\n", what, whole);
        wrong++;
    }
    if (!client)
        return;
    error = ask(client);
    if (error.kind != MQTTOxide_ERROR_CALL || error.code != code || error.number != seen_of_client + 1 || error.stage != stage ||
        strcmp(words_of, text)) {
        printf("WRONG  %s: of the client kind %u, code %d, number %llu after %llu, \"%s\"\n", what, error.kind, error.code,
               (unsigned long long)error.number, (unsigned long long)seen_of_client, words_of);
        wrong++;
    }
    seen_of_client = error.number;
}

static void refused(void *client, const char *what, int rc, int code, const char *words) {
    refused_at(0, client, what, rc, code, words);
}

/* A call was well: nothing is new. */
static void well(void *client, const char *what, int rc, int code) {
    expect_code(what, rc, code);
    if (ask(NULL).number != seen_of_thread || ask(client).number != seen_of_client) {
        printf("WRONG  %s: an error, and none happened: \"%s\"\n", what, words_of);
        wrong++;
    }
}

static void *another_thread(void *client) {
    struct MQTTOxide_error error = ask(NULL);
    if (error.kind != MQTTOxide_ERROR_NONE || error.number) {
        wrong++;
        puts("WRONG  a new thread has an error");
    }
    if (ask(client).kind != MQTTOxide_ERROR_CALL) {
        wrong++;
        puts("WRONG  the client's error is not another thread's to see");
    }
    CALL(_setCallbacks)(client, NULL, NULL, NULL, NULL);
    seen_of_client++;
    return NULL;
}

static void threads(void *client) {
    pthread_t thread;
    pthread_create(&thread, NULL, another_thread, client);
    pthread_join(thread, NULL);
    well(client, "another thread's refusal", 0, 0);
}

/* create, which gives no client to ask. */
static void creates(void) {
    CALL(_createOptions) options = JOIN(API, _createOptions_initializer);
    CALL() client = NULL, other = NULL;
    char folder[256], file[300];
    char *const too_long = letters(300);
    const int none = MQTTCLIENT_PERSISTENCE_NONE, files = MQTTCLIENT_PERSISTENCE_DEFAULT;
    new_folder(folder);
    refused(NULL, "create, no URI", CALL(_create)(&client, NULL, "id", none, NULL), -6, "serverURI|NULL");
    refused(NULL, "create, no id", CALL(_create)(&client, "tcp://a:1", NULL, none, NULL), -6, "clientId|NULL");
    refused(NULL, "create, no handle", CALL(_create)(NULL, "tcp://a:1", "id", none, NULL), -6, "handle|NULL");
    refused(NULL, "create, bad URI", CALL(_create)(&client, BAD_TEXT, "id", none, NULL), -5, "serverURI|UTF-8");
    refused(NULL, "create, bad id", CALL(_create)(&client, "tcp://a:1", BAD_TEXT, none, NULL), -5, "clientId|UTF-8");
    refused(NULL, "create, scheme", CALL(_create)(&client, "gopher://a:1", "id", none, NULL), -14, "protocol|server URI");
    refused(NULL, "create, CRLF", CALL(_create)(&client, "tcp://a\r\nb:1", "id", none, NULL), -14, "control character|server URI");
    refused(NULL, "create, password", CALL(_create)(&client, "tcp://user:" SECRET "@a:1", "id", files, folder), -2, "user name|server URI");
    refused(NULL, "create, store", CALL(_create)(&client, "tcp://a:1", "id", 7, NULL), -2, "persistence_type|7");
    refused(NULL, "create, no id for files", CALL(_create)(&client, "tcp://a:1", "", files, folder), -2, "identifier|store");
    refused(NULL, "create, folder's name", CALL(_create)(&client, "tcp://a:1", "id", files, BAD_TEXT), -5, "persistence_context|UTF-8");
    refused(NULL, "create, user store", CALL(_create)(&client, "tcp://a:1", "id", MQTTCLIENT_PERSISTENCE_USER, NULL), -2, "");
    refused(NULL, "create, long id", CALL(_create)(&client, "tcp://a:1", too_long, files, folder), -2, "too long");
    snprintf(file, sizeof file, "%s/file", folder);
    close(open(file, O_CREAT | O_WRONLY, 0600));
    refused(NULL, "create, no folder", CALL(_create)(&client, "tcp://a:1", "id", files, file), -2, "Not a directory");
    expect_code("create", CALL(_create)(&other, "tcp://a:1", "id", files, folder), 0);
    refused(NULL, "create, in use", CALL(_create)(&client, "tcp://a:1", "id", files, folder), -2, "in use");
    CALL(_destroy)(&other);
    options.struct_version = 99;
    refused(NULL, "create, version", CALL(_createWithOptions)(&client, "tcp://a:1", "id", none, NULL, &options), -8,
            "options.struct_version|99");
    options.struct_id[0] = 'X';
    refused(NULL, "create, eyecatcher", CALL(_createWithOptions)(&client, "tcp://a:1", "id", none, NULL, &options), -8,
            "options.struct_id|XQCO|MQCO");
    remove_folder(folder);
    free(too_long);
}

/* Connect options that are refused by the call. */
static void connect_options(CALL() client) {
    const CALL(_connectOptions) good = JOIN(API, _connectOptions_initializer);
    const CALL(_willOptions) good_will = JOIN(API, _willOptions_initializer);
    const CALL(_SSLOptions) good_ssl = JOIN(API, _SSLOptions_initializer);
    CALL(_connectOptions) options = good;
    CALL(_willOptions) will = good_will;
    CALL(_SSLOptions) ssl = good_ssl;
    CALL(_nameValue) headers[] = {{"good", BAD_TEXT}, {NULL, NULL}};
    char *uris[] = {"tcp://127.0.0.1:1", BAD_TEXT, NULL};
#define TRY(what, code, words) refused(client, what, CALL(_connect)(client, &options), code, words)
    refused(client, "no options", CALL(_connect)(client, NULL), -6, "options|NULL");
    options.struct_id[3] = '\n';
    TRY("eyecatcher", -8, "options.struct_id|MQT\\n");
    options = good;
    options.struct_version = -1;
    TRY("version", -8, "options.struct_version is -1");
    options = good;
    options.username = BAD_TEXT;
    TRY("user name", -5, "username|UTF-8");
    options = good;
    options.username = "me";
    options.password = BAD_TEXT;
    TRY("password", -5, "password|UTF-8");
    options = good;
    options.password = "sesame";
    TRY("password alone", -1, "password|user name");
    options.password = NULL;
    options.binarypwd.data = "sesame";
    options.binarypwd.len = -1;
    TRY("password's length", -1, "binarypwd.len is -1");
    options = good;
    options.will = &will;
    will.message = "gone";
    TRY("will without topic", -6, "will.topicName|NULL");
    will.topicName = "";
    TRY("will with an empty topic", CALL_0_LEN_WILL_TOPIC, "will.topicName|empty");
    will.topicName = BAD_TEXT;
    TRY("will topic", -5, "will.topicName|UTF-8");
    will.topicName = "t";
    will.payload.data = "gone";
    will.payload.len = -7;
    TRY("will's length", -1, "will.payload.len is -7");
    will.payload = good_will.payload;
    will.qos = 3;
    TRY("will QoS", -9, "will.qos|3");
    will.struct_version = 9;
    TRY("will version", -8, "will.struct_version|9");
    options = good;
    options.ssl = &ssl;
    ssl.trustStore = BAD_TEXT;
    TRY("trust store", -5, "ssl.trustStore|UTF-8");
    ssl = good_ssl;
    ssl.CApath = BAD_TEXT;
    TRY("CA path", -5, "ssl.CApath|UTF-8");
    ssl = good_ssl;
    ssl.struct_id[0] = 'm';
    TRY("TLS eyecatcher", -8, "ssl.struct_id|mQTS");
    options = good;
    options.MQTTVersion = 2;
    TRY("MQTT version", CALL_BAD_VERSION, "MQTTVersion|2");
    options.MQTTVersion = MQTTVERSION_5;
    options.cleansession = 0;
    TRY("another version than created for", -16, "MQTTVersion|5");
    options = good;
    options.cleanstart = 1;
    TRY("flag of MQTT 5", -15, "cleanstart|MQTT 5");
    options = good;
    options.serverURIcount = 2;
    options.serverURIs = uris;
    TRY("server URI", -5, "serverURIs[1]|UTF-8");
    uris[1] = NULL;
    TRY("no server URI", -6, "serverURIs[1]|NULL");
    options.serverURIs = NULL;
    TRY("no server URIs", -6, "serverURIs|NULL");
    options = good;
    options.httpHeaders = headers;
    TRY("headers", -5, "httpHeaders|UTF-8");
    options = good;
    options.httpProxy = BAD_TEXT;
    TRY("proxy", -5, "httpProxy|UTF-8");
#undef TRY
}

static atomic_int secrets_traced;

static void look_for_secret(int level, char *text) {
    if (strstr(text, SECRET))
        secrets_traced++;
}

/* Options that no server can be connected to with: the step that would have failed is told as of an attempt. */
static void unusable(void) {
    CALL() client = NULL;
    const CALL(_SSLOptions) good_ssl = JOIN(API, _SSLOptions_initializer);
    const CALL(_connectOptions) good = JOIN(API, _connectOptions_initializer);
    CALL(_SSLOptions) ssl = good_ssl;
    CALL(_connectOptions) options = good;
    char *uris[] = {"tcp://user:" SECRET "@127.0.0.1:1", "ws://127.0.0.1:1/?token=" SECRET};
    enum { NAME = 2, PROXY = 4, TLS = 8 };
    const uint64_t before = seen_of_client;
    CALL(_setTraceCallback)((void *)look_for_secret);
    CALL(_setTraceLevel)(TRACE_ALL);
    expect_code("create", CALL(_create)(&client, "ssl://127.0.0.1:1", "id", MQTTCLIENT_PERSISTENCE_NONE, NULL), 0);
    seen_of_client = 0;
    options.ssl = &ssl;
    ssl.trustStore = "-----BEGIN CERTIFICATE-----\n" SECRET "\n-----END CERTIFICATE-----\n";
    refused_at(TLS, client, "no certificate", CALL(_connect)(client, &options), -1, "trustStore");
    if (!ask(client).tls_error || ask(client).tls_error != ask(NULL).tls_error) {
        printf("WRONG  no certificate: without OpenSSL's number\n");
        wrong++;
    }
    ssl = good_ssl;
    ssl.keyStore = "-----BEGIN PRIVATE KEY-----\n" SECRET "\n-----END PRIVATE KEY-----\n";
    refused_at(TLS, client, "a key", CALL(_connect)(client, &options), -1, "keyStore");
    ssl = good_ssl;
    options.serverURIs = uris;
    options.serverURIcount = 1;
    refused_at(NAME, client, "a password", CALL(_connect)(client, &options), -1, "user name|server URI");
    options.httpProxy = "http://user:" SECRET "@127.0.0.1:x";
    uris[0] = "tcp://127.0.0.1:1";
    refused_at(PROXY, client, "a proxy's port", CALL(_connect)(client, &options), -1, "httpProxy|port");
    /* In a list they are passed over. */
    uris[0] = "tcp://user:" SECRET "@127.0.0.1:1";
    options.httpProxy = NULL;
    options.serverURIcount = 2;
    CALL(_connect)(client, &options);
    if (!WAIT_FOR(ask(client).number >= seen_of_client + 2, 20000)) {
        printf("WRONG  a list: %s\n", words_of);
        wrong++;
    }
    expect_text("a list", words_of, "127.0.0.1:1|refused");
    CALL(_destroy)(&client);
    CALL(_setTraceCallback)(NULL);
    if (secrets_traced) {
        printf("WRONG  %d secrets traced\n", secrets_traced);
        wrong++;
    }
    seen_of_thread = ask(NULL).number;
    seen_of_client = before;
}

/* The same for every API: what is refused of a client that is not connected, and in any state. */
static void common(CALL() client) {
    CALL() stale = client;
    refused(client, "no messageArrived", CALL(_setCallbacks)(client, NULL, NULL, NULL, NULL), -1, "messageArrived|NULL");
    refused(client, "not a name", MQTTOxide_setOption(client, "no-such", 7, "on", 2), MQTTOxide_E_NOT_FOUND, "no-such");
    well(client, "isConnected", CALL(_isConnected)(client), 0);
    threads(client);
    expect_code("create", CALL(_create)(&client, "tcp://a:1", "id", MQTTCLIENT_PERSISTENCE_NONE, NULL), 0);
    stale = client;
    CALL(_destroy)(&client);
    refused(NULL, "a destroyed client", CALL(_setCallbacks)(stale, NULL, NULL, NULL, NULL), -1, "handle");
    refused(NULL, "an address", CALL(_setCallbacks)((void *)words_of, NULL, NULL, NULL, NULL), -1, "handle");
}

/* A client that is not connected. */
static void not_connected(CALL() client) {
    refused(client, "publish", PUBLISH(client, "t", 1, "x", 0, 0, NULL), -3, "not connected");
    refused(client, "subscribe", CALL(_subscribe)(client, "t", 0 NO_OPTIONS), -3, "not connected");
    refused(client, "unsubscribe", CALL(_unsubscribe)(client, "t" NO_OPTIONS), -3, "not connected");
}

static void bad_publishes(CALL() client) {
    CALL(_message) message = JOIN(API, _message_initializer);
    refused(client, "no topic", PUBLISH(client, NULL, 1, "x", 0, 0, NULL), -5, "topic|NULL");
    refused(client, "bad topic", PUBLISH(client, BAD_TEXT, 1, "x", 0, 0, NULL), -5, "topic|UTF-8");
    refused(client, "QoS", PUBLISH(client, "t", 1, "x", 3, 0, NULL), -9, "qos|3");
    refused(client, "length", PUBLISH(client, "t", -1, "x", 0, 0, NULL), PUBLISH_BAD_LENGTH, "payloadlen|-1");
    refused(client, "more than a packet has", PUBLISH(client, "t", 268435455, "x", 0, 0, NULL), -1, "packet|268435455 bytes");
    refused(client, "no payload", PUBLISH(client, "t", 1, NULL, 0, 0, NULL), -6, "payload|NULL");
    refused(client, "wildcard", PUBLISH(client, "t/#", 1, "x", 0, 0, NULL), -1, "topic");
    refused(client, "no message", PUBLISH_MESSAGE(client, "t", NULL, NULL), -6, "msg|NULL");
    message.struct_version = 7;
    refused(client, "message version", PUBLISH_MESSAGE(client, "t", &message, NULL), -8, "msg.struct_version|7");
}

static void bad_subscribes(CALL() client) {
    char *topics[] = {"a", BAD_TEXT};
    int qos[] = {0, 3};
    refused(client, "no filter", CALL(_subscribe)(client, NULL, 0 NO_OPTIONS), -5, "topic|NULL");
    refused(client, "filter", CALL(_subscribe)(client, "a#", 0 NO_OPTIONS), -1, "filter");
    refused(client, "QoS", CALL(_subscribe)(client, "a", 3 NO_OPTIONS), -9, "qos|3");
    refused(client, "none", CALL(_subscribeMany)(client, 0, topics, qos NO_OPTIONS), -1, "count|0");
    refused(client, "no topics", CALL(_subscribeMany)(client, 2, NULL, qos NO_OPTIONS), -6, "topic|NULL");
    refused(client, "no QoS", CALL(_subscribeMany)(client, 1, topics, NULL NO_OPTIONS), -6, "qos|NULL");
    refused(client, "one of two", CALL(_subscribeMany)(client, 2, topics, qos NO_OPTIONS), -5, "topic 1 of 2|UTF-8");
    topics[1] = "b";
    refused(client, "QoS of two", CALL(_subscribeMany)(client, 2, topics, qos NO_OPTIONS), -9, "topic 1 of 2|qos is 3");
    refused(client, "unsubscribe", CALL(_unsubscribe)(client, BAD_TEXT NO_OPTIONS), -5, "topic|UTF-8");
    refused(client, "unsubscribe none", CALL(_unsubscribeMany)(client, -1, topics NO_OPTIONS), -1, "count|-1");
}

/* What belongs to a packet of MQTT 5, and not to CONNECT; the caller frees it. */
static MQTTProperties properties_of_publish(void) {
    MQTTProperties properties = MQTTProperties_initializer;
    MQTTProperty property;
    property.identifier = MQTTPROPERTY_CODE_TOPIC_ALIAS;
    property.value.integer2 = 1;
    MQTTProperties_add(&properties, &property);
    return properties;
}

#endif
