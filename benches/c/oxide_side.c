#include "oxide_side.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define ALL (MQTTOxide_READ | MQTTOxide_WRITE | MQTTOxide_TICK)

static uint64_t events[32 * 1024];
static unsigned char bytes[256 * 1024];

int linked(const struct side *side, const char *how)
{
    return side->link && strcmp(side->link, how) == 0;
}

void must(const char *what, int64_t code)
{
    if (code < 0)
        fail(what, (int)code);
}

void *buffer(size_t size)
{
    void *memory = malloc(size);
    if (!memory)
        fail("memory", 1);
    return memory;
}

void touch_buffers(void)
{
    memset(events, 0, sizeof events);
}

/* ---- events ----------------------------------------------------------------------------------------------------------- */

static void wake_pump(struct side *side);

static void handle(struct side *side, const struct MQTTOxide_event *event)
{
    const unsigned char *text = (const unsigned char *)(event + 1);
    switch (event->kind) {
    case MQTTOxide_MESSAGE:
        check_sized(&side->received, text + event->topic_len + event->props_len, event->payload_len, opt.size);
        side->arrived++;
        break;
    case MQTTOxide_DONE:
        side->done += (long)event->value;
        break;
    case MQTTOxide_ROOM:
        side->room = 1;
        break;
    case MQTTOxide_CONNECTED:
        side->connected++;
        break;
    case MQTTOxide_SUBACK:
        side->subscribed++;
        break;
    case MQTTOxide_CLOSED:
        side->closed++;
        break;
    case MQTTOxide_OUTPUT:
        if (linked(side, "pump"))
            wake_pump(side);
        break;
    case MQTTOxide_WANTS:
        break;
    default:
        fprintf(stderr, "%.*s\n", (int)event->topic_len, (const char *)text);
        fail("unexpected event", event->kind);
    }
}

/* A buffer that is nearly full may have left some. */
static void handle_all(struct side *side, int64_t filled)
{
    must("events", filled);
    while (filled > 0) {
        for (int64_t at = 0; at < filled;) {
            const struct MQTTOxide_event *event = (const void *)((const char *)events + at);
            handle(side, event);
            at += event->size;
        }
        if (filled < (int64_t)(sizeof events / 2))
            break;
        filled = MQTTOxide_nextEvents(side->queue, events, sizeof events, 0, NULL);
        must("nextEvents", filled);
    }
}

static void carry_out(struct side *side)
{
    int64_t n;
    while ((n = MQTTOxide_take(side->client, bytes, sizeof bytes)) > 0)
        for (int64_t at = 0; at < n;) {
            ssize_t written = write(side->fd, bytes + at, (size_t)(n - at));
            if (written <= 0)
                fail("write", (int)written);
            at += written;
        }
    must("take", n);
}

/* Reads once, and hands over what came. */
static void carry_in(struct side *side)
{
    ssize_t n = read(side->fd, bytes, sizeof bytes);
    if (n <= 0)
        fail("read", (int)n);
    for (ssize_t at = 0; at < n;) {
        uint64_t taken = 0;
        handle_all(side, MQTTOxide_feedEvents(side->client, bytes + at, (uint64_t)(n - at), &taken, events, sizeof events,
                                              NULL));
        at += (ssize_t)taken;
    }
    carry_out(side);
}

/* ---- a thread that carries the bytes (link=pump) -------------------------------------------------------------------- */

/* Called when there are bytes to take. Costs next to nothing while the thread is at it. */
static void wake_pump(struct side *side)
{
    const uint64_t one = 1;
    atomic_fetch_add(&side->pump_told, 1);
    if (atomic_load(&side->pump_sleeps) && atomic_exchange(&side->pump_sleeps, 0) &&
        write(side->pump_alarm, &one, sizeof one) < 0)
        fail("eventfd", 1);
}

/* Moves the bytes that there are. What comes meanwhile is told, and not looked for: it would be little at a time. */
static void pump_out(struct side *side, unsigned char *into, uint32_t size)
{
    int64_t n;
    do {
        n = MQTTOxide_take(side->client, into, size);
        must("take", n);
        for (int64_t at = 0; at < n;) {
            ssize_t written = write(side->fd, into + at, (size_t)(n - at));
            if (written <= 0)
                fail("write", (int)written);
            at += written;
        }
    } while (n == size);
}

static void *run_pump(void *of)
{
    struct side *side = of;
    static unsigned char out[256 * 1024], in[64 * 1024];
    struct pollfd poll_fds[2] = {{.fd = side->fd, .events = POLLIN}, {.fd = side->pump_alarm, .events = POLLIN}};
    for (;;) {
        uint64_t times;
        long told = atomic_load(&side->pump_told);
        int ends = atomic_load(&side->pump_ends);
        pump_out(side, out, sizeof out);
        if (ends) {
            shutdown(side->fd, SHUT_WR);
            MQTTOxide_eof(side->client, NULL, 0);
            return NULL;
        }
        atomic_store(&side->pump_sleeps, 1);
        /* Told before it slept. */
        if (atomic_load(&side->pump_told) != told) {
            atomic_store(&side->pump_sleeps, 0);
            continue;
        }
        if (poll(poll_fds, 2, PATIENCE_MS) <= 0)
            fail("nothing to carry", 1);
        atomic_store(&side->pump_sleeps, 0);
        if (poll_fds[1].revents && read(side->pump_alarm, &times, sizeof times) < 0)
            fail("eventfd", 1);
        if (poll_fds[0].revents) {
            ssize_t n = read(side->fd, in, sizeof in);
            if (n <= 0)
                fail("read", (int)n);
            for (ssize_t at = 0; at < n;) {
                int64_t taken = MQTTOxide_feed(side->client, in + at, (uint64_t)(n - at));
                must("feed", taken);
                at += (ssize_t)taken;
            }
        }
    }
}

static void start_pump(struct side *side)
{
    side->pump_alarm = eventfd(0, EFD_CLOEXEC);
    if (side->pump_alarm < 0 || pthread_create(&side->pump, NULL, run_pump, side))
        fail("pump", 1);
}

static int readable(const struct side *side, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = side->fd, .events = POLLIN};
    return poll(&poll_fd, 1, timeout_ms) > 0;
}

/* Handles what there is, or waits for something. */
void work(struct side *side, int timeout_ms)
{
    if (linked(side, "feed")) {
        carry_out(side);
        int64_t filled = MQTTOxide_nextEvents(side->queue, events, sizeof events, 0, NULL);
        handle_all(side, filled);
        /* With what has come there may be nothing left to wait for. */
        if ((timeout_ms == 0 || filled > 0) && !readable(side, 0))
            return;
        carry_in(side);
    } else if (side->drive) {
        if (timeout_ms > 0 && !readable(side, timeout_ms))
            fail("nothing came", timeout_ms);
        handle_all(side, MQTTOxide_driveEvents(side->client, ALL | MQTTOxide_LEVEL, events, sizeof events, NULL));
    } else {
        if (linked(side, "pump"))
            wake_pump(side);
        int64_t filled = MQTTOxide_nextEvents(side->queue, events, sizeof events, timeout_ms, NULL);
        if (filled == 0 && timeout_ms > 0)
            fail("nothing came", timeout_ms);
        handle_all(side, filled);
    }
}

void wait_for(struct side *side, const long *count, long target)
{
    while (*count < target)
        work(side, PATIENCE_MS);
}

/* ---- a client --------------------------------------------------------------------------------------------------------- */

static void dial(struct side *side)
{
    char host[256];
    int port, on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET};
    options_address(host, sizeof host, &port);
    address.sin_port = htons((uint16_t)port);
    inet_pton(AF_INET, host, &address.sin_addr);
    side->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (side->fd < 0 || connect(side->fd, (struct sockaddr *)&address, sizeof address) != 0)
        fail("connect", port);
    setsockopt(side->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

uint64_t create(const struct side *side, uint64_t context, const char *id)
{
    struct MQTTOxide_createOptions options = {.size = sizeof options};
    uint64_t made;
    options.context = context;
    options.client_id = id;
    options.client_id_len = (uint32_t)strlen(id);
    options.max_buffered = 100 * 1000 * 1000;
    options.driver = side->drive ? ALL : 0;
    must("create", MQTTOxide_create(&made, side->queue, &options));
    return made;
}

void begin(struct side *side, uint64_t of)
{
    struct MQTTOxide_connectOptions options = {.size = sizeof options};
    options.version = 4;
    options.clean = 1;
    options.keep_alive_s = strcmp(opt.scenario, "clients") == 0 ? 5 : 60;
    options.deadline_ms = PATIENCE_MS;
    if (linked(side, "fd") || side->drive) {
        dial(side);
        must("attachFd", MQTTOxide_attachFd(of, side->fd, &options));
    } else if (linked(side, "feed") || linked(side, "pump")) {
        dial(side);
        must("attachStream", MQTTOxide_attachStream(of, &options));
        if (linked(side, "pump"))
            start_pump(side);
    } else {
        must("connect", MQTTOxide_connect(of, opt.uri, (uint32_t)strlen(opt.uri), &options, NULL));
    }
}

void open_side(struct side *side, const char *id)
{
    check_init(&side->received);
    must("createQueue", MQTTOxide_createQueue(&side->queue));
    side->client = create(side, 0, id);
    begin(side, side->client);
    wait_for(side, &side->connected, 1);
}

void subscribe(struct side *side, const char *filter)
{
    unsigned char filters[128];
    uint32_t used = 0;
    must("putFilter", MQTTOxide_putFilter(filters, sizeof filters, &used, filter, (uint32_t)strlen(filter), opt.qos));
    must("subscribe", MQTTOxide_subscribe(side->client, filters, used, NULL, 0, NULL));
}

void close_side(struct side *side)
{
    must("disconnect", MQTTOxide_disconnect(side->client, 10000, 0, NULL, 0));
    if (linked(side, "pump")) {
        atomic_store(&side->pump_ends, 1);
        wake_pump(side);
    }
    while (side->closed == 0) {
        if (linked(side, "feed")) {
            carry_out(side);
            shutdown(side->fd, SHUT_WR);
            MQTTOxide_eof(side->client, NULL, 0);
            handle_all(side, MQTTOxide_nextEvents(side->queue, events, sizeof events, PATIENCE_MS, NULL));
        } else {
            work(side, side->drive ? 0 : PATIENCE_MS);
        }
    }
    if (linked(side, "pump"))
        pthread_join(side->pump, NULL);
    if (side->fd >= 0) {
        /* What was written arrives before the end of the connection. */
        shutdown(side->fd, SHUT_WR);
        close(side->fd);
    }
    MQTTOxide_destroy(side->client);
    MQTTOxide_destroyQueue(side->queue);
}

void publish(struct side *side, uint64_t by, const char *topic, int qos, long number, void *payload)
{
    struct MQTTOxide_published result = {.size = sizeof result};
    /* Bytes that this program carries are carried for many messages at a time. */
    const int carried = linked(side, "feed") || linked(side, "pump");
    uint32_t flags = (uint32_t)qos | (carried ? MQTTOxide_LATER : 0);
    payload_write(payload, opt.size, side->stream, (uint32_t)number);
    for (;;) {
        int32_t code = MQTTOxide_publish(by, topic, (uint32_t)strlen(topic), payload, (uint32_t)opt.size, NULL, 0, flags,
                                         &result);
        if (code == 0)
            break;
        if (code != MQTTOxide_E_WOULD_BLOCK)
            fail("publish", code);
        side->room = 0;
        while (!side->room)
            work(side, linked(side, "feed") ? 0 : PATIENCE_MS);
    }
    if (qos == 0 && (result.status & MQTTOxide_WRITTEN))
        side->done++; /* the call says so, and no event */
}

void publish_all(struct side *side, long from, long to, void *payload)
{
    const long every = linked(side, "feed") || linked(side, "pump") ? CARRY_EVERY : EVERY;
    const long before = side->done - from;
    for (long i = from; i < to; i++) {
        while (opt.window && i - (side->done - before) >= opt.window)
            work(side, PATIENCE_MS);
        publish(side, side->client, "bench/topic", opt.qos, i, payload);
        if (i % every == 0 && !side->drive)
            work(side, 0);
    }
    wait_for(side, &side->done, before + to);
}
