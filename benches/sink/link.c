#include "link.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* ---- TLS -------------------------------------------------------------------------------------------------------------- */

static void extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *made = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    if (made) {
        X509_add_ext(certificate, made, -1);
        X509_EXTENSION_free(made);
    }
}

SSL_CTX *link_tls_server(const char *path)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    FILE *file = fopen(path, "w");
    if (!context || !key || !certificate || !file)
        return NULL;
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 7L * 24 * 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    extension(certificate, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    if (!X509_sign(certificate, key, EVP_sha256()) || !PEM_write_X509(file, certificate) ||
        SSL_CTX_use_certificate(context, certificate) != 1 || SSL_CTX_use_PrivateKey(context, key) != 1)
        return NULL;
    fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    return context;
}

/* ---- the layer under WebSocket ---------------------------------------------------------------------------------------- */

static ssize_t raw_read(struct link *link, void *to, size_t room)
{
    if (!link->ssl) {
        ssize_t n = read(link->fd, to, room);
        if (n > 0)
            return n;
        return n < 0 && (errno == EAGAIN || errno == EINTR) ? LINK_AGAIN : LINK_ENDED;
    }
    /* A record at a time is all that OpenSSL gives: gather them. */
    size_t have = 0;
    while (have < room) {
        int n = SSL_read(link->ssl, (char *)to + have, (int)(room - have));
        if (n <= 0) {
            int why = SSL_get_error(link->ssl, n);
            if (have > 0)
                break;
            return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? LINK_AGAIN : LINK_ENDED;
        }
        have += (size_t)n;
    }
    return (ssize_t)have;
}

static ssize_t raw_write(struct link *link, const void *from, size_t length)
{
    if (!link->ssl) {
        ssize_t n = write(link->fd, from, length);
        if (n >= 0)
            return n;
        return errno == EAGAIN || errno == EINTR ? LINK_AGAIN : LINK_ENDED;
    }
    int n = SSL_write(link->ssl, from, (int)length);
    if (n > 0)
        return n;
    int why = SSL_get_error(link->ssl, n);
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? LINK_AGAIN : LINK_ENDED;
}

/* ---- WebSocket -------------------------------------------------------------------------------------------------------- */

struct websocket {
    int upgraded;
    char in[4096]; /* the request, later the beginning of a frame's header */
    size_t in_length;
    unsigned char *ahead; /* read from the connection and not yet looked at: a small frame costs no system call */
    size_t ahead_at, ahead_end;
    uint64_t payload; /* of the current frame, still to come */
    unsigned char mask[4];
    unsigned mask_at;
    int opcode;
    char *out; /* frames, or the answer to the request, not yet written */
    size_t out_length, out_written, out_room;
    size_t staged; /* how many bytes of MQTT are in these frames */
};

#define AHEAD (256 * 1024)

static ssize_t read_ahead(struct link *link, void *to, size_t room)
{
    struct websocket *ws = link->websocket;
    if (ws->ahead_at == ws->ahead_end) {
        if (room >= AHEAD / 2)
            return raw_read(link, to, room);
        ssize_t n = raw_read(link, ws->ahead, AHEAD);
        if (n < 0)
            return n;
        ws->ahead_at = 0;
        ws->ahead_end = (size_t)n;
    }
    size_t n = ws->ahead_end - ws->ahead_at;
    if (n > room)
        n = room;
    memcpy(to, ws->ahead + ws->ahead_at, n);
    ws->ahead_at += n;
    return (ssize_t)n;
}

static int out_flush(struct link *link)
{
    struct websocket *ws = link->websocket;
    while (ws->out_written < ws->out_length) {
        ssize_t n = raw_write(link, ws->out + ws->out_written, ws->out_length - ws->out_written);
        if (n < 0)
            return (int)n;
        ws->out_written += (size_t)n;
    }
    ws->out_length = ws->out_written = 0;
    return 0;
}

static char *out_room(struct websocket *ws, size_t length)
{
    if (ws->out_length + length > ws->out_room) {
        ws->out_room = ws->out_length + length;
        ws->out = realloc(ws->out, ws->out_room);
        if (!ws->out)
            abort();
    }
    return ws->out + ws->out_length;
}

static void out_frame(struct websocket *ws, const void *payload, size_t length)
{
    unsigned char *to = (unsigned char *)out_room(ws, 10 + length);
    *to++ = 0x82; /* the last fragment of a binary message */
    if (length < 126) {
        *to++ = (unsigned char)length;
    } else if (length < 65536) {
        *to++ = 126;
        *to++ = (unsigned char)(length >> 8);
        *to++ = (unsigned char)length;
    } else {
        *to++ = 127;
        for (int shift = 56; shift >= 0; shift -= 8)
            *to++ = (unsigned char)((uint64_t)length >> shift);
    }
    memcpy(to, payload, length);
    ws->out_length = (size_t)((char *)to - ws->out) + length;
}

static int upgrade(struct link *link)
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    struct websocket *ws = link->websocket;
    unsigned char hash[SHA_DIGEST_LENGTH];
    char text[256], accept[64];
    ws->in[ws->in_length] = '\0';
    if (!strstr(ws->in, "\r\n\r\n"))
        return ws->in_length < sizeof ws->in - 1 ? LINK_AGAIN : LINK_ENDED;
    char *key = strcasestr(ws->in, "\nSec-WebSocket-Key:");
    if (!key)
        return LINK_ENDED;
    key = strchr(key, ':') + 1;
    key += strspn(key, " ");
    snprintf(text, sizeof text, "%.*s%s", (int)strcspn(key, " \r\n"), key, guid);
    SHA1((const unsigned char *)text, strlen(text), hash);
    EVP_EncodeBlock((unsigned char *)accept, hash, sizeof hash);
    ws->out_length = (size_t)snprintf(out_room(ws, 512), 512,
                                      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                      "Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n",
                                      accept);
    /* A client sends nothing before it has the answer. */
    ws->in_length = 0;
    ws->upgraded = 1;
    return out_flush(link);
}

/* Reads a frame's header. */
static int frame_header(struct link *link)
{
    struct websocket *ws = link->websocket;
    for (;;) {
        const unsigned char *in = (const unsigned char *)ws->in;
        size_t need = 2;
        if (ws->in_length >= 2)
            need = 6 + ((in[1] & 0x7F) == 126 ? 2 : (in[1] & 0x7F) == 127 ? 8 : 0);
        if (ws->in_length >= 2 && ws->in_length == need)
            break;
        ssize_t n = read_ahead(link, ws->in + ws->in_length, need - ws->in_length);
        if (n < 0)
            return (int)n;
        ws->in_length += (size_t)n;
    }
    const unsigned char *in = (const unsigned char *)ws->in;
    ws->opcode = in[0] & 0x0F;
    uint64_t length = in[1] & 0x7F;
    size_t at = 2;
    if (length >= 126) {
        size_t bytes = length == 126 ? 2 : 8;
        for (length = 0; bytes > 0; bytes--)
            length = length << 8 | in[at++];
    }
    memcpy(ws->mask, in + at, 4);
    ws->mask_at = 0;
    ws->payload = length;
    ws->in_length = 0;
    return 0;
}

static void unmask(struct websocket *ws, unsigned char *at, size_t length)
{
    unsigned char mask[8];
    for (int i = 0; i < 8; i++)
        mask[i] = ws->mask[(ws->mask_at + (unsigned)i) % 4];
    uint64_t wide, word;
    memcpy(&wide, mask, 8);
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        memcpy(&word, at + i, 8);
        word ^= wide;
        memcpy(at + i, &word, 8);
    }
    for (; i < length; i++)
        at[i] ^= mask[i % 8];
    ws->mask_at = (unsigned)((ws->mask_at + length) % 4);
}

static ssize_t websocket_read(struct link *link, void *to, size_t room)
{
    struct websocket *ws = link->websocket;
    if (!ws->upgraded) {
        ssize_t n = raw_read(link, ws->in + ws->in_length, sizeof ws->in - 1 - ws->in_length);
        if (n < 0)
            return n;
        ws->in_length += (size_t)n;
        int result = upgrade(link);
        return result < 0 ? result : 0;
    }
    size_t have = 0;
    while (have < room) {
        if (ws->payload == 0) {
            int result = frame_header(link);
            if (result < 0)
                return have > 0 ? (ssize_t)have : result;
        }
        size_t wanted = ws->payload < room - have ? (size_t)ws->payload : room - have;
        if (ws->opcode >= 8) {
            /* Close: the client is going. Pings are not answered; the clients here do not wait for it. */
            char drop[128];
            if (ws->opcode == 8)
                return have > 0 ? (ssize_t)have : LINK_ENDED;
            ssize_t n = ws->payload ? read_ahead(link, drop, wanted < sizeof drop ? wanted : sizeof drop) : 0;
            if (n < 0)
                return have > 0 ? (ssize_t)have : n;
            ws->payload -= (uint64_t)n;
            continue;
        }
        if (wanted == 0)
            continue;
        ssize_t n = read_ahead(link, (char *)to + have, wanted);
        if (n < 0)
            return have > 0 ? (ssize_t)have : n;
        unmask(ws, (unsigned char *)to + have, (size_t)n);
        ws->payload -= (uint64_t)n;
        have += (size_t)n;
    }
    return (ssize_t)have;
}

/* The length of the MQTT packet at `from`. */
static size_t packet_length(const unsigned char *from, size_t length)
{
    size_t remaining = 0, n = 1;
    for (; n < length && n <= 4; n++) {
        remaining |= (size_t)(from[n] & 127) << (7 * (n - 1));
        if (!(from[n] & 128))
            break;
    }
    return n + 1 + remaining;
}

/* A frame for each packet, as brokers do; many of them in one write. */
static ssize_t websocket_write(struct link *link, const void *from, size_t length)
{
    struct websocket *ws = link->websocket;
    if (ws->staged == 0) {
        const unsigned char *at = from;
        while (ws->staged < length && ws->out_length < AHEAD) {
            size_t packet = packet_length(at + ws->staged, length - ws->staged);
            out_frame(ws, at + ws->staged, packet);
            ws->staged += packet;
        }
    }
    int result = out_flush(link);
    if (result < 0)
        return result;
    ssize_t written = (ssize_t)ws->staged;
    ws->staged = 0;
    return written;
}

/* ---- the interface ---------------------------------------------------------------------------------------------------- */

void link_open(struct link *link, int fd, SSL_CTX *tls, int websocket)
{
    link->fd = fd;
    link->ssl = NULL;
    link->websocket = websocket ? calloc(1, sizeof *link->websocket) : NULL;
    if (link->websocket)
        link->websocket->ahead = malloc(AHEAD);
    if (tls) {
        link->ssl = SSL_new(tls);
        SSL_set_fd(link->ssl, fd);
        SSL_set_accept_state(link->ssl);
    }
}

void link_close(struct link *link)
{
    if (link->ssl)
        SSL_free(link->ssl);
    if (link->websocket) {
        free(link->websocket->ahead);
        free(link->websocket->out);
    }
    free(link->websocket);
    close(link->fd);
}

ssize_t link_read(struct link *link, void *to, size_t room)
{
    return link->websocket ? websocket_read(link, to, room) : raw_read(link, to, room);
}

ssize_t link_write(struct link *link, const void *from, size_t length)
{
    return link->websocket ? websocket_write(link, from, length) : raw_write(link, from, length);
}
