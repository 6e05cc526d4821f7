/* SPDX-License-Identifier: Apache-2.0 */
/* ports N: prints N ports of 127.0.0.1 that are free for TCP and UDP, for receivers of tests. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int bind_to(int type, struct sockaddr_in *address)
{
	int fd = socket(AF_INET, type, 0);
	socklen_t len = sizeof(*address);

	if (fd < 0 || bind(fd, (struct sockaddr *)address, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)address, &len) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? strtol(argv[1], NULL, 10) : 1;

	/* All stay open until the end, so that no port comes twice. */
	for (long i = 0; i < count;) {
		struct sockaddr_in address = { .sin_family = AF_INET,
					       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

		if (bind_to(SOCK_STREAM, &address) < 0)
			return 1;
		if (bind_to(SOCK_DGRAM, &address) < 0)
			continue;
		printf("%d\n", ntohs(address.sin_port));
		i++;
	}
	return 0;
}
