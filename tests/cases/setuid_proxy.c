/*
 * Situation: an ordinary user (nobody) starts a setuid root program that connects, with the variables of the environment set that name a
 * proxy of this user's. Root runs the same program without setuid first, which shows that the variables are right.
 *
 * Right: without setuid the proxy is asked; with setuid it is not: the environment is not trusted.
 *
 * Original: the proxy is asked by both (wrong, too)
 */
#include "case.h"
#include "MQTTClient.h"

#define NOBODY 65534

/* Nobody serves the port of the server: only a proxy can be reached. */
static int connect_somewhere(void) {
    MQTTClient client;
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
    options.connectTimeout = 60;
    if (MQTTClient_create(&client, "tcp://127.0.0.1:1", "setuid", MQTTCLIENT_PERSISTENCE_NONE, NULL) != MQTTCLIENT_SUCCESS)
        return 1;
    MQTTClient_connect(client, &options);
    MQTTClient_destroy(&client);
    return 0;
}

/* Runs the program with these variables; returns 1 if it asked the proxy. */
static int asks_proxy(const char *program, int listener, const char *proxy, int as_nobody) {
    int ended, asked;
    pid_t pid = fork();
    if (pid == 0) {
        setenv("PAHO_C_CLIENT_USE_HTTP_PROXY", "TRUE", 1);
        setenv("http_proxy", proxy, 1);
        unsetenv("no_proxy");
        if (as_nobody && (setgid(NOBODY) || setuid(NOBODY)))
            _exit(2);
        execl(program, program, "connect", NULL);
        _exit(2);
    }
    /* The proxy closes each connection, so that the program ends. */
    for (asked = 0;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0) {
            asked = 1;
            close(fd);
        } else if (waitpid(pid, &ended, WNOHANG) == pid) {
            break;
        } else {
            pause_ms(5);
        }
    }
    /* One that came between the last look and the end. */
    int fd = accept(listener, NULL, NULL);
    if (fd >= 0) {
        asked = 1;
        close(fd);
    }
    if (!WIFEXITED(ended) || WEXITSTATUS(ended) != 0)
        exit(2);
    return asked;
}

int main(int count, char **argument) {
    char folder[256], program[300], command[1500], uri[64], proxy[64];
    if (count > 1)
        return connect_somewhere();
    if (getuid() != 0) {
        puts("needs root");
        return 77;
    }
    int listener = listen_anywhere(uri);
    fcntl(listener, F_SETFL, O_NONBLOCK);
    snprintf(proxy, sizeof proxy, "http%.50s", strchr(uri, ':'));
    new_folder(folder);
    watchdog(200);
    snprintf(program, sizeof program, "%s/connects", folder);
    snprintf(command, sizeof command, "chmod 755 '%s' && cp '%s' '%s' && chmod 755 '%s'", folder, argument[0], program, program);
    if (system(command) != 0)
        return 2;
    int plain = asks_proxy(program, listener, proxy, 0);
    if (chmod(program, 04755))
        return 2;
    int setuid_root = asks_proxy(program, listener, proxy, 1);
    say("the proxy was asked: without setuid %d, with setuid %d", plain, setuid_root);
    remove_folder(folder);
    return verdict(plain && !setuid_root);
}
