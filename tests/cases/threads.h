/* The threads of the process that are the library's, and the signals that they block. */
#ifndef THREADS_H
#define THREADS_H

#include "case.h"

static const int ASYNCHRONOUS[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGUSR1, SIGUSR2, SIGCHLD, SIGPIPE};
static const int OF_THE_THREAD[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};

static int blocks(unsigned long long mask, int signal) {
    return mask >> (signal - 1) & 1;
}

/* What is wrong with the library's threads; others counts those that are not. */
static int look(int *ours, int *others, int tell) {
    int wrong = 0;
    struct dirent *entry;
    DIR *tasks = opendir("/proc/self/task");
    *ours = *others = 0;
    while ((entry = readdir(tasks))) {
        char path[300], line[256], name[64] = "";
        unsigned long long mask = 0;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
        FILE *status = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
        if (!status)
            continue;
        while (fgets(line, sizeof line, status)) {
            sscanf(line, "Name: %63s", name);
            sscanf(line, "SigBlk: %llx", &mask);
        }
        fclose(status);
        if (strncmp(name, "paho-", 5) != 0) {
            (*others)++;
            continue;
        }
        (*ours)++;
        for (size_t i = 0; i < sizeof ASYNCHRONOUS / sizeof *ASYNCHRONOUS; i++)
            wrong += !blocks(mask, ASYNCHRONOUS[i]);
        for (size_t i = 0; i < sizeof OF_THE_THREAD / sizeof *OF_THE_THREAD; i++)
            wrong += blocks(mask, OF_THE_THREAD[i]);
        if (tell)
            say("%s blocks %016llx", name, mask);
    }
    closedir(tasks);
    return wrong;
}

#endif
