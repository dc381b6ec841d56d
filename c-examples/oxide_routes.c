/*
 * A callback a topic: messages go to the routes whose filters match, and those that none matches to messageArrived.
 *
 *   oxide_routes URI TOPIC
 *
 * Subscribes to everything below the topic, publishes three messages there, and prints which callback got which.
 */
#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "MQTTAsync.h"
#include "paho_oxide.h"

#define CLIENTID "oxide-routes"
#define QOS 1

/* A step that main() waits for has been done, well or not. */
static sem_t step;
static int failed;

static void done(int code)
{
  if (code)
    failed = code;
  sem_post(&step);
}

static void wait_for_step(const char *what)
{
  while (sem_wait(&step) != 0 && errno == EINTR)
    ;
  if (failed) {
    fprintf(stderr, "%s failed (%d)\n", what, failed);
    exit(EXIT_FAILURE);
  }
}

/* Ends the program where a call was refused, whichever header it is from: this thread's last error says why. */
static void check(const char *what, int code)
{
  struct MQTTOxide_error error;
  char text[256];

  if (code == 0)
    return;
  memset(&error, 0, sizeof(error));
  error.size = sizeof(error);
  error.text = text;
  error.text_capacity = sizeof(text);
  if (MQTTOxide_lastError(NULL, &error) != 0)
    error.text_len = 0;
  fprintf(stderr, "%s: %.*s (%d)\n", what, (int)error.text_len, text, code);
  exit(EXIT_FAILURE);
}

/* A topic or filter below the base. */
static void join(char *whole, size_t size, const char *base, const char *rest)
{
  int length = snprintf(whole, size, "%s/%s", base, rest);

  if (length < 0 || (size_t)length >= size) {
    fprintf(stderr, "the topic is too long\n");
    exit(EXIT_FAILURE);
  }
}

static void on_success(void *context, MQTTAsync_successData *data)
{
  (void)context, (void)data;
  done(0);
}

static void on_failure(void *context, MQTTAsync_failureData *data)
{
  (void)context;
  done(data && data->code ? data->code : -1);
}

/* Topic and message are lent: the library frees them. */
static void on_route(void *context, const char *topic, uint32_t topic_len, void *lent)
{
  const MQTTAsync_message *message = lent;

  printf("%s: %.*s %.*s\n", (const char *)context, (int)topic_len, topic, message->payloadlen,
         (const char *)message->payload);
  done(0);
}

/* Topic and message are the program's here. */
static int on_message(void *context, char *topic, int topic_len, MQTTAsync_message *message)
{
  (void)topic_len;
  printf("%s: %s %.*s\n", (const char *)context, topic, message->payloadlen, (const char *)message->payload);
  MQTTAsync_freeMessage(&message);
  MQTTAsync_free(topic);
  done(0);
  return 1;
}

static void add_route(MQTTAsync client, const char *base, const char *filter, char *name)
{
  char whole[256];

  join(whole, sizeof(whole), base, filter);
  check("addRoute", MQTTOxide_addRoute(client, whole, (uint32_t)strlen(whole), on_route, name));
}

static void publish(MQTTAsync client, const char *base, const char *topic, const char *value)
{
  char whole[256];

  join(whole, sizeof(whole), base, topic);
  check("send", MQTTAsync_send(client, whole, (int)strlen(value), value, QOS, 0, NULL));
}

int main(int argc, char **argv)
{
  MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
  MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
  MQTTAsync_disconnectOptions leave = MQTTAsync_disconnectOptions_initializer;
  MQTTAsync client;
  char filter[256];
  int calls = 4;

  if (argc != 3) {
    fprintf(stderr, "usage: %s URI TOPIC\n", argv[0]);
    return EXIT_FAILURE;
  }
  sem_init(&step, 0, 0);
  check("create", MQTTAsync_create(&client, argv[1], CLIENTID, MQTTCLIENT_PERSISTENCE_NONE, NULL));
  check("setCallbacks", MQTTAsync_setCallbacks(client, "others", NULL, on_message, NULL));
  add_route(client, argv[2], "+/temperature", "temperatures");
  add_route(client, argv[2], "kitchen/#", "kitchen");

  options.cleansession = 1;
  options.onSuccess = on_success;
  options.onFailure = on_failure;
  check("connect", MQTTAsync_connect(client, &options));
  wait_for_step("connect");

  join(filter, sizeof(filter), argv[2], "#");
  response.onSuccess = on_success;
  response.onFailure = on_failure;
  check("subscribe", MQTTAsync_subscribe(client, filter, QOS, &response));
  wait_for_step("subscribe");

  /* The first goes to both routes, the second to one, the third to none. */
  publish(client, argv[2], "kitchen/temperature", "21");
  publish(client, argv[2], "kitchen/light", "on");
  publish(client, argv[2], "garden/gate", "open");
  while (calls-- > 0)
    wait_for_step("receive");

  leave.timeout = 1000;
  leave.onSuccess = on_success;
  leave.onFailure = on_failure;
  check("disconnect", MQTTAsync_disconnect(client, &leave));
  wait_for_step("disconnect");
  MQTTAsync_destroy(&client);
  return EXIT_SUCCESS;
}
