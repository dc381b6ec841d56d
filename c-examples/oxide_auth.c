/*
 * Enhanced authentication of MQTT 5 with SCRAM-SHA-256 (RFC 5802, RFC 7677): the password is never sent, and the server proves
 * that it knows it too.
 *
 *   oxide_auth URI USER PASSWORD
 *
 * Connects, authenticates anew on the connection that stands, and disconnects. Link with -lcrypto.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "paho_oxide.h"

#define METHOD "SCRAM-SHA-256"
#define AUTHENTICATION_METHOD 0x15 /* properties of MQTT 5 */
#define AUTHENTICATION_DATA 0x16
#define CONTINUE 0x18 /* reason codes of AUTH */
#define RE_AUTHENTICATE 0x19
#define DIGEST 32

static void fail(const char *what, const char *why)
{
  fprintf(stderr, "%s: %s\n", what, why);
  exit(EXIT_FAILURE);
}

static void check(const char *what, int64_t code)
{
  if (code < 0)
    fail(what, MQTTOxide_errorName((int32_t)code));
}

/* One exchange, from the client's first message to the server's signature. */
struct scram {
  const char *user, *password;
  char nonce[32];
  char first[160];       /* client-first-message-bare */
  unsigned char signature[DIGEST]; /* what the server has to prove */
};

/* "n,,n=user,r=nonce": user names with ',' or '=' would need escapes. */
static int scram_first(struct scram *scram, char *out, size_t size)
{
  unsigned char random[18];

  if (RAND_bytes(random, sizeof(random)) != 1)
    fail("RAND_bytes", "no random numbers");
  EVP_EncodeBlock((unsigned char *)scram->nonce, random, sizeof(random));
  snprintf(scram->first, sizeof(scram->first), "n=%s,r=%s", scram->user, scram->nonce);
  return snprintf(out, size, "n,,%s", scram->first);
}

static void hmac(const unsigned char *key, const void *text, size_t length, unsigned char *out)
{
  unsigned int size = DIGEST;

  if (!HMAC(EVP_sha256(), key, DIGEST, text, length, out, &size))
    fail("HMAC", "failed");
}

/* Answers "r=nonce,s=salt,i=iterations". Returns 0 if the server's message is none of ours. */
static int scram_final(struct scram *scram, const char *challenge, char *out, size_t size)
{
  unsigned char salted[DIGEST], key[DIGEST], stored[DIGEST], proof[DIGEST], salt[96];
  char nonce[96], salt64[96], text[512], bare[160], proof64[64];
  int iterations, salt_length, i, length;

  if (sscanf(challenge, "r=%95[^,],s=%95[^,],i=%d", nonce, salt64, &iterations) != 3 ||
      strncmp(nonce, scram->nonce, strlen(scram->nonce)) != 0 || iterations < 4096)
    return 0;
  salt_length = EVP_DecodeBlock(salt, (const unsigned char *)salt64, (int)strlen(salt64));
  if (salt_length < 3)
    return 0;
  for (i = (int)strlen(salt64) - 1; salt64[i] == '='; i--)
    salt_length--; /* the padding counts as zeros */
  PKCS5_PBKDF2_HMAC(scram->password, -1, salt, salt_length, iterations, EVP_sha256(), DIGEST, salted);
  hmac(salted, "Client Key", 10, key);
  EVP_Digest(key, DIGEST, stored, NULL, EVP_sha256(), NULL);
  snprintf(bare, sizeof(bare), "c=biws,r=%s", nonce);
  length = snprintf(text, sizeof(text), "%s,%s,%s", scram->first, challenge, bare);
  if (length >= (int)sizeof(text))
    return 0;
  hmac(stored, text, (size_t)length, proof);
  for (i = 0; i < DIGEST; i++)
    proof[i] ^= key[i];
  EVP_EncodeBlock((unsigned char *)proof64, proof, DIGEST);
  hmac(salted, "Server Key", 10, key);
  hmac(key, text, (size_t)length, scram->signature);
  return snprintf(out, size, "%s,p=%s", bare, proof64);
}

/* Returns 1 if "v=signature" is that of somebody who knows the password. */
static int scram_verified(const struct scram *scram, const char *message)
{
  char expected[64] = "v=";

  EVP_EncodeBlock((unsigned char *)expected + 2, scram->signature, DIGEST);
  return strcmp(expected, message) == 0;
}

/* Method and data, as properties of a packet. Returns their length. */
static uint32_t properties(unsigned char *out, uint32_t size, const char *data, int length)
{
  uint32_t used = 0;

  check("putBytes", MQTTOxide_putBytes(out, size, &used, AUTHENTICATION_METHOD, METHOD, sizeof(METHOD) - 1));
  check("putBytes", MQTTOxide_putBytes(out, size, &used, AUTHENTICATION_DATA, data, (uint32_t)length));
  return used;
}

/* Finds the authentication data of an event. Without any the text is empty. */
static void data_of(const struct MQTTOxide_event *event, char *out, size_t size)
{
  const char *props = (const char *)(event + 1) + event->topic_len;
  struct MQTTOxide_property property;
  uint32_t at = 0;

  out[0] = 0;
  memset(&property, 0, sizeof(property));
  property.size = sizeof(property);
  while (MQTTOxide_nextProperty(props, event->props_len, &at, &property) == 1)
    if (property.id == AUTHENTICATION_DATA && property.value_len < size) {
      memcpy(out, property.value, property.value_len);
      out[property.value_len] = 0;
    }
}

/* What was taken from the queue and not looked at. */
struct events {
  uint64_t queue, buffer[512];
  int64_t at, filled;
};

static const struct MQTTOxide_event *next(struct events *events)
{
  const struct MQTTOxide_event *event;

  if (events->at == events->filled) {
    events->at = 0;
    events->filled = MQTTOxide_nextEvents(events->queue, events->buffer, sizeof(events->buffer), 10000, NULL);
    check("nextEvents", events->filled);
    if (events->filled == 0)
      fail("server", "no answer in ten seconds");
  }
  event = (const void *)((const char *)events->buffer + events->at);
  events->at += event->size;
  return event;
}

/* Sees an exchange through that has begun: before CONNACK, or on the connection that stands. */
static void authenticate(struct events *events, uint64_t client, struct scram *scram)
{
  unsigned char props[512];
  char message[256], answer[256];
  int answered = 0;

  for (;;) {
    const struct MQTTOxide_event *event = next(events);
    const char *text = (const char *)(event + 1);
    int length;

    data_of(event, message, sizeof(message));
    switch (event->kind) {
    case MQTTOxide_AUTH:
      if (event->reason == CONTINUE) {
        length = answered ? 0 : scram_final(scram, message, answer, sizeof(answer));
        if (length == 0)
          fail("server", "a challenge that does not fit");
        answered = 1;
        check("auth", MQTTOxide_auth(client, CONTINUE, props, properties(props, sizeof(props), answer, length)));
        break;
      }
      /* fall through */
    case MQTTOxide_CONNECTED:
      if (!answered || !scram_verified(scram, message))
        fail("server", "does not know the password");
      return;
    case MQTTOxide_CONNECT_FAILED:
    case MQTTOxide_LOST:
      fprintf(stderr, "%.*s (reason code 0x%02x)\n", (int)event->topic_len, text, event->reason);
      exit(EXIT_FAILURE);
    case MQTTOxide_SERVER_DISCONNECT:
      fprintf(stderr, "the server ended the connection (reason code 0x%02x)\n", event->reason);
      exit(EXIT_FAILURE);
    default:
      break;
    }
  }
}

int main(int argc, char **argv)
{
  struct MQTTOxide_createOptions create;
  struct MQTTOxide_connectOptions options;
  struct events events;
  uint64_t client;
  unsigned char props[512];
  char first[192];
  struct scram scram;
  int length;

  if (argc != 4) {
    fprintf(stderr, "usage: %s URI USER PASSWORD\n", argv[0]);
    return EXIT_FAILURE;
  }
  memset(&events, 0, sizeof(events));
  memset(&create, 0, sizeof(create));
  create.size = sizeof(create);
  create.version = 5;
  create.client_id = "oxide_auth";
  create.client_id_len = 10;
  check("createQueue", MQTTOxide_createQueue(&events.queue));
  check("create", MQTTOxide_create(&client, events.queue, &create));

  memset(&scram, 0, sizeof(scram));
  scram.user = argv[2];
  scram.password = argv[3];
  length = scram_first(&scram, first, sizeof(first));
  if (length >= (int)sizeof(first) || strlen(scram.user) > 100)
    fail(scram.user, "too long");
  memset(&options, 0, sizeof(options));
  options.size = sizeof(options);
  options.version = 5;
  options.clean = 1;
  options.keep_alive_s = 30;
  options.deadline_ms = 10000;
  options.props = props;
  options.props_len = properties(props, sizeof(props), first, length);
  check("connect", MQTTOxide_connect(client, argv[1], (uint32_t)strlen(argv[1]), &options, NULL));
  authenticate(&events, client, &scram);
  printf("authenticated as %s, and so is the server\n", scram.user);

  length = scram_first(&scram, first, sizeof(first));
  check("auth", MQTTOxide_auth(client, RE_AUTHENTICATE, props, properties(props, sizeof(props), first, length)));
  authenticate(&events, client, &scram);
  printf("authenticated anew\n");

  check("disconnect", MQTTOxide_disconnect(client, 1000, 0, NULL, 0));
  while (next(&events)->kind != MQTTOxide_CLOSED)
    ;
  check("destroy", MQTTOxide_destroy(client));
  check("destroyQueue", MQTTOxide_destroyQueue(events.queue));
  return EXIT_SUCCESS;
}
