/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Usage: free_ports N
 *
 * Prints N TCP ports, one a line, that are free on the loopback interface. All are bound at the
 * same time, so they differ from each other.
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int main(int argc, char *argv[]) {
    int count = argc == 2 ? atoi(argv[1]) : 0;

    if (count < 1) {
        fprintf(stderr, "usage: free_ports N\n");
        return EXIT_FAILURE;
    }
    for (int i = 0; i < count; i++) {
        struct sockaddr_in address;
        socklen_t size = sizeof address;
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        memset(&address, 0, sizeof address);
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
            getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
            perror("free_ports");
            return EXIT_FAILURE;
        }
        printf("%d\n", ntohs(address.sin_port));
    }
    return EXIT_SUCCESS;
}
