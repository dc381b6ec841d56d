/* A plug-in that is unloaded with its client alive and messages arriving: dlclose must not take the code from under the threads.
 *
 *   dlclose <broker's URI> <path of the library>
 */
#include "../stress/stress.h"

#include <dlfcn.h>

#include "MQTTAsync.h"

static counter connects = COUNTER_INITIALIZER, arrivals = COUNTER_INITIALIZER;

/* The functions, by name: nothing here is linked with the library. */
static struct
{
	int (*create)(MQTTAsync *, const char *, const char *, int, void *);
	int (*set_callbacks)(MQTTAsync, void *, MQTTAsync_connectionLost *, MQTTAsync_messageArrived *, MQTTAsync_deliveryComplete *);
	int (*connect)(MQTTAsync, const MQTTAsync_connectOptions *);
	int (*subscribe)(MQTTAsync, const char *, int, MQTTAsync_responseOptions *);
	int (*send)(MQTTAsync, const char *, int, const void *, int, int, MQTTAsync_responseOptions *);
	void (*destroy)(MQTTAsync *);
	void (*free_message)(MQTTAsync_message **);
	void (*free)(void *);
} api;

static void *load(const char *path)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (library == NULL)
		FAIL("%s", dlerror());
	*(void **)&api.create = dlsym(library, "MQTTAsync_create");
	*(void **)&api.set_callbacks = dlsym(library, "MQTTAsync_setCallbacks");
	*(void **)&api.connect = dlsym(library, "MQTTAsync_connect");
	*(void **)&api.subscribe = dlsym(library, "MQTTAsync_subscribe");
	*(void **)&api.send = dlsym(library, "MQTTAsync_send");
	*(void **)&api.destroy = dlsym(library, "MQTTAsync_destroy");
	*(void **)&api.free_message = dlsym(library, "MQTTAsync_freeMessage");
	*(void **)&api.free = dlsym(library, "MQTTAsync_free");
	return library;
}

static int arrived(void *client, char *topic, int length, MQTTAsync_message *message)
{
	(void)length;
	api.free_message(&message);
	api.free(topic);
	counter_add(&arrivals, 1);
	/* The next one: messages arrive for as long as the client lives. */
	(void)api.send(client, "hostile/dlclose", 1, "x", 1, 0, NULL);
	return 1;
}

static void success(void *context, MQTTAsync_successData *data)
{
	(void)data;
	counter_add(context, 1);
}

int main(int argc, char **argv)
{
	int i;

	CHECK(argc == 3);
	for (i = 0; i < 5; i++)
	{
		MQTTAsync_connectOptions o = MQTTAsync_connectOptions_initializer;
		void *library = load(argv[2]);
		MQTTAsync client;
		long before;

		CHECK_RC(api.create(&client, argv[1], "hostile-dlclose", 1, NULL), MQTTASYNC_SUCCESS);
		CHECK_RC(api.set_callbacks(client, client, NULL, arrived, NULL), MQTTASYNC_SUCCESS);
		o.context = &connects, o.onSuccess = success;
		CHECK_RC(api.connect(client, &o), MQTTASYNC_SUCCESS);
		AWAIT(&connects, i + 1);
		before = counter_get(&arrivals);
		CHECK_RC(api.subscribe(client, "hostile/dlclose", 1, NULL), MQTTASYNC_SUCCESS);
		CHECK_RC(api.send(client, "hostile/dlclose", 1, "x", 1, 0, NULL), MQTTASYNC_SUCCESS);
		AWAIT(&arrivals, before + 10);
		CHECK_RC(dlclose(library), 0);
		AWAIT(&arrivals, before + 100);
		/* Loaded again it is the same library, and knows the client. */
		library = load(argv[2]);
		api.destroy(&client);
		CHECK_RC(dlclose(library), 0);
	}
	printf("nobody fell\n");
	return 0;
}
