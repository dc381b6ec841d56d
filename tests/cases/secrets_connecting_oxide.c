/* secrets_connecting.h with the event API, whose program may carry the connection itself. */
#include "paho_oxide.h"
#define API MQTTOxide
#include "secrets_connecting.h"

static uint64_t queue, client;

static void set_options(struct MQTTOxide_connectOptions *options, char *password) {
    spell(password, PASSWORD);
    memset(options, 0, sizeof *options);
    options->size = sizeof *options;
    options->version = 4;
    options->clean = 1;
    options->keep_alive_s = KEEPALIVE;
    options->client_id = "secrets";
    options->client_id_len = 7;
    options->username = "user";
    options->username_len = 4;
    options->password = password;
    options->password_len = LENGTH;
}

static void create(void) {
    struct MQTTOxide_createOptions options = {.size = sizeof options};
    int64_t code = MQTTOxide_create(&client, queue, &options);
    if (code)
        say("create gave %lld", (long long)code);
}

static void begin(const struct road *road) {
    struct MQTTOxide_connectOptions options;
    char password[LENGTH + 1];
    int64_t code;
    create();
    set_options(&options, password);
    code = MQTTOxide_connect(client, road->uri, (uint32_t)strlen(road->uri), &options, NULL);
    explicit_bzero(password, sizeof password);
    if (code)
        say("connect gave %lld", (long long)code);
}

static void end(void) {
    MQTTOxide_destroy(client);
}

static void joined(void) {
}

/* Over a stream, of which the program has taken the first bytes, or nothing; or over a descriptor. */
static int carried(const char *when, int32_t descriptor, int taken) {
    struct MQTTOxide_connectOptions options;
    char password[LENGTH + 1], bytes[64];
    int64_t code;
    create();
    set_options(&options, password);
    code = descriptor >= 0 ? MQTTOxide_attachFd(client, descriptor, &options) : MQTTOxide_attachStream(client, &options);
    explicit_bzero(password, sizeof password);
    if (code)
        say("attach gave %lld", (long long)code);
    if (taken && MQTTOxide_take(client, bytes, (uint32_t)taken) != taken)
        say("there is no CONNECT");
    explicit_bzero(bytes, sizeof bytes);
    return destroyed(when);
}

int main(int argc, char **argv) {
    int right, ends[2];
    char bytes[256];
    MQTTOxide_createQueue(&queue);
    right = all_stages(argc, argv, 0, 0);
    right &= carried("with a stream that nobody has read", -1, 0);
    right &= carried("with a stream that somebody reads", -1, 2);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
        return verdict(0);
    right &= carried("with a descriptor", ends[0], 0);
    right &= recv(ends[1], bytes, sizeof bytes, 0) > 0;
    return verdict(right);
}
