/* What the programs about error texts share. */
#ifndef TEXTS_H
#define TEXTS_H

#include "case.h"
#include <ctype.h>

/* Part of each password in these programs: no text may have it. */
#define SECRET "s3cret"

static int wrong;

/* Whether a part of a text (between colons, commas or brackets, of more than one word) is in it twice. */
static inline int says_twice(const char *text) {
    char copy[2048], *rest, *part;
    snprintf(copy, sizeof copy, "%s", text);
    for (part = strtok_r(copy, ":,()", &rest); part; part = strtok_r(NULL, ":,()", &rest)) {
        while (isspace((unsigned char)*part))
            part++;
        const char *first = strcasestr(text, part);
        if (strchr(part, ' ') && first && strcasestr(first + strlen(part), part))
            return 1;
    }
    return 0;
}

/* The text has to have each of the words (separated by '|'), and nothing twice. */
static inline void expect_text(const char *what, const char *text, const char *words) {
    char copy[512], *rest, *word;
    const char *missing = NULL;
    snprintf(copy, sizeof copy, "%s", words);
    for (word = strtok_r(copy, "|", &rest); word && text; word = strtok_r(NULL, "|", &rest))
        if (!strcasestr(text, word))
            missing = word;
    /* A reason code would look like the server's. */
    const char *const coded = text ? strcasestr(text, "(reason code") : NULL;
    const char *const secret = text ? strcasestr(text, SECRET) : NULL;
    if (!text || !*text || missing || coded || secret || says_twice(text)) {
        wrong++;
        printf("WRONG  ");
    } else
        printf("       ");
    printf("%s: \"%s\"", what, text ? text : "NULL");
    if (missing)
        printf(", and no \"%s\"", missing);
    if (secret)
        printf(", with a password");
    if (coded)
        printf(", with a reason code");
    if (text && says_twice(text))
        printf(", which says a thing twice");
    putchar('\n');
    fflush(stdout);
}

static inline void expect_code(const char *what, int rc, int expected) {
    if (rc == expected)
        return;
    wrong++;
    printf("WRONG  %s: %d, not %d\n", what, rc, expected);
}

/* A text of so many letters. */
static inline char *letters(size_t length) {
    char *text = malloc(length + 1);
    memset(text, 'x', length);
    text[length] = 0;
    return text;
}

#endif
