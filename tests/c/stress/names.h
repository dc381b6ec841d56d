/*
 * A name whose look-up takes its time and finds nothing: the tests ask no name server, and a client is in the middle of a look-up
 * for as long as they need. The library's call of getaddrinfo finds this function before the C library's.
 *
 * Elsewhere "no..such.host" will do: the C library refuses it without asking anybody.
 */
#ifndef NAMES_H
#define NAMES_H

#ifndef _GNU_SOURCE
#error "include this first: RTLD_NEXT needs _GNU_SOURCE before any header"
#endif

#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

#define UNKNOWN_NAME "slow.and.unknown"
#define LOOKUP_MICROSECONDS 50000

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	if (name != NULL && strcmp(name, UNKNOWN_NAME) == 0)
	{
		usleep(LOOKUP_MICROSECONDS);
		return EAI_NONAME;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(name, service, hints, found);
}

#endif
