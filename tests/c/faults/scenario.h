/* One life of a client, with one thing in it that fails, and one with nothing that fails after it.
 *
 *   client|async <uri> failure|interrupt|openssl <n> <directory of the store> <descriptors> [<certificate of the authority>]
 *
 * `n` is which call, thread or allocation fails; 0: none. `descriptors`: how many may be open at the end; 0: as many as are. Prints how many
 * there were of both, and what failed. Whatever it is: every call comes back with a code of the API's, what was accepted ends, and afterwards
 * the library works. What is lost of memory, the leak checker tells with which this is compiled.
 */
#ifndef SCENARIO_H
#define SCENARIO_H

#include "inject.h"

static const char *uri, *store, *authority;
/* Nothing fails: everything has to succeed. */
static int strict;

static void life(void);

/* A code of the API's, the same in both. */
static UNUSED int documented(const char *what, int rc)
{
	if (rc > 0 || rc < -19)
		FAIL("%s gave %d after a failing %s", what, rc, inject_failed);
	if (strict && rc != 0)
		FAIL("%s gave %d; before, %s had failed", what, rc, inject_failed[0] ? inject_failed : "nothing");
	return rc;
}

int main(int argc, char **argv)
{
	enum inject_mode mode;
	long target, calls;
	int limit, files;

	CHECK(argc >= 6);
	uri = argv[1], store = argv[4], authority = argc > 6 ? argv[6] : NULL;
	mode = strcmp(argv[2], "openssl") == 0 ? INJECT_OPENSSL : strcmp(argv[2], "interrupt") == 0 ? INJECT_INTERRUPT : INJECT_FAILURE;
	target = number(argv[3]), limit = number(argv[5]);
	if (mode == INJECT_OPENSSL)
		inject_openssl();
	inject_install(mode, target);
	/* A hang ends with this signal. */
	alarm(250);

	/* An interrupted call is called again: nobody notices. */
	strict = target == 0 || mode == INJECT_INTERRUPT;
	inject_armed = 1;
	life();
	inject_armed = 0;
	calls = inject_count;
	/* OpenSSL sets itself up once in a process: what it did not get then it does without. */
	strict = mode != INJECT_OPENSSL;
	life();
	check_heap();
	files = inject_await_files(limit);
	if (limit > 0 && files > limit)
		FAIL("%d descriptors are open after a failing %s, not %d", files, inject_failed, limit);
	printf("%ld %d %s\n", calls, files, inject_failed);
	return 0;
}

#endif
