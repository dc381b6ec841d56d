/* Many clients in one process, at once or one after the other. */
#include "async.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

void run_clients(void)
{
    struct client *clients = calloc((size_t)opt.clients, sizeof *clients);
    void *payload = malloc(opt.size);
    struct rlimit files;
    char id[32];
    if (!clients || !payload)
        fail("memory", 1);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    /* What the program itself needs for its clients is there before memory is measured. */
    for (char *at = (char *)clients; at < (char *)(clients + opt.clients); at += 4096)
        *(volatile char *)at = 0;
    /* The first client brings with it whatever there is once a process. */
    client_create(&clients[0], "c0", NULL);
    client_connect(&clients[0]);
    long before = status_value("VmRSS");

    measure_start();
    double start = now_us();
    for (long i = 1; i < opt.clients; i++) {
        snprintf(id, sizeof id, "c%ld", i);
        client_create(&clients[i], id, NULL);
        client_connect_begin(&clients[i]);
    }
    for (long i = 1; i < opt.clients; i++)
        if (!gate_wait(&clients[i].connected, 1, PATIENCE))
            fail("connect timed out", (int)i);
    report("connect_us", now_us() - start);
    report("rss_per_client_kib", (double)(status_value("VmRSS") - before) / (double)(opt.clients - 1));
    report("threads", (double)status_value("Threads"));

    /* Longer than the keep-alive interval: what it costs to have them. */
    double cpu = cpu_us();
    sleep((unsigned)opt.seconds);
    report("idle_cpu_us", cpu_us() - cpu);

    start = now_us();
    cpu = cpu_us();
    for (long round = 0; round < opt.each; round++) {
        for (long i = 0; i < opt.clients; i++) {
            int rc = client_publish(&clients[i], "bench/topic", (uint32_t)i, (uint32_t)round, payload, 1);
            if (rc != MQTTASYNC_SUCCESS)
                fail("MQTTAsync_sendMessage", rc);
        }
    }
    long missing = 0;
    for (long i = 0; i < opt.clients; i++) {
        if (!gate_wait(&clients[i].done, opt.each, PATIENCE))
            missing += opt.each - atomic_load(&clients[i].done.count);
    }
    report("publish_us", now_us() - start);
    report("publish_cpu_us", cpu_us() - cpu);
    measure_finish();
    report("completions_missing", (double)missing);
    report("sent", (double)(opt.clients * opt.each));
    /* Thousands of orderly goodbyes are not measured, and some libraries need long for them. */
    fflush(stdout);
    _Exit(0);
}

static long open_files(void)
{
    long count = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (directory && readdir(directory))
        count++;
    if (directory)
        closedir(directory);
    return count;
}

void run_churn(void)
{
    double *samples = calloc((size_t)opt.n, sizeof *samples);
    long files = 0;
    if (!samples)
        fail("memory", 1);
    measure_start();
    for (long i = 0; i < opt.n; i++) {
        struct client client = {0};
        double start = now_us();
        client_create(&client, "churn", NULL);
        client_connect(&client);
        MQTTAsync_destroy(&client.handle);
        samples[i] = now_us() - start;
        if (i == 0)
            files = open_files();
    }
    measure_finish();
    /* A library may close its last sockets a moment after destroy, when the server has closed them. */
    long leaked = open_files() - files;
    for (double until = now_us() + 2e6; leaked > 0 && now_us() < until; leaked = open_files() - files)
        usleep(1000);
    report("leaked_files", leaked > 0 ? (double)leaked : 0);
    report_samples("churn", samples, opt.n);
}
