#include "oxide_pairs.h"

#include "bare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Blocks a side. A block takes some milliseconds: longer than a thread's turn on a processor that others want too, and short
 * enough for its neighbour to meet the same machine. */
#define BLOCKS 150
#define ROUND_TRIPS 100
/* What comes before the blocks that count: sockets' windows and the allocator's memory grow to what the work needs. */
#define WARM_UP 6

/* One that takes part. */
struct competitor {
    struct side *side; /* NULL: the bare socket */
    long next;         /* the number of its next message */
    struct check *received;
    double cpu;
    double figures[BLOCKS]; /* messages a second, or the median of a block's round trips */
};

static void *payload;
static struct check bare_received;

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return values[count / 2];
}

static double publish_block(struct competitor *one, long count)
{
    struct side *side = one->side;
    double start = now_us();
    publish_all(side, one->next, one->next + count - 1, payload);
    /* At QoS 0 the last one asks for an answer: when it comes, all before it have arrived. */
    long target = side->done + 1;
    publish(side, side->client, "bench/topic", 1, one->next + count - 1, payload);
    wait_for(side, &side->done, target);
    return (double)count * 1e6 / (now_us() - start);
}

static double receive_block(struct competitor *one, long count)
{
    char filter[64];
    struct side *side = one->side;
    /* The server numbers each flood from 0. */
    memset(side->received.next, 0, STREAMS * sizeof *side->received.next);
    snprintf(filter, sizeof filter, "f/%d/%zu/%ld/%ld", opt.qos, opt.size, count, opt.window);
    long target = side->arrived + count;
    double start = now_us();
    subscribe(side, filter);
    wait_for(side, &side->arrived, target);
    return (double)count * 1e6 / (now_us() - start);
}

static void round_trip(struct competitor *one)
{
    long number = one->next;
    if (one->side) {
        publish(one->side, one->side->client, "e/ping", opt.qos, number, payload);
        wait_for(one->side, &one->side->arrived, number + 1);
    } else {
        bare_publish("e/ping", 1, number);
        bare_flush();
        bare_message(&bare_received);
    }
    one->next++;
}

static double round_trip_block(struct competitor *one)
{
    double samples[ROUND_TRIPS];
    for (int i = 0; i < ROUND_TRIPS; i++) {
        double start = now_us();
        round_trip(one);
        samples[i] = now_us() - start;
    }
    return median(samples, ROUND_TRIPS);
}

static void block(struct competitor *one, int number, long count)
{
    double cpu = cpu_us(), figure;
    if (strcmp(opt.scenario, "pingpong") == 0) {
        figure = round_trip_block(one);
        count = 0; /* counted one by one */
    } else if (strcmp(opt.scenario, "receive") == 0) {
        figure = receive_block(one, count);
    } else {
        figure = publish_block(one, count);
    }
    one->next += count;
    if (number >= 0) {
        one->cpu += cpu_us() - cpu;
        one->figures[number] = figure;
    }
}

static void open_competitor(struct competitor *one, const char *id)
{
    const int echoes = strcmp(opt.scenario, "pingpong") == 0;
    if (one->side) {
        open_side(one->side, id);
        one->received = &one->side->received;
        if (echoes) {
            subscribe(one->side, "e/ping");
            wait_for(one->side, &one->side->subscribed, 1);
        }
        return;
    }
    if (!echoes)
        fail("beside=bare is for round trips", 2);
    check_init(&bare_received);
    one->received = &bare_received;
    bare_connect();
    bare_subscribe("e/ping");
    bare_expect(SUBACK);
}

void run_pairs(struct side *side)
{
    static struct side other = {.fd = -1, .room = 1, .stream = 1};
    static struct competitor first, second;
    const int polls = strcmp(opt.beside, "polled") == 0;
    const int is_bare = polls || strcmp(opt.beside, "bare") == 0;
    const int echoes = strcmp(opt.scenario, "pingpong") == 0, receives = strcmp(opt.scenario, "receive") == 0;
    const char *unit = echoes ? "rtt_p50" : "rate";
    const long each = opt.n / (BLOCKS + WARM_UP) > 1 ? opt.n / (BLOCKS + WARM_UP) : 2;
    double ratios[BLOCKS];
    char key[64];
    if (!is_bare && strcmp(opt.beside, "own") != 0)
        fail(opt.beside, 2);
    if (polls)
        bare_poll();
    payload = buffer(opt.size);
    first.side = side;
    second.side = is_bare ? NULL : &other;
    open_competitor(&first, "first");
    open_competitor(&second, "second");
    measure_start();
    for (int i = -WARM_UP; i < BLOCKS; i++) {
        /* A B, B A: nobody always comes behind the same one. */
        block(i % 2 ? &second : &first, i, each);
        block(i % 2 ? &first : &second, i, each);
        if (i >= 0)
            ratios[i] = first.figures[i] / second.figures[i];
    }
    measure_finish();
    report(unit, median(first.figures, BLOCKS));
    snprintf(key, sizeof key, "beside_%s", unit);
    report(key, median(second.figures, BLOCKS));
    snprintf(key, sizeof key, "%s_ratio", unit);
    report(key, median(ratios, BLOCKS));
    double messages = (double)(echoes ? ROUND_TRIPS : each) * BLOCKS;
    report("cpu_per_message", first.cpu / messages);
    report("beside_cpu_per_message", second.cpu / messages);
    report("cpu_per_message_ratio", first.cpu / second.cpu);
    if (receives || echoes) {
        report("received", (double)(first.received->count + second.received->count));
        report("altered", (double)(first.received->altered + second.received->altered));
        report("missing", (double)(first.received->missing + second.received->missing));
        report("misordered", (double)(first.received->misordered + second.received->misordered));
    }
    if (!receives)
        report("sent", (double)(first.next + second.next));
    close_side(first.side);
    if (is_bare)
        bare_finish();
    else
        close_side(second.side);
    free(payload);
}
