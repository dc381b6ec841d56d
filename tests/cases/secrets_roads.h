/* Goes all ways to a server, each with its secrets, and looks for them when the client has been destroyed; run by secrets.py. */
#ifndef SECRETS_ROADS_H
#define SECRETS_ROADS_H

#include "secrets.h"

static unsigned give_key(const char *hint, char *identity, unsigned max_identity, unsigned char *key, unsigned max_key, void *context) {
    if (max_identity < 3 || max_key < LENGTH)
        return 0;
    strcpy(identity, "id");
    for (int i = 0; i < LENGTH; i++)
        key[i] = secret_letter(PSK, i);
    return LENGTH;
}

/* Makes a client, connects, sends a message, disconnects and destroys the client. Returns 0 if it was connected. */
static int session(const struct road *road);

static int travel(const char *what, const struct road *road) {
    int rc = session(road), right = road->succeeds ? rc == 0 : rc != 0;
    if (!right)
        say("%s: connect gave %d", what, rc);
    return right && scan(what) == 0;
}

/* Arguments: URIs without TLS, with it, with a pre-shared key; the proxy's port; the key, its certificate, the authority's. */
static int all_roads(int argc, char **argv) {
    int right = 1;
    if (argc < 11) {
        puts("run by secrets.py");
        return 2;
    }
    watchdog(200);
    take_masked(key_text, argv[5], 200);
    take_masked(key_bytes, argv[8], atol(argv[9]));
    take_masked(proxy_base64, argv[10], 0);
    const struct road plain = {.uri = argv[1], .succeeds = 1}, nobody = {.uri = "tcp://127.0.0.1:1"};
    const struct road tls = {.uri = argv[2], .key = argv[5], .certificate = argv[6], .authority = argv[7], .passphrase = 1, .succeeds = 1};
    const struct road locked = {.uri = argv[2], .key = argv[5], .certificate = argv[6], .authority = argv[7]};
    const struct road psk = {.uri = argv[3], .psk = 1, .succeeds = 1};
    const struct road proxy = {.uri = argv[1], .proxy_port = atoi(argv[4]), .succeeds = 1};
    /* A server of MQTT alone refuses the request, and has read its headers by then. */
    char websocket[64];
    snprintf(websocket, sizeof websocket, "ws%s", strchr(argv[1], ':'));
    const struct road header = {.uri = websocket, .header = 1};
    right &= travel("without TLS", &plain);
    right &= travel("with a header", &header);
    right &= travel("to nobody", &nobody);
    right &= travel("with a client's key", &tls);
    right &= travel("with a key and no passphrase", &locked);
    right &= travel("with a pre-shared key", &psk);
    right &= travel("through a proxy", &proxy);
    return verdict(right);
}

#endif
