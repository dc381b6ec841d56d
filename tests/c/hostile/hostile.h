/* What a careless program does to a library: shared pieces of the programs that check that it comes back with an error, and works on.
 *
 * Each program takes the broker's URI as its first argument and ends with 0 only when every call came back as it should.
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include "../stress/stress.h"

#include <limits.h>
#include <stddef.h>

/* The bytes of a struct up to the end of one member: all that a program has which was compiled before the next one came. */
#define UP_TO(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))

/* A copy of the first `size` bytes in a block of exactly that size: valgrind reports whoever reads past it. */
static UNUSED void *exact(const void *object, size_t size)
{
	void *copy = malloc(size);

	CHECK(copy != NULL);
	return memcpy(copy, object, size);
}

/* Not UTF-8, each for a reason of its own: no lead byte, overlong, a surrogate, beyond U+10FFFF, cut short. */
static const char *const bad_utf8[] UNUSED = { "\xff", "\xc0\x80", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\xc3" };
enum { BAD_UTF8 = sizeof bad_utf8 / sizeof *bad_utf8 };

/* Longer than the 65,535 bytes that any string of MQTT can have. */
static UNUSED char *too_long(void)
{
	char *text = malloc(65537);

	CHECK(text != NULL);
	memset(text, 'x', 65536);
	text[65536] = 0;
	return text;
}

/* A PUBLISH cannot be longer than 268,435,455 bytes, so these cannot even be sent with an empty topic. The bytes do not exist: the
 * library has to say no before it looks at them. */
static const int too_big[] UNUSED = { 268435456, 1 << 30, INT_MAX };
static const int negative[] UNUSED = { -1, -65536, INT_MIN };

/* Things that are no handle of any client: small numbers, addresses, patterns. `was` is one that was a client once. */
enum { NO_HANDLES = 12 };

static UNUSED void no_handles(void *handles[NO_HANDLES], void *alive, void *was)
{
	static int here;
	void *freed = malloc(64);
	void *list[NO_HANDLES] = {
		NULL,
		(void *)1,
		(void *)(uintptr_t)-1,
		&here,
		(void *)(uintptr_t)&no_handles,
		freed,
		(void *)0xdeadbeef,
		(void *)((uintptr_t)alive + 1),
		(void *)((uintptr_t)alive ^ ((uintptr_t)1 << 32)),
		(void *)((uintptr_t)alive + 8 * 1000),
		(void *)((uintptr_t)alive | (uintptr_t)0xffffffff),
		was,
	};

	free(freed);
	memcpy(handles, list, sizeof list);
}

/* A property list that lies: as many entries as the last three numbers say, of which there is none. */
#define LYING_LIST(entries) { (entries), 0, 0, NULL }

#endif
