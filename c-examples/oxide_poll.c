/*
 * One client in a poll loop of the program's own: no thread of the library's touches the connection.
 *
 *   oxide_poll HOST PORT TOPIC
 *
 * Connects, subscribes, publishes one message to the topic, and prints the first message that comes.
 */
#include <poll.h>

#include "oxide_hello.h"

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
