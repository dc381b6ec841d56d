/*
 * Situation: a program has its signals handled on threads of its own, and looks at the threads of its process with ps or gdb.
 *
 * Right: each thread that the library starts has a name that says whose it is, and blocks all signals but those that a thread
 * causes itself.
 *
 * Original: its threads have names, and block nothing
 */
#include "case.h"
#include "MQTTAsync.h"

/* main, and the two of start_server: one that accepts, one for the connection. */
enum { PROGRAMS_OWN = 3 };

static const int ASYNCHRONOUS[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGUSR1, SIGUSR2, SIGCHLD, SIGPIPE};
static const int OF_THE_THREAD[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};

static volatile int connected, sent;

static void on_connect(void *context, MQTTAsync_successData *data) {
    connected = 1;
}

static void on_send(void *context, MQTTAsync_successData *data) {
    sent = 1;
}

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

int main(void) {
    char uri[64], folder[256];
    int ours, others;
    MQTTAsync client;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
    new_folder(folder);
    start_server(uri);
    /* With a store, which has a thread of its own. */
    MQTTAsync_create(&client, uri, "threads", MQTTCLIENT_PERSISTENCE_DEFAULT, folder);
    MQTTAsync_setCallbacks(client, NULL, NULL, NULL, NULL);
    options.onSuccess = on_connect;
    if (MQTTAsync_connect(client, &options) != MQTTASYNC_SUCCESS || !AWAIT(connected))
        return 2;
    response.onSuccess = on_send;
    MQTTAsync_send(client, "t", 1, "x", 1, 0, &response);
    if (!AWAIT(sent))
        return 2;
    /* Threads that have only just begun may not have their names yet. */
    int named = AWAIT((look(&ours, &others, 0), others == PROGRAMS_OWN));
    int wrong = look(&ours, &others, 1);
    say("%d threads of the library's, %d others, %d signals wrong", ours, others, wrong);
    MQTTAsync_destroy(&client);
    remove_folder(folder);
    return verdict(named && ours >= 3 && wrong == 0);
}
