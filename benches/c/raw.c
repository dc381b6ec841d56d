/*
 * The same bytes on a bare socket: what the machine gives when no library is in between.
 */
#include "bare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static void run_publish(void)
{
    long sent = 0, done = 0, window = opt.window ? opt.window : 65535;
    bare_connect();
    measure_start();
    while (done < opt.n) {
        while (sent < opt.n && (opt.qos == 0 || sent - done < window)) {
            bare_publish("bench/topic", 0, sent++);
            if (bare_unsent() > PIECE)
                break;
        }
        if (bare_unsent() > PIECE || opt.qos == 0)
            bare_flush();
        if (opt.qos == 0) {
            done = sent;
            continue;
        }
        /* Read acknowledgements when the window is used up, or while there are some already. */
        while ((sent == opt.n || sent - done >= window || bare_unread() >= 4) && done < sent) {
            int first;
            const unsigned char *id;
            bare_packet(&first, &id);
            if (first >> 4 == PUBREC)
                bare_acknowledge(PUBREL << 4 | 2, id);
            else
                done++;
        }
    }
    measure_finish();
    report("sent", (double)opt.n);
    bare_finish();
}

static void run_receive(void)
{
    struct check check;
    char filter[64];
    check_init(&check);
    bare_connect();
    snprintf(filter, sizeof filter, "f/%d/%zu/%ld/%ld", opt.qos, opt.size, opt.n, opt.window);
    measure_start();
    bare_subscribe(filter);
    bare_expect(SUBACK);
    while (check.count < opt.n)
        bare_message(&check);
    measure_finish();
    report_check(&check);
    bare_finish();
}

static void run_pingpong(void)
{
    const long warm_up = 20;
    struct check check;
    double *samples = calloc((size_t)opt.n, sizeof *samples);
    if (!samples)
        fail("memory", 1);
    check_init(&check);
    bare_connect();
    bare_subscribe("e/ping");
    bare_expect(SUBACK);
    measure_start();
    for (long i = 0; i < opt.n + warm_up; i++) {
        double start = now_us();
        bare_publish("e/ping", 0, i);
        bare_flush();
        bare_message(&check);
        if (i >= warm_up)
            samples[i - warm_up] = now_us() - start;
    }
    measure_finish();
    report_check(&check);
    report_samples("rtt", samples, opt.n);
    report("sent", (double)(opt.n + warm_up));
    bare_finish();
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
        bare_connect();
        sockets[i] = bare_socket();
    }
    report("connect_us", now_us() - start);
    measure_start();
    start = now_us();
    double cpu = cpu_us();
    for (long round = 0; round < opt.each; round++) {
        for (long i = 0; i < opt.clients; i++) {
            bare_use(sockets[i]);
            bare_publish("bench/topic", (uint32_t)i, round);
            bare_flush();
        }
    }
    report("publish_us", now_us() - start);
    report("publish_cpu_us", cpu_us() - cpu);
    measure_finish();
    report("sent", (double)(opt.clients * opt.each));
    for (long i = 0; i < opt.clients; i++) {
        bare_use(sockets[i]);
        bare_finish();
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } scenarios[] = {{"publish", run_publish}, {"receive", run_receive}, {"pingpong", run_pingpong}, {"clients", run_clients}};
    options_parse(argc, argv);
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        if (strcmp(scenarios[i].name, opt.scenario) == 0) {
            scenarios[i].run();
            return 0;
        }
    }
    fail("no such scenario", 2);
}
