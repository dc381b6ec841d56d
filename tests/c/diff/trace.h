/* Trace lines of packets, as a trace callback gets them, with what differs from run to run taken out. */
#ifndef DIFF_TRACE_H
#define DIFF_TRACE_H

#include "diff.h"

static struct log trace_lines UNUSED = {.name = "trace"};

enum { TRACE_LEVEL_MINIMUM = 3, TRACE_LEVEL_PROTOCOL = 4 };

/* `20261231 235959.999 ` at the beginning of a line. */
static UNUSED int has_timestamp(const char *line)
{
	static const char form[] = "dddddddd dddddd.ddd ";
	size_t i;

	for (i = 0; form[i]; i++)
		if (form[i] == 'd' ? line[i] < '0' || line[i] > '9' : line[i] != form[i])
			return 0;
	return 1;
}

static UNUSED void add_trace_line(int level, const char *line)
{
	const char *text;

	if (!has_timestamp(line))
	{
		/* The header: of a name and its value the name only. */
		log_add(&trace_lines, "level %d: %.*s", level, (int)strcspn(line, ":"), line);
		return;
	}
	if (level != TRACE_LEVEL_PROTOCOL)
		return;
	text = line + 20;
	if (strncmp(text, "Connecting to serverURI ", 24) == 0)
	{
		log_add(&trace_lines, "Connecting to serverURI %.*sPORT%s", (int)strcspn(text + 24, ":") + 1, text + 24, strchr(text + 24, ' '));
		return;
	}
	/* Packets begin with the socket. */
	log_add(&trace_lines, "SOCKET%s", text + strspn(text, "0123456789"));
}

#endif
