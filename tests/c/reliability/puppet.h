/* A program that does with a library what its standard input tells it, line by line, and says on its standard output what came
 * of it: results of calls as they return, and events as the callbacks see them. A test plays it against either library, and
 * ends it with SIGKILL when it wants to.
 *
 * A line is words between single spaces; `name=value` words are options of the command. An answer is one line.
 */
#ifndef PUPPET_H
#define PUPPET_H

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

/* One write a line: lines of different threads do not mix, and what was said is out when the process is killed. */
static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	char line[16384];
	va_list arguments;
	int length;
	size_t done = 0;

	va_start(arguments, format);
	length = vsnprintf(line, sizeof line - 1, format, arguments);
	va_end(arguments);
	if (length < 0)
		_exit(3);
	if (length > (int)sizeof line - 2)
		length = (int)sizeof line - 2;
	line[length++] = '\n';
	while (done < (size_t)length)
	{
		ssize_t n = write(STDOUT_FILENO, line + done, (size_t)length - done);

		if (n < 0)
			_exit(0); /* the test has gone */
		done += (size_t)n;
	}
}

enum { MAX_WORDS = 64 };

typedef struct
{
	char *words[MAX_WORDS];
	int count;
} command;

static UNUSED int is(const command *c, const char *name)
{
	return strcmp(c->words[0], name) == 0;
}

static UNUSED const char *word(const command *c, int index)
{
	if (index >= c->count)
	{
		say("PUPPET: %s needs more words", c->words[0]);
		_exit(2);
	}
	return c->words[index];
}

static UNUSED int number(const command *c, int index)
{
	return atoi(word(c, index));
}

/* The value of an option; `fallback` where it is not given. */
static UNUSED const char *option(const command *c, const char *name, const char *fallback)
{
	size_t length = strlen(name);
	int i;

	for (i = 1; i < c->count; i++)
		if (strncmp(c->words[i], name, length) == 0 && c->words[i][length] == '=')
			return c->words[i] + length + 1;
	return fallback;
}

static UNUSED int option_number(const command *c, const char *name, int fallback)
{
	const char *value = option(c, name, NULL);

	return value ? atoi(value) : fallback;
}

/* Payloads in the protocol of lines have no spaces; `@n` stands for n bytes of 'x'. */
static UNUSED char *payload_of(const char *text, int *length)
{
	char *payload;

	if (text[0] == '@')
	{
		*length = atoi(text + 1);
		payload = malloc((size_t)*length + 1);
		memset(payload, 'x', (size_t)*length);
	}
	else
	{
		*length = (int)strlen(text);
		payload = strdup(text);
	}
	return payload;
}

static UNUSED void say_message(const char *topic, int length, const void *payload, int qos, int dup, int retained)
{
	say("message %s %.*s %d %d %d", topic, length > 200 ? 200 : length, (const char *)payload, qos, dup, retained);
}

/* Reads the next command into `line`; 0 at the end of the input. */
static UNUSED int next_command(char *line, int size, command *c)
{
	char *rest, *at;

	if (!fgets(line, size, stdin))
		return 0;
	line[strcspn(line, "\n")] = '\0';
	c->count = 0;
	for (at = strtok_r(line, " ", &rest); at && c->count < MAX_WORDS; at = strtok_r(NULL, " ", &rest))
		c->words[c->count++] = at;
	return c->count > 0;
}

#endif
