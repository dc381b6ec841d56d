/* Shared pieces of the programs that put a library under load: deadlines, counters that can be awaited, and failures that say where.
 *
 * Each program takes the broker's URI as its first argument, prints what it did, and ends with 0 only when all of it went as it should.
 */
#ifndef STRESS_H
#define STRESS_H

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

/* How long to wait for something that is certain to come, valgrind's slowness included. Only a failing run gets there. */
enum { PATIENCE_SECONDS = 120 };

/* Ends the program with the place and the reason. _exit: other threads may be inside the library. */
#define FAIL(...) (fprintf(stderr, "%s:%d: ", __FILE__, __LINE__), fprintf(stderr, __VA_ARGS__), fputc('\n', stderr), \
		fflush(NULL), _exit(1))
#define CHECK(condition) do { if (!(condition)) FAIL("failed: %s", #condition); } while (0)
#define CHECK_RC(call, expected) do { int rc_ = (int)(call); if (rc_ != (expected)) \
		FAIL("%s = %d, not %d", #call, rc_, (int)(expected)); } while (0)

static UNUSED double now_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A number that goes up, and that threads can wait for. */
typedef struct
{
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	long value;
} counter;

#define COUNTER_INITIALIZER { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 }

static UNUSED void counter_init(counter *c)
{
	pthread_mutex_init(&c->mutex, NULL);
	pthread_cond_init(&c->changed, NULL);
	c->value = 0;
}

static UNUSED void counter_free(counter *c)
{
	pthread_mutex_destroy(&c->mutex);
	pthread_cond_destroy(&c->changed);
}

static UNUSED void counter_add(counter *c, long n)
{
	pthread_mutex_lock(&c->mutex);
	c->value += n;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->mutex);
}

static UNUSED long counter_get(counter *c)
{
	long value;

	pthread_mutex_lock(&c->mutex);
	value = c->value;
	pthread_mutex_unlock(&c->mutex);
	return value;
}

/* Waits until the counter is at least `value`; the program fails when that takes too long. */
#define AWAIT(c, target) counter_await((c), (target), #c, __FILE__, __LINE__)

static UNUSED void counter_await(counter *c, long value, const char *what, const char *file, int line)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_SECONDS;
	pthread_mutex_lock(&c->mutex);
	while (c->value < value)
	{
		if (pthread_cond_timedwait(&c->changed, &c->mutex, &until) == ETIMEDOUT && c->value < value)
		{
			fprintf(stderr, "%s:%d: waited in vain for %s to be %ld, it is %ld\n", file, line, what, value, c->value);
			fflush(NULL);
			_exit(1);
		}
	}
	pthread_mutex_unlock(&c->mutex);
}

/* Memory in the program's hands, by the library's own count, which libpaho-oxide does not export: it hands none out. */
typedef struct { size_t current_size, max_size; } heap_info;
extern heap_info *Heap_get_info(void) __attribute__((weak));

/* Everything was given back. The original's release build has no such count; ours always has. */
static UNUSED void check_heap(void)
{
	size_t left = Heap_get_info()->current_size;

	if (left != 0)
		FAIL("%zu bytes were not given back", left);
}

static UNUSED int number(const char *text)
{
	return (int)strtol(text, NULL, 10);
}

#endif
