/* SPDX-License-Identifier: Apache-2.0 */
/*
 * portcheck: check that data through a forwarded port arrives complete and in order
 *
 *   portcheck serve ADDRESS PORT           TCP and UDP server, behind the port
 *   portcheck echo ADDRESS PORT BYTES N    N connections at once: BYTES each way, then half-close
 *   portcheck fetch ADDRESS PORT BYTES N   the server half-closes first, then BYTES go to it
 *   portcheck urgent ADDRESS PORT BYTES    as echo, with urgent data (man 7 tcp) between
 *   portcheck stall ADDRESS PORT BYTES     send to a server that never reads; print the sent bytes
 *   portcheck reset ADDRESS PORT           the server resets: the client must see it
 *   portcheck refused ADDRESS PORT         no server behind the port: the client must see a reset
 *   portcheck idle ADDRESS PORT N          open N connections, print "ready", wait for a line on
 *                                          stdin, then use each of them
 *   portcheck churn ADDRESS PORT N         N connections, one after the other
 *   portcheck crowd ADDRESS PORT N M       N connections, M of them at any time
 *   portcheck hold ADDRESS PORT N          open N connections, print "ready", wait until all have
 *                                          been reset
 *   portcheck datagrams ADDRESS PORT       of all sizes, 0 and 65507 included, each echoed complete
 *   portcheck sources ADDRESS PORT N TRIES a datagram from each of N sockets, repeated without an
 *                                          answer; print how many got their own answer
 *
 * A connection's first byte selects the server's action. Data is a pseudo-random sequence that both
 * sides compute, so every byte is compared. Status 0 if all checks passed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "portpeer.h"

#define CHUNK	     65536
#define DATAGRAM_MAX 65507

/* ---- the data ---- */

static void fill(uint64_t *state, char *data, size_t n)
{
	for (size_t i = 0; i < n; i += 8) {
		*state ^= *state << 13;
		*state ^= *state >> 7;
		*state ^= *state << 17;
		memcpy(data + i, state, 8);
	}
}

static void send_sequence(int fd, uint64_t seed, uint64_t bytes)
{
	static __thread char data[CHUNK];

	while (bytes > 0) {
		size_t n = (size_t)MIN(bytes, (uint64_t)CHUNK);

		fill(&seed, data, CHUNK);
		send_all(fd, data, n);
		bytes -= n;
	}
}

/* The same, with the last byte of each chunk urgent. */
static void send_urgent_sequence(int fd, uint64_t seed, uint64_t bytes)
{
	static __thread char data[CHUNK];

	while (bytes > 0) {
		size_t n = (size_t)MIN(bytes, (uint64_t)CHUNK);

		fill(&seed, data, CHUNK);
		send_all(fd, data, n - 1);
		if (send(fd, data + n - 1, 1, MSG_OOB | MSG_NOSIGNAL) != 1)
			die("sending urgent data");
		bytes -= n;
	}
}

/* Receive until end of file: exactly @bytes of the sequence. */
static void expect_sequence(int fd, uint64_t seed, uint64_t bytes)
{
	static __thread char data[CHUNK], wanted[CHUNK];
	uint64_t total = 0;

	for (;;) {
		size_t at = (size_t)(total % CHUNK);
		ssize_t n = recv(fd, data + at, CHUNK - at, 0);

		if (n < 0)
			die("receiving after %llu bytes", (unsigned long long)total);
		if (n == 0)
			break;
		if (at == 0)
			fill(&seed, wanted, CHUNK);
		if (memcmp(data + at, wanted + at, (size_t)n) != 0)
			die("wrong bytes after %llu", (unsigned long long)total);
		total += (uint64_t)n;
	}
	if (total != bytes)
		die("%llu bytes came instead of %llu", (unsigned long long)total,
		    (unsigned long long)bytes);
}

/* ---- the server ---- */

static void reset(int fd)
{
	struct linger linger = {1, 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static void echo(int fd)
{
	char data[CHUNK];
	ssize_t n;

	do {
		n = recv(fd, data, sizeof(data), 0);
	} while (n > 0 && try_send(fd, data, (size_t)n));
}

static void *serve_connection(void *arg)
{
	int fd = (int)(intptr_t)arg;
	uint64_t bytes = 0;
	char mode = 0;

	if (recv(fd, &mode, 1, 0) == 1)
		switch (mode) {
		case 'e':
			echo(fd);
			break;
		case 'f':
			if (recv(fd, &bytes, sizeof(bytes), MSG_WAITALL) != sizeof(bytes))
				break;
			send_sequence(fd, 1, bytes);
			shutdown(fd, SHUT_WR);
			expect_sequence(fd, 2, bytes);
			break;
		case 'n':
			for (;;) {
				struct pollfd poller = {.fd = fd, .events = POLLRDHUP};

				if (poll(&poller, 1, -1) > 0)
					break;
			}
			break;
		case 'r':
			reset(fd);
			break;
		}
	close(fd);
	return NULL;
}

static void *serve_datagrams(void *arg)
{
	int fd = (int)(intptr_t)arg;
	static char data[DATAGRAM_MAX + 1];

	for (;;) {
		struct sockaddr_storage from;
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &size);

		if (n >= 0)
			sendto(fd, data, (size_t)n, 0, (struct sockaddr *)&from, size);
	}
	return NULL;
}

static void start(void *(*run)(void *), int fd)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 512 << 10);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attr, run, (void *)(intptr_t)fd) != 0)
		die("starting a thread");
	pthread_attr_destroy(&attr);
}

/* Idle connections share one thread: those that send 'i'. @arg is its epoll set. */
static void *serve_idle(void *arg)
{
	int epoll = (int)(intptr_t)arg;
	struct epoll_event events[64];

	for (;;) {
		int n = epoll_wait(epoll, events, ARRAY_SIZE(events), -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			char byte;

			if (recv(fd, &byte, 1, 0) != 1 || !try_send(fd, &byte, 1))
				close(fd);
		}
	}
	return NULL;
}

static int serve(const struct peer *peer)
{
	int fd = open_socket(peer, SOCK_STREAM), udp = open_socket(peer, SOCK_DGRAM), one = 1;
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, &peer->address.sa, peer->size) < 0 || listen(fd, 4096) < 0 ||
	    bind(udp, &peer->address.sa, peer->size) < 0 || epoll < 0)
		die("listening");
	start(serve_datagrams, udp);
	start(serve_idle, epoll);
	puts("serving");
	fflush(stdout);
	for (;;) {
		struct timeval timeout = {.tv_sec = TIMEOUT_S};
		int client = accept(fd, NULL, NULL);
		char mode = 0;

		if (client < 0)
			continue;
		setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
		/* An idle client sends its byte at once. */
		if (recv(client, &mode, 1, MSG_PEEK) == 1 && mode == 'i') {
			struct epoll_event event = {.events = EPOLLIN, .data.fd = client};

			if (epoll_ctl(epoll, EPOLL_CTL_ADD, client, &event) < 0)
				die("watching a connection");
		} else {
			start(serve_connection, client);
		}
	}
}

/* ---- the clients ---- */

struct sender {
	int fd;
	uint64_t seed, bytes;
	bool urgent;
};

static void *send_thread(void *arg)
{
	const struct sender *s = arg;

	(s->urgent ? send_urgent_sequence : send_sequence)(s->fd, s->seed, s->bytes);
	shutdown(s->fd, SHUT_WR);
	return NULL;
}

static void *stream(void *arg)
{
	const struct peer *peer = arg;
	int fd = dial(peer);
	struct sender sender = {
		.fd = fd, .seed = 2, .bytes = peer->bytes, .urgent = peer->mode == 'u'};
	pthread_t thread;

	send_all(fd, sender.urgent ? "e" : &peer->mode, 1);
	if (peer->mode == 'f') {
		send_all(fd, (const char *)&peer->bytes, sizeof(peer->bytes));
		/* The server's half-close comes first; the other way must still be open. */
		expect_sequence(fd, 1, peer->bytes);
		send_thread(&sender);
	} else {
		if (pthread_create(&thread, NULL, send_thread, &sender) != 0)
			die("starting a thread");
		expect_sequence(fd, 2, peer->bytes);
		pthread_join(thread, NULL);
	}
	close(fd);
	return NULL;
}

static int streams(struct peer *peer, uint64_t n)
{
	pthread_t threads[1024];

	if (n > ARRAY_SIZE(threads))
		die("too many connections");
	for (uint64_t i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, stream, peer) != 0)
			die("starting a thread");
	for (uint64_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

/* Urgent data in the middle of a segment, followed by nothing; then much of it. */
static int urgent(struct peer *peer)
{
	int fd = dial(peer), cork = 1;
	char back[7];

	setsockopt(fd, IPPROTO_TCP, TCP_CORK, &cork, sizeof(cork));
	send_all(fd, "eabc", 4);
	if (send(fd, "X", 1, MSG_OOB | MSG_NOSIGNAL) != 1)
		die("sending urgent data");
	send_all(fd, "def", 3);
	cork = 0;
	setsockopt(fd, IPPROTO_TCP, TCP_CORK, &cork, sizeof(cork));
	if (recv(fd, back, sizeof(back), MSG_WAITALL) != sizeof(back) ||
	    memcmp(back, "abcXdef", sizeof(back)) != 0)
		die("what was sent around urgent data did not come back");
	close(fd);
	return streams(peer, 1);
}

static int stall(const struct peer *peer)
{
	static char data[CHUNK];
	struct pollfd poller = {.fd = dial(peer), .events = POLLOUT};
	uint64_t taken = 0;

	send_all(poller.fd, "n", 1);
	/* Two seconds without room: the sender is blocked. */
	while (taken < peer->bytes && poll(&poller, 1, 2000) > 0) {
		ssize_t n = send(poller.fd, data, sizeof(data), MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			die("sending");
		taken += n > 0 ? (uint64_t)n : 0;
	}
	printf("%llu\n", (unsigned long long)taken);
	fflush(stdout);
	/* Wait for a line: the test can check the forwarder's memory. */
	(void)!read(STDIN_FILENO, data, 1);
	close(poller.fd);
	return taken < peer->bytes ? 0 : 1;
}

static int expect_reset(const struct peer *peer, bool say)
{
	int fd = open_socket(peer, SOCK_STREAM);
	char byte;

	if (connect(fd, &peer->address.sa, peer->size) == 0) {
		if (say)
			(void)!send(fd, "r", 1, MSG_NOSIGNAL);
		if (recv(fd, &byte, 1, 0) >= 0)
			die("end of file instead of a reset");
	}
	if (errno != ECONNRESET)
		die("not a reset");
	return 0;
}

static void ping(int fd, const char *word)
{
	char byte = 0;

	send_all(fd, word, 1);
	if (recv(fd, &byte, 1, 0) != 1 || byte != *word)
		die("no echo");
}

/* Open @n connections, each of which works; and print "ready". */
static int *open_idle(const struct peer *peer, uint64_t n)
{
	int *fds = calloc(n, sizeof(*fds));

	for (uint64_t i = 0; i < n; i++) {
		fds[i] = dial(peer);
		ping(fds[i], "i");
	}
	puts("ready");
	fflush(stdout);
	return fds;
}

static int idle(const struct peer *peer, uint64_t n)
{
	int *fds = open_idle(peer, n);
	char byte;

	(void)!read(STDIN_FILENO, &byte, 1);
	for (uint64_t i = 0; i < n; i++)
		ping(fds[i], "j");
	for (uint64_t i = 0; i < n; i++)
		close(fds[i]);
	free(fds);
	return 0;
}

static int churn(const struct peer *peer, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		int fd = dial(peer);
		char byte;

		send_all(fd, "e!", 2);
		shutdown(fd, SHUT_WR);
		if (recv(fd, &byte, 1, 0) != 1 || byte != '!' || recv(fd, &byte, 1, 0) != 0)
			die("connection %llu", (unsigned long long)i);
		close(fd);
	}
	return 0;
}

/* One connection of a crowd: it sends a message and waits for its echo. */
static int join_crowd(const struct peer *peer, int epoll)
{
	struct epoll_event event = {.events = EPOLLOUT | EPOLLIN | EPOLLET};
	int fd = open_socket(peer, SOCK_STREAM | SOCK_NONBLOCK);

	if (connect(fd, &peer->address.sa, peer->size) < 0 && errno != EINPROGRESS)
		die("connecting");
	event.data.fd = fd;
	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

/* Continue with @fd; true when its echo has arrived completely, up to the end of file. */
static bool serve_crowd(int fd, uint32_t events, bool *said)
{
	char byte;
	ssize_t n;

	if ((events & EPOLLOUT) && !*said) {
		send_all(fd, "e!", 2);
		shutdown(fd, SHUT_WR);
		*said = true;
	}
	while ((n = recv(fd, &byte, 1, 0)) == 1)
		if (byte != '!')
			die("wrong bytes");
	if (n < 0 && errno != EAGAIN)
		die("receiving");
	return n == 0;
}

static int crowd(const struct peer *peer, uint64_t n, uint64_t at_once)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	uint64_t begun = 0, ended = 0;
	static bool said[1 << 16]; /* by descriptor: more than any limit allows here */
	struct epoll_event events[64];

	while (ended < n) {
		int ready;

		for (; begun < n && begun - ended < at_once; begun++)
			if (join_crowd(peer, epoll) < 0)
				die("watching a connection");
		ready = epoll_wait(epoll, events, ARRAY_SIZE(events), TIMEOUT_S * 1000);
		if (ready <= 0)
			die("nothing happens after %llu", (unsigned long long)ended);
		for (int i = 0; i < ready; i++) {
			int fd = events[i].data.fd;
			bool *spoken = &said[(size_t)fd % ARRAY_SIZE(said)];

			if (!serve_crowd(fd, events[i].events, spoken))
				continue;
			*spoken = false;
			close(fd);
			ended++;
		}
	}
	return 0;
}

static int hold(const struct peer *peer, uint64_t n)
{
	int *fds = open_idle(peer, n);
	char byte;

	for (uint64_t i = 0; i < n; i++) {
		if (recv(fds[i], &byte, 1, 0) >= 0 || errno != ECONNRESET)
			die("connection %llu was not reset", (unsigned long long)i);
		close(fds[i]);
	}
	free(fds);
	return 0;
}

static int datagrams(const struct peer *peer)
{
	static const size_t sizes[] = {0,    1,	    2,	   100,	  1400,	 1472,	1473, 8192,
				       9000, 16384, 32768, 65000, 65506, 65507, 0,    1400};
	static char data[DATAGRAM_MAX + 8], back[DATAGRAM_MAX + 8];
	int fd = open_socket(peer, SOCK_DGRAM);
	uint64_t seed = 7;

	if (connect(fd, &peer->address.sa, peer->size) < 0)
		die("connecting");
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		ssize_t n;

		fill(&seed, data, sizes[i]);
		if (send(fd, data, sizes[i], 0) < 0)
			die("sending %zu bytes", sizes[i]);
		n = recv(fd, back, sizeof(back), 0);
		if (n != (ssize_t)sizes[i] || memcmp(data, back, sizes[i]) != 0)
			die("a datagram of %zu came back as %zd", sizes[i], n);
	}
	return 0;
}

/* Datagrams may be lost when descriptors or local ports run out, and on a busy machine. */
static bool is_answered(const struct peer *peer, uint64_t number, uint64_t tries)
{
	int fd = open_socket(peer, SOCK_DGRAM);
	struct timeval timeout = {.tv_usec = 200000};
	bool answered = false;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	for (; tries > 0 && !answered; tries--) {
		uint64_t back;

		if (sendto(fd, &number, sizeof(number), 0, &peer->address.sa, peer->size) < 0 ||
		    recv(fd, &back, sizeof(back), 0) < 0)
			continue;
		if (back != number)
			die("the answer of %llu is another's", (unsigned long long)number);
		answered = true;
	}
	close(fd);
	return answered;
}

static int sources(const struct peer *peer, uint64_t n, uint64_t tries)
{
	uint64_t back = 0;

	for (uint64_t i = 0; i < n; i++)
		back += is_answered(peer, i, tries);
	printf("%llu\n", (unsigned long long)back);
	return 0;
}

int main(int argc, char **argv)
{
	struct peer peer = {.size = 0};
	const char *what = argc > 3 ? argv[1] : "";

	raise_descriptor_limit();
	signal(SIGPIPE, SIG_IGN);
	if (argc > 3)
		parse_peer(&peer, argv[2], argv[3]);
	peer.mode = what[0];
	if (argc == 6)
		peer.bytes = number(argv[4]);
	if (argc == 6 && (streq(what, "echo") || streq(what, "fetch")))
		return streams(&peer, number(argv[5]));
	if (argc == 6 && streq(what, "crowd"))
		return crowd(&peer, peer.bytes, number(argv[5]));
	if (argc == 5 && streq(what, "hold"))
		return hold(&peer, number(argv[4]));
	if (argc == 5)
		peer.bytes = number(argv[4]);
	if (argc == 5 && streq(what, "stall"))
		return stall(&peer);
	if (argc == 5 && streq(what, "urgent"))
		return urgent(&peer);
	if (argc == 4 && streq(what, "serve"))
		return serve(&peer);
	if (argc == 4 && (streq(what, "reset") || streq(what, "refused")))
		return expect_reset(&peer, streq(what, "reset"));
	if (argc == 5 && streq(what, "idle"))
		return idle(&peer, number(argv[4]));
	if (argc == 5 && streq(what, "churn"))
		return churn(&peer, number(argv[4]));
	if (argc == 4 && streq(what, "datagrams"))
		return datagrams(&peer);
	if (argc == 6 && streq(what, "sources"))
		return sources(&peer, peer.bytes, number(argv[5]));
	fputs("usage: see the head of portcheck.c\n", stderr);
	return 2;
}
