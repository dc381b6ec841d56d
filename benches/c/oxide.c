/*
 * Our own API: events in batches from a queue, over a connection of the library's, an adopted socket, or bytes that this program
 * carries. One thread does everything that the program does, but where bytes are carried by a thread of their own (link=pump).
 */
#include "oxide_pairs.h"
#include "oxide_side.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static struct side own = {.fd = -1, .room = 1};

static void run_publish(void)
{
    void *payload = buffer(opt.size);
    open_side(&own, "publisher");
    measure_start();
    publish_all(&own, 0, opt.n, payload);
    measure_finish();
    report("completions_missing", (double)(opt.n - own.done));
    report("sent", (double)opt.n);
    close_side(&own);
    free(payload);
}

static void run_receive(void)
{
    char filter[64];
    snprintf(filter, sizeof filter, "f/%d/%zu/%ld/%ld", opt.qos, opt.size, opt.n, opt.window);
    open_side(&own, "receiver");
    measure_start();
    subscribe(&own, filter);
    wait_for(&own, &own.arrived, opt.n);
    measure_finish();
    report_check(&own.received);
    close_side(&own);
}

static void run_pingpong(void)
{
    const long warm_up = 20;
    void *payload = buffer(opt.size);
    double *samples = buffer((size_t)opt.n * sizeof *samples);
    open_side(&own, "ping");
    subscribe(&own, "e/ping");
    wait_for(&own, &own.subscribed, 1);
    measure_start();
    for (long i = 0; i < opt.n + warm_up; i++) {
        double start = now_us();
        publish(&own, own.client, "e/ping", opt.qos, i, payload);
        wait_for(&own, &own.arrived, i + 1);
        if (i >= warm_up)
            samples[i - warm_up] = now_us() - start;
    }
    measure_finish();
    report_check(&own.received);
    report_samples("rtt", samples, opt.n);
    report("sent", (double)(opt.n + warm_up));
    close_side(&own);
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
    touch_buffers();
    check_init(&own.received);
    must("createQueue", MQTTOxide_createQueue(&own.queue));
    clients[0] = create(&own, 0, "c0");
    begin(&own, clients[0]);
    wait_for(&own, &own.connected, 1);
    long before = status_value("VmRSS");

    measure_start();
    double start = now_us();
    for (long i = 1; i < opt.clients; i++) {
        snprintf(id, sizeof id, "c%ld", i);
        clients[i] = create(&own, (uint64_t)i, id);
        begin(&own, clients[i]);
        if (i % EVERY == 0)
            work(&own, 0);
    }
    wait_for(&own, &own.connected, opt.clients);
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
            own.stream = (uint32_t)i;
            publish(&own, clients[i], "bench/topic", opt.qos, round, payload);
            if (i % EVERY == 0)
                work(&own, 0);
        }
    }
    wait_for(&own, &own.done, opt.each * opt.clients);
    report("publish_us", now_us() - start);
    report("publish_cpu_us", cpu_us() - cpu);
    measure_finish();
    report("completions_missing", (double)(opt.each * opt.clients - own.done));
    report("sent", (double)(opt.each * opt.clients));
    for (long i = 0; i < opt.clients; i++)
        must("disconnect", MQTTOxide_disconnect(clients[i], 10000, 0, NULL, 0));
    wait_for(&own, &own.closed, opt.clients);
    for (long i = 0; i < opt.clients; i++)
        MQTTOxide_destroy(clients[i]);
    MQTTOxide_destroyQueue(own.queue);
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
    own.link = opt.link;
    own.drive = opt.drive;
    if (opt.beside) {
        run_pairs(&own);
        return 0;
    }
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        if (strcmp(scenarios[i].name, opt.scenario) == 0) {
            scenarios[i].run();
            return 0;
        }
    }
    fail("no such scenario", 2);
}
