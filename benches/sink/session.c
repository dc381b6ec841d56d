#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One read's worth; with the longest packet in front of it. */
#define READ_ROOM (512 * 1024)
#define PACKET_MAX (2 * 1024 * 1024)
/* A flood is generated in pieces of about this size. */
#define FLOOD_PIECE (256 * 1024)
/* Nothing is generated for a connection while so much waits to be written. */
#define OUT_LIMIT (1024 * 1024)

enum { CONNECT = 1, PUBLISH = 3, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, UNSUBSCRIBE = 10, PINGREQ = 12, DISCONNECT = 14 };

static unsigned char *shared; /* where every read goes */
static struct session *sessions;

/* Sums over all clients. */
static struct check published;
static long connects, disconnects, publishes[3], duplicates, protocol_errors, ack_errors, flooded, flood_finished, pings;
static double first_us, last_us;

void sessions_init(void)
{
    shared = malloc(PACKET_MAX + READ_ROOM);
    if (!shared)
        fail("memory", 1);
    check_init(&published);
}

void sessions_report(void)
{
    for (struct session *session = sessions, *next; session; session = next) {
        next = session->next;
        if (!session_readable(session))
            session_close(session);
    }
    report_check(&published);
    report("connects", (double)connects);
    report("disconnects", (double)disconnects);
    report("received_qos0", (double)publishes[0]);
    report("received_qos1", (double)publishes[1]);
    report("received_qos2", (double)publishes[2]);
    report("duplicates", (double)duplicates);
    report("protocol_errors", (double)protocol_errors);
    report("ack_errors", (double)ack_errors);
    report("flooded", (double)flooded);
    report("flood_finished", (double)flood_finished);
    report("pings", (double)pings);
    report("first_us", first_us);
    report("last_us", last_us);
}

struct session *session_open(int fd, SSL_CTX *tls, int websocket)
{
    struct session *session = calloc(1, sizeof *session);
    if (!session)
        fail("memory", 1);
    link_open(&session->link, fd, tls, websocket);
    session->next = sessions;
    if (sessions)
        sessions->previous = session;
    sessions = session;
    return session;
}

void session_close(struct session *session)
{
    if (session->previous)
        session->previous->next = session->next;
    else
        sessions = session->next;
    if (session->next)
        session->next->previous = session->previous;
    link_close(&session->link);
    free(session->partial);
    free(session->out);
    free(session->flood);
    free(session);
}

/* ---- output ----------------------------------------------------------------------------------------------------------- */

static unsigned char *room(struct session *session, size_t length)
{
    if (session->out_at == session->out_end)
        session->out_at = session->out_end = 0;
    if (session->out_end + length > session->out_room) {
        size_t used = session->out_end - session->out_at;
        if (used)
            memmove(session->out, session->out + session->out_at, used);
        session->out_at = 0;
        session->out_end = used;
        if (used + length > session->out_room) {
            session->out_room = used + length > 2 * session->out_room ? used + length : 2 * session->out_room;
            session->out = realloc(session->out, session->out_room);
            if (!session->out)
                fail("memory", 1);
        }
    }
    unsigned char *at = session->out + session->out_end;
    session->out_end += length;
    return at;
}

static void answer(struct session *session, int first_byte, const unsigned char *packet_id)
{
    unsigned char *at = room(session, 4);
    at[0] = (unsigned char)first_byte;
    at[1] = 2;
    at[2] = packet_id[0];
    at[3] = packet_id[1];
}

static size_t put_length(unsigned char *at, size_t value)
{
    size_t n = 0;
    do {
        at[n] = (unsigned char)(value % 128 | (value > 127 ? 128 : 0));
        n++;
    } while ((value /= 128) > 0);
    return n;
}

/* The properties that a flood's messages carry in MQTT 5: content type, two user properties. */
static const unsigned char flood_properties[] = {
    30, 0x03, 0, 4, 't', 'e', 'x', 't', 0x26, 0, 4, 'u', 'n', 'i', 't', 0, 2, 'm', 'V',
    0x26, 0, 4, 's', 'i', 't', 'e', 0, 3, 'l', 'a', 'b',
};

static unsigned char *publish_room(struct session *session, int qos, uint16_t id, size_t size, int properties)
{
    static const char topic[] = "flood/topic";
    const size_t topic_length = sizeof topic - 1;
    size_t property_bytes = session->version < 5 ? 0 : properties ? sizeof flood_properties : 1;
    size_t remaining = 2 + topic_length + (qos ? 2 : 0) + property_bytes + size;
    unsigned char header[5];
    header[0] = (unsigned char)(PUBLISH << 4 | qos << 1);
    size_t n = 1 + put_length(header + 1, remaining);
    unsigned char *at = room(session, n + remaining);
    memcpy(at, header, n);
    at += n;
    *at++ = 0;
    *at++ = (unsigned char)topic_length;
    memcpy(at, topic, topic_length);
    at += topic_length;
    if (qos) {
        *at++ = (unsigned char)(id >> 8);
        *at++ = (unsigned char)id;
    }
    if (property_bytes > 1)
        memcpy(at, flood_properties, sizeof flood_properties);
    else if (property_bytes == 1)
        *at = 0;
    return at + property_bytes;
}

static uint16_t id_after(uint16_t id)
{
    return id == 65535 ? 1 : (uint16_t)(id + 1);
}

static int may_flood(const struct flood *f)
{
    return f && f->sent < f->count && (f->qos == 0 || f->sent - f->finished < f->window);
}

static void flood(struct session *session)
{
    struct flood *f = session->flood;
    size_t start = session->out_end - session->out_at;
    while (may_flood(f) && session->out_end - session->out_at < start + FLOOD_PIECE) {
        uint16_t id = (uint16_t)(f->sent % 65535 + 1);
        payload_write(publish_room(session, f->qos, id, f->size, 1), f->size, 0, f->sent);
        f->sent++;
        flooded++;
    }
}

int session_waiting(const struct session *session)
{
    return session->out_at < session->out_end || may_flood(session->flood);
}

int session_flush(struct session *session)
{
    for (int rounds = 0; rounds < 8; rounds++) {
        if (session->flood && session->out_end - session->out_at < OUT_LIMIT)
            flood(session);
        if (session->out_at == session->out_end) {
            /* Ten thousand idle clients need no buffers. */
            if (!session->flood && session->out_room > 4096) {
                free(session->out);
                session->out = NULL;
                session->out_room = session->out_at = session->out_end = 0;
            }
            return 1;
        }
        ssize_t n = link_write(&session->link, session->out + session->out_at, session->out_end - session->out_at);
        if (n == LINK_AGAIN)
            return 1;
        if (n < 0)
            return 0;
        session->out_at += (size_t)n;
    }
    return 1;
}

/* ---- input ------------------------------------------------------------------------------------------------------------ */

/* Reads a variable byte integer; 0: not all of it is there, -1: it is none. */
static int get_length(const unsigned char *at, const unsigned char *end, uint32_t *value)
{
    *value = 0;
    for (int n = 0; n < 4; n++) {
        if (at + n == end)
            return 0;
        *value |= (uint32_t)(at[n] & 127) << (7 * n);
        if (!(at[n] & 128))
            return n + 1;
    }
    return -1;
}

static int on_connect(struct session *session, const unsigned char *at, const unsigned char *end)
{
    static const unsigned char v4[] = {0x20, 2, 0, 0}, v5[] = {0x20, 3, 0, 0, 0};
    if (end - at < 8)
        return 0;
    uint32_t name = (uint32_t)at[0] << 8 | at[1];
    if ((size_t)(end - at) < 2 + name + 1)
        return 0;
    session->version = at[2 + name];
    connects++;
    if (session->version >= 5)
        memcpy(room(session, sizeof v5), v5, sizeof v5);
    else
        memcpy(room(session, sizeof v4), v4, sizeof v4);
    return 1;
}

static int on_publish(struct session *session, int flags, const unsigned char *at, const unsigned char *end)
{
    int qos = flags >> 1 & 3;
    const unsigned char *id = NULL;
    if (end - at < 2)
        return 0;
    size_t topic_length = (size_t)at[0] << 8 | at[1];
    const unsigned char *topic = at + 2;
    if (qos == 3 || (size_t)(end - topic) < topic_length + (qos ? 2 : 0))
        return 0;
    at = topic + topic_length;
    if (qos) {
        id = at;
        at += 2;
    }
    if (session->version >= 5) {
        uint32_t properties;
        int n = get_length(at, end, &properties);
        if (n <= 0 || (size_t)(end - at) < (size_t)n + properties)
            return 0;
        at += (size_t)n + properties;
    }
    publishes[qos]++;
    if (flags & 8)
        duplicates++;
    check_message(&published, at, (size_t)(end - at));
    if (qos == 1)
        answer(session, PUBACK << 4, id);
    else if (qos == 2)
        answer(session, PUBREC << 4, id);
    if (topic_length >= 2 && topic[0] == 'e' && topic[1] == '/') {
        uint16_t own = id ? (uint16_t)(id[0] << 8 | id[1]) : 0;
        memcpy(publish_room(session, qos, own, (size_t)(end - at), 0), at, (size_t)(end - at));
    }
    return 1;
}

static int on_subscribe(struct session *session, const unsigned char *at, const unsigned char *end)
{
    const unsigned char *id = at;
    unsigned char codes[64];
    size_t count = 0;
    at += 2;
    if (session->version >= 5 && at < end)
        at += 1 + *at;
    while (end - at > 2 && count < sizeof codes) {
        char filter[64];
        size_t length = (size_t)at[0] << 8 | at[1];
        if ((size_t)(end - at) < 3 + length)
            return 0;
        snprintf(filter, sizeof filter, "%.*s", (int)length, (const char *)at + 2);
        codes[count++] = at[2 + length] & 3;
        at += 3 + length;
        unsigned qos, size, n, window;
        if (sscanf(filter, "f/%u/%u/%u/%u", &qos, &size, &n, &window) == 4) {
            free(session->flood);
            session->flood = calloc(1, sizeof *session->flood);
            if (!session->flood)
                fail("memory", 1);
            session->flood->qos = (int)qos;
            session->flood->size = size;
            session->flood->count = n;
            session->flood->window = window == 0 || window > 65535 ? 65535 : window;
            session->flood->expected = session->flood->completed = 1;
        }
    }
    unsigned char *to = room(session, 4 + (session->version >= 5) + count);
    *to++ = 0x90;
    *to++ = (unsigned char)(2 + (session->version >= 5) + count);
    *to++ = id[0];
    *to++ = id[1];
    if (session->version >= 5)
        *to++ = 0;
    memcpy(to, codes, count);
    return 1;
}

static void on_unsubscribe(struct session *session, const unsigned char *at)
{
    if (session->version >= 5) {
        unsigned char *to = room(session, 6);
        const unsigned char v5[] = {0xB0, 4, at[0], at[1], 0, 0};
        memcpy(to, v5, sizeof v5);
    } else {
        answer(session, 0xB0, at);
    }
}

/* Acknowledgements come in the order of the messages [MQTT-4.6.0-2, 3, 4]. */
static void on_acknowledgement(struct session *session, int kind, const unsigned char *at)
{
    struct flood *f = session->flood;
    uint16_t id = (uint16_t)(at[0] << 8 | at[1]);
    if (kind == PUBREC)
        answer(session, PUBREL << 4 | 2, at);
    if (!f)
        return; /* an echoed message's */
    uint16_t *expected = kind == PUBCOMP ? &f->completed : &f->expected;
    if (id != *expected)
        ack_errors++;
    *expected = id_after(id);
    if ((f->qos == 1 && kind == PUBACK) || (f->qos == 2 && kind == PUBCOMP)) {
        f->finished++;
        flood_finished++;
    }
}

static int on_packet(struct session *session, int first_byte, const unsigned char *at, const unsigned char *end)
{
    static const unsigned char pong[] = {0xD0, 0};
    int kind = first_byte >> 4;
    if (kind >= PUBACK && kind <= UNSUBSCRIBE && end - at < 2)
        return 0;
    switch (kind) {
    case CONNECT:
        return on_connect(session, at, end);
    case PUBLISH:
        return on_publish(session, first_byte & 15, at, end);
    case PUBACK:
    case PUBREC:
    case PUBCOMP:
        on_acknowledgement(session, kind, at);
        return 1;
    case PUBREL:
        answer(session, PUBCOMP << 4, at);
        return 1;
    case SUBSCRIBE:
        return on_subscribe(session, at, end);
    case UNSUBSCRIBE:
        on_unsubscribe(session, at);
        return 1;
    case PINGREQ:
        pings++;
        memcpy(room(session, sizeof pong), pong, sizeof pong);
        return 1;
    case DISCONNECT:
        disconnects++;
        return 1;
    default:
        return 0;
    }
}

/* Processes all whole packets; the bytes used, or -1. */
static ssize_t on_bytes(struct session *session, const unsigned char *from, size_t length)
{
    const unsigned char *at = from, *end = from + length;
    long before = published.count;
    while (end - at >= 2) {
        uint32_t remaining;
        int n = get_length(at + 1, end, &remaining);
        if (n < 0 || remaining > PACKET_MAX - 8)
            return -1;
        if (n == 0 || (size_t)(end - at) < 1 + (size_t)n + remaining)
            break;
        const unsigned char *body = at + 1 + n;
        if (!on_packet(session, *at, body, body + remaining))
            return -1;
        at = body + remaining;
    }
    if (published.count > before) {
        last_us = now_us();
        if (first_us == 0)
            first_us = last_us;
    }
    return at - from;
}

int session_readable(struct session *session)
{
    /* What TLS or WebSocket has read ahead causes no event: there, read to the end. */
    int buffered = session->link.ssl || session->link.websocket;
    for (int rounds = 0; rounds < 4 || buffered; rounds++) {
        size_t have = session->partial_length;
        if (have)
            memcpy(shared, session->partial, have);
        ssize_t n = link_read(&session->link, shared + have, READ_ROOM);
        if (n == LINK_AGAIN)
            return 1;
        if (n == LINK_ENDED)
            return 0;
        have += (size_t)n;
        ssize_t used = on_bytes(session, shared, have);
        if (used < 0) {
            protocol_errors++;
            return 0;
        }
        size_t rest = have - (size_t)used;
        if (rest > 0) {
            session->partial = realloc(session->partial, rest);
            if (!session->partial)
                fail("memory", 1);
            memcpy(session->partial, shared + used, rest);
        } else {
            free(session->partial);
            session->partial = NULL;
        }
        session->partial_length = rest;
        if (n > 0 && n < READ_ROOM && !buffered)
            return 1; /* that was all: no second call to find nothing */
        if (!session_flush(session))
            return 0;
    }
    return 1;
}
