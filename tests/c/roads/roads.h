/* Connects as it is told, once for each line of its input, and says how it went.
 *
 * A line is a list of `key=value`, separated by tabs (see set_option). For each line one line of output: name, "ok" or "failed", code,
 * milliseconds that the connect took, longest round trip of another client meanwhile in milliseconds, message, what the TLS error callback
 * was told. The same program runs on the original library.
 */
#ifndef ROADS_H
#define ROADS_H

#define _GNU_SOURCE
#include "../stress/stress.h"

#include <dlfcn.h>
#include <netdb.h>
#include <stddef.h>
#include <sys/socket.h>

enum { TEXT = 1024 };

/* One line of input; what is not said is NULL or 0. */
typedef struct
{
	char *line;
	const char *name, *uri, *trust, *capath, *cert, *key, *pass, *ciphers, *psk, *http_proxy, *https_proxy, *meanwhile;
	int version, timeout, tls, ssl_version, verify, no_auth, connect_only;
} road;

typedef struct
{
	char message[TEXT], tls[TEXT];
	double took;
} outcome;

static void set_option(road *r, const char *key, const char *value)
{
	static const struct { const char *key; size_t offset; } texts[] = {
#define OPTION(member) { #member, offsetof(road, member) }
		OPTION(name), OPTION(uri), OPTION(trust), OPTION(capath), OPTION(cert), OPTION(key), OPTION(pass), OPTION(ciphers),
		OPTION(psk), OPTION(http_proxy), OPTION(https_proxy), OPTION(meanwhile),
	}, numbers[] = {
		OPTION(version), OPTION(timeout), OPTION(tls), OPTION(ssl_version), OPTION(verify), OPTION(no_auth), OPTION(connect_only),
#undef OPTION
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (strcmp(texts[i].key, key) == 0)
		{
			*(const char **)((char *)r + texts[i].offset) = value;
			return;
		}
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (strcmp(numbers[i].key, key) == 0)
		{
			*(int *)((char *)r + numbers[i].offset) = number(value);
			return;
		}
	FAIL("no option %s", key);
}

/* 0 at the end of the input. */
static int read_road(road *r)
{
	size_t size = 0;
	char *field, *rest;

	memset(r, 0, sizeof *r);
	if (getline(&r->line, &size, stdin) <= 0)
	{
		free(r->line);
		return 0;
	}
	r->line[strcspn(r->line, "\n")] = 0;
	for (field = strtok_r(r->line, "\t", &rest); field != NULL; field = strtok_r(NULL, "\t", &rest))
	{
		char *value = strchr(field, '=');

		CHECK(value != NULL);
		*value++ = 0;
		set_option(r, field, value);
	}
	return 1;
}

static void append(char *text, const char *more, size_t length)
{
	size_t used = strlen(text);

	if (used > 0 && used + 3 < TEXT)
		used += (size_t)sprintf(text + used, " | ");
	snprintf(text + used, TEXT - used, "%.*s", (int)length, more);
	for (; *text; text++)
		if (*text == '\n' || *text == '\t')
			*text = ' ';
}

static int on_tls_error(const char *text, size_t length, void *context)
{
	append(((outcome *)context)->tls, text, length);
	return 1;
}

/* psk=<identity>:<hexadecimal key> */
static unsigned int on_psk(const char *hint, char *identity, unsigned int max_identity, unsigned char *key, unsigned int max_key, void *context)
{
	const char *psk = context, *digits = strchr(psk, ':') + 1;
	unsigned int length = (unsigned int)strlen(digits) / 2;

	(void)hint;
	CHECK(length <= max_key && (size_t)(digits - psk) <= max_identity);
	memcpy(identity, psk, (size_t)(digits - psk - 1));
	identity[digits - psk - 1] = 0;
	for (unsigned int i = 0; i < length; i++)
	{
		unsigned int byte;

		CHECK(sscanf(digits + 2 * i, "%2x", &byte) == 1);
		key[i] = (unsigned char)byte;
	}
	return length;
}

/* Both APIs' structs have the same members. */
#define FILL_TLS(ssl, r, o) do { \
		(ssl).trustStore = (r)->trust; \
		(ssl).CApath = (r)->capath; \
		(ssl).keyStore = (r)->cert; \
		(ssl).privateKey = (r)->key; \
		(ssl).privateKeyPassword = (r)->pass; \
		(ssl).enabledCipherSuites = (r)->ciphers; \
		(ssl).sslVersion = (r)->ssl_version; \
		(ssl).verify = (r)->verify; \
		(ssl).enableServerCertAuth = !(r)->no_auth; \
		(ssl).ssl_error_cb = on_tls_error; \
		(ssl).ssl_error_context = (o); \
		if ((r)->psk != NULL) \
		{ \
			(ssl).ssl_psk_cb = on_psk; \
			(ssl).ssl_psk_context = (void *)(r)->psk; \
			(ssl).disableDefaultTrustStore = 1; \
		} \
	} while (0)

/* Names of the test's own. slow.test: the name server takes 20 s. two.test: the first address is dead (127.0.0.2), the second alive.
 * none.test: no address. Found by the library before the system's function. */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
	int (*system)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
	struct addrinfo *second;
	int rc;

	*(void **)&system = dlsym(RTLD_NEXT, "getaddrinfo");
	if (host != NULL && strcmp(host, "slow.test") == 0)
	{
		sleep(20);
		return EAI_AGAIN;
	}
	if (host != NULL && strcmp(host, "none.test") == 0)
		return EAI_NONAME;
	if (host == NULL || strcmp(host, "two.test") != 0)
		return system(host, service, hints, result);
	if ((rc = system("127.0.0.1", service, hints, &second)) != 0 || (rc = system("127.0.0.2", service, hints, result)) != 0)
		return rc;
	(*result)->ai_next = second;
	return 0;
}

/* A client that goes round and round while another one connects: of the program's own API. */
static void *companion_open(const char *uri);
static void companion_round_trip(void *client);
static void companion_close(void *client);

typedef struct
{
	pthread_t thread;
	void *client;
	atomic_int stop;
	double longest;
} companion;

static void *companion_run(void *argument)
{
	companion *c = argument;

	while (!c->stop)
	{
		double begun = now_seconds(), taken;

		companion_round_trip(c->client);
		taken = now_seconds() - begun;
		if (taken > c->longest)
			c->longest = taken;
		usleep(1000);
	}
	return NULL;
}

static void companion_start(companion *c, const char *uri)
{
	memset(c, 0, sizeof *c);
	if (uri == NULL)
		return;
	c->client = companion_open(uri);
	CHECK_RC(pthread_create(&c->thread, NULL, companion_run, c), 0);
}

static void companion_stop(companion *c)
{
	if (c->client == NULL)
		return;
	c->stop = 1;
	CHECK_RC(pthread_join(c->thread, NULL), 0);
	companion_close(c->client);
}

/* What each program does: connects; unless told to stop there, a message to itself and back; DISCONNECT. 0 or the connect's code. */
static int travel(const road *r, outcome *o);

static int run_roads(void)
{
	road r;

	while (read_road(&r))
	{
		outcome o = { "", "", 0 };
		companion c;
		int rc;

		CHECK(r.name != NULL && r.uri != NULL && r.version != 0);
		companion_start(&c, r.meanwhile);
		rc = travel(&r, &o);
		companion_stop(&c);
		printf("%s\t%s\t%d\t%.0f\t%.0f\t%s\t%s\n", r.name, rc == 0 ? "ok" : "failed", rc, o.took * 1e3, c.longest * 1e3, o.message, o.tls);
		fflush(stdout);
		free(r.line);
	}
	return 0;
}

#endif
