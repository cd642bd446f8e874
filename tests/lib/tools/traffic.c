/* SPDX-License-Identifier: Apache-2.0 */
/*
 * traffic: the traffic of benchmarks and the soak through a published port
 *
 *	traffic serve PORT          on 127.0.0.1: TCP is echoed; datagrams are counted, and a "?" is
 *	                            answered with how many there were
 *	traffic latency PORT N      N requests of 100 bytes, one after another on one connection
 *	traffic flood PORT MS       datagrams of 1,200 bytes, as fast as they can be sent
 *	traffic idle PORT N         N connections, each greeted once; waits for a line on stdin;
 *	traffic churn PORT SEED MS  connections of all kinds, see churn()
 *
 * It prints one line of result on stdout: microseconds at p50 and p99; received datagrams a second;
 * how many connections were answered (a line before the wait, a line after); connections and
 * failures.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

enum {
	REQUEST = 100,
	DATAGRAM = 1200,
	BATCH = 64,
	RECEIVE_BUFFER = 4 << 20,
	PATIENCE_S = 20,
	MAX_COUNT = 1000000,
};

_noreturn_ static void die(const char *what)
{
	fprintf(stderr, "traffic: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct sockaddr_in address_of(uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

/* ---- the server ---- */

static int listen_on(uint16_t port, int type)
{
	struct sockaddr_in address = address_of(port);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), one = 1, room = RECEIVE_BUFFER;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (type == SOCK_DGRAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 4096) < 0))
		die("listening");
	return fd;
}

static void *count_datagrams(void *arg)
{
	int fd = (int)(intptr_t)arg;
	static char data[BATCH][DATAGRAM];
	static struct sockaddr_in senders[BATCH];
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	uint64_t count = 0;

	for (;;) {
		int n;

		for (int i = 0; i < BATCH; i++) {
			parts[i] = (struct iovec){data[i], DATAGRAM};
			messages[i].msg_hdr = (struct msghdr){
				.msg_name = &senders[i],
				.msg_namelen = sizeof(senders[i]),
				.msg_iov = &parts[i],
				.msg_iovlen = 1,
			};
		}
		n = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
		for (int i = 0; i < n; i++)
			if (messages[i].msg_len == 1)
				(void)sendto(fd, &count, sizeof(count), 0,
					     (struct sockaddr *)&senders[i], sizeof(senders[i]));
			else
				count++;
	}
	return NULL;
}

static void echo(int fd)
{
	char data[65536];
	ssize_t n = recv(fd, data, sizeof(data), 0);

	if (n <= 0 || send(fd, data, (size_t)n, MSG_NOSIGNAL) != n)
		close(fd);
}

static void accept_into(int epoll, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), one = 1;
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (fd < 0)
		return;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		close(fd);
}

_noreturn_ static void serve(uint16_t port)
{
	int listener = listen_on(port, SOCK_STREAM), datagrams = listen_on(port, SOCK_DGRAM);
	struct epoll_event events[BATCH], event = {.events = EPOLLIN, .data.fd = listener};
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	pthread_t thread;

	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) < 0 ||
	    pthread_create(&thread, NULL, count_datagrams, (void *)(intptr_t)datagrams) != 0)
		die("serving");
	for (;;) {
		int n = epoll_wait(epoll, events, BATCH, -1);

		for (int i = 0; i < n; i++)
			if (events[i].data.fd == listener)
				accept_into(epoll, listener);
			else
				echo(events[i].data.fd);
	}
}

/* ---- the clients ---- */

/* A connected socket that gives up after PATIENCE_S, or -1 */
static int dial(uint16_t port, int type)
{
	struct timeval patience = {.tv_sec = PATIENCE_S};
	struct sockaddr_in address = address_of(port);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (type == SOCK_STREAM)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Send @n bytes and receive their echo */
static bool request(int fd, size_t n)
{
	static char data[65536];
	size_t got = 0;

	if (send(fd, data, n, MSG_NOSIGNAL) != (ssize_t)n)
		return false;
	while (got < n) {
		ssize_t rc = recv(fd, data, n - got, 0);

		if (rc <= 0)
			return false;
		got += (size_t)rc;
	}
	return true;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void latency(uint16_t port, size_t n)
{
	int64_t *taken = calloc(n, sizeof(*taken));
	size_t half = n / 2, most = n * 99 / 100;
	int fd = dial(port, SOCK_STREAM);

	if (fd < 0 || !taken)
		die("connecting");
	for (size_t i = 0; i < n; i++) {
		int64_t start = now_ns();

		if (!request(fd, REQUEST))
			die("a request");
		taken[i] = now_ns() - start;
	}
	qsort(taken, n, sizeof(*taken), compare);
	printf("%.1f %.1f\n", (double)taken[half] / 1000, (double)taken[most] / 1000);
	free(taken);
	close(fd);
}

/* How many datagrams the server has received; the question may be lost after a flood */
static uint64_t ask_count(int fd)
{
	struct timeval patience = {.tv_usec = 100000};

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	for (int i = 0; i < 50; i++) {
		uint64_t count;

		(void)send(fd, "?", 1, 0);
		if (recv(fd, &count, sizeof(count), 0) == (ssize_t)sizeof(count))
			return count;
	}
	die("no answer");
}

static void flood(uint16_t port, int64_t ms)
{
	static char data[DATAGRAM];
	struct iovec part = {data, sizeof(data)};
	struct mmsghdr messages[BATCH] = {0};
	int fd = dial(port, SOCK_DGRAM);
	int64_t start, end;
	uint64_t before;

	if (fd < 0)
		die("connecting");
	for (int i = 0; i < BATCH; i++) {
		messages[i].msg_hdr.msg_iov = &part;
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	before = ask_count(fd);
	start = clock_us();
	while ((end = clock_us()) < start + ms * 1000)
		(void)sendmmsg(fd, messages, BATCH, 0);
	printf("%.0f\n", (double)(ask_count(fd) - before) * 1e6 / (double)(end - start));
	close(fd);
}

static void idle(uint16_t port, size_t n)
{
	int *fds = calloc(n, sizeof(*fds));
	size_t open = 0, answered = 0;

	if (!fds)
		die("making room");
	while (open < n && (fds[open] = dial(port, SOCK_STREAM)) >= 0 && request(fds[open], 1))
		open++;
	printf("%zu\n", open);
	fflush(stdout);
	(void)getchar();
	for (size_t i = 0; i < open; i++)
		answered += request(fds[i], 1);
	printf("%zu\n", answered);
	free(fds);
}

/* ---- all kinds of connections ---- */

struct churn {
	uint16_t port;
	uint64_t random, count, failed;
	int held[64]; /* idle ones; -1: none */
	unsigned oldest;
};

static unsigned below(struct churn *c, unsigned n)
{
	c->random = c->random * 6364136223846793005U + 1442695040888963407U;
	return (unsigned)(c->random >> 33) % n;
}

/* The sender closes first, then receives its bytes and the end of file. */
static bool half_close(int fd, size_t n)
{
	static char data[65536];
	size_t got = 0;
	ssize_t rc;

	if (send(fd, data, n, MSG_NOSIGNAL) != (ssize_t)n || shutdown(fd, SHUT_WR) < 0)
		return false;
	while ((rc = recv(fd, data, sizeof(data), 0)) > 0)
		got += (size_t)rc;
	return rc == 0 && got == n;
}

/* Ask for the number of datagrams, and get the answer */
static bool count_answers(int fd)
{
	uint64_t count;

	return send(fd, "?", 1, 0) == 1 &&
	       recv(fd, &count, sizeof(count), 0) == (ssize_t)sizeof(count);
}

/* Replace the oldest idle connection, which must still work, by @fd. */
static bool hold(struct churn *c, int fd)
{
	int *place = &c->held[c->oldest++ % ARRAY_SIZE(c->held)];
	bool works = *place < 0 || request(*place, 10);

	if (*place >= 0)
		close(*place);
	*place = fd;
	return works;
}

static bool one_connection(struct churn *c)
{
	struct linger linger = {.l_onoff = 1};
	unsigned kind = below(c, 20);
	int fd = dial(c->port, kind == 0 ? SOCK_DGRAM : SOCK_STREAM);
	bool works;

	if (fd < 0)
		return false;
	switch (kind) {
	case 0: /* a new UDP flow */
		works = count_answers(fd);
		break;
	case 1: /* stays for a while */
		works = request(fd, 1);
		return hold(c, fd) && works;
	case 2: /* left in the middle, with a reset */
	case 3:
		works = send(fd, "x", 1, MSG_NOSIGNAL) == 1 &&
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0;
		break;
	case 4:
	case 5:
		works = half_close(fd, 1 + below(c, 65536));
		break;
	default:
		works = request(fd, 1 + below(c, 1000));
		break;
	}
	close(fd);
	return works;
}

static void churn(uint16_t port, uint32_t seed, int64_t ms)
{
	struct churn c = {.port = port, .random = seed};
	int64_t end = clock_ms() + ms;

	memset(c.held, -1, sizeof(c.held));
	while (clock_ms() < end) {
		c.count++;
		if (!one_connection(&c)) {
			c.failed++;
			/* A process that is being restarted needs a moment. */
			usleep(1000);
		}
	}
	printf("%llu %llu\n", (unsigned long long)c.count, (unsigned long long)c.failed);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	uint32_t port = 0, a = 0, b = 0;
	struct rlimit limit;

	/* A login's soft limit is often 1024. */
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (argc > 5 || argc < 3 || parse_u32(argv[2], UINT16_MAX, &port) < 0 ||
	    (argc > 3 && parse_u32(argv[3], MAX_COUNT, &a) < 0) ||
	    (argc > 4 && parse_u32(argv[4], UINT32_MAX, &b) < 0))
		what = "";
	if (streq(what, "serve") && argc == 3)
		serve((uint16_t)port);
	if (streq(what, "latency") && a > 0)
		latency((uint16_t)port, a);
	else if (streq(what, "flood") && a > 0)
		flood((uint16_t)port, a);
	else if (streq(what, "idle") && a > 0)
		idle((uint16_t)port, a);
	else if (streq(what, "churn") && argc == 5)
		churn((uint16_t)port, a, b);
	else {
		fprintf(stderr, "usage: traffic serve|latency|flood|idle|churn PORT [N]...\n");
		return 2;
	}
	return 0;
}
