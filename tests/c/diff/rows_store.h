/* A program's own store, in memory, of which one function refuses for a while: for the rows about stores. One at a time. */
#ifndef DIFF_ROWS_STORE_H
#define DIFF_ROWS_STORE_H

#include "MQTTClientPersistence.h"
#include "rows.h"

static struct
{
	char key[32], bytes[256];
	int length;
} shelf[64];
static int on_the_shelf;

/* The function that refuses, and the beginning of the keys for which it does. */
static const char *refusing = "", *refused = "";

static pthread_mutex_t shelf_lock = PTHREAD_MUTEX_INITIALIZER;

static int refuses(const char *function, const char *key)
{
	return strcmp(refusing, function) == 0 && strncmp(key, refused, strlen(refused)) == 0;
}

static void refuse(const char *function, const char *key)
{
	pthread_mutex_lock(&shelf_lock);
	refusing = function;
	refused = key;
	pthread_mutex_unlock(&shelf_lock);
}

static int shelf_find(const char *key)
{
	int i;

	for (i = 0; i < on_the_shelf; i++)
		if (strcmp(shelf[i].key, key) == 0)
			return i;
	return -1;
}

/* How many records there are whose key begins so. */
static int records(const char *key)
{
	int i, count = 0;

	pthread_mutex_lock(&shelf_lock);
	for (i = 0; i < on_the_shelf; i++)
		count += strncmp(shelf[i].key, key, strlen(key)) == 0;
	pthread_mutex_unlock(&shelf_lock);
	return count;
}

/* Ours removes later what could not be removed: waits for that. */
static UNUSED void await_no_records(const char *key)
{
	const long long until = now_ms() + PATIENCE_SECONDS * 1000LL;

	while (!on_the_original() && records(key) > 0 && now_ms() < until)
		usleep(1000);
}

static int shelf_open(void **handle, const char *id, const char *uri, void *context)
{
	(void)id, (void)uri;
	*handle = context;
	return refuses("popen", "") ? MQTTCLIENT_PERSISTENCE_ERROR : 0;
}

static int shelf_close(void *handle)
{
	(void)handle;
	return refuses("pclose", "") ? MQTTCLIENT_PERSISTENCE_ERROR : 0;
}

static int shelf_put(void *handle, char *key, int count, char *buffers[], int lengths[])
{
	int i, at, rc = MQTTCLIENT_PERSISTENCE_ERROR;

	(void)handle;
	pthread_mutex_lock(&shelf_lock);
	if (!refuses("pput", key))
	{
		at = shelf_find(key);
		if (at < 0)
			at = on_the_shelf++;
		snprintf(shelf[at].key, sizeof(shelf[at].key), "%s", key);
		shelf[at].length = 0;
		for (i = 0; i < count; i++)
		{
			memcpy(shelf[at].bytes + shelf[at].length, buffers[i], (size_t)lengths[i]);
			shelf[at].length += lengths[i];
		}
		rc = 0;
	}
	pthread_mutex_unlock(&shelf_lock);
	return rc;
}

static int shelf_get(void *handle, char *key, char **buffer, int *length)
{
	int at, rc = MQTTCLIENT_PERSISTENCE_ERROR;

	(void)handle;
	pthread_mutex_lock(&shelf_lock);
	at = shelf_find(key);
	if (at >= 0 && !refuses("pget", key))
	{
		*buffer = malloc((size_t)shelf[at].length + 1);
		memcpy(*buffer, shelf[at].bytes, (size_t)shelf[at].length);
		*length = shelf[at].length;
		rc = 0;
	}
	pthread_mutex_unlock(&shelf_lock);
	return rc;
}

static int shelf_remove(void *handle, char *key)
{
	int at, rc = MQTTCLIENT_PERSISTENCE_ERROR;

	(void)handle;
	pthread_mutex_lock(&shelf_lock);
	at = shelf_find(key);
	if (at >= 0 && !refuses("premove", key))
	{
		shelf[at] = shelf[--on_the_shelf];
		rc = 0;
	}
	pthread_mutex_unlock(&shelf_lock);
	return rc;
}

static int shelf_keys(void *handle, char ***keys, int *count)
{
	int i;

	(void)handle;
	if (refuses("pkeys", ""))
		return MQTTCLIENT_PERSISTENCE_ERROR;
	*keys = on_the_shelf ? malloc((size_t)on_the_shelf * sizeof(char *)) : NULL;
	for (i = 0; i < on_the_shelf; i++)
		(*keys)[i] = strdup(shelf[i].key);
	*count = on_the_shelf;
	return 0;
}

static int shelf_clear(void *handle)
{
	(void)handle;
	on_the_shelf = 0;
	return 0;
}

static int shelf_contains(void *handle, char *key)
{
	int at;

	(void)handle;
	pthread_mutex_lock(&shelf_lock);
	at = shelf_find(key);
	pthread_mutex_unlock(&shelf_lock);
	return at < 0 ? MQTTCLIENT_PERSISTENCE_ERROR : 0;
}

static MQTTClient_persistence shelf_functions = {shelf,     shelf_open,   shelf_close, shelf_put,     shelf_get,
                                                 shelf_remove, shelf_keys, shelf_clear, shelf_contains};

#endif
