/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay: the least work that a relay can do, for a comparison with published ports
 *
 *	relay PORT PID TARGETPORT
 *
 * Connections to PORT are relayed to 127.0.0.1:TARGETPORT in the network namespace of the process
 * PID. A thread for each direction moves the bytes from socket to socket through a pipe of 1 MiB by
 * splice(2), without a copy, and does nothing else: no event loop, no limits, no counters, no
 * source addresses. The least work is not always the fastest way: on two processors fauxroot's
 * forwarder is often faster, because it waits for sender and receiver. The user must be root (man 2
 * setns).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

#define CHUNK	   (256 << 10)
#define PIPE_BYTES (1 << 20)

struct direction {
	int from, to;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Returns false at the end of the stream. */
static bool move(const struct direction *d, const int *pipe)
{
	ssize_t n = splice(d->from, NULL, pipe[1], NULL, CHUNK, SPLICE_F_MOVE), sent;

	for (ssize_t left = n; left > 0; left -= sent) {
		sent = splice(pipe[0], NULL, d->to, NULL, (size_t)left, SPLICE_F_MOVE);
		if (sent <= 0)
			return false;
	}
	return n > 0;
}

/* Both ends stay open: they are closed with the process. */
static void *run(void *arg)
{
	struct direction *d = arg;
	int pipe[2];

	if (pipe2(pipe, O_CLOEXEC) < 0 || fcntl(pipe[1], F_SETPIPE_SZ, PIPE_BYTES) < 0)
		die("relay: making a pipe");
	while (move(d, pipe))
		;
	(void)shutdown(d->to, SHUT_WR);
	(void)shutdown(d->from, SHUT_RD);
	fd_close(pipe[0]);
	fd_close(pipe[1]);
	free(d);
	return NULL;
}

static void start(int from, int to)
{
	struct direction *d = malloc(sizeof(*d));
	pthread_t thread;

	if (!d)
		die("relay");
	*d = (struct direction){.from = from, .to = to};
	if (pthread_create(&thread, NULL, run, d) != 0 || pthread_detach(thread) != 0)
		die("relay: starting a thread");
}

static int net_of(const char *pid)
{
	char path[64];
	int fd;

	(void)str_print(path, sizeof(path), "/proc/%s/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die(path);
	return fd;
}

/* A connection to 127.0.0.1:@port in the network namespace @there. */
static int dial(int here, int there, uint16_t port)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd;

	if (setns(there, CLONE_NEWNET) < 0)
		die("relay: entering the network namespace");
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (setns(here, CLONE_NEWNET) < 0)
		die("relay: leaving the network namespace");
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		die("relay: connecting");
	return fd;
}

static int listen_at(uint16_t port)
{
	const struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 64) < 0)
		die("relay: listening");
	return fd;
}

int main(int argc, char **argv)
{
	uint32_t port, target;
	int listener, here, there;

	if (argc != 4 || parse_u32(argv[1], UINT16_MAX, &port) < 0 ||
	    parse_u32(argv[3], UINT16_MAX, &target) < 0) {
		fprintf(stderr, "usage: relay PORT PID TARGETPORT\n");
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	here = net_of("self");
	there = net_of(argv[2]);
	listener = listen_at((uint16_t)port);
	for (;;) {
		int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC), server;

		if (client < 0)
			die("relay: accepting");
		server = dial(here, there, (uint16_t)target);
		/* As fauxroot does for peers on this machine. */
		(void)setsockopt(client, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
		(void)setsockopt(server, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
		start(client, server);
		start(server, client);
	}
}
