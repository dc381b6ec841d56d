/*
 * The server of the benchmarks: speaks as much of MQTT 3.1.1 and 5 as it needs to receive, acknowledge, check and send
 * messages far faster than the clients, so that they are what is measured. It is not a broker: nothing is routed.
 *
 *   sink <ca file to write>
 *
 * Prints the ports of its listeners ("tcp=1234", "tls=", "ws=", "wss="), serves until its standard input ends, and
 * prints what it counted.
 *
 * What a client asks for with topics:
 *   publishing to e/...                        the message comes back to the client
 *   subscribing to f/<qos>/<size>/<n>/<window> n messages come, with at most so many unacknowledged (0: no limit)
 *   publishing to anything else                the message is checked and counted
 */
#include "session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTENERS 4
#define LARGEST (2u << 20)

struct listener {
    const char *name;
    int fd, tls, websocket;
};

static struct listener listeners[LISTENERS] = {
    {"tcp", -1, 0, 0},
    {"tls", -1, 1, 0},
    {"ws", -1, 0, 1},
    {"wss", -1, 1, 1},
};
static SSL_CTX *tls;
static int epoll;
static char standard_input;

static void watch(int fd, void *what, int change, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = what};
    if (epoll_ctl(epoll, change, fd, &event) != 0)
        fail("epoll_ctl", errno);
}

static void listen_on(struct listener *listener)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    listener->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener->fd < 0 || bind(listener->fd, (struct sockaddr *)&address, length) != 0 ||
        listen(listener->fd, 16384) != 0 || getsockname(listener->fd, (struct sockaddr *)&address, &length) != 0)
        fail("listen", errno);
    printf("%s=%d\n", listener->name, ntohs(address.sin_port));
    watch(listener->fd, listener, EPOLL_CTL_ADD, EPOLLIN);
}

static void accept_all(struct listener *listener)
{
    int fd;
    while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct session *session = session_open(fd, listener->tls ? tls : NULL, listener->websocket);
        watch(fd, session, EPOLL_CTL_ADD, EPOLLIN | EPOLLRDHUP);
    }
    if (errno != EAGAIN && errno != ECONNABORTED)
        fail("accept", errno);
}

static void serve(struct session *session, uint32_t events)
{
    int open = 1;
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP))
        open = session_readable(session);
    if (open)
        open = session_flush(session);
    if (!open) {
        /* Closing takes it out of the epoll set. */
        session_close(session);
        return;
    }
    int waiting = session_waiting(session);
    if (waiting != session->watched_out) {
        session->watched_out = waiting;
        watch(session->link.fd, session, EPOLL_CTL_MOD, EPOLLIN | EPOLLRDHUP | (waiting ? (uint32_t)EPOLLOUT : 0));
    }
}

static struct listener *as_listener(void *what)
{
    for (int i = 0; i < LISTENERS; i++)
        if (what == &listeners[i])
            return what;
    return NULL;
}

int main(int argc, char **argv)
{
    struct epoll_event events[256];
    struct rlimit files;
    if (argc != 2) {
        fprintf(stderr, "usage: %s <ca file to write>\n", argv[0]);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    tls = link_tls_server(argv[1]);
    if (!tls)
        fail("certificate", 1);
    payload_init(LARGEST);
    sessions_init();
    epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < LISTENERS; i++)
        listen_on(&listeners[i]);
    fflush(stdout);
    watch(STDIN_FILENO, &standard_input, EPOLL_CTL_ADD, EPOLLIN);

    for (;;) {
        int n = epoll_wait(epoll, events, sizeof events / sizeof *events, -1);
        if (n < 0 && errno != EINTR)
            fail("epoll_wait", errno);
        for (int i = 0; i < n; i++) {
            struct listener *listener = as_listener(events[i].data.ptr);
            if (events[i].data.ptr == &standard_input) {
                /* Whoever started us is done. What clients have sent is read first. */
                char byte;
                if (read(STDIN_FILENO, &byte, 1) <= 0) {
                    sessions_report();
                    report("sink_cpu_us", cpu_us());
                    return 0;
                }
            } else if (listener) {
                accept_all(listener);
            } else {
                serve(events[i].data.ptr, events[i].events);
            }
        }
    }
}
