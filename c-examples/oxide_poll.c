/*
 * One client in a poll loop of the program's own: no thread of the library's touches the connection.
 *
 *   oxide_poll HOST PORT TOPIC
 *
 * Connects, subscribes, publishes one message to the topic, and prints the first message that comes.
 */
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "paho_oxide.h"

static void check(const char *what, int64_t code)
{
  if (code < 0) {
    fprintf(stderr, "%s: %s\n", what, MQTTOxide_errorName((int32_t)code));
    exit(EXIT_FAILURE);
  }
}

/* Any connected socket will do: this is where a program has its own proxies and addresses. */
static int dial(const char *host, const char *port)
{
  struct addrinfo hints, *found, *at;
  int fd = -1;

  memset(&hints, 0, sizeof(hints));
  hints.ai_socktype = SOCK_STREAM;
  if (getaddrinfo(host, port, &hints, &found) != 0)
    return -1;
  for (at = found; at && fd < 0; at = at->ai_next) {
    fd = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
    if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) != 0) {
      close(fd);
      fd = -1;
    }
  }
  freeaddrinfo(found);
  return fd;
}

static void subscribe(uint64_t client, const char *topic)
{
  unsigned char filters[256];
  uint32_t used = 0;

  check("putFilter", MQTTOxide_putFilter(filters, sizeof(filters), &used, topic, (uint32_t)strlen(topic), 1));
  check("subscribe", MQTTOxide_subscribe(client, filters, used, NULL, 0, NULL));
}

/* Returns 1 when the program has what it came for. */
static int handle(uint64_t client, const char *topic, const struct MQTTOxide_event *event)
{
  const char *bytes = (const char *)(event + 1);

  switch (event->kind) {
  case MQTTOxide_CONNECTED:
    subscribe(client, topic);
    return 0;
  case MQTTOxide_SUBACK:
    /* The payload is one code a filter. */
    if ((unsigned char)bytes[event->topic_len + event->props_len] >= 0x80) {
      fprintf(stderr, "the server refuses the subscription\n");
      exit(EXIT_FAILURE);
    }
    check("publish", MQTTOxide_publish(client, topic, (uint32_t)strlen(topic), "hello", 5, NULL, 0, 1, NULL));
    return 0;
  case MQTTOxide_MESSAGE:
    printf("%.*s: %.*s\n", (int)event->topic_len, bytes, (int)event->payload_len,
           bytes + event->topic_len + event->props_len);
    check("disconnect", MQTTOxide_disconnect(client, 1000, 0, NULL, 0));
    return 0;
  case MQTTOxide_CLOSED:
    return 1;
  case MQTTOxide_CONNECT_FAILED:
  case MQTTOxide_LOST:
    fprintf(stderr, "%.*s\n", (int)event->topic_len, bytes);
    exit(EXIT_FAILURE);
  default:
    return 0;
  }
}

int main(int argc, char **argv)
{
  const uint32_t all = MQTTOxide_READ | MQTTOxide_WRITE | MQTTOxide_TICK;
  struct MQTTOxide_createOptions create;
  struct MQTTOxide_connectOptions options;
  uint64_t queue, client, buffer[4096];
  struct pollfd fd;
  int done = 0;

  if (argc != 4) {
    fprintf(stderr, "usage: %s HOST PORT TOPIC\n", argv[0]);
    return EXIT_FAILURE;
  }
  memset(&create, 0, sizeof(create));
  create.size = sizeof(create);
  create.driver = all;
  memset(&options, 0, sizeof(options));
  options.size = sizeof(options);
  options.version = 4;
  options.clean = 1;
  options.keep_alive_s = 30;
  options.deadline_ms = 10000;

  check("createQueue", MQTTOxide_createQueue(&queue));
  check("create", MQTTOxide_create(&client, queue, &create));
  fd.fd = dial(argv[1], argv[2]);
  if (fd.fd < 0) {
    fprintf(stderr, "cannot connect to %s\n", argv[1]);
    return EXIT_FAILURE;
  }
  check("attachFd", MQTTOxide_attachFd(client, fd.fd, &options));

  while (!done) {
    int32_t wants = MQTTOxide_wants(client);
    int64_t at = 0, bytes, left = MQTTOxide_deadlineMs(client);

    check("wants", wants);
    fd.events = (short)(((wants & MQTTOxide_READ) ? POLLIN : 0) | ((wants & MQTTOxide_WRITE) ? POLLOUT : 0));
    poll(&fd, 1, (wants & MQTTOxide_MORE) ? 0 : left < 0 || left > 1000 ? 1000 : (int)left);
    /* poll() tells again of what is left, which saves the library a look. */
    bytes = MQTTOxide_driveEvents(client, all | MQTTOxide_LEVEL, buffer, sizeof(buffer), NULL);
    check("driveEvents", bytes);
    while (at < bytes) {
      const struct MQTTOxide_event *event = (const void *)((const char *)buffer + at);
      done |= handle(client, argv[3], event);
      at += event->size;
    }
  }
  close(fd.fd);
  check("destroy", MQTTOxide_destroy(client));
  check("destroyQueue", MQTTOxide_destroyQueue(queue));
  return EXIT_SUCCESS;
}
