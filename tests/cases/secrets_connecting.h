/*
 * Situation: a client is destroyed in the middle of an attempt to connect: while a name is looked up, while TCP, a proxy or TLS
 * waits for its other side, while CONNACK is awaited.
 *
 * Right: when destroy has returned, none of the secrets of secrets.h is in the memory of the process, and destroy has waited
 * for nothing of the network's.
 *
 * Original: wipes nothing.
 *
 * The program that includes this defines begin, end and joined; run by secrets.py.
 */
#ifndef SECRETS_CONNECTING_H
#define SECRETS_CONNECTING_H

#include "secrets.h"
#include <dlfcn.h>
#include <netdb.h>
#include <semaphore.h>

/* Begins to connect, and returns while that is under way. */
static void begin(const struct road *road);
/* Destroys the client. */
static void end(void);
/* Waits for what the attempt has left behind, if anything. */
static void joined(void);

#define SLOW_NAME "slow.and.unknown"
static sem_t looking_up, may_answer;

/* The library's look-up of SLOW_NAME lasts until the test lets it end. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (name && strcmp(name, SLOW_NAME) == 0) {
        sem_post(&looking_up);
        while (sem_wait(&may_answer))
            ;
        return EAI_NONAME;
    }
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(name, service, hints, found);
}

/* Destroys the client and looks for its secrets. */
static int destroyed(const char *when) {
    double took = seconds();
    int found, waited;
    end();
    took = seconds() - took;
    /* The deadline of an attempt is 30 s. */
    waited = took > 15;
    if (waited)
        say("%s: destroy took %.1f s", when, took);
    found = scan(when);
    return found == 0 && !waited;
}

static int during_lookup(void) {
    const struct road road = {.uri = "tcp://" SLOW_NAME ":1883"};
    int right;
    begin(&road);
    while (sem_wait(&looking_up))
        ;
    right = destroyed("during the look-up");
    sem_post(&may_answer);
    joined();
    return right;
}

/* True if a connection to the port is half open: SYN was sent and not answered. */
static int waits_for_tcp(int port) {
    char line[300], end[20];
    FILE *table = fopen("/proc/net/tcp", "r");
    int found = 0;
    snprintf(end, sizeof end, ":%04X 02 ", port);
    while (table && fgets(line, sizeof line, table))
        found |= strstr(line, end) != NULL;
    if (table)
        fclose(table);
    return found;
}

static int during_tcp(void) {
    char uri[64];
    const struct road road = {.uri = uri};
    int listener = listen_anywhere(uri), port = atoi(strrchr(uri, ':') + 1), fillers[4], right;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((in_port_t)port)};
    /* A queue for one connection, and more than that many in it. */
    listen(listener, 0);
    for (int i = 0; i < 4; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(fillers[i], (struct sockaddr *)&address, sizeof address);
    }
    /* Those that found no room wait, too: only the client is to. */
    for (int i = 1; i < 4; i++)
        close(fillers[i]);
    begin(&road);
    if (!AWAIT(waits_for_tcp(port)))
        say("the connection is not half open");
    right = destroyed("during TCP");
    close(fillers[0]);
    close(listener);
    joined();
    return right;
}

/* Accepts a connection and reads what comes first, and wipes that. */
static int accept_and_read(int listener) {
    char bytes[1024];
    int peer = accept(listener, NULL, NULL);
    if (recv(peer, bytes, sizeof bytes, 0) <= 0)
        say("nothing came");
    explicit_bzero(bytes, sizeof bytes);
    return peer;
}

/* With a server that accepts a connection, reads what comes, and says nothing. */
static int during_silence(const char *when, struct road road, const char *scheme) {
    char address[64], uri[64];
    int listener = listen_anywhere(address), peer, right;
    snprintf(uri, sizeof uri, "%s%s", scheme, strstr(address, "127."));
    if (road.proxy_port)
        road.proxy_port = atoi(strrchr(uri, ':') + 1);
    road.uri = uri;
    begin(&road);
    peer = accept_and_read(listener);
    right = destroyed(when);
    close(peer);
    close(listener);
    joined();
    return right;
}

/* With secrets.py's server, which finishes the handshake, reads CONNECT and says so through a pipe. */
static int during_connack_with_tls(struct road road, const char *uri, const char *pipe) {
    char byte;
    int fd, right;
    road.uri = uri;
    begin(&road);
    fd = open(pipe, O_RDONLY);
    if (read(fd, &byte, 1) != 1)
        say("the server has seen no CONNECT");
    close(fd);
    right = destroyed("waiting for CONNACK with TLS");
    joined();
    return right;
}

/* The arguments of all_roads, and then the URI and the pipe of during_connack_with_tls. */
static int all_stages(int argc, char **argv, int with_tls, int with_proxy) {
    const struct road plain = {0}, proxy = {.proxy_port = 1};
    int right;
    if (argc < 13) {
        puts("run by secrets.py");
        return 2;
    }
    watchdog(200);
    take_masked(key_text, argv[5], 200);
    take_masked(key_bytes, argv[8], atol(argv[9]));
    take_masked(proxy_base64, argv[10], 0);
    right = during_lookup();
    right &= during_tcp();
    right &= during_silence("waiting for CONNACK", plain, "tcp://");
    right &= during_silence("waiting for the upgrade to WebSocket", plain, "ws://");
    if (with_proxy)
        right &= during_silence("waiting for the proxy", proxy, "tcp://");
    if (with_tls) {
        const struct road tls = {.key = argv[5], .certificate = argv[6], .authority = argv[7], .passphrase = 1};
        right &= during_silence("during the TLS handshake", tls, "ssl://");
        right &= during_connack_with_tls(tls, argv[11], argv[12]);
    }
    return right;
}

#endif
