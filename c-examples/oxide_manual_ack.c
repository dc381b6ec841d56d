/*
 * A worker that acknowledges a job when its work is done: a job that it does not finish comes again.
 *
 *   oxide_manual_ack URI TOPIC
 *
 * Publishes one job to the topic, takes it, and gives up in the middle of it. Starts again, takes the same job, finishes
 * and acknowledges it. Starts once more, and finds nothing left to do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "MQTTClient.h"
#include "paho_oxide.h"

#define CLIENTID "oxide-worker"
#define QOS 1
#define TIMEOUT_MS 10000L
/* Long enough for a server that has something to send it. */
#define NOTHING_MS 500L

static void check(const char *what, int code)
{
  if (code != MQTTCLIENT_SUCCESS) {
    fprintf(stderr, "%s: %s (%d)\n", what, MQTTClient_strerror(code), code);
    exit(EXIT_FAILURE);
  }
}

/* What a function of paho_oxide.h has refused, the client says in words. */
static void check_oxide(MQTTClient client, const char *what, int32_t code)
{
  struct MQTTOxide_error error;
  char text[256];

  if (code == 0)
    return;
  memset(&error, 0, sizeof(error));
  error.size = sizeof(error);
  error.text = text;
  error.text_capacity = sizeof(text);
  if (MQTTOxide_lastError(client, &error) != 0)
    error.text_len = 0;
  fprintf(stderr, "%s: %.*s (%d)\n", what, (int)error.text_len, text, (int)code);
  exit(EXIT_FAILURE);
}

/* A worker that has just been started. Its session, and so what it has not acknowledged, outlives it on the server. */
static MQTTClient start(const char *uri, int clean)
{
  MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
  MQTTClient client;

  check("create", MQTTClient_create(&client, uri, CLIENTID, MQTTCLIENT_PERSISTENCE_NONE, NULL));
  check_oxide(client, "setOption", MQTTOxide_setOption(client, "manual-acks", 11, "on", 2));
  options.cleansession = clean;
  check("connect", MQTTClient_connect(client, &options));
  return client;
}

/* Takes the next job. Returns what to acknowledge it with, or 0 if there is none in time. */
static int take(MQTTClient client, long timeout_ms)
{
  MQTTClient_message *message = NULL;
  char *topic = NULL;
  int length, id;

  check("receive", MQTTClient_receive(client, &topic, &length, &message, timeout_ms));
  if (!message)
    return 0;
  printf("took: %.*s\n", message->payloadlen, (char *)message->payload);
  id = message->msgid;
  MQTTClient_freeMessage(&message);
  MQTTClient_free(topic);
  return id;
}

int main(int argc, char **argv)
{
  char job[] = "paint the fence";
  const char *uri, *topic;
  MQTTClient client;
  int id;

  if (argc != 3) {
    fprintf(stderr, "usage: %s URI TOPIC\n", argv[0]);
    return EXIT_FAILURE;
  }
  uri = argv[1];
  topic = argv[2];

  /* Nothing is left of an earlier run. */
  client = start(uri, 1);
  check("disconnect", MQTTClient_disconnect(client, 0));
  MQTTClient_destroy(&client);

  client = start(uri, 0);
  check("subscribe", MQTTClient_subscribe(client, topic, QOS));
  check("publish", MQTTClient_publish(client, topic, (int)strlen(job), job, QOS, 0, NULL));
  if (take(client, TIMEOUT_MS) == 0) {
    fprintf(stderr, "no job came\n");
    return EXIT_FAILURE;
  }
  puts("gave up");
  MQTTClient_destroy(&client);

  client = start(uri, 0);
  id = take(client, TIMEOUT_MS);
  if (id == 0) {
    fprintf(stderr, "the job did not come again\n");
    return EXIT_FAILURE;
  }
  check_oxide(client, "acknowledge", MQTTOxide_acknowledge(client, id));
  puts("finished");
  check("disconnect", MQTTClient_disconnect(client, (int)TIMEOUT_MS));
  MQTTClient_destroy(&client);

  client = start(uri, 0);
  if (take(client, NOTHING_MS) == 0)
    puts("nothing left");
  check("unsubscribe", MQTTClient_unsubscribe(client, topic));
  check("disconnect", MQTTClient_disconnect(client, 0));
  MQTTClient_destroy(&client);
  return EXIT_SUCCESS;
}
