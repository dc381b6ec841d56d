/*
 * What oxide_poll and oxide_feed say to the server: connected, they subscribe to a topic, publish one message to it, print the first
 * message that comes, and disconnect. How the bytes get there is what the two programs are about.
 */
#ifndef OXIDE_HELLO_H
#define OXIDE_HELLO_H

#include <netdb.h>
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
    /* OUTPUT and WANTS are among them: the loops look anyway whenever they have done something. */
    return 0;
  }
}

#endif
