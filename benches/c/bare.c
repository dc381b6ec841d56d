#include "bare.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROOM (4u << 20)

static int fd = -1;
static int polls;
static unsigned char in[ROOM], out[ROOM];
static size_t in_at, in_end, out_end;

void bare_flush(void)
{
    for (size_t at = 0; at < out_end;) {
        ssize_t n = write(fd, out + at, out_end - at);
        if (n <= 0)
            fail("write", (int)n);
        at += (size_t)n;
    }
    out_end = 0;
}

static void put(const void *bytes, size_t length)
{
    memcpy(out + out_end, bytes, length);
    out_end += length;
}

static void put_header(int first, size_t remaining)
{
    out[out_end++] = (unsigned char)first;
    do {
        out[out_end++] = (unsigned char)(remaining % 128 | (remaining > 127 ? 128 : 0));
    } while ((remaining /= 128) > 0);
}

static void put_string(const char *text)
{
    size_t length = strlen(text);
    out[out_end++] = (unsigned char)(length >> 8);
    out[out_end++] = (unsigned char)length;
    put(text, length);
}

void bare_publish(const char *topic, uint32_t stream, long number)
{
    uint16_t id = (uint16_t)(number % 65535 + 1);
    put_header(PUBLISH << 4 | opt.qos << 1, 2 + strlen(topic) + (opt.qos ? 2 : 0) + opt.size);
    put_string(topic);
    if (opt.qos) {
        out[out_end++] = (unsigned char)(id >> 8);
        out[out_end++] = (unsigned char)id;
    }
    payload_write(out + out_end, opt.size, stream, (uint32_t)number);
    out_end += opt.size;
}

void bare_acknowledge(int first, const unsigned char *id)
{
    const unsigned char packet[] = {(unsigned char)first, 2, id[0], id[1]};
    put(packet, sizeof packet);
}

size_t bare_packet(int *first, const unsigned char **body)
{
    for (;;) {
        size_t have = in_end - in_at, remaining = 0, n = 1;
        int whole = 0;
        for (; n < have && n <= 4 && !whole; n++) {
            remaining |= (size_t)(in[in_at + n] & 127) << (7 * (n - 1));
            whole = !(in[in_at + n] & 128);
        }
        if (whole && have >= n + remaining) {
            *first = in[in_at];
            *body = in + in_at + n;
            in_at += n + remaining;
            return remaining;
        }
        /* Nothing whole is left: whatever there is to say has been said by now. */
        if (out_end)
            bare_flush();
        memmove(in, in + in_at, have);
        in_at = 0;
        in_end = have;
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        if (polls && poll(&poll_fd, 1, -1) <= 0)
            fail("poll", fd);
        ssize_t got = read(fd, in + in_end, have + PIECE <= ROOM ? PIECE : ROOM - have);
        if (got <= 0)
            fail("read", (int)got);
        in_end += (size_t)got;
    }
}

void bare_expect(int kind)
{
    int first;
    const unsigned char *body;
    bare_flush();
    bare_packet(&first, &body);
    if (first >> 4 != kind)
        fail("unexpected packet", first);
}

void bare_connect(void)
{
    char host[256];
    int port, on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET};
    options_address(host, sizeof host, &port);
    address.sin_port = htons((uint16_t)port);
    inet_pton(AF_INET, host, &address.sin_addr);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        fail("connect", port);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    put_header(0x10, 15);
    put_string("MQTT");
    put("\x04\x02\x00\x3c", 4);
    put_string("raw");
    bare_expect(2);
}

void bare_subscribe(const char *filter)
{
    const unsigned char qos = (unsigned char)opt.qos;
    put_header(0x82, 2 + 2 + strlen(filter) + 1);
    put("\x00\x01", 2);
    put_string(filter);
    put(&qos, 1);
}

void bare_finish(void)
{
    put("\xe0\x00", 2);
    bare_flush();
    shutdown(fd, SHUT_WR);
    while (read(fd, in, PIECE) > 0) {
    }
    close(fd);
}

void bare_message(struct check *check)
{
    for (;;) {
        int first;
        const unsigned char *body;
        size_t length = bare_packet(&first, &body);
        int qos = first >> 1 & 3;
        if (first >> 4 == PUBREL)
            bare_acknowledge(PUBCOMP << 4, body);
        else if (first >> 4 == PUBREC)
            bare_acknowledge(PUBREL << 4 | 2, body);
        if (first >> 4 != PUBLISH)
            continue;
        size_t head = 2 + ((size_t)body[0] << 8 | body[1]) + (qos ? 2 : 0);
        if (qos)
            bare_acknowledge(qos == 1 ? PUBACK << 4 : PUBREC << 4, body + head - 2);
        check_sized(check, body + head, length - head, opt.size);
        return;
    }
}

size_t bare_unsent(void)
{
    return out_end;
}

size_t bare_unread(void)
{
    return in_end - in_at;
}

int bare_socket(void)
{
    return fd;
}

void bare_poll(void)
{
    polls = 1;
}

void bare_use(int socket)
{
    fd = socket;
}
