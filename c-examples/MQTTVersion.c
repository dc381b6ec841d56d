/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Prints the version information of MQTT client libraries.
 *
 * Usage: MQTTVersion [library file...]
 *
 * Without arguments it looks for the four libraries where the dynamic linker does.
 */

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* MQTTAsync_nameValue and MQTTClient_nameValue are the same; including either header is not needed.
 */
struct name_value {
    const char *name;
    const char *value;
};

typedef struct name_value *version_info(void);

/* The library's MQTTAsync_getVersionInfo or MQTTClient_getVersionInfo; NULL if it has neither. */
static version_info *find_version_info(void *library) {
    static const char *const names[] = {"MQTTAsync_getVersionInfo", "MQTTClient_getVersionInfo"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        void *symbol = dlsym(library, names[i]);
        version_info *function;

        if (symbol == NULL)
            continue;
        /* ISO C has no cast from an object pointer to a function pointer, but POSIX stores both
         * alike. */
        memcpy(&function, &symbol, sizeof function);
        return function;
    }
    return NULL;
}

static int print_version(void *library, const char *name) {
    version_info *get = find_version_info(library);

    if (get == NULL) {
        fprintf(stderr, "%s is not a MQTT client library: %s\n", name, dlerror());
        return -1;
    }
    for (const struct name_value *info = get(); info->name; info++)
        printf("%s: %s\n", info->name, info->value);
    return 0;
}

static int print_named(const char *name) {
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    int rc;

    if (library == NULL) {
        fprintf(stderr, "dlopen failed: %s\n", dlerror());
        return -1;
    }
    rc = print_version(library, name);
    dlclose(library);
    return rc;
}

/* The number of libraries found. */
static int print_all(void) {
    static const char *const names[] = {"libpaho-mqtt3c", "libpaho-mqtt3cs", "libpaho-mqtt3a",
                                        "libpaho-mqtt3as"};
    static const char *const suffixes[] = {".so.1", ".so"};
    int found = 0;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        void *library = NULL;
        char name[64];

        for (size_t j = 0; library == NULL && j < sizeof suffixes / sizeof suffixes[0]; j++) {
            snprintf(name, sizeof name, "%s%s", names[i], suffixes[j]);
            library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
        }
        if (library == NULL) {
            printf("--- %s: not found ---\n", names[i]);
            continue;
        }
        printf("--- %s ---\n", name);
        if (print_version(library, name) == 0)
            found++;
        dlclose(library);
    }
    return found;
}

int main(int argc, char *argv[]) {
    int result = EXIT_SUCCESS;

    if (argc < 2)
        return print_all() > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    for (int i = 1; i < argc; i++) {
        if (argc > 2)
            printf("--- %s ---\n", argv[i]);
        if (print_named(argv[i]) != 0)
            result = EXIT_FAILURE;
    }
    return result;
}
