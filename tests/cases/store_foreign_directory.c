/*
 * Situation: MQTTAsync with the default store in a folder where others may write. Another user (nobody) has made the
 * client's folder there before, with mode 0777, and in it the files that the store will write.
 *
 * Right: create refuses a folder of another owner; in any case no payload gets into a file of another owner.
 *
 * Original: create 0, send 0, its own file of mode 0644 in the foreign folder (wrong, too)
 */
#include "case.h"
#include "MQTTAsync.h"

#define NOBODY 65534
#define SECRET "SECRET-PAYLOAD-123"

static char client_folder[400];
static const char *NAMES[] = {".paho-oxide/new", "c-1.msg", "s-1.msg"};

static void make_foreign(const char *path, int is_folder) {
    int fd = is_folder ? mkdir(path, 0777) : open(path, O_CREAT | O_WRONLY, 0666);
    if (fd < 0 || chown(path, NOBODY, NOBODY) || chmod(path, is_folder ? 0777 : 0666)) {
        perror(path);
        exit(2);
    }
}

/* Whether a file of another owner holds the payload. */
static int leaked(const char *name) {
    char path[600], data[4096];
    struct stat status;
    snprintf(path, sizeof path, "%s/%s", client_folder, name);
    int fd = open(path, O_RDONLY);
    ssize_t length = fd < 0 ? 0 : read(fd, data, sizeof data);
    int found = fd >= 0 && fstat(fd, &status) == 0 && status.st_uid == NOBODY && length > 0 &&
                memmem(data, (size_t)length, SECRET, strlen(SECRET)) != NULL;
    if (found)
        say("%s, mode %o, belongs to the other user and holds the payload", name, status.st_mode & 0777);
    if (fd >= 0)
        close(fd);
    return found;
}

int main(void) {
    char folder[256], path[600];
    int leaks = 0, sent = -1;
    MQTTAsync client;
    MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer;
    if (getuid() != 0) {
        puts("needs root");
        return 77;
    }
    create.sendWhileDisconnected = 1;
    create.allowDisconnectedSendAtAnyTime = 1;
    new_folder(folder);
    snprintf(client_folder, sizeof client_folder, "%s/victim-127.0.0.1-1", folder);
    make_foreign(client_folder, 1);
    snprintf(path, sizeof path, "%s/.paho-oxide", client_folder);
    make_foreign(path, 1);
    snprintf(path, sizeof path, "%s/%s", client_folder, NAMES[0]);
    make_foreign(path, 0);
    int rc = MQTTAsync_createWithOptions(&client, "tcp://127.0.0.1:1", "victim", MQTTCLIENT_PERSISTENCE_DEFAULT, folder,
                                         &create);
    if (rc == MQTTASYNC_SUCCESS)
        sent = MQTTAsync_send(client, "t", (int)strlen(SECRET), SECRET, 1, 0, NULL);
    say("create %d, send %d", rc, sent);
    pause_ms(1000);
    snprintf(path, sizeof path, "ls -lAR '%s'", client_folder);
    if (system(path) != 0)
        perror("ls");
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        leaks += leaked(NAMES[i]);
    for (int i = 1; i < 4; i++) {
        char name[40];
        sprintf(name, ".paho-oxide/journal-%d", i);
        leaks += leaked(name);
    }
    if (rc == MQTTASYNC_SUCCESS)
        MQTTAsync_destroy(&client);
    remove_folder(folder);
    return verdict(rc != MQTTASYNC_SUCCESS && leaks == 0);
}
