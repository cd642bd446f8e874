/* SPDX-License-Identifier: Apache-2.0 */
/*
 * portflood ADDRESS PORT N: open N connections at once that send 'i' (see portcheck.c), stay idle
 *
 * Prints "ready" when each of them has been opened or has failed, whether it was accepted or not.
 * Waits for a line on stdin, prints how many are still open, and exits.
 */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "portpeer.h"

static int begin(const struct peer *peer)
{
	int fd = open_socket(peer, SOCK_STREAM | SOCK_NONBLOCK);

	bind_source(fd);
	if (connect(fd, &peer->address.sa, peer->size) < 0 && errno != EINPROGRESS)
		die("connecting");
	return fd;
}

/* In the kernel's backlog, at least. */
static void await(int fd)
{
	struct pollfd poller = {.fd = fd, .events = POLLOUT};

	if (poll(&poller, 1, TIMEOUT_S * 1000) != 1)
		die("connecting");
	(void)!send(fd, "i", 1, MSG_NOSIGNAL);
}

static bool is_open(int fd)
{
	char byte[2];
	ssize_t n;

	do {
		n = recv(fd, byte, sizeof(byte), 0);
	} while (n > 0);
	return n < 0 && errno == EAGAIN;
}

int main(int argc, char **argv)
{
	struct peer peer = {.size = 0};
	uint64_t n, left = 0;
	char byte;
	int *fds;

	if (argc != 4) {
		fputs("usage: portflood ADDRESS PORT N\n", stderr);
		return 2;
	}
	raise_descriptor_limit();
	signal(SIGPIPE, SIG_IGN);
	parse_peer(&peer, argv[1], argv[2]);
	n = number(argv[3]);
	fds = calloc(n, sizeof(*fds));
	for (uint64_t i = 0; i < n; i++)
		fds[i] = begin(&peer);
	for (uint64_t i = 0; i < n; i++)
		await(fds[i]);
	puts("ready");
	fflush(stdout);
	(void)!read(STDIN_FILENO, &byte, 1);
	for (uint64_t i = 0; i < n; i++)
		left += is_open(fds[i]);
	printf("%llu\n", (unsigned long long)left);
	free(fds);
	return 0;
}
