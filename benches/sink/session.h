/*
 * One client of the sink: packets in, answers and floods out.
 */
#ifndef SINK_SESSION_H
#define SINK_SESSION_H

#include "bench.h"
#include "link.h"

struct flood {
    int qos;
    uint32_t size;
    uint32_t count, sent, finished; /* messages; finished: acknowledged to the end */
    uint32_t window;
    uint16_t expected; /* the packet identifier whose acknowledgement is next */
    uint16_t completed; /* QoS 2: the same for PUBCOMP */
};

struct session {
    struct link link;
    int version;
    int watched_out;
    unsigned char *partial; /* the beginning of a packet whose rest has not come */
    size_t partial_length;
    unsigned char *out;
    size_t out_at, out_end, out_room;
    struct flood *flood;
    struct session *previous, *next;
};

void sessions_init(void);
/* Reads what has come, and prints the sums. */
void sessions_report(void);

struct session *session_open(int fd, SSL_CTX *tls, int websocket);
void session_close(struct session *session);
/* 0: the connection has ended. */
int session_readable(struct session *session);
int session_flush(struct session *session);
/* Whether something waits for the socket to take more. */
int session_waiting(const struct session *session);

#endif
