/*
 * What it costs to have the library: opening it, and making the first object of it.
 */
#include "bench.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* Through dlsym, for the program must not be linked with what it measures. */
typedef int paho_create(void **, const char *, const char *, int, void *);
typedef void paho_destroy(void **);
typedef int mosquitto_init(void);
typedef void *mosquitto_create(const char *, int, void *);

static void *symbol(void *library, const char *name)
{
    return dlsym(library, name);
}

static void create(void *library)
{
    void *client = NULL;
    void *address;
    const char *names[][2] = {{"MQTTAsync_create", "MQTTAsync_destroy"}, {"MQTTClient_create", "MQTTClient_destroy"}};
    for (int i = 0; i < 2; i++) {
        if ((address = symbol(library, names[i][0]))) {
            paho_create *make;
            paho_destroy *destroy;
            memcpy(&make, &address, sizeof make);
            address = symbol(library, names[i][1]);
            memcpy(&destroy, &address, sizeof destroy);
            int rc = make(&client, "tcp://127.0.0.1:1883", "load", 1 /* no persistence */, NULL);
            if (rc != 0)
                fail("create", rc);
            destroy(&client);
            return;
        }
    }
    if ((address = symbol(library, "mosquitto_lib_init"))) {
        mosquitto_init *init;
        mosquitto_create *make;
        memcpy(&init, &address, sizeof init);
        address = symbol(library, "mosquitto_new");
        memcpy(&make, &address, sizeof make);
        init();
        if (!make("load", 1, NULL))
            fail("create", 0);
        return;
    }
    fail("no known library", 0);
}

int main(int argc, char **argv)
{
    options_parse(argc, argv);
    measure_start();
    double start = now_us();
    void *library = dlopen(opt.library, RTLD_NOW);
    if (!library)
        fail(dlerror(), 0);
    double loaded = now_us();
    create(library);
    report("load_us", loaded - start);
    report("create_us", now_us() - loaded);
    measure_finish();
    return 0;
}
