/* What a publisher and a subscriber that may be killed at any moment remember: memory of a file, which outlives the process.
 *
 * A store to such memory is there for whoever looks at the file next, whatever becomes of the process. It makes no system call,
 * so a kill comes before or after it and never during.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MAX_MESSAGES = 1 << 20 };

/* What the publisher knows of a message. */
enum { NOT_BEGUN, BEGUN, ACCEPTED };

typedef struct
{
	/* How many messages there are to be; the test sets it. */
	_Atomic unsigned target;
	/* Set by the publisher when all are delivered, and by the test when the subscriber is to end. */
	_Atomic unsigned done;
	/* Connections that worked, for the test to see that there is progress. */
	_Atomic unsigned connections;
	/* Publisher: the next message. Subscriber: the message whose callback ran last, plus 1. */
	_Atomic unsigned position;
	/* Subscriber: messages offered again because of a kill between the callback's effect and its end. */
	_Atomic unsigned interrupted;
	/* The publisher goes no further for now; the test sets it. */
	_Atomic unsigned limit;
	_Atomic unsigned char state[MAX_MESSAGES];
	/* Subscriber: set for a message whose callback was the last of a process. */
	_Atomic unsigned char last[MAX_MESSAGES];
} ledger;

static ledger *open_ledger(const char *path)
{
	int file = open(path, O_RDWR);
	void *memory = file < 0 ? MAP_FAILED : mmap(NULL, sizeof(ledger), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

	if (memory == MAP_FAILED)
	{
		perror(path);
		exit(2);
	}
	close(file);
	return memory;
}

static void pause_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

#endif
