/* A good client's round trips beside hostile servers, each with a client of its own in the same process. */
#include "async.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Sent in one piece. */
#define PIECE (64 * 1024)

/* ---- the servers, in a process of their own --------------------------------------------------------------------------- */

/* What a client answers is read, so that it goes on answering. */
static void *swallow(void *argument)
{
    int fd = (int)(intptr_t)argument;
    char *room = malloc(PIECE);
    while (room && read(fd, room, PIECE) > 0) {
    }
    free(room);
    return NULL;
}

struct attack {
    int fd, number;
};

/* One of them sends PUBRELs of messages that nobody knows, the next one PINGRESPs that nobody has asked for. */
static void *attack(void *argument)
{
    static const unsigned char accepted[] = {0x20, 2, 0, 0}, pubrel[] = {0x62, 2, 0, 1}, pingresp[] = {0xD0, 0};
    struct attack *it = argument;
    const unsigned char *packet = it->number % 2 ? pingresp : pubrel;
    size_t length = it->number % 2 ? sizeof pingresp : sizeof pubrel;
    char connect[512];
    pthread_t reader;
    unsigned char *piece = malloc(PIECE);
    if (!piece)
        _Exit(1);
    for (size_t at = 0; at < PIECE; at += length)
        memcpy(piece + at, packet, length);
    /* CONNECT comes in one piece, and there is nothing in it that matters. */
    if (read(it->fd, connect, sizeof connect) > 0 && send(it->fd, accepted, sizeof accepted, MSG_NOSIGNAL) > 0 &&
        pthread_create(&reader, NULL, swallow, (void *)(intptr_t)it->fd) == 0)
        while (send(it->fd, piece, PIECE, MSG_NOSIGNAL) > 0) {
        }
    return NULL;
}

_Noreturn static void serve_attacks(int listener)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int number = 0;; number++) {
        pthread_t thread;
        struct attack *it = malloc(sizeof *it);
        int fd = accept(listener, NULL, NULL);
        if (!it || fd < 0)
            _Exit(1);
        *it = (struct attack){fd, number};
        if (pthread_create(&thread, NULL, attack, it) != 0)
            _Exit(1);
    }
}

/* Starts the servers; the port they listen on. */
static int start_attacks(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 64) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0)
        fail("listen", errno);
    pid_t child = fork();
    if (child < 0)
        fail("fork", errno);
    if (child == 0)
        serve_attacks(listener);
    close(listener);
    return ntohs(address.sin_port);
}

/* ---- the scenario ----------------------------------------------------------------------------------------------------- */

void run_hostile(void)
{
    struct client *victims = calloc((size_t)opt.clients, sizeof *victims);
    const char *good = opt.uri;
    char hostile[64], id[32];
    if (!victims)
        fail("memory", 1);
    /* Before there is any thread. */
    snprintf(hostile, sizeof hostile, "tcp://127.0.0.1:%d", start_attacks());
    opt.uri = hostile;
    for (long i = 0; i < opt.clients; i++) {
        snprintf(id, sizeof id, "victim%ld", i);
        client_create(&victims[i], id, NULL);
        client_connect(&victims[i]);
    }
    opt.uri = good;
    play_pingpong();
    /* The others have no end. */
    fflush(stdout);
    _Exit(0);
}
