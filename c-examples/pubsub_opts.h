/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * The command line that paho_c_pub, paho_c_sub, paho_cs_pub and paho_cs_sub share.
 *
 * Nothing here calls MQTTAsync_* or MQTTClient_*: the same object file is linked with either
 * library.
 */

#ifndef PUBSUB_OPTS_H
#define PUBSUB_OPTS_H

#include <stddef.h>

#include "MQTTProperties.h"

struct pubsub_opts {
    /* What the program itself does. */
    const char *program;
    int publisher;
    int verbose;
    int quiet;
    int trace; /* a trace level, equal in MQTTAsync and MQTTClient; 0 is off */

    /* Messages. */
    const char *topic;
    int qos;
    const char *delimiter; /* NULL: none */
    int maxdatalen;
    const char *message;
    const char *filename;
    int null_message;
    int retained;    /* publisher: set the retained flag */
    int no_retained; /* subscriber: leave out retained messages */
    int message_expiry;
    const char **user_properties; /* name and value by turns */
    int user_property_count;

    /* Connection. */
    const char *connection;
    const char *host;
    const char *port;
    const char *clientid;
    const char *username;
    const char *password;
    int keepalive;
    int version; /* an MQTTVERSION_* value */
    const char *http_proxy;
    const char *https_proxy;
    const char *will_topic;
    const char *will_payload;
    int will_qos;
    int will_retain;

    /* TLS. */
    int insecure;
    const char *cafile;
    const char *capath;
    const char *cert;
    const char *key;
    const char *keypass;
    const char *ciphers;
    const char *psk;
    const char *psk_identity;

    char *url; /* the server URI that the options above amount to */
};

enum pubsub_parsed { PUBSUB_RUN, PUBSUB_HELP, PUBSUB_WRONG };

/*
 * Fills in the defaults, then what the command line says. PUBSUB_WRONG has been explained on
 * stderr. Whatever the result, release the options with pubsub_opts_free.
 */
enum pubsub_parsed pubsub_opts_parse(struct pubsub_opts *opts, const char *program, int publisher,
                                     int argc, char **argv);
void pubsub_opts_free(struct pubsub_opts *opts);

/* Adds the MQTT 5 properties that messages are to have. 0 on success. */
int pubsub_opts_properties(const struct pubsub_opts *opts, MQTTProperties *properties);

/* The list of options, on stdout. */
void pubsub_opts_usage(const char *program, int publisher);

/* 1 if the server URI asks for TLS, and so needs the SSL options. */
int pubsub_opts_tls(const struct pubsub_opts *opts);

/* Callbacks for the SSL options of both APIs. `context` is the struct pubsub_opts. */
int pubsub_tls_error(const char *text, size_t length, void *context);
unsigned int pubsub_tls_psk(const char *hint, char *identity, unsigned int max_identity_len,
                            unsigned char *psk, unsigned int max_psk_len, void *context);

/*
 * The connect, will and SSL structures of MQTTAsync and MQTTClient are different types whose
 * members have the same names, so one macro fills both kinds from the options. All three structures
 * must outlive the connect call, which copies what they hold.
 */
#define PUBSUB_SET_CONNECT(conn, will_opts, ssl_opts, opts)                                        \
    do {                                                                                           \
        (conn).MQTTVersion = (opts)->version;                                                      \
        (conn).keepAliveInterval = (opts)->keepalive;                                              \
        (conn).username = (opts)->username;                                                        \
        (conn).password = (opts)->password;                                                        \
        (conn).httpProxy = (opts)->http_proxy;                                                     \
        (conn).httpsProxy = (opts)->https_proxy;                                                   \
        if ((opts)->will_topic) {                                                                  \
            (will_opts).topicName = (opts)->will_topic;                                            \
            (will_opts).message = (opts)->will_payload ? (opts)->will_payload : "";                \
            (will_opts).qos = (opts)->will_qos;                                                    \
            (will_opts).retained = (opts)->will_retain;                                            \
            (conn).will = &(will_opts);                                                            \
        }                                                                                          \
        if (pubsub_opts_tls(opts)) {                                                               \
            (ssl_opts).trustStore = (opts)->cafile;                                                \
            (ssl_opts).CApath = (opts)->capath;                                                    \
            (ssl_opts).keyStore = (opts)->cert;                                                    \
            (ssl_opts).privateKey = (opts)->key;                                                   \
            (ssl_opts).privateKeyPassword = (opts)->keypass;                                       \
            (ssl_opts).enabledCipherSuites = (opts)->ciphers;                                      \
            /* With a pre-shared key there is no certificate that could name a host. */            \
            (ssl_opts).verify = !(opts)->insecure && !(opts)->psk;                                 \
            (ssl_opts).ssl_error_cb = pubsub_tls_error;                                            \
            (ssl_opts).ssl_error_context = (void *)(opts);                                         \
            if ((opts)->psk) {                                                                     \
                (ssl_opts).ssl_psk_cb = pubsub_tls_psk;                                            \
                (ssl_opts).ssl_psk_context = (void *)(opts);                                       \
            }                                                                                      \
            (conn).ssl = &(ssl_opts);                                                              \
        }                                                                                          \
    } while (0)

#endif
