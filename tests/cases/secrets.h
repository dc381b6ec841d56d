/*
 * Situation: clients with passwords, an encrypted private key, a pre-shared key, a header and a proxy's credentials have connected,
 * published, failed to connect and been destroyed. Then somebody reads the process's memory: a core dump, swap, a bug elsewhere.
 *
 * Right: none of the secrets is found in memory that can be written to, nor the CONNECT packets that held the passwords.
 *
 * Original: finds the password several times.
 *
 * The program that includes this defines API and talks to secrets.py. It has no secret in clear itself: secret_letter computes
 * them, and what it passes to the library it wipes when the call has returned.
 */
#ifndef SECRETS_H
#define SECRETS_H

#include "case.h"
#include <sys/mman.h>

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define CALL(name) JOIN(API, name)

enum { PASSWORD, PASSPHRASE, PSK, PROXY, PROXY_BASE64, KEY_TEXT, KEY_BYTES, CONNECT, HEADER, HOW_MANY };
static const char *const NAMES[HOW_MANY] = {"the password",  "the key's passphrase", "the pre-shared key", "the proxy's password",
                                            "the proxy's credentials in BASE64", "the private key's text", "the private key's bytes", "a CONNECT packet", "a header of the WebSocket request"};
enum { LENGTH = 24, KEEPALIVE = 19802, MASK = 0x5a };

/* The letters of the secrets; secrets.py has the same rule. */
static unsigned char secret_letter(int which, int i) {
    return (unsigned char)('a' + (which * 31 + i * i * 7 + i * (which + 3)) % 26);
}

static void spell(char *out, int which) {
    for (int i = 0; i < LENGTH; i++)
        out[i] = (char)secret_letter(which, i);
    out[LENGTH] = 0;
}

/* Part of the private key's text, of the key's own bytes and of the proxy's header, masked. */
static unsigned char key_text[LENGTH], key_bytes[LENGTH], proxy_base64[LENGTH];

static unsigned char secret_byte(int which, int i) {
    /* The variable header of CONNECT, with MQTT 3.1.1, flags that say user name and password, and our keep-alive interval. */
    static const unsigned char connect[] = {0 ^ MASK,   4 ^ MASK,    'M' ^ MASK, 'Q' ^ MASK, 'T' ^ MASK, 'T' ^ MASK,
                                            4 ^ MASK,   0xc2 ^ MASK, (KEEPALIVE >> 8) ^ MASK, (KEEPALIVE & 255) ^ MASK};
    switch (which) {
    case PROXY_BASE64:
        return proxy_base64[i] ^ MASK;
    case KEY_TEXT:
        return key_text[i] ^ MASK;
    case KEY_BYTES:
        return key_bytes[i] ^ MASK;
    case CONNECT:
        return i < (int)sizeof connect ? connect[i] ^ MASK : 0;
    default:
        return secret_letter(which, i);
    }
}

static int secret_length(int which) {
    return which == CONNECT ? 10 : LENGTH;
}

/* Takes LENGTH bytes at the offset of a file, masked. */
static void take_masked(unsigned char *out, const char *path, long offset) {
    unsigned char bytes[LENGTH];
    int fd = open(path, O_RDONLY);
    if (fd < 0 || pread(fd, bytes, LENGTH, offset) != LENGTH) {
        perror(path);
        exit(2);
    }
    close(fd);
    for (int i = 0; i < LENGTH; i++)
        out[i] = bytes[i] ^ MASK;
    explicit_bzero(bytes, sizeof bytes);
}

static int found_at(const unsigned char *at, int which) {
    for (int i = 0; i < secret_length(which); i++)
        if (at[i] != secret_byte(which, i))
            return 0;
    return 1;
}

enum { WINDOW = 1 << 16 };

/* Looks for all secrets in [from, to). The window that it reads through is left out. */
static int scan_range(int memory, unsigned char *window, unsigned long from, unsigned long to, const char *line) {
    int found = 0;
    unsigned char first[HOW_MANY];
    for (int which = 0; which < HOW_MANY; which++)
        first[which] = secret_byte(which, 0);
    for (unsigned long at = from; at < to; at += WINDOW - LENGTH) {
        size_t length = to - at < WINDOW ? to - at : WINDOW;
        if (at < (unsigned long)window + WINDOW && (unsigned long)window < at + length)
            continue;
        ssize_t n = pread(memory, window, length, (off_t)at);
        for (ssize_t i = 0; i + LENGTH <= n && i < WINDOW - LENGTH; i++)
            for (int which = 0; which < HOW_MANY; which++)
                if (window[i] == first[which] && found_at(window + i, which)) {
                    say("%s is at %lx: %s", NAMES[which], at + (unsigned long)i, line);
                    found++;
                }
    }
    memset(window, 0, WINDOW);
    return found;
}

/* Looks for all secrets in all memory that can be written to; how many there are. */
static int scan(const char *when) {
    static unsigned char *window;
    char line[512];
    int found = 0, memory;
    FILE *maps;
    if (!window) {
        /* Between two pieces that cannot be read, so that no other memory shares its line. */
        unsigned char *room = mmap(NULL, 3 * WINDOW, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (room == MAP_FAILED || mprotect(room + WINDOW, WINDOW, PROT_READ | PROT_WRITE)) {
            perror("mmap");
            exit(2);
        }
        window = room + WINDOW;
    }
    memory = open("/proc/self/mem", O_RDONLY);
    maps = fopen("/proc/self/maps", "r");
    if (memory < 0 || !maps) {
        perror("/proc/self");
        exit(2);
    }
    while (fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        char rights[5];
        if (sscanf(line, "%lx-%lx %4s", &from, &to, rights) != 3 || rights[0] != 'r' || rights[1] != 'w' || strstr(line, "[v"))
            continue;
        line[strcspn(line, "\n")] = 0;
        found += scan_range(memory, window, from, to, line);
    }
    fclose(maps);
    close(memory);
    say("%s: %d found", when, found);
    return found;
}

/* What a connection is to use besides user name and password. */
struct road {
    const char *uri, *key, *certificate, *authority;
    int passphrase, psk, proxy_port, header;
    int succeeds;
};

#endif
