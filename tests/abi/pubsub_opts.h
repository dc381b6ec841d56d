/**
 * The header that `paho_c_pub.c` and its siblings include, and that Debian's package of their sources lacks: the options
 * in the order in which those sources initialise them.
 */
#if !defined(PUBSUB_OPTS_H)
#define PUBSUB_OPTS_H

#include "MQTTAsync.h"
#include "MQTTClientPersistence.h"

typedef struct {
  const char *name;
  const char *value;
} pubsub_opts_nameValue;

struct pubsub_opts {
  int publisher;
  int quiet;
  int verbose;
  int tracelevel;
  char *delimiter;
  int maxdatalen;

  char *message;
  char *filename;
  int stdin_lines;
  int stdlin_complete;
  int null_message;

  int MQTTVersion;
  char *topic;
  char *clientid;
  int qos;
  int retained;
  char *username;
  char *password;
  char *host;
  char *port;
  char *connection;
  int keepalive;

  char *will_topic;
  char *will_payload;
  int will_qos;
  int will_retain;

  int insecure;
  char *capath;
  char *cert;
  char *cafile;
  char *key;
  char *keypass;
  char *ciphers;
  char *psk_identity;
  char *psk;

  int message_expiry;
  struct {
    char *name;
    char *value;
  } user_property;

  char *http_proxy;
  char *https_proxy;
};

void usage(struct pubsub_opts *opts, pubsub_opts_nameValue *name_values, const char *program_name);
int getopts(int argc, char **argv, struct pubsub_opts *opts);
char *readfile(int *data_len, struct pubsub_opts *opts);
void logProperties(MQTTProperties *props);

#endif
