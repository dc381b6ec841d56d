/*
 * The same bytes on a bare socket: what the machine gives when no library is in between. One thread, blocking calls,
 * large reads and writes; packets are encoded and checked as in the other programs.
 */
#include "bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PUBLISH = 3, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK = 9 };

#define ROOM (4u << 20)
/* A write's worth. */
#define PIECE (256 * 1024)

static int fd;
static unsigned char *in, *out;
static size_t in_at, in_end, out_end;

static void flush(void)
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

static void put_publish(const char *topic, uint32_t stream, long number)
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

static void put_ack(int first, const unsigned char *id)
{
    const unsigned char packet[] = {(unsigned char)first, 2, id[0], id[1]};
    put(packet, sizeof packet);
}

/* The next whole packet; its length without the header. */
static size_t next_packet(int *first, const unsigned char **body)
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
            flush();
        memmove(in, in + in_at, have);
        in_at = 0;
        in_end = have;
        ssize_t got = read(fd, in + in_end, have + PIECE <= ROOM ? PIECE : ROOM - have);
        if (got <= 0)
            fail("read", (int)got);
        in_end += (size_t)got;
    }
}

static void expect(int kind)
{
    int first;
    const unsigned char *body;
    flush();
    next_packet(&first, &body);
    if (first >> 4 != kind)
        fail("unexpected packet", first);
}

static void connect_raw(void)
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
    expect(2);
}

static void subscribe(const char *filter)
{
    const unsigned char qos = (unsigned char)opt.qos;
    put_header(0x82, 2 + 2 + strlen(filter) + 1);
    put("\x00\x01", 2);
    put_string(filter);
    put(&qos, 1);
}

static void finish(void)
{
    put("\xe0\x00", 2);
    flush();
    shutdown(fd, SHUT_WR);
    while (read(fd, in, PIECE) > 0) {
    }
    close(fd);
}

static void run_publish(void)
{
    long sent = 0, done = 0, window = opt.window ? opt.window : 65535;
    connect_raw();
    measure_start();
    while (done < opt.n) {
        while (sent < opt.n && (opt.qos == 0 || sent - done < window)) {
            put_publish("bench/topic", 0, sent++);
            if (out_end > PIECE)
                break;
        }
        if (out_end > PIECE || opt.qos == 0)
            flush();
        if (opt.qos == 0) {
            done = sent;
            continue;
        }
        /* Read acknowledgements when the window is used up, or while there are some already. */
        while ((sent == opt.n || sent - done >= window || in_end - in_at >= 4) && done < sent) {
            int first;
            const unsigned char *id;
            next_packet(&first, &id);
            if (first >> 4 == PUBREC)
                put_ack(PUBREL << 4 | 2, id);
            else
                done++;
        }
    }
    measure_finish();
    report("sent", (double)opt.n);
    finish();
}

/* Reads one message and acknowledges it; other packets on the way are answered. */
static void read_message(struct check *check)
{
    for (;;) {
        int first;
        const unsigned char *body;
        size_t length = next_packet(&first, &body);
        int qos = first >> 1 & 3;
        if (first >> 4 == PUBREL)
            put_ack(PUBCOMP << 4, body);
        else if (first >> 4 == PUBREC)
            put_ack(PUBREL << 4 | 2, body);
        if (first >> 4 != PUBLISH)
            continue;
        size_t head = 2 + ((size_t)body[0] << 8 | body[1]) + (qos ? 2 : 0);
        if (qos)
            put_ack(qos == 1 ? PUBACK << 4 : PUBREC << 4, body + head - 2);
        check_sized(check, body + head, length - head, opt.size);
        return;
    }
}

static void run_receive(void)
{
    struct check check;
    char filter[64];
    check_init(&check);
    connect_raw();
    snprintf(filter, sizeof filter, "f/%d/%zu/%ld/%ld", opt.qos, opt.size, opt.n, opt.window);
    measure_start();
    subscribe(filter);
    expect(SUBACK);
    while (check.count < opt.n)
        read_message(&check);
    measure_finish();
    report_check(&check);
    finish();
}

static void run_pingpong(void)
{
    const long warm_up = 20;
    struct check check;
    double *samples = calloc((size_t)opt.n, sizeof *samples);
    if (!samples)
        fail("memory", 1);
    check_init(&check);
    connect_raw();
    subscribe("e/ping");
    expect(SUBACK);
    measure_start();
    for (long i = 0; i < opt.n + warm_up; i++) {
        double start = now_us();
        put_publish("e/ping", 0, i);
        flush();
        read_message(&check);
        if (i >= warm_up)
            samples[i - warm_up] = now_us() - start;
    }
    measure_finish();
    report_check(&check);
    report_samples("rtt", samples, opt.n);
    report("sent", (double)(opt.n + warm_up));
    finish();
}

/* Many connections, a message on each in turn: one system call a message is the least there is. */
static void run_clients(void)
{
    int *sockets = calloc((size_t)opt.clients, sizeof *sockets);
    struct rlimit files;
    if (!sockets)
        fail("memory", 1);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    double start = now_us();
    for (long i = 0; i < opt.clients; i++) {
        connect_raw();
        sockets[i] = fd;
    }
    report("connect_us", now_us() - start);
    measure_start();
    start = now_us();
    double cpu = cpu_us();
    for (long round = 0; round < opt.each; round++) {
        for (long i = 0; i < opt.clients; i++) {
            fd = sockets[i];
            put_publish("bench/topic", (uint32_t)i, round);
            flush();
        }
    }
    report("publish_us", now_us() - start);
    report("publish_cpu_us", cpu_us() - cpu);
    measure_finish();
    report("sent", (double)(opt.clients * opt.each));
    for (long i = 0; i < opt.clients; i++) {
        fd = sockets[i];
        finish();
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } scenarios[] = {{"publish", run_publish}, {"receive", run_receive}, {"pingpong", run_pingpong}, {"clients", run_clients}};
    options_parse(argc, argv);
    in = malloc(ROOM);
    out = malloc(ROOM);
    if (!in || !out)
        fail("memory", 1);
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        if (strcmp(scenarios[i].name, opt.scenario) == 0) {
            scenarios[i].run();
            return 0;
        }
    }
    fail("no such scenario", 2);
}
