/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apiclients: many connections to the REST API at once.
 *
 *   apiclients SOCKET N silent|served
 *
 * Opens N connections, one after the other; "served" ones send a request and get its answer first.
 * Prints "ready"; at the end of standard input, the numbers of the connections that the server has
 * closed meanwhile, counted from 0. Status 0 if each could be opened, and was answered.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

#define MAX_CLIENTS 1000

static const char request[] = "GET /v1/ports HTTP/1.1\r\nHost: x\r\n\r\n";
static const char status[] = "HTTP/1.1 200 OK\r\n";

/* The first piece of the answer has its status line; read the available rest. */
static bool is_served(int fd)
{
	char answer[4096];

	return send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) == sizeof(request) - 1 &&
	       recv(fd, answer, sizeof(answer), 0) > (ssize_t)sizeof(status) &&
	       memcmp(answer, status, sizeof(status) - 1) == 0;
}

static int dial(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval limit = {.tv_sec = 60};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || str_print(address.sun_path, sizeof(address.sun_path), "%s", path) < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -1 : fd;
}

static bool is_closed(int fd)
{
	struct pollfd poller = {.fd = fd, .events = POLLRDHUP};

	return poll(&poller, 1, 0) > 0 && (poller.revents & (POLLRDHUP | POLLHUP));
}

int main(int argc, char **argv)
{
	bool served = argc == 4 && streq(argv[3], "served");
	int fds[MAX_CLIENTS];
	uint32_t n;
	char byte;

	if (argc != 4 || parse_u32(argv[2], MAX_CLIENTS, &n) < 0)
		return 2;
	for (uint32_t i = 0; i < n; i++) {
		fds[i] = dial(argv[1]);
		if (fds[i] < 0 || (served && !is_served(fds[i]))) {
			fprintf(stderr, "apiclients: number %u: %s\n", i, strerror(errno));
			return 1;
		}
	}
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	for (uint32_t i = 0; i < n; i++)
		if (is_closed(fds[i]))
			printf("%u\n", i);
	return 0;
}
