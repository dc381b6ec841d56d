/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Usage: free_ports N
 *
 * Prints N TCP ports, one a line, that are free on the loopback interface. All are bound at the
 * same time, so they differ from each other. They are below those from which the system takes the
 * ports of outgoing connections, so that none of these gets one before its server does.
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* The lowest port that the system chooses by itself. */
static int lowest_chosen(void) {
    int low = 32768;
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "r");

    if (file != NULL) {
        if (fscanf(file, "%d", &low) != 1)
            low = 32768;
        fclose(file);
    }
    return low;
}

/* Binds a socket to a port below `low`, or to any where there is no room; 0 if there is none. */
static int bound(int fd, int low, struct sockaddr_in *address) {
    const int first = 10000;

    for (int attempt = 0; attempt < 10000; attempt++) {
        int port = low > first + 1000 ? first + rand() % (low - first) : 0;

        address->sin_port = htons((unsigned short)port);
        if (bind(fd, (struct sockaddr *)address, sizeof *address) == 0)
            return 1;
    }
    return 0;
}

int main(int argc, char *argv[]) {
    int count = argc == 2 ? atoi(argv[1]) : 0;

    if (count < 1) {
        fprintf(stderr, "usage: free_ports N\n");
        return EXIT_FAILURE;
    }
    srand((unsigned)time(NULL) ^ (unsigned)getpid() << 8);
    for (int i = 0; i < count; i++) {
        struct sockaddr_in address;
        socklen_t size = sizeof address;
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        memset(&address, 0, sizeof address);
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (fd < 0 || !bound(fd, lowest_chosen(), &address) ||
            getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
            perror("free_ports");
            return EXIT_FAILURE;
        }
        printf("%d\n", ntohs(address.sin_port));
    }
    return EXIT_SUCCESS;
}
