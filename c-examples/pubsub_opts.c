/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * One table describes every option: the parser and the usage text both read it, so neither can know
 * an option that the other does not.
 */

#include "pubsub_opts.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "MQTTAsync.h" /* only for its MQTTVERSION_* and trace level constants */

enum kind {
    FLAG,         /* no argument; sets an int to 1 */
    TEXT,         /* one argument, kept as it is */
    NO_TEXT,      /* no argument; sets a text to NULL */
    NUMBER,       /* one decimal argument between min and max */
    CHOICE,       /* one argument out of a list of names */
    USER_PROPERTY /* two arguments, name and value; may be repeated */
};

enum audience { PUB = 1, SUB = 2, BOTH = PUB | SUB };

struct choice {
    const char *name;
    int value;
};

struct option {
    enum audience audience;
    const char *short_name;
    const char *long_name;
    const char *argument; /* how the usage text names it */
    enum kind kind;
    size_t offset; /* of the member of struct pubsub_opts */
    int min, max;
    const struct choice *choices;
    const char *help; /* NULL: another spelling of the option before */
};

static const struct choice versions[] = {
    {"31", MQTTVERSION_3_1},
    {"mqttv31", MQTTVERSION_3_1},
    {"311", MQTTVERSION_3_1_1},
    {"mqttv311", MQTTVERSION_3_1_1},
    {"5", MQTTVERSION_5},
    {"mqttv5", MQTTVERSION_5},
    {NULL, 0},
};

static const struct choice trace_levels[] = {
    {"error", MQTTASYNC_TRACE_ERROR}, {"protocol", MQTTASYNC_TRACE_PROTOCOL},
    {"min", MQTTASYNC_TRACE_MINIMUM}, {"on", MQTTASYNC_TRACE_MINIMUM},
    {"max", MQTTASYNC_TRACE_MAXIMUM}, {NULL, 0},
};

/* clang-format off */
#define AT(member) offsetof(struct pubsub_opts, member)
#define IS_FLAG(member) NULL, FLAG, AT(member), 0, 0, NULL
#define IS_TEXT(argument, member) argument, TEXT, AT(member), 0, 0, NULL
#define IS_NUMBER(argument, member, min, max) argument, NUMBER, AT(member), min, max, NULL
#define IS_CHOICE(argument, member, list) argument, CHOICE, AT(member), 0, 0, list

static const struct option options[] = {
    {BOTH, "-t", "--topic", IS_TEXT("topic", topic), "topic; may also be given without -t"},
    {BOTH, "-c", "--connection", IS_TEXT("uri", connection),
     "server URI, used instead of host and port: tcp://, ssl://, ws://, wss://"},
    {BOTH, "-h", "--host", IS_TEXT("name", host), "server host; default localhost"},
    {BOTH, "-p", "--port", IS_TEXT("number", port), "server port; default 1883"},
    {BOTH, "-q", "--qos", IS_NUMBER("0|1|2", qos, 0, 2), "quality of service; default 0"},
    {BOTH, "-V", "--MQTTversion", IS_CHOICE("31|311|5", version, versions),
     "MQTT version; default 3.1.1, then 3.1 if the server refuses it"},
    {BOTH, NULL, "--MQTT-version", IS_CHOICE("31|311|5", version, versions), NULL},
    {BOTH, "-i", "--clientid", IS_TEXT("id", clientid),
     "client id; default paho-c-pub, paho-c-sub, paho-cs-pub or paho-cs-sub"},
    {BOTH, "-u", "--username", IS_TEXT("name", username), "user name; none by default"},
    {BOTH, "-P", "--password", IS_TEXT("text", password), "password; none by default"},
    {BOTH, "-k", "--keepalive", IS_NUMBER("seconds", keepalive, 0, 65535),
     "keep alive interval; default 10"},
    {BOTH, NULL, "--delimiter", IS_TEXT("text", delimiter),
     "what ends a message on stdin or stdout; default a newline"},
    {BOTH, NULL, "--no-delimiter", NULL, NO_TEXT, AT(delimiter), 0, 0, NULL,
     "nothing ends a message"},
    {PUB, NULL, "--maxdatalen", IS_NUMBER("bytes", maxdatalen, 1, INT_MAX / 2),
     "longest message read from stdin; default 100"},
    {PUB, "-m", "--message", IS_TEXT("text", message), "send this text instead of stdin's lines"},
    {PUB, "-f", "--filename", IS_TEXT("file", filename), "send what this file holds"},
    {PUB, "-n", "--null-message", IS_FLAG(null_message), "send a message of zero bytes"},
    {PUB, "-r", "--retained", IS_FLAG(retained), "have the server keep the message"},
    {PUB, NULL, "--message-expiry", IS_NUMBER("seconds", message_expiry, 0, INT_MAX),
     "lifetime of the message (MQTT 5)"},
    {PUB, NULL, "--user-property", "name value", USER_PROPERTY, 0, 0, 0, NULL,
     "user property of the message (MQTT 5); may be repeated"},
    {SUB, "-R", "--no-retained", IS_FLAG(no_retained), "leave out retained messages"},
    {BOTH, NULL, "--will-topic", IS_TEXT("topic", will_topic), "topic of a will message"},
    {BOTH, NULL, "--will-payload", IS_TEXT("text", will_payload),
     "its payload; default zero bytes"},
    {BOTH, NULL, "--will-qos", IS_NUMBER("0|1|2", will_qos, 0, 2),
     "its quality of service; default 0"},
    {BOTH, NULL, "--will-retain", IS_FLAG(will_retain), "have the server keep it"},
    {BOTH, NULL, "--cafile", IS_TEXT("file", cafile), "certificates to trust, PEM"},
    {BOTH, NULL, "--capath", IS_TEXT("directory", capath), "directory of certificates to trust"},
    {BOTH, NULL, "--cert", IS_TEXT("file", cert), "certificate to present, PEM"},
    {BOTH, NULL, "--key", IS_TEXT("file", key), "its private key, PEM"},
    {BOTH, NULL, "--keypass", IS_TEXT("text", keypass), "password of the private key"},
    {BOTH, NULL, "--ciphers", IS_TEXT("list", ciphers), "cipher suites, in OpenSSL's notation"},
    {BOTH, NULL, "--insecure", IS_FLAG(insecure),
     "accept a certificate made out to another host"},
    {BOTH, NULL, "--psk", IS_TEXT("hex", psk), "pre-shared key, hexadecimal"},
    {BOTH, NULL, "--psk-identity", IS_TEXT("text", psk_identity), "identity for the pre-shared key"},
    {BOTH, NULL, "--http-proxy", IS_TEXT("uri", http_proxy), "proxy for tcp:// and ws://"},
    {BOTH, NULL, "--https-proxy", IS_TEXT("uri", https_proxy), "proxy for ssl:// and wss://"},
    {BOTH, NULL, "--trace", IS_CHOICE("error|protocol|min|max", trace, trace_levels),
     "the library's trace, on stderr"},
    {BOTH, "-v", "--verbose", IS_FLAG(verbose), "say what happens"},
    {BOTH, NULL, "--quiet", IS_FLAG(quiet), "print no errors"},
};
/* clang-format on */

static const size_t option_count = sizeof options / sizeof options[0];

static enum pubsub_parsed wrong(const struct pubsub_opts *opts, const char *format, ...) {
    va_list args;

    va_start(args, format);
    fprintf(stderr, "%s: ", opts->program);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\nTry '%s --help'.\n", opts->program);
    va_end(args);
    return PUBSUB_WRONG;
}

static const struct option *find_option(const char *name, int publisher) {
    for (size_t i = 0; i < option_count; i++) {
        const struct option *o = &options[i];

        if ((o->audience & (publisher ? PUB : SUB)) &&
            ((o->short_name && strcmp(name, o->short_name) == 0) ||
             strcmp(name, o->long_name) == 0))
            return o;
    }
    return NULL;
}

static int parse_number(const char *text, int min, int max, int *number) {
    char *end;
    long value;

    errno = 0;
    value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < min || value > max)
        return 0;
    *number = (int)value;
    return 1;
}

static int parse_choice(const char *text, const struct choice *list, int *value) {
    for (; list->name; list++)
        if (strcmp(text, list->name) == 0) {
            *value = list->value;
            return 1;
        }
    return 0;
}

/* Stores one option with its arguments, of which `args` has as many as the option's kind needs. */
static enum pubsub_parsed apply(struct pubsub_opts *opts, const struct option *o, char **args) {
    void *member = (char *)opts + o->offset;

    switch (o->kind) {
    case FLAG:
        *(int *)member = 1;
        break;
    case TEXT:
        *(const char **)member = args[0];
        break;
    case NO_TEXT:
        *(const char **)member = NULL;
        break;
    case NUMBER:
        if (!parse_number(args[0], o->min, o->max, member))
            return wrong(opts, "%s needs a number between %d and %d, not '%s'", o->long_name,
                         o->min, o->max, args[0]);
        break;
    case CHOICE:
        if (!parse_choice(args[0], o->choices, member))
            return wrong(opts, "%s needs one of %s, not '%s'", o->long_name, o->argument, args[0]);
        break;
    case USER_PROPERTY:
        opts->user_properties[2 * opts->user_property_count] = args[0];
        opts->user_properties[2 * opts->user_property_count + 1] = args[1];
        opts->user_property_count++;
        break;
    }
    return PUBSUB_RUN;
}

static int arguments_of(const struct option *o) {
    switch (o->kind) {
    case FLAG:
    case NO_TEXT:
        return 0;
    case USER_PROPERTY:
        return 2;
    default:
        return 1;
    }
}

static int is_hex_key(const char *text) {
    size_t length = strlen(text);

    for (size_t i = 0; i < length; i++)
        if (!isxdigit((unsigned char)text[i]))
            return 0;
    return length > 0 && length % 2 == 0;
}

/* An option without effect is a mistake better reported than ignored, all the more so with TLS. */
static enum pubsub_parsed check(struct pubsub_opts *opts) {
    int tls_options = opts->insecure || opts->cafile || opts->capath || opts->cert || opts->key ||
                      opts->keypass || opts->ciphers || opts->psk || opts->psk_identity;
    int payloads = (opts->message != NULL) + (opts->filename != NULL) + opts->null_message;

    if (opts->topic == NULL)
        return wrong(opts, "no topic given");
    if (payloads > 1)
        return wrong(opts, "--message, --filename and --null-message exclude each other");
    if (tls_options && !pubsub_opts_tls(opts))
        return wrong(opts, "TLS options need a TLS connection, such as -c ssl://%s:8883",
                     opts->host);
    if (!opts->psk != !opts->psk_identity)
        return wrong(opts, "--psk and --psk-identity need each other");
    if (opts->psk && !is_hex_key(opts->psk))
        return wrong(opts, "--psk needs pairs of hexadecimal digits");
    if (opts->will_topic == NULL && (opts->will_payload || opts->will_qos || opts->will_retain))
        return wrong(opts, "the other --will options need --will-topic");
    if (opts->version != MQTTVERSION_5 &&
        (opts->message_expiry >= 0 || opts->user_property_count > 0))
        return wrong(opts, "--message-expiry and --user-property need -V 5");
    return PUBSUB_RUN;
}

static enum pubsub_parsed make_url(struct pubsub_opts *opts) {
    size_t size;

    if (opts->connection)
        size = strlen(opts->connection) + 1;
    else
        size = strlen(opts->host) + strlen(opts->port) + sizeof ":";
    opts->url = malloc(size);
    if (opts->url == NULL)
        return wrong(opts, "out of memory");
    if (opts->connection)
        memcpy(opts->url, opts->connection, size);
    else
        snprintf(opts->url, size, "%s:%s", opts->host, opts->port);
    return PUBSUB_RUN;
}

static void set_defaults(struct pubsub_opts *opts, const char *program, int publisher) {
    memset(opts, 0, sizeof *opts);
    opts->program = program;
    opts->publisher = publisher;
    opts->delimiter = "\n";
    opts->maxdatalen = 100;
    opts->message_expiry = -1;
    opts->host = "localhost";
    opts->port = "1883";
    opts->keepalive = 10;
    opts->version = MQTTVERSION_DEFAULT;
}

/* The default client id is the program's name with dashes, as the man pages promise. */
static const char *default_clientid(const char *program) {
    static char id[32];
    size_t i;

    for (i = 0; program[i] != '\0' && i + 1 < sizeof id; i++)
        id[i] = program[i] == '_' ? '-' : program[i];
    id[i] = '\0';
    return id;
}

enum pubsub_parsed pubsub_opts_parse(struct pubsub_opts *opts, const char *program, int publisher,
                                     int argc, char **argv) {
    enum pubsub_parsed parsed;

    set_defaults(opts, program, publisher);
    opts->clientid = default_clientid(program);
    /* Each user property takes three arguments, so there is room for all. */
    opts->user_properties = calloc((size_t)argc + 1, sizeof *opts->user_properties);
    if (opts->user_properties == NULL)
        return wrong(opts, "out of memory");
    for (int i = 1; i < argc; i++) {
        const struct option *o;

        if (strcmp(argv[i], "--help") == 0)
            return PUBSUB_HELP;
        if (argv[i][0] != '-') {
            if (opts->topic != NULL)
                return wrong(opts, "a second topic: '%s'", argv[i]);
            opts->topic = argv[i];
            continue;
        }
        o = find_option(argv[i], publisher);
        if (o == NULL)
            return wrong(opts, "unknown option %s", argv[i]);
        if (argc - 1 - i < arguments_of(o))
            return wrong(opts, "%s needs its argument: %s", argv[i], o->argument);
        parsed = apply(opts, o, &argv[i + 1]);
        if (parsed != PUBSUB_RUN)
            return parsed;
        i += arguments_of(o);
    }
    parsed = check(opts);
    if (parsed == PUBSUB_RUN)
        parsed = make_url(opts);
    return parsed;
}

void pubsub_opts_free(struct pubsub_opts *opts) {
    free(opts->user_properties);
    opts->user_properties = NULL;
    free(opts->url);
    opts->url = NULL;
}

int pubsub_opts_properties(const struct pubsub_opts *opts, MQTTProperties *properties) {
    MQTTProperty property;

    memset(&property, 0, sizeof property);
    if (opts->message_expiry >= 0) {
        property.identifier = MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL;
        property.value.integer4 = (unsigned int)opts->message_expiry;
        if (MQTTProperties_add(properties, &property) != 0)
            return -1;
    }
    for (int i = 0; i < opts->user_property_count; i++) {
        const char *name = opts->user_properties[2 * i];
        const char *value = opts->user_properties[2 * i + 1];

        property.identifier = MQTTPROPERTY_CODE_USER_PROPERTY;
        property.value.data.data = (char *)name; /* only read: the library copies it */
        property.value.data.len = (int)strlen(name);
        property.value.value.data = (char *)value;
        property.value.value.len = (int)strlen(value);
        if (MQTTProperties_add(properties, &property) != 0)
            return -1;
    }
    return 0;
}

void pubsub_opts_usage(const char *program, int publisher) {
    printf("Usage: %s topic [options]\n\n%s\n\n", program,
           publisher ? "Publishes each line of stdin to an MQTT topic, or one message: -m, -f, -n."
                     : "Subscribes to an MQTT topic and prints the messages until interrupted.");
    for (size_t i = 0; i < option_count; i++) {
        const struct option *o = &options[i];
        char names[64];

        if (!(o->audience & (publisher ? PUB : SUB)) || o->help == NULL)
            continue;
        snprintf(names, sizeof names, "%s%s%s%s%s", o->short_name ? o->short_name : "",
                 o->short_name ? ", " : "", o->long_name, o->argument ? " " : "",
                 o->argument ? o->argument : "");
        printf("  %-34s %s\n", names, o->help);
    }
}

int pubsub_opts_tls(const struct pubsub_opts *opts) {
    static const char *const schemes[] = {"ssl://", "tls://", "mqtts://", "wss://"};

    for (size_t i = 0; opts->connection && i < sizeof schemes / sizeof schemes[0]; i++)
        if (strncmp(opts->connection, schemes[i], strlen(schemes[i])) == 0)
            return 1;
    return 0;
}

int pubsub_tls_error(const char *text, size_t length, void *context) {
    const struct pubsub_opts *opts = context;

    if (!opts->quiet)
        fprintf(stderr, "TLS error: %.*s%s", (int)length, text,
                length > 0 && text[length - 1] == '\n' ? "" : "\n");
    return 0;
}

unsigned int pubsub_tls_psk(const char *hint, char *identity, unsigned int max_identity_len,
                            unsigned char *psk, unsigned int max_psk_len, void *context) {
    const struct pubsub_opts *opts = context;
    size_t identity_len = strlen(opts->psk_identity);
    size_t psk_len = strlen(opts->psk) / 2;

    (void)hint; /* there is one key only, whatever the server suggests */
    if (identity_len >= max_identity_len || psk_len > max_psk_len) {
        if (!opts->quiet)
            fprintf(stderr, "%s: the pre-shared key or its identity is too long\n", opts->program);
        return 0; /* OpenSSL ends the handshake */
    }
    memcpy(identity, opts->psk_identity, identity_len + 1);
    for (size_t i = 0; i < psk_len; i++) {
        char digits[3] = {opts->psk[2 * i], opts->psk[2 * i + 1], '\0'};

        psk[i] = (unsigned char)strtoul(digits, NULL, 16);
    }
    return (unsigned int)psk_len;
}
