/*
 * A connection's bytes as MQTT sees them: under them plain TCP or TLS, with or without WebSocket.
 */
#ifndef SINK_LINK_H
#define SINK_LINK_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct websocket;

struct link {
    int fd;
    SSL *ssl;                    /* NULL: no TLS */
    struct websocket *websocket; /* NULL: no WebSocket */
};

/* A server context with a certificate made for this run; its PEM text goes to `path` for the clients to trust. */
SSL_CTX *link_tls_server(const char *path);

void link_open(struct link *link, int fd, SSL_CTX *tls, int websocket);
void link_close(struct link *link);

#define LINK_AGAIN (-1)
#define LINK_ENDED (-2)

/* Bytes read, LINK_AGAIN or LINK_ENDED. What is read may be empty when only framing came: ask again. */
ssize_t link_read(struct link *link, void *to, size_t room);
/* Bytes taken, LINK_AGAIN or LINK_ENDED. After LINK_AGAIN the same bytes must be offered again. */
ssize_t link_write(struct link *link, const void *from, size_t length);

#endif
