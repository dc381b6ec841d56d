/*
 * MQTT on a bare socket, without a library: one thread, blocking calls, large reads and writes; packets are encoded and checked as in
 * the other programs. One connection is in use at a time.
 */
#ifndef BARE_H
#define BARE_H

#include "bench.h"

enum { PUBLISH = 3, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK = 9 };

/* A write's worth. */
#define PIECE (256 * 1024)

void bare_connect(void);
void bare_finish(void);
/* From now on it waits in poll, and then reads, as a program does that has more to wait for. */
void bare_poll(void);
/* The connection in use, and using another one. */
int bare_socket(void);
void bare_use(int socket);

/* These only fill the buffer; reading writes it out first. */
void bare_publish(const char *topic, uint32_t stream, long number);
void bare_acknowledge(int first, const unsigned char *id);
void bare_subscribe(const char *filter);
void bare_flush(void);
size_t bare_unsent(void);

/* The next whole packet; its length without the header. */
size_t bare_packet(int *first, const unsigned char **body);
void bare_expect(int kind);
/* Reads one message and acknowledges it; other packets on the way are answered. */
void bare_message(struct check *check);
size_t bare_unread(void);

#endif
