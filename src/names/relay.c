/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The process takes queries at sockets in the child's network, and asks the host's name servers
 * over sockets that it makes in the host's network. Both sides are untrusted. So it has no
 * capability, no file and no terminal. It may connect sockets only to the name servers
 * (proc/destinations.h), may send without a connection only from its sockets in the child's
 * network, and may not bind or listen. An attacker who takes over the process can send any data to
 * the name servers, and reach nothing else outside of the child's network.
 *
 * The filter identifies the sockets of the child's network by their descriptor numbers. All numbers
 * below NAMES_FD_FREE are in use, and may not be closed: no other socket can get one of them.
 */
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clients.h"
#include "confine.h"
#include "datagrams.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/libc.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"
#include "fauxroot/proc/confine.h"
#include "fauxroot/proc/destinations.h"
#include "fauxroot/sys/memory.h"
#include "fauxroot/sys/message.h"
#include "fauxroot/sys/seccomp.h"
#include "loop.h"
#include "protocol.h"
#include "queries.h"
#include "servers.h"
#include "streams.h"

/* The interval of ticks, and the time without work after which memory is released. */
#define TICK_MS 50
#define CALM_MS 1000

/* A query has one socket, rarely two or three. */
#define SOCKETS_A_QUERY 2

struct relay {
	struct loop loop;
	struct watch control;
	struct servers servers;
	struct clients clients;
	struct queries queries;
	struct streams streams;
	struct datagrams udp[NAMES_FAMILIES];
	struct stream_listener tcp[NAMES_FAMILIES];
};

/* The sink of log_redirect(). If the launcher's socket is full, the line is lost. */
static void log_to_launcher(void *arg, enum log_level level, const char *text)
{
	struct names_message m = {.type = NAMES_LOG, .log.level = level};
	const struct relay *relay = arg;

	(void)str_print(m.log.text, sizeof(m.log.text), "%s", text);
	(void)message_send(relay->control.fd, &m, sizeof(m), NULL, 0);
}

/* ---- the launcher ---- */

static void on_control(struct watch *watch, uint32_t events)
{
	struct relay *relay = CONTAINER(watch, struct relay, control);
	struct names_message m = {.type = 0};
	ssize_t n = message_recv(watch->fd, &m, sizeof(m), NULL, NULL);

	(void)events;
	if (n == -EAGAIN)
		return;
	/* End of file: the launcher has exited. */
	if (n <= 0 || names_check_order(&m, (size_t)n) < 0)
		_exit(0);
	servers_set(&relay->servers, m.servers.slots, m.servers.n);
}

/* ---- the process ---- */

static void tick(struct relay *relay)
{
	queries_tick(&relay->queries);
	streams_tick(&relay->streams);
	for (int i = 0; i < NAMES_FAMILIES; i++)
		streams_resume(&relay->tcp[i]);
}

static void flush(struct relay *relay)
{
	for (int i = 0; i < NAMES_FAMILIES; i++)
		datagrams_flush(&relay->udp[i]);
}

static bool is_busy(const struct relay *relay)
{
	return relay->queries.n > 0 || relay->queries.sources.n_idle > 0 || relay->streams.n > 0 ||
	       relay->tcp[0].paused || relay->tcp[1].paused;
}

_noreturn_ static void run(struct relay *relay)
{
	int64_t ticked_ms = 0, busy_ms = relay->loop.now_ms;
	bool calm = false;

	for (;;) {
		names_loop_turn(&relay->loop, is_busy(relay) ? TICK_MS : calm ? -1 : CALM_MS);
		flush(relay);
		if (is_busy(relay) || relay->loop.now_ms - busy_ms < CALM_MS) {
			busy_ms = is_busy(relay) ? relay->loop.now_ms : busy_ms;
			calm = false;
		} else if (!calm) {
			calm = true;
			libc_heap_trim();
			memory_release_code();
		}
		if (relay->loop.now_ms - ticked_ms < TICK_MS)
			continue;
		ticked_ms = relay->loop.now_ms;
		tick(relay);
		flush(relay);
	}
}

/*
 * Give the descriptors their numbers: first copy them to high numbers, then to their own. Numbers
 * without a socket become /dev/null.
 */
static int number_descriptors(int control, const struct relay_sockets *sockets)
{
	const int given[] = {
		[NAMES_FD_CONTROL] = control,	   [NAMES_FD_UDP] = sockets->udp[0],
		[NAMES_FD_UDP6] = sockets->udp[1], [NAMES_FD_TCP] = sockets->tcp[0],
		[NAMES_FD_TCP6] = sockets->tcp[1],
	};
	int high[NAMES_FD_FREE];

	for (int i = 3; i < NAMES_FD_FREE; i++) {
		int fd = (size_t)i < ARRAY_SIZE(given) ? given[i] : -1;

		high[i] = fcntl(fd >= 0 ? fd : STDIN_FILENO, F_DUPFD_CLOEXEC, 2 * NAMES_FD_FREE);
		if (high[i] < 0)
			return -errno;
	}
	for (int i = 3; i < NAMES_FD_FREE; i++)
		if (dup3(high[i], i, O_CLOEXEC) < 0)
			return -errno;
	for (int i = NAMES_FD_FREE; i <= high[NAMES_FD_FREE - 1]; i++)
		fd_close(i);
	return 0;
}

static int listen_all(struct relay *relay, const struct relay_sockets *sockets)
{
	static const int udp[] = {NAMES_FD_UDP, NAMES_FD_UDP6},
			 tcp[] = {NAMES_FD_TCP, NAMES_FD_TCP6};
	int rc = 0;

	for (int i = 0; i < NAMES_FAMILIES && rc == 0; i++) {
		if (sockets->udp[i] < 0)
			continue;
		rc = datagrams_listen(&relay->udp[i], &relay->queries, udp[i]);
		if (rc == 0)
			rc = streams_listen(&relay->streams, &relay->tcp[i], tcp[i]);
	}
	return rc;
}

static int set_up(struct relay *relay, int control, const struct relay_sockets *sockets,
		  int destinations, struct error *err)
{
	rlim_t limit = fd_raise_limit();
	unsigned max = limit < NAMES_FD_FREE + STREAMS_MAX + SOURCES_IDLE_MAX +
					       QUERIES_MAX * SOCKETS_A_QUERY
			       ? (unsigned)limit / 4
			       : QUERIES_MAX;
	int rc;

	libc_heap_one_arena();
	rc = destinations_map(destinations, err);
	if (rc == 0)
		rc = confine_stdio(err);
	if (rc < 0)
		return rc;
	rc = number_descriptors(control, sockets);
	if (rc == 0) {
		relay->control.fd = NAMES_FD_CONTROL;
		rc = names_loop_init(&relay->loop);
	}
	if (rc < 0)
		return err_set(err, -rc, "preparing descriptors");
	clients_init(&relay->clients);
	queries_init(&relay->queries, &relay->loop, &relay->servers, &relay->clients, max);
	streams_init(&relay->streams, &relay->loop, &relay->queries);
	rc = names_watch_add(&relay->loop, &relay->control, EPOLLIN);
	if (rc == 0)
		rc = listen_all(relay, sockets);
	if (rc < 0)
		return err_set(err, -rc, "watching sockets");
	rc = confine_caps(-1, err);
	return rc < 0 ? rc : confine_names(err);
}

_noreturn_ static void relay_main(int control, const struct relay_sockets *sockets,
				  int destinations, const uint32_t *slots, size_t n)
{
	struct relay *relay = calloc(1, sizeof(*relay));
	struct error err = {0};
	sigset_t all;

	if (!relay)
		_exit(1);
	relay->control = (struct watch){.fd = control, .ready = on_control};
	log_redirect(log_to_launcher, relay);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	servers_set(&relay->servers, slots, (unsigned)n);
	if (set_up(relay, control, sockets, destinations, &err) < 0) {
		log_failure(&err);
		_exit(1);
	}
	run(relay);
}

int relay_start(const struct relay_sockets *sockets, int destinations, const uint32_t *slots,
		size_t n, struct process *ret, int *ret_control, struct error *err)
{
	int pair[2], keep[2 + 2 * NAMES_FAMILIES], rc = message_pair(pair);
	size_t n_keep = 0;

	if (rc < 0)
		return err_set(err, -rc, "making a socket pair for the name service");
	(void)fcntl(pair[0], F_SETFL, O_NONBLOCK);
	(void)fcntl(pair[1], F_SETFL, O_NONBLOCK);
	keep[n_keep++] = pair[1];
	keep[n_keep++] = destinations;
	for (int i = 0; i < NAMES_FAMILIES; i++) {
		keep[n_keep++] = sockets->udp[i];
		keep[n_keep++] = sockets->tcp[i];
	}
	rc = fork_clean("fauxroot: names", keep, n_keep, ret, err);
	if (rc == 0)
		relay_main(pair[1], sockets, destinations, slots, n);
	fd_close(pair[1]);
	if (rc < 0) {
		fd_close(pair[0]);
		return rc;
	}
	*ret_control = pair[0];
	return 0;
}
