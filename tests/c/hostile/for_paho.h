/* The functions of paho_oxide.h that take a Paho handle, in careless hands: with handles that are none, and with a client but NULL, wrong
 * sizes, and names, values and filters that are none. */
#ifndef FOR_PAHO_H
#define FOR_PAHO_H

#include "hostile.h"

#include "paho_oxide.h"

static void route(void *context, const char *topic, uint32_t topic_len, void *message)
{
	(void)context, (void)topic, (void)topic_len, (void)message;
}

/* Every function, with good arguments otherwise. */
static UNUSED void for_paho_refuses(void *no_handle)
{
	struct MQTTOxide_counters counters = { 0 };
	struct MQTTOxide_error error = { 0 };
	char value[64];
	uint32_t length;

	counters.size = sizeof counters;
	error.size = sizeof error;
	CHECK_RC(MQTTOxide_setOption(no_handle, "resubscribe", 11, "on", 2), MQTTOxide_E_HANDLE);
	CHECK_RC(MQTTOxide_getOption(no_handle, "resubscribe", 11, value, sizeof value, &length), MQTTOxide_E_HANDLE);
	CHECK_RC(MQTTOxide_acknowledge(no_handle, 1), MQTTOxide_E_HANDLE);
	/* NULL asks for the thread's own. */
	CHECK_RC(MQTTOxide_lastError(no_handle, &error), no_handle ? MQTTOxide_E_HANDLE : 0);
	CHECK_RC(MQTTOxide_statistics(no_handle, &counters), MQTTOxide_E_HANDLE);
	CHECK_RC(MQTTOxide_addRoute(no_handle, "a", 1, route, NULL), MQTTOxide_E_HANDLE);
	CHECK_RC(MQTTOxide_removeRoute(no_handle, "a", 1), MQTTOxide_E_HANDLE);
}

/* A client, and all else wrong, in blocks of exactly the size that is stated. `callbacks`: it has some. */
static UNUSED void for_paho_careless(void *client, int callbacks)
{
	static const char *const names[] = { "manual-acks", "resubscribe", "automatic-reconnect", "automatic-reconnect-min",
		"automatic-reconnect-max", "outbound-topic-aliases", "resolve-topic-aliases", "max-buffered-bytes", "tls-min-version",
		"tls-max-version", "tcp-keepalive", "tcp-user-timeout", "bind-address" };
	static const char *const values[] = { "x", "-1", "99999999999999999999999999", "\xff", " ", "onoff", "1.7", "::1::" };
	struct MQTTOxide_error *error = calloc(1, sizeof *error);
	struct MQTTOxide_counters *counters = calloc(1, sizeof *counters);
	uint32_t sizes[] = { 0, 1, 3, sizeof *error - 1, sizeof *error + 1, sizeof *counters + 1, UINT32_MAX }, length = 0;
	char *text = exact("on", 2), *name = exact("resubscribe", 11), *buffer = malloc(3);
	size_t i, j;

	CHECK(error && counters && buffer);
	CHECK_RC(MQTTOxide_setOption(client, NULL, 0, NULL, 0), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_setOption(client, NULL, 11, text, 2), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_setOption(client, name, 11, NULL, 2), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_setOption(client, name, 10, text, 2), MQTTOxide_E_NOT_FOUND);
	CHECK_RC(MQTTOxide_setOption(client, name, 0, text, 2), MQTTOxide_E_NOT_FOUND);
	CHECK_RC(MQTTOxide_getOption(client, NULL, 0, buffer, 3, &length), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_getOption(client, name, 11, NULL, 3, &length), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_getOption(client, name, 5, buffer, 3, NULL), MQTTOxide_E_NOT_FOUND);
	for (i = 0; i < sizeof names / sizeof *names; i++)
		for (j = 0; j < sizeof values / sizeof *values; j++)
		{
			int32_t rc = MQTTOxide_setOption(client, names[i], (uint32_t)strlen(names[i]), values[j], (uint32_t)strlen(values[j]));

			CHECK(rc == MQTTOxide_E_ARGUMENT || rc == MQTTOxide_E_NOT_SUPPORTED);
		}
	/* What fits into its block, and what does not. */
	CHECK_RC(MQTTOxide_setOption(client, "tcp-keepalive", 13, "12345", 5), 0);
	CHECK_RC(MQTTOxide_getOption(client, "tcp-keepalive", 13, buffer, 3, &length), MQTTOxide_E_TOO_SMALL);
	CHECK(length == 5 && memcmp(buffer, "123", 3) == 0);
	CHECK_RC(MQTTOxide_getOption(client, "tcp-keepalive", 13, NULL, 0, &length), MQTTOxide_E_TOO_SMALL);
	CHECK_RC(MQTTOxide_setOption(client, "tcp-keepalive", 13, NULL, 0), 0);
	CHECK_RC(MQTTOxide_getOption(client, "tcp-keepalive", 13, NULL, 0, &length), 0);
	CHECK(length == 0);

	CHECK_RC(MQTTOxide_acknowledge(client, 0), MQTTOxide_E_ARGUMENT);
	CHECK_RC(MQTTOxide_acknowledge(client, INT_MIN), MQTTOxide_E_ARGUMENT);
	CHECK_RC(MQTTOxide_acknowledge(client, INT_MAX), MQTTOxide_E_NOT_FOUND);

	CHECK_RC(MQTTOxide_lastError(client, NULL), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_statistics(client, NULL), MQTTOxide_E_NULL);
	for (i = 0; i < sizeof sizes / sizeof *sizes; i++)
	{
		error->size = counters->size = sizes[i];
		CHECK_RC(MQTTOxide_lastError(client, error), MQTTOxide_E_SIZE);
		CHECK_RC(MQTTOxide_statistics(client, counters), MQTTOxide_E_SIZE);
	}
	error->size = sizeof *error, counters->size = sizeof *counters;
	CHECK_RC(MQTTOxide_statistics(client, counters), 0);
	error->text_capacity = 3;
	CHECK_RC(MQTTOxide_lastError(client, error), MQTTOxide_E_NULL);
	error->text = buffer;
	CHECK_RC(MQTTOxide_lastError(client, error), MQTTOxide_E_TOO_SMALL);
	CHECK(error->text_len > 3 && error->number > 0 && error->kind == MQTTOxide_ERROR_CALL && error->code == MQTTOxide_E_NOT_FOUND);

	CHECK_RC(MQTTOxide_addRoute(client, NULL, 0, route, NULL), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_addRoute(client, NULL, 5, route, NULL), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_addRoute(client, "a", 1, NULL, NULL), MQTTOxide_E_NULL);
	CHECK_RC(MQTTOxide_addRoute(client, "a", 0, route, NULL), MQTTOxide_E_ARGUMENT);
	CHECK_RC(MQTTOxide_removeRoute(client, NULL, 1), MQTTOxide_E_NULL);
	for (i = 0; i < BAD_UTF8; i++)
	{
		CHECK_RC(MQTTOxide_addRoute(client, bad_utf8[i], (uint32_t)strlen(bad_utf8[i]), route, NULL), MQTTOxide_E_ARGUMENT);
		CHECK_RC(MQTTOxide_removeRoute(client, bad_utf8[i], (uint32_t)strlen(bad_utf8[i])), MQTTOxide_E_ARGUMENT);
	}
	if (!callbacks)
		CHECK_RC(MQTTOxide_addRoute(client, "a", 1, route, NULL), MQTTOxide_E_STATE);
	/* Routes that are left when the client is destroyed. */
	for (i = 0; callbacks && i < 100; i++)
		CHECK_RC(MQTTOxide_addRoute(client, i % 2 ? name : "left/+", i % 2 ? 11 : 6, route, NULL), 0);
	CHECK_RC(MQTTOxide_removeRoute(client, name, 11), callbacks ? 0 : MQTTOxide_E_NOT_FOUND);
	CHECK_RC(MQTTOxide_removeRoute(client, name, 11), MQTTOxide_E_NOT_FOUND);
	free(error), free(counters), free(text), free(name), free(buffer);
}

#endif
