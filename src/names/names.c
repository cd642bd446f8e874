/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The launcher's side of the name service. The launcher owns the sockets in the child's network, so
 * queries wait there while the process is restarted. Many commands send no query. So the process
 * starts when the first query arrives, and does not make a launch slower.
 *
 * The name servers are in memory that the process can only read (proc/destinations.h). A change
 * adds the new addresses, sends the process their slots, and then removes the old ones.
 */
#include "fauxroot/names/names.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/proc/destinations.h"
#include "fauxroot/proc/kept.h"
#include "fauxroot/sys/message.h"
#include "inside.h"
#include "protocol.h"
#include "relay.h"

/* Events of the sockets: UDP and TCP of each family. */
#define SOCKETS ((size_t)2 * NAMES_FAMILIES)

struct names {
	struct inside inside;
	struct destinations destinations;
	uint32_t slots[NAMES_SERVERS_MAX];
	size_t n_servers;
	struct process process;
	int control;
	struct kept kept;
	struct event_base *base;
	struct event *on_control, *on_query[SOCKETS];
	const struct names_events *events;
	void *events_arg;
};

static void forget_process(struct names *names)
{
	if (names->on_control)
		event_free(TAKE_PTR(names->on_control));
	names->control = fd_close(names->control);
}

/* A line for the log. On an error only stop watching: the table of children reports the exit. */
static void on_control(evutil_socket_t fd, short what, void *arg)
{
	struct names *names = arg;
	struct names_message m;
	ssize_t n = message_recv(fd, &m, sizeof(m), NULL, NULL);

	(void)what;
	if (n == -EAGAIN)
		return;
	if (n > 0 && names_check_report(&m, (size_t)n) == 0)
		log_as("names", (enum log_level)m.log.level, m.log.text);
	else
		event_del(names->on_control);
}

static int start_process(struct names *names, struct error *err)
{
	int rc = relay_start(&names->inside.sockets, names->destinations.fd, names->slots,
			     names->n_servers, &names->process, &names->control, err);

	return rc < 0 ? err_wrap(err, rc, "starting the name service") : 0;
}

/* kept_ops.start */
static int start(void *arg, struct error *err)
{
	struct names *names = arg;
	int rc = start_process(names, err);

	if (rc < 0)
		return rc;
	kept_watch(&names->kept, &names->process);
	names->on_control =
		event_new(names->base, names->control, EV_READ | EV_PERSIST, on_control, names);
	if (names->on_control && event_add(names->on_control, NULL) == 0)
		return 0;
	process_kill(&names->process);
	forget_process(names);
	return err_set(err, ENOMEM, "watching the name service");
}

/* kept_ops.ended */
static void on_ended(void *arg, int status, char *why, size_t size)
{
	(void)status;
	(void)why;
	(void)size;
	forget_process(arg);
}

/* kept_ops.lost */
static void on_lost(void *arg, const struct error *err)
{
	struct names *names = arg;

	names->events->lost(names->events_arg, err);
}

static const struct kept_ops kept_ops = {
	.name = "the name service",
	.step = STEP_NET,
	.persistent = true,
	.start = start,
	.ended = on_ended,
	.lost = on_lost,
};

int names_open(struct names **ret, struct error *err)
{
	struct names *names = calloc(1, sizeof(*names));
	int rc;

	if (!names)
		return err_set(err, ENOMEM, "preparing the name service");
	names->inside = INSIDE_NONE;
	names->process = PROCESS_NONE;
	names->control = names->destinations.fd = -1;
	kept_init(&names->kept, &kept_ops, names);
	rc = destinations_open(&names->destinations, err);
	if (rc < 0) {
		names_stop(names);
		return rc;
	}
	*ret = names;
	return 0;
}

int names_listen(struct names *names, const struct ns_set *ns, const struct names_at *at,
		 int cancel_fd, struct error *err)
{
	int rc = inside_open(ns, at, cancel_fd, &names->inside, err);

	if (rc < 0)
		return err_step(err, err_wrap(err, rc, "preparing the name service"), STEP_NET);
	return 0;
}

static void drop_slots(struct names *names, const uint32_t *slots, size_t n)
{
	for (size_t i = 0; i < n; i++)
		destinations_drop(&names->destinations, slots[i]);
}

int names_set_servers(struct names *names, const union endpoint *servers, size_t n,
		      struct error *err)
{
	struct names_message m = {.type = NAMES_SERVERS};
	uint32_t old[NAMES_SERVERS_MAX];
	size_t n_old = names->n_servers;
	int rc = 0;

	for (size_t i = 0; i < n_old; i++)
		old[i] = names->slots[i];
	for (size_t i = 0; i < MIN(n, (size_t)NAMES_SERVERS_MAX) && rc == 0; i++) {
		rc = destinations_add(&names->destinations, &servers[i], &m.servers.slots[i], err);
		if (rc == 0)
			m.servers.n++;
	}
	if (rc < 0) {
		drop_slots(names, m.servers.slots, m.servers.n);
		return rc;
	}
	for (uint32_t i = 0; i < m.servers.n; i++)
		names->slots[i] = m.servers.slots[i];
	names->n_servers = m.servers.n;
	if (names->control >= 0)
		rc = message_send(names->control, &m, sizeof(m), NULL, 0);
	drop_slots(names, old, n_old);
	/* The process does not read, or memory is short. Kill the process: the next one starts with
	 * the new servers. */
	if (rc < 0)
		process_signal(&names->process, SIGKILL);
	return 0;
}

/* The first query. The kernel keeps it until the process reads it. */
static void on_query(evutil_socket_t fd, short what, void *arg)
{
	struct names *names = arg;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < SOCKETS; i++)
		if (names->on_query[i])
			event_free(TAKE_PTR(names->on_query[i]));
	kept_start(&names->kept);
}

int names_supervise(struct names *names, struct event_base *base, struct children *children,
		    const struct names_events *events, void *arg, struct error *err)
{
	const int fds[SOCKETS] = {names->inside.sockets.udp[0], names->inside.sockets.tcp[0],
				  names->inside.sockets.udp[1], names->inside.sockets.tcp[1]};
	int rc;

	names->base = base;
	names->events = events;
	names->events_arg = arg;
	kept_supervise(&names->kept, base, children);
	rc = kept_table_supervise(&names->inside.table.kept, base, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < SOCKETS; i++) {
		if (fds[i] < 0)
			continue;
		names->on_query[i] = event_new(base, fds[i], EV_READ, on_query, names);
		if (!names->on_query[i] || event_add(names->on_query[i], NULL) < 0)
			return err_set(err, ENOMEM, "watching for queries");
	}
	return 0;
}

void names_stop(struct names *names)
{
	if (!names)
		return;
	kept_clear(&names->kept);
	for (size_t i = 0; i < SOCKETS; i++)
		if (names->on_query[i])
			event_free(names->on_query[i]);
	process_kill(&names->process);
	forget_process(names);
	inside_close(&names->inside);
	destinations_close(&names->destinations);
	free(names);
}
