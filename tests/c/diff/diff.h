/* Shared pieces of the differential programs.
 *
 * A program here runs unchanged on the original library and on ours, and must print the same on both. Two rules follow:
 *  - nothing that depends on time, on addresses, or on how two threads happen to interleave is printed. What callbacks see goes into a
 *    named log; the main thread waits until the log has grown to the expected length and prints it at a point that is the same on
 *    every run;
 *  - a call with arguments that a library may not survive runs in a child process of its own (ISOLATED), so that one crash is one line of
 *    difference and not the end of the program.
 */
#ifndef DIFF_H
#define DIFF_H

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

/* How long to wait for something that is certain to come. Only a failing run gets there. */
enum { PATIENCE_SECONDS = 60 };

/* `call(args) = value`, the call written as it stands in the source. */
#define SHOW(call) (printf("%s = ", #call), (void)fflush(stdout), printf("%d\n", (int)(call)), (void)fflush(stdout))
#define SHOW_STR(call) show_str(#call, call)

static UNUSED void show_str(const char *what, const char *text)
{
	printf("%s = %s%s%s\n", what, text ? "\"" : "", text ? text : "NULL", text ? "\"" : "");
	fflush(stdout);
}

/* ---- Cases in a process of their own -------------------------------------------------------------------------------------------- */

/* DIFF_MODE unset: the ordinary cases. "crashers": only the calls that crash the original. "all": both (to find out which those are). */
static UNUSED int diff_wants(int crashes_original)
{
	const char *mode = getenv("DIFF_MODE");
	if (mode && strcmp(mode, "all") == 0)
		return 1;
	return crashes_original == (mode && strcmp(mode, "crashers") == 0);
}

static UNUSED int isolated_begin(const char *label, int crashes_original)
{
	int status = 0;
	pid_t child;

	if (!diff_wants(crashes_original))
		return 0;
	printf("[%s]\n", label);
	fflush(stdout);
	child = fork();
	if (child == 0)
	{
		alarm(PATIENCE_SECONDS); /* a call that never returns is reported as signal 14 */
		return 1;
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
	{
		printf("  could not run the case\n");
		exit(2);
	}
	if (WIFSIGNALED(status))
		printf("  KILLED by signal %d\n", WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		printf("  EXITED with %d\n", WEXITSTATUS(status));
	fflush(stdout);
	return 0;
}

static UNUSED int isolated_end(void)
{
	fflush(stdout);
	_exit(0);
}

/* The block that follows runs in a child process. */
#define ISOLATED(label) for (int isolated_ = isolated_begin(label, 0); isolated_; isolated_ = isolated_end())
/* As ISOLATED, for a call that the original does not survive: never compared, but ours has to answer it with an error. */
#define CRASHES_ORIGINAL(label) for (int isolated_ = isolated_begin(label, 1); isolated_; isolated_ = isolated_end())

/* ---- Logs that callbacks write and the main thread prints ------------------------------------------------------------------------ */

enum { LOG_LINES = 256, LOG_WIDTH = 2048 };

struct log
{
	const char *name;
	int count;
	char line[LOG_LINES][LOG_WIDTH];
};

static pthread_mutex_t log_lock UNUSED = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t log_grew UNUSED = PTHREAD_COND_INITIALIZER;

static UNUSED __attribute__((format(printf, 2, 3))) void log_add(struct log *log, const char *format, ...)
{
	va_list args;

	pthread_mutex_lock(&log_lock);
	if (log->count < LOG_LINES)
	{
		va_start(args, format);
		vsnprintf(log->line[log->count], LOG_WIDTH, format, args);
		va_end(args);
		log->count++;
	}
	pthread_cond_broadcast(&log_grew);
	pthread_mutex_unlock(&log_lock);
}

/* Waits until the log holds `count` lines; says so and returns 0 when they do not come. */
static UNUSED int log_await(struct log *log, int count)
{
	struct timespec until;
	int in_time = 1;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_SECONDS;
	pthread_mutex_lock(&log_lock);
	while (log->count < count && in_time)
		in_time = pthread_cond_timedwait(&log_grew, &log_lock, &until) == 0;
	if (log->count < count)
		printf("  %s: waited for %d lines, got %d\n", log->name, count, log->count);
	pthread_mutex_unlock(&log_lock);
	return in_time;
}

static int log_compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static UNUSED void log_take(struct log *log, int sorted)
{
	int i;

	pthread_mutex_lock(&log_lock);
	if (sorted)
		qsort(log->line, (size_t)log->count, LOG_WIDTH, log_compare);
	printf("  %s: %d\n", log->name, log->count);
	for (i = 0; i < log->count; i++)
		printf("    %s\n", log->line[i]);
	log->count = 0;
	pthread_mutex_unlock(&log_lock);
	fflush(stdout);
}

/* Prints the log and empties it. */
static UNUSED void log_print(struct log *log)
{
	log_take(log, 0);
}

/* Waits for `count` lines, then prints. */
static UNUSED void log_expect(struct log *log, int count)
{
	log_await(log, count);
	log_take(log, 0);
}

/* As log_expect, in alphabetical order: for events whose order the API does not promise. */
static UNUSED void log_expect_any_order(struct log *log, int count)
{
	log_await(log, count);
	log_take(log, 1);
}

/* ---- Topics ---------------------------------------------------------------------------------------------------------------------- */

/* A topic, or filter, upon which mosquitto ends the connection: it has more levels than it takes. Being well formed it gets as far as that. */
static UNUSED const char *too_deep(void)
{
	static char topic[301];

	memset(topic, '/', sizeof(topic) - 1);
	return topic;
}

/* ---- What is meant to differ ----------------------------------------------------------------------------------------------------- */

/* Returns true if the program runs on the original library. */
static UNUSED int on_the_original(void)
{
	return getenv("DIFF_ORIGINAL") != NULL;
}

/* A value that DIFFERENCES.md has a row for: `theirs` on the original, `ours` on ours. Both libraries print `theirs|ours` as long as each
 * gives what the row says, and else the value. "?" stands for anything: the original leaves the member unset. */
static UNUSED const char *render_row(char *out, size_t size, const char *value, const char *theirs, const char *ours)
{
	const char *expected = on_the_original() ? theirs : ours;

	if (value == NULL)
		value = "NULL";
	if (strcmp(expected, "?") == 0 || strcmp(value, expected) == 0)
		snprintf(out, size, "%s|%s", theirs, ours);
	else
		snprintf(out, size, "%s, and not %s", value, expected);
	return out;
}

static UNUSED const char *render_row_number(char *out, size_t size, int value, const char *theirs, int ours)
{
	char number[16], expected[16];

	snprintf(number, sizeof(number), "%d", value);
	snprintf(expected, sizeof(expected), "%d", ours);
	return render_row(out, size, number, theirs, expected);
}

/* ---- Rendering ------------------------------------------------------------------------------------------------------------------- */

/* A payload: as text when short and printable, else its length and a checksum. */
static UNUSED const char *render_payload(char *out, size_t size, const void *payload, int length)
{
	const unsigned char *bytes = payload;
	unsigned long sum = 5381;
	int i, printable = length <= 60;

	for (i = 0; i < length; i++)
	{
		sum = (sum * 33 + bytes[i]) & 0xffffffffUL;
		if (bytes[i] < 32 || bytes[i] > 126)
			printable = 0;
	}
	if (printable)
		snprintf(out, size, "\"%.*s\"", length, (const char *)payload);
	else
		snprintf(out, size, "%d bytes sum %08lx", length, sum);
	return out;
}

#endif
