/*
 * Our own API: events in batches from a queue, over a connection of the library's, an adopted socket, or bytes that this program
 * carries. One thread does everything that the program does, but where bytes are carried by a thread of their own (link=pump).
 */
#include "bench.h"
#include "paho_oxide.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 30000
#define ALL (MQTTOxide_READ | MQTTOxide_WRITE | MQTTOxide_TICK)
/* How often a program that publishes without a pause looks at its events. */
#define EVERY 64
/* How often it carries its bytes, where it does so itself: as many as fill a buffer, since each time costs two system calls. */
#define CARRY_EVERY 512

static uint64_t queue, client;
/* Of this program's: link=fd, link=feed, link=pump. */
static int fd = -1;
static uint64_t events[32 * 1024];
static unsigned char bytes[256 * 1024];

/* What has come so far. */
static long connected, subscribed, done, arrived, closed;
static int room = 1;
static struct check received;

static int linked(const char *how)
{
    return opt.link && strcmp(opt.link, how) == 0;
}

static void must(const char *what, int64_t code)
{
    if (code < 0)
        fail(what, (int)code);
}

/* ---- events ----------------------------------------------------------------------------------------------------------- */

static void handle(const struct MQTTOxide_event *event)
{
    const unsigned char *text = (const unsigned char *)(event + 1);
    switch (event->kind) {
    case MQTTOxide_MESSAGE:
        check_sized(&received, text + event->topic_len + event->props_len, event->payload_len, opt.size);
        arrived++;
        break;
    case MQTTOxide_DONE:
        done += (long)event->value;
        break;
    case MQTTOxide_ROOM:
        room = 1;
        break;
    case MQTTOxide_CONNECTED:
        connected++;
        break;
    case MQTTOxide_SUBACK:
        subscribed++;
        break;
    case MQTTOxide_CLOSED:
        closed++;
        break;
    case MQTTOxide_OUTPUT:
    case MQTTOxide_WANTS:
        break;
    default:
        fprintf(stderr, "%.*s\n", (int)event->topic_len, (const char *)text);
        fail("unexpected event", event->kind);
    }
}

/* A buffer that is nearly full may have left some. */
static void handle_all(int64_t filled)
{
    must("events", filled);
    while (filled > 0) {
        for (int64_t at = 0; at < filled;) {
            const struct MQTTOxide_event *event = (const void *)((const char *)events + at);
            handle(event);
            at += event->size;
        }
        if (filled < (int64_t)(sizeof events / 2))
            break;
        filled = MQTTOxide_nextEvents(queue, events, sizeof events, 0, NULL);
        must("nextEvents", filled);
    }
}

static void carry_out(void)
{
    int64_t n;
    while ((n = MQTTOxide_take(client, bytes, sizeof bytes)) > 0)
        for (int64_t at = 0; at < n;) {
            ssize_t written = write(fd, bytes + at, (size_t)(n - at));
            if (written <= 0)
                fail("write", (int)written);
            at += written;
        }
    must("take", n);
}

/* Reads once, and hands over what came. */
static void carry_in(void)
{
    ssize_t n = read(fd, bytes, sizeof bytes);
    if (n <= 0)
        fail("read", (int)n);
    for (ssize_t at = 0; at < n;) {
        uint64_t taken = 0;
        handle_all(MQTTOxide_feedEvents(client, bytes + at, (uint64_t)(n - at), &taken, events, sizeof events, NULL));
        at += (ssize_t)taken;
    }
    carry_out();
}

/* ---- a thread that carries the bytes (link=pump) -------------------------------------------------------------------- */

static pthread_t pump;
/* The thread sleeps until there are bytes, and nobody has woken it yet. */
static atomic_int pump_sleeps;
static int pump_alarm = -1;
/* DISCONNECT is the last there is. */
static atomic_int pump_ends;

/* Called when there are bytes to take. Costs nothing while the thread is at it. */
static void wake_pump(void)
{
    const uint64_t one = 1;
    if (atomic_load(&pump_sleeps) && atomic_exchange(&pump_sleeps, 0) && write(pump_alarm, &one, sizeof one) < 0)
        fail("eventfd", 1);
}

/* Moves bytes until there are none. Returns 0 if there were none at all. */
static int pump_out(unsigned char *room, uint32_t size)
{
    int some = 0;
    int64_t n;
    while ((n = MQTTOxide_take(client, room, size)) > 0) {
        for (int64_t at = 0; at < n;) {
            ssize_t written = write(fd, room + at, (size_t)(n - at));
            if (written <= 0)
                fail("write", (int)written);
            at += written;
        }
        some = 1;
    }
    must("take", n);
    return some;
}

static void *run_pump(void *unused)
{
    static unsigned char out[256 * 1024], in[64 * 1024];
    struct pollfd poll_fds[2] = {{.fd = fd, .events = POLLIN}, {.fd = pump_alarm, .events = POLLIN}};
    (void)unused;
    for (;;) {
        uint64_t times;
        int ends = pump_ends;
        pump_out(out, sizeof out);
        if (ends) {
            shutdown(fd, SHUT_WR);
            MQTTOxide_eof(client, NULL, 0);
            return NULL;
        }
        atomic_store(&pump_sleeps, 1);
        /* What came before that nobody has told of. */
        if (pump_ends || pump_out(out, sizeof out)) {
            atomic_store(&pump_sleeps, 0);
            continue;
        }
        if (poll(poll_fds, 2, PATIENCE_MS) <= 0)
            fail("nothing to carry", 1);
        atomic_store(&pump_sleeps, 0);
        if (poll_fds[1].revents && read(pump_alarm, &times, sizeof times) < 0)
            fail("eventfd", 1);
        if (poll_fds[0].revents) {
            ssize_t n = read(fd, in, sizeof in);
            if (n <= 0)
                fail("read", (int)n);
            for (ssize_t at = 0; at < n;) {
                int64_t taken = MQTTOxide_feed(client, in + at, (uint64_t)(n - at));
                must("feed", taken);
                at += (ssize_t)taken;
            }
        }
    }
}

static void start_pump(void)
{
    pump_alarm = eventfd(0, EFD_CLOEXEC);
    if (pump_alarm < 0 || pthread_create(&pump, NULL, run_pump, NULL))
        fail("pump", 1);
}

static int readable(int timeout_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, timeout_ms) > 0;
}

/* Handles what there is, or waits for something. */
static void work(int timeout_ms)
{
    if (linked("feed")) {
        carry_out();
        int64_t filled = MQTTOxide_nextEvents(queue, events, sizeof events, 0, NULL);
        handle_all(filled);
        /* With what has come there may be nothing left to wait for. */
        if ((timeout_ms == 0 || filled > 0) && !readable(0))
            return;
        carry_in();
    } else if (opt.drive) {
        if (timeout_ms > 0 && !readable(timeout_ms))
            fail("nothing came", timeout_ms);
        handle_all(MQTTOxide_driveEvents(client, ALL | MQTTOxide_LEVEL, events, sizeof events, NULL));
    } else {
        int64_t filled = MQTTOxide_nextEvents(queue, events, sizeof events, timeout_ms, NULL);
        if (filled == 0 && timeout_ms > 0)
            fail("nothing came", timeout_ms);
        handle_all(filled);
    }
}

static void wait_for(const long *count, long target)
{
    while (*count < target)
        work(PATIENCE_MS);
}

/* ---- a client --------------------------------------------------------------------------------------------------------- */

static void dial(void)
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
}

static uint64_t create(uint64_t context, const char *id)
{
    struct MQTTOxide_createOptions options = {.size = sizeof options};
    uint64_t made;
    options.context = context;
    options.client_id = id;
    options.client_id_len = (uint32_t)strlen(id);
    options.max_buffered = 100 * 1000 * 1000;
    options.driver = opt.drive ? ALL : 0;
    must("create", MQTTOxide_create(&made, queue, &options));
    return made;
}

static void begin(uint64_t of)
{
    struct MQTTOxide_connectOptions options = {.size = sizeof options};
    options.version = 4;
    options.clean = 1;
    options.keep_alive_s = strcmp(opt.scenario, "clients") == 0 ? 5 : 60;
    options.deadline_ms = PATIENCE_MS;
    if (linked("fd") || opt.drive) {
        dial();
        must("attachFd", MQTTOxide_attachFd(of, fd, &options));
    } else if (linked("feed") || linked("pump")) {
        dial();
        must("attachStream", MQTTOxide_attachStream(of, &options));
        if (linked("pump"))
            start_pump();
    } else {
        must("connect", MQTTOxide_connect(of, opt.uri, (uint32_t)strlen(opt.uri), &options, NULL));
    }
}

static void open_client(const char *id)
{
    check_init(&received);
    must("createQueue", MQTTOxide_createQueue(&queue));
    client = create(0, id);
    begin(client);
    wait_for(&connected, 1);
}

static void subscribe(const char *filter)
{
    unsigned char filters[128];
    uint32_t used = 0;
    must("putFilter", MQTTOxide_putFilter(filters, sizeof filters, &used, filter, (uint32_t)strlen(filter), opt.qos));
    must("subscribe", MQTTOxide_subscribe(client, filters, used, NULL, 0, NULL));
}

static void close_client(void)
{
    must("disconnect", MQTTOxide_disconnect(client, 10000, 0, NULL, 0));
    if (linked("pump")) {
        atomic_store(&pump_ends, 1);
        wake_pump();
    }
    while (closed == 0) {
        if (linked("feed")) {
            carry_out();
            shutdown(fd, SHUT_WR);
            MQTTOxide_eof(client, NULL, 0);
            handle_all(MQTTOxide_nextEvents(queue, events, sizeof events, PATIENCE_MS, NULL));
        } else {
            work(opt.drive ? 0 : PATIENCE_MS);
        }
    }
    if (linked("pump"))
        pthread_join(pump, NULL);
    if (fd >= 0) {
        /* What was written arrives before the end of the connection. */
        shutdown(fd, SHUT_WR);
        close(fd);
    }
    MQTTOxide_destroy(client);
    MQTTOxide_destroyQueue(queue);
}

/* Publishes; waits for room where there is none. */
static void publish(uint64_t by, const char *topic, uint32_t stream, long number, void *payload)
{
    struct MQTTOxide_published result = {.size = sizeof result};
    payload_write(payload, opt.size, stream, (uint32_t)number);
    for (;;) {
        /* Bytes that this program carries are carried for many messages at a time. */
        uint32_t flags = (uint32_t)opt.qos | (linked("feed") || linked("pump") ? MQTTOxide_LATER : 0);
        int32_t code = MQTTOxide_publish(by, topic, (uint32_t)strlen(topic), payload, (uint32_t)opt.size, NULL, 0, flags,
                                         &result);
        if (linked("pump"))
            wake_pump();
        if (code == 0)
            break;
        if (code != MQTTOxide_E_WOULD_BLOCK)
            fail("publish", code);
        room = 0;
        while (!room)
            work(linked("feed") ? 0 : PATIENCE_MS);
    }
    if (opt.qos == 0 && (result.status & MQTTOxide_WRITTEN))
        done++; /* the call says so, and no event */
}

/* ---- scenarios -------------------------------------------------------------------------------------------------------- */

static void *buffer(size_t size)
{
    void *memory = malloc(size);
    if (!memory)
        fail("memory", 1);
    return memory;
}

static void run_publish(void)
{
    const long every = linked("feed") ? CARRY_EVERY : EVERY;
    void *payload = buffer(opt.size);
    open_client("publisher");
    measure_start();
    for (long i = 0; i < opt.n; i++) {
        while (opt.window && i - done >= opt.window)
            work(PATIENCE_MS);
        publish(client, "bench/topic", 0, i, payload);
        if (i % every == 0 && !opt.drive)
            work(0);
    }
    wait_for(&done, opt.n);
    measure_finish();
    report("completions_missing", (double)(opt.n - done));
    report("sent", (double)opt.n);
    close_client();
    free(payload);
}

static void run_receive(void)
{
    char filter[64];
    snprintf(filter, sizeof filter, "f/%d/%zu/%ld/%ld", opt.qos, opt.size, opt.n, opt.window);
    open_client("receiver");
    measure_start();
    subscribe(filter);
    wait_for(&arrived, opt.n);
    measure_finish();
    report_check(&received);
    close_client();
}

static void run_pingpong(void)
{
    const long warm_up = 20;
    void *payload = buffer(opt.size);
    double *samples = buffer((size_t)opt.n * sizeof *samples);
    open_client("ping");
    subscribe("e/ping");
    wait_for(&subscribed, 1);
    measure_start();
    for (long i = 0; i < opt.n + warm_up; i++) {
        double start = now_us();
        publish(client, "e/ping", 0, i, payload);
        wait_for(&arrived, i + 1);
        if (i >= warm_up)
            samples[i - warm_up] = now_us() - start;
    }
    measure_finish();
    report_check(&received);
    report_samples("rtt", samples, opt.n);
    report("sent", (double)(opt.n + warm_up));
    close_client();
    free(payload);
    free(samples);
}

/* One queue for all. */
static void run_clients(void)
{
    uint64_t *clients = buffer((size_t)opt.clients * sizeof *clients);
    void *payload = buffer(opt.size);
    struct rlimit files;
    char id[32];
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    memset(clients, 0, (size_t)opt.clients * sizeof *clients);
    memset(events, 0, sizeof events);
    check_init(&received);
    must("createQueue", MQTTOxide_createQueue(&queue));
    clients[0] = create(0, "c0");
    begin(clients[0]);
    wait_for(&connected, 1);
    long before = status_value("VmRSS");

    measure_start();
    double start = now_us();
    for (long i = 1; i < opt.clients; i++) {
        snprintf(id, sizeof id, "c%ld", i);
        clients[i] = create((uint64_t)i, id);
        begin(clients[i]);
    }
    wait_for(&connected, opt.clients);
    report("connect_us", now_us() - start);
    report("rss_per_client_kib", (double)(status_value("VmRSS") - before) / (double)(opt.clients - 1));
    report("threads", (double)status_value("Threads"));

    double cpu = cpu_us();
    sleep((unsigned)opt.seconds);
    report("idle_cpu_us", cpu_us() - cpu);

    start = now_us();
    cpu = cpu_us();
    for (long round = 0; round < opt.each; round++) {
        for (long i = 0; i < opt.clients; i++) {
            publish(clients[i], "bench/topic", (uint32_t)i, round, payload);
            if (i % EVERY == 0)
                work(0);
        }
    }
    wait_for(&done, opt.each * opt.clients);
    report("publish_us", now_us() - start);
    report("publish_cpu_us", cpu_us() - cpu);
    measure_finish();
    report("completions_missing", (double)(opt.each * opt.clients - done));
    report("sent", (double)(opt.each * opt.clients));
    for (long i = 0; i < opt.clients; i++)
        must("disconnect", MQTTOxide_disconnect(clients[i], 10000, 0, NULL, 0));
    wait_for(&closed, opt.clients);
    for (long i = 0; i < opt.clients; i++)
        MQTTOxide_destroy(clients[i]);
    MQTTOxide_destroyQueue(queue);
    free(clients);
    free(payload);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } scenarios[] = {
        {"publish", run_publish}, {"receive", run_receive}, {"pingpong", run_pingpong}, {"clients", run_clients}};
    options_parse(argc, argv);
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        if (strcmp(scenarios[i].name, opt.scenario) == 0) {
            scenarios[i].run();
            return 0;
        }
    }
    fail("no such scenario", 2);
}
