/*
 * Situation: MQTTAsync with the default store. Somebody has put a FIFO, which nobody reads, where the store will make a
 * file: the name given, inside the client's folder (default: .paho-oxide/new; the original's: c-1.msg, s-1.msg).
 *
 * Right: no call hangs; create or send returns an error, or works without that file.
 *
 * Original: .paho-oxide/new means nothing to it; with c-1.msg send hangs, with s-1.msg all returns
 */
#include "case.h"
#include "MQTTAsync.h"

int main(int count, char **argument) {
    const char *name = count > 1 ? argument[1] : ".paho-oxide/new";
    char folder[256], path[600];
    MQTTAsync client;
    MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer;
    create.sendWhileDisconnected = 1;
    create.allowDisconnectedSendAtAnyTime = 1;
    new_folder(folder);
    snprintf(path, sizeof path, "%s/victim-127.0.0.1-1", folder);
    mkdir(path, 0755);
    strcat(path, "/.paho-oxide");
    mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/victim-127.0.0.1-1/%s", folder, name);
    if (mkfifo(path, 0666)) {
        perror("mkfifo");
        return 2;
    }
    watchdog(100);
    int rc = MQTTAsync_createWithOptions(&client, "tcp://127.0.0.1:1", "victim", MQTTCLIENT_PERSISTENCE_DEFAULT, folder,
                                         &create);
    say("create: %d", rc);
    if (rc == MQTTASYNC_SUCCESS) {
        for (int i = 0; i < 3; i++) {
            say("send ...");
            say("send: %d", MQTTAsync_send(client, "t", 5, "hello", 1, 0, NULL));
        }
        say("destroy ...");
        MQTTAsync_destroy(&client);
        say("destroyed");
    }
    remove_folder(folder);
    return verdict(1);
}
