/* What the programs of the rows of DIFFERENCES.md share. */
#ifndef DIFF_ROWS_H
#define DIFF_ROWS_H

#include "refuser.h"

/* Prints a number that DIFFERENCES.md has a row for. */
static UNUSED void row(const char *what, int value, const char *theirs, int ours)
{
	char text[64];

	printf("%s: %s\n", what, render_row_number(text, sizeof(text), value, theirs, ours));
	fflush(stdout);
}

static UNUSED long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Waits until the server has read a DISCONNECT. */
static UNUSED void await_goodbye(void)
{
	const long long until = now_ms() + PATIENCE_SECONDS * 1000LL;

	while (refuser_goodbye < 0 && now_ms() < until)
		usleep(1000);
}

#endif
