/*
 * Bytes that the program carries itself: the library has no socket, and the program puts between it and the server what it
 * likes; a TLS library, a serial line, a recorder. Here a thread pumps them between the server's socket and a socketpair, as a
 * proxy of another module would, and counts them.
 *
 *   oxide_feed HOST PORT TOPIC
 *
 * Connects, subscribes, publishes one message to the topic, and prints the first message that comes.
 */
#include <poll.h>
#include <pthread.h>

#include "oxide_hello.h"

/* What stands between the program and its server. */
struct between {
  int program, server;
  unsigned long to_server, to_program;
};

static int write_all(int fd, const char *bytes, ssize_t length)
{
  while (length > 0) {
    ssize_t written = send(fd, bytes, (size_t)length, MSG_NOSIGNAL);

    if (written < 0)
      return 0;
    bytes += written;
    length -= written;
  }
  return 1;
}

static void *pump(void *argument)
{
  struct between *between = argument;
  struct pollfd fds[2];
  char bytes[4096];
  ssize_t length;

  fds[0].fd = between->program;
  fds[1].fd = between->server;
  fds[0].events = fds[1].events = POLLIN;
  for (;;) {
    poll(fds, 2, -1);
    if (fds[0].revents) {
      length = recv(between->program, bytes, sizeof(bytes), 0);
      if (length <= 0 || !write_all(between->server, bytes, length))
        break;
      between->to_server += (unsigned long)length;
    }
    if (fds[1].revents) {
      length = recv(between->server, bytes, sizeof(bytes), 0);
      if (length <= 0 || !write_all(between->program, bytes, length))
        break;
      between->to_program += (unsigned long)length;
    }
  }
  shutdown(between->program, SHUT_RDWR);
  shutdown(between->server, SHUT_RDWR);
  return NULL;
}

/* Sends what the library has for the server. */
static void take(uint64_t client, int fd)
{
  char bytes[4096];
  int64_t length;

  while ((length = MQTTOxide_take(client, bytes, sizeof(bytes))) > 0)
    write_all(fd, bytes, (ssize_t)length);
  check("take", length);
}

int main(int argc, char **argv)
{
  struct MQTTOxide_createOptions create;
  struct MQTTOxide_connectOptions options;
  uint64_t queue, client, buffer[4096];
  struct between between = { -1, -1, 0, 0 };
  struct pollfd fds[2];
  pthread_t thread;
  int pair[2], done = 0;

  if (argc != 4) {
    fprintf(stderr, "usage: %s HOST PORT TOPIC\n", argv[0]);
    return EXIT_FAILURE;
  }
  between.server = dial(argv[1], argv[2]);
  if (between.server < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) {
    fprintf(stderr, "cannot connect to %s\n", argv[1]);
    return EXIT_FAILURE;
  }
  between.program = pair[1];
  pthread_create(&thread, NULL, pump, &between);

  memset(&create, 0, sizeof(create));
  create.size = sizeof(create);
  memset(&options, 0, sizeof(options));
  options.size = sizeof(options);
  options.version = 4;
  options.clean = 1;
  options.keep_alive_s = 30;
  options.deadline_ms = 10000;
  check("createQueue", MQTTOxide_createQueue(&queue));
  check("create", MQTTOxide_create(&client, queue, &create));
  check("attachStream", MQTTOxide_attachStream(client, &options));

  /* The queue's descriptor tells of what the library does by itself: keep-alive, deadlines. */
  fds[0].fd = pair[0];
  fds[1].fd = MQTTOxide_eventFd(queue);
  fds[0].events = fds[1].events = POLLIN;
  check("eventFd", fds[1].fd);
  take(client, pair[0]);
  while (!done) {
    char bytes[4096];
    int64_t at = 0, filled;

    poll(fds, 2, -1);
    if (fds[0].revents) {
      ssize_t length = recv(pair[0], bytes, sizeof(bytes), 0);

      if (length > 0)
        /* All is taken here: only unread messages beyond the limits would hold some back. */
        check("feed", MQTTOxide_feed(client, bytes, (uint64_t)length));
      else
        check("eof", MQTTOxide_eof(client, NULL, 0));
    }
    filled = MQTTOxide_nextEvents(queue, buffer, sizeof(buffer), 0, NULL);
    check("nextEvents", filled);
    while (at < filled) {
      const struct MQTTOxide_event *event = (const void *)((const char *)buffer + at);
      done |= handle(client, argv[3], event);
      at += event->size;
    }
    take(client, pair[0]); /* after CLOSED too: DISCONNECT may be there */
  }
  shutdown(pair[0], SHUT_RDWR);
  pthread_join(thread, NULL);
  printf("%lu bytes to the server, %lu from it\n", between.to_server, between.to_program);
  close(pair[0]);
  close(pair[1]);
  close(between.server);
  check("destroy", MQTTOxide_destroy(client));
  check("destroyQueue", MQTTOxide_destroyQueue(queue));
  return EXIT_SUCCESS;
}
