/* SPDX-License-Identifier: Apache-2.0 */
/*
 * porturgent: check that no stream with urgent data is truncated
 *
 *   porturgent serve ADDRESS PORT               the server, behind the port
 *   porturgent client ADDRESS PORT N MAX SEED   N connections, 8 at a time, of 0 to MAX bytes
 *                                               either way; print how many were complete,
 *                                               and each other connection
 *   porturgent pipes                            use up the user's pages for pipes (man 7
 *                                               pipe), print "ready", hold them until stdin ends
 *
 * Each connection has its own sizes, from a few bytes to MAX, and up to four urgent bytes (man 7
 * tcp) at its own positions, either way, followed by an orderly close. A third of the connections
 * sends only up, a third only down. The sender's last bytes and its end of file arrive while the
 * relay is still at an urgent mark: this is where splice(2) returns 0 before the end.
 *
 * Both sides compute the bytes, so every byte is compared. At the end of file the server reports
 * how many bytes have arrived. Status 0 if all connections were complete.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/base/str.h"
#include "portpeer.h"

#define CHUNK	  65536
#define MARKS_MAX 4
#define AT_ONCE	  8

/* One direction: @bytes of the sequence that begins with @seed, with @n urgent bytes. */
struct plan {
	uint64_t seed, bytes;
	uint32_t n;
	uint32_t marks[MARKS_MAX]; /* ascending places of the urgent bytes */
};

struct plans {
	struct plan up, down;
};

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1d;
}

static uint32_t below(uint64_t *state, uint64_t end)
{
	return end > 0 ? (uint32_t)((next_random(state) >> 16) % end) : 0;
}

/* The byte of a sequence at @at. */
static char byte_at(uint64_t seed, uint64_t at)
{
	return (char)((seed + at) * 0x9e3779b97f4a7c15 >> 56);
}

static int compare_places(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Equal numbers of small and large streams. */
static struct plan make_plan(uint64_t *random, uint64_t max)
{
	struct plan plan = {.seed = next_random(random)};

	plan.bytes = 1 + below(random, max >> below(random, 12));
	plan.n = below(random, MARKS_MAX + 1);
	for (uint32_t i = 0; i < plan.n; i++)
		plan.marks[i] = below(random, plan.bytes);
	qsort(plan.marks, plan.n, sizeof(plan.marks[0]), compare_places);
	return plan;
}

/* ---- one connection, of either side ---- */

struct direction {
	int fd;
	const struct plan *plan;
	bool ends; /* with an end of file right behind the last byte */
};

static bool send_range(int fd, const struct plan *plan, uint64_t from, uint64_t to)
{
	static __thread char data[CHUNK];

	while (from < to) {
		size_t n = (size_t)MIN(to - from, (uint64_t)CHUNK);

		for (size_t i = 0; i < n; i++)
			data[i] = byte_at(plan->seed, from + i);
		if (!try_send(fd, data, n))
			return false;
		from += n;
	}
	return true;
}

/* Send the whole plan; after a lost connection the other side notices the missing rest. */
static void *send_plan(void *arg)
{
	const struct direction *d = arg;
	const struct plan *plan = d->plan;
	uint64_t at = 0;

	for (uint32_t i = 0; i < plan->n; i++) {
		char byte = byte_at(plan->seed, plan->marks[i]);

		if (plan->marks[i] < at)
			continue;
		if (!send_range(d->fd, plan, at, plan->marks[i]) ||
		    send(d->fd, &byte, 1, MSG_OOB | MSG_NOSIGNAL) != 1)
			return NULL;
		at = plan->marks[i] + 1;
	}
	send_range(d->fd, plan, at, plan->bytes);
	if (d->ends)
		shutdown(d->fd, SHUT_WR);
	return NULL;
}

/* Receive up to @bytes of the plan, or to the end of file. How many came right; -1: wrong or lost.
 */
static int64_t receive_plan(int fd, const struct plan *plan, uint64_t bytes)
{
	static __thread char data[CHUNK];
	uint64_t total = 0;

	while (total < bytes) {
		size_t room = (size_t)MIN(bytes - total, (uint64_t)CHUNK);
		ssize_t n = recv(fd, data, room, 0);

		if (n < 0)
			return -1;
		if (n == 0)
			break;
		for (ssize_t i = 0; i < n; i++)
			if (data[i] != byte_at(plan->seed, total + (uint64_t)i))
				return -1;
		total += (uint64_t)n;
	}
	return (int64_t)total;
}

static void *serve_connection(void *arg)
{
	struct direction down = {.fd = (int)(intptr_t)arg};
	struct plans plans;
	pthread_t sender;
	int64_t came;
	int in_line = 1;

	setsockopt(down.fd, SOL_SOCKET, SO_OOBINLINE, &in_line, sizeof(in_line));
	if (recv(down.fd, &plans, sizeof(plans), MSG_WAITALL) == sizeof(plans)) {
		down.plan = &plans.down;
		if (pthread_create(&sender, NULL, send_plan, &down) != 0)
			die("starting a thread");
		came = receive_plan(down.fd, &plans.up, UINT64_MAX);
		pthread_join(sender, NULL);
		(void)try_send(down.fd, (const char *)&came, sizeof(came));
	}
	close(down.fd);
	return NULL;
}

static int serve(const struct peer *peer)
{
	int fd = open_socket(peer, SOCK_STREAM), one = 1;
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 512 << 10);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, &peer->address.sa, peer->size) < 0 || listen(fd, 128) < 0)
		die("listening");
	puts("serving");
	fflush(stdout);
	for (;;) {
		int client = accept(fd, NULL, NULL);
		pthread_t thread;

		if (client >= 0 &&
		    pthread_create(&thread, &attr, serve_connection, (void *)(intptr_t)client) != 0)
			die("starting a thread");
	}
}

/* ---- the clients ---- */

struct run {
	const struct peer *peer;
	uint64_t max, seed;
	uint64_t n;
	atomic_uint_fast64_t next, whole;
};

static void say(uint64_t number, const char *what, const struct plan *plan, int64_t came)
{
	printf("connection %llu: %lld of %llu bytes %s, urgent:", (unsigned long long)number,
	       (long long)came, (unsigned long long)plan->bytes, what);
	for (uint32_t i = 0; i < plan->n; i++)
		printf(" %u", plan->marks[i]);
	putchar('\n');
}

static bool is_whole(const struct run *run, uint64_t number)
{
	uint64_t random = (run->seed + number) * 0x9e3779b97f4a7c15 + 1;
	int fd = dial(run->peer), in_line = 1;
	struct plans plans;
	struct direction up = {.fd = fd, .plan = &plans.up, .ends = true};
	int64_t down = -1, there = -1;
	pthread_t sender;

	memset(&plans, 0, sizeof(plans));
	if (number % 3 != 1)
		plans.up = make_plan(&random, run->max);
	if (number % 3 != 2)
		plans.down = make_plan(&random, run->max);
	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &in_line, sizeof(in_line));
	send_all(fd, (const char *)&plans, sizeof(plans));
	if (pthread_create(&sender, NULL, send_plan, &up) != 0)
		die("starting a thread");
	down = receive_plan(fd, &plans.down, plans.down.bytes);
	pthread_join(sender, NULL);
	if (recv(fd, &there, sizeof(there), MSG_WAITALL) != sizeof(there))
		there = -1;
	close(fd);
	if (down != (int64_t)plans.down.bytes)
		say(number, "came down", &plans.down, down);
	else if (there != (int64_t)plans.up.bytes)
		say(number, "went up", &plans.up, there);
	else
		return true;
	return false;
}

static void *client(void *arg)
{
	struct run *run = arg;
	uint64_t number;

	while ((number = atomic_fetch_add(&run->next, 1)) < run->n)
		if (is_whole(run, number))
			atomic_fetch_add(&run->whole, 1);
	return NULL;
}

static int clients(struct run *run)
{
	pthread_t threads[AT_ONCE];

	for (int i = 0; i < AT_ONCE; i++)
		if (pthread_create(&threads[i], NULL, client, run) != 0)
			die("starting a thread");
	for (int i = 0; i < AT_ONCE; i++)
		pthread_join(threads[i], NULL);
	printf("%llu of %llu were whole\n", (unsigned long long)run->whole,
	       (unsigned long long)run->n);
	return run->whole == run->n ? 0 : 1;
}

static int hold_pipes(void)
{
	char byte;
	int fds[2];

	raise_descriptor_limit();
	/* When 1 MiB is no longer possible, smaller pipes take the rest. */
	for (int size = 1 << 20; size >= 1 << 14; size /= 2)
		do {
			if (pipe(fds) < 0)
				die("making a pipe");
		} while (fcntl(fds[1], F_SETPIPE_SZ, size) == size);
	puts("ready");
	fflush(stdout);
	(void)!read(STDIN_FILENO, &byte, 1);
	return 0;
}

int main(int argc, char **argv)
{
	struct peer peer = {.size = 0};
	struct run run = {.peer = &peer};
	const char *what = argc > 3 ? argv[1] : "";

	signal(SIGPIPE, SIG_IGN);
	if (argc > 3)
		parse_peer(&peer, argv[2], argv[3]);
	if (argc == 2 && streq(argv[1], "pipes"))
		return hold_pipes();
	if (argc == 4 && streq(what, "serve"))
		return serve(&peer);
	if (argc == 7 && streq(what, "client")) {
		run.n = number(argv[4]);
		run.max = number(argv[5]);
		run.seed = number(argv[6]);
		return clients(&run);
	}
	fputs("usage: see the head of porturgent.c\n", stderr);
	return 2;
}
