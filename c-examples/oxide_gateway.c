/*
 * A gateway: many clients, one queue, one loop.
 *
 *   oxide_gateway URI CLIENTS TOPIC
 *
 * Each client connects, subscribes to TOPIC/<its number>, publishes one message there and waits for it. The message is
 * acknowledged only after it was handled, so none is lost if the program dies before that.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "paho_oxide.h"

static uint64_t *clients;
static const char *topic;
static unsigned finished, failed;

static void check(const char *what, int64_t code)
{
  if (code < 0) {
    fprintf(stderr, "%s: %s\n", what, MQTTOxide_errorName((int32_t)code));
    exit(EXIT_FAILURE);
  }
}

static void handle(const struct MQTTOxide_event *event)
{
  /* The program's own number of the client comes with every event. */
  uint64_t client = clients[event->context];
  unsigned char filters[256];
  char name[200];
  uint32_t used = 0, length;

  length = (uint32_t)snprintf(name, sizeof(name), "%.100s/%u", topic, (unsigned)event->context);
  switch (event->kind) {
  case MQTTOxide_CONNECTED:
    check("putFilter", MQTTOxide_putFilter(filters, sizeof(filters), &used, name, length, 1));
    check("subscribe", MQTTOxide_subscribe(client, filters, used, NULL, 0, NULL));
    break;
  case MQTTOxide_SUBACK:
    /* The payload is one code a filter. An event LOST follows the abort. */
    if (((const unsigned char *)(event + 1))[event->topic_len + event->props_len] >= 0x80) {
      fprintf(stderr, "client %u: the server refuses the subscription\n", (unsigned)event->context);
      check("abort", MQTTOxide_abort(client));
      break;
    }
    check("publish", MQTTOxide_publish(client, name, length, "hello", 5, NULL, 0, 1, NULL));
    break;
  case MQTTOxide_MESSAGE:
    check("ack", MQTTOxide_ack(client, &event->token, 1, 0));
    check("disconnect", MQTTOxide_disconnect(client, 5000, 0, NULL, 0));
    break;
  case MQTTOxide_CLOSED:
    finished++;
    break;
  case MQTTOxide_CONNECT_FAILED:
  case MQTTOxide_LOST:
    fprintf(stderr, "client %u: %.*s\n", (unsigned)event->context, (int)event->topic_len, (const char *)(event + 1));
    failed++;
    break;
  default:
    break;
  }
}

int main(int argc, char **argv)
{
  struct MQTTOxide_createOptions create;
  struct MQTTOxide_connectOptions options;
  static uint64_t buffer[32768];
  uint64_t queue;
  unsigned count, i;
  char name[32];

  if (argc != 4 || (count = (unsigned)atoi(argv[2])) == 0) {
    fprintf(stderr, "usage: %s URI CLIENTS TOPIC\n", argv[0]);
    return EXIT_FAILURE;
  }
  topic = argv[3];
  clients = calloc(count, sizeof(*clients));
  if (!clients)
    return EXIT_FAILURE;
  check("createQueue", MQTTOxide_createQueue(&queue));
  memset(&create, 0, sizeof(create));
  create.size = sizeof(create);
  create.flags = MQTTOxide_ACK_BY_PROGRAM;
  create.client_id = name;
  memset(&options, 0, sizeof(options));
  options.size = sizeof(options);
  options.version = 4;
  options.clean = 1;
  options.keep_alive_s = 60;
  options.deadline_ms = 60000;
  for (i = 0; i < count; i++) {
    create.client_id_len = (uint32_t)snprintf(name, sizeof(name), "gateway-%u", i);
    create.context = i;
    check("create", MQTTOxide_create(&clients[i], queue, &create));
    check("connect", MQTTOxide_connect(clients[i], argv[1], (uint32_t)strlen(argv[1]), &options, NULL));
  }
  while (finished + failed < count) {
    int64_t at = 0, bytes = MQTTOxide_nextEvents(queue, buffer, sizeof(buffer), -1, NULL);

    check("nextEvents", bytes);
    while (at < bytes) {
      const struct MQTTOxide_event *event = (const void *)((const char *)buffer + at);
      handle(event);
      at += event->size;
    }
  }
  for (i = 0; i < count; i++)
    check("destroy", MQTTOxide_destroy(clients[i]));
  check("destroyQueue", MQTTOxide_destroyQueue(queue));
  free(clients);
  printf("%u clients, %u failed\n", count, failed);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
