/* A provider for OpenSSL 3 that opens "pkcs11:" URIs of a token that is a directory: `pkcs11:object=NAME` is the certificate NAME.crt and
 * the private key NAME.key in it, in DER; a key is there for who knows the PIN in the file PIN, from the URI (`?pin-value=`) or by asking.
 *
 * The environment variable TOKEN_DIRECTORY says where it is. As a real one's, the objects come one by one.
 */
#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VISIBLE __attribute__((visibility("default")))

/* An open URI. */
typedef struct {
    char object[64], pin[64];
    int next;
} token;

static int read_file(const char *name, const char *extension, unsigned char *content, size_t size, size_t *length) {
    const char *directory = getenv("TOKEN_DIRECTORY");
    char path[1024];
    FILE *file;
    snprintf(path, sizeof path, "%s/%s%s", directory ? directory : ".", name, extension);
    if (!(file = fopen(path, "rb")))
        return 0;
    *length = fread(content, 1, size, file);
    fclose(file);
    return *length > 0 && *length < size;
}

/* The value behind a key, up to the next separator. */
static void value_of(const char *uri, const char *key, char *value, size_t size) {
    const char *start = strstr(uri, key);
    value[0] = 0;
    if (start)
        snprintf(value, size, "%.*s", (int)strcspn(start + strlen(key), ";?&"), start + strlen(key));
}

static void *open_uri(void *provider, const char *uri) {
    token *opened;
    (void)provider;
    if (strncmp(uri, "pkcs11:", 7) != 0 || !(opened = calloc(1, sizeof *opened)))
        return NULL;
    value_of(uri, "object=", opened->object, sizeof opened->object);
    value_of(uri, "pin-value=", opened->pin, sizeof opened->pin);
    return opened;
}

static int set_params(void *opened, const OSSL_PARAM params[]) {
    (void)opened, (void)params;
    return 1;
}

static int end_reached(void *opened) {
    return ((token *)opened)->next >= 2;
}

static int close_uri(void *opened) {
    free(opened);
    return 1;
}

/* Whether the program knows the PIN. */
static int unlocked(token *opened, OSSL_PASSPHRASE_CALLBACK *ask, void *ask_argument) {
    unsigned char right[64];
    size_t length = 0;
    if (!read_file("PIN", "", right, sizeof right, &length))
        return 0;
    if (!opened->pin[0]) {
        size_t given = 0;
        const OSSL_PARAM none[] = {OSSL_PARAM_END};
        if (!ask || !ask(opened->pin, sizeof opened->pin - 1, &given, none, ask_argument))
            return 0;
        opened->pin[given] = 0;
    }
    return strlen(opened->pin) == length && memcmp(opened->pin, right, length) == 0;
}

static int load(void *context, OSSL_CALLBACK *found, void *argument, OSSL_PASSPHRASE_CALLBACK *ask, void *ask_argument) {
    token *opened = context;
    unsigned char content[8192];
    size_t length = 0;
    int type = opened->next == 0 ? OSSL_OBJECT_CERT : OSSL_OBJECT_PKEY, there;
    OSSL_PARAM params[4];
    there = read_file(opened->object, opened->next++ == 0 ? ".crt" : ".key", content, sizeof content, &length);
    if (!there || (type == OSSL_OBJECT_PKEY && !unlocked(opened, ask, ask_argument)))
        return 0;
    params[0] = OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &type);
    params[1] = OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_TYPE, type == OSSL_OBJECT_CERT ? (char *)"CERTIFICATE" : (char *)"EC", 0);
    params[2] = OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_DATA, content, length);
    params[3] = OSSL_PARAM_construct_end();
    return found(params, argument);
}

#define FUNCTION(id, function) {id, (void (*)(void))(function)}

static const OSSL_DISPATCH store_functions[] = {
    FUNCTION(OSSL_FUNC_STORE_OPEN, open_uri),       FUNCTION(OSSL_FUNC_STORE_SET_CTX_PARAMS, set_params),
    FUNCTION(OSSL_FUNC_STORE_LOAD, load),           FUNCTION(OSSL_FUNC_STORE_EOF, end_reached),
    FUNCTION(OSSL_FUNC_STORE_CLOSE, close_uri),     {0, NULL},
};

static const OSSL_ALGORITHM stores[] = {{"pkcs11", "provider=token", store_functions, "a directory"}, {NULL, NULL, NULL, NULL}};

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache) {
    (void)provider;
    *no_cache = 0;
    return operation == OSSL_OP_STORE ? stores : NULL;
}

static const OSSL_DISPATCH functions[] = {FUNCTION(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query), {0, NULL}};

VISIBLE int OSSL_provider_init(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **provider) {
    (void)in;
    *out = functions;
    *provider = (void *)core;
    return 1;
}
