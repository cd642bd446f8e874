/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The launcher configures nf_tables in the child's network namespace itself, over sockets that a
 * runner has made there, and keeps the table there: proc/kept_table.h. The agent does not do this,
 * because the target can kill it.
 *
 * The kernel decides how the rules recognise our connections. With nft_fib: their source is not an
 * address of the namespace. Without: their sockets carry a mark that no routing rule uses.
 *
 * A client may have an address in a network on one of the child's links. If DNAT redirects its
 * connection to a server on that link, the client cannot keep its address: the server would look
 * for the client on the link. Such connections get the link's own address as their source. Networks
 * are added and removed (docker network create), so the launcher watches the routes. The target may
 * change them very often, so the interval between two checks has a minimum.
 */
#include "tracking.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/proc/kept_table.h"
#include "fauxroot/sys/netlink.h"
#include "fauxroot/sys/ns.h"
#include "nft.h"
#include "onlink.h"

#define OPEN_MS	  5000
#define ANSWER_MS 2000

/* The delay between a change and the check, which then covers further changes as well. */
#define DELAY_MS 50

/* The minimum interval between two checks: at least PAUSE_MS, and at least PAUSE_TIMES the duration
 * of a check. */
#define PAUSE_MS    250
#define PAUSE_TIMES 20

struct tracking {
	struct kept_table table;
	bool by_mark;			      /* see nft.h */
	struct netlink routes, route_reports; /* of the child's network namespace */
	struct event *on_routes, *on_due;
	int64_t next_ms; /* do not check the routes again before this time */
	bool complained; /* a problem with networks was logged */
};

/* ---- the sockets ---- */

/* The order in which the runner returns the sockets: the sockets of the table are the first. */
enum { FD_ROUTES = KEPT_TABLE_FDS, FD_ROUTE_REPORTS, FD_COUNT };

/* ns_job.run. It does not close the sockets: the process exits soon. */
static int open_inside(void *arg, struct error *err)
{
	struct netlink nl;
	int *fds = arg, rc = kept_table_sockets(fds, err);

	for (int i = FD_ROUTES; i < FD_COUNT && rc == 0; i++) {
		rc = netlink_open(NETLINK_ROUTE, ANSWER_MS, &nl, err);
		if (rc == 0)
			fds[i] = nl.fd;
	}
	return rc;
}

/* ---- the table ---- */

/* kept_table_ops.make: make the better variant that this kernel supports. */
static int make_table(void *arg, struct netlink *nl, const struct nftables_table *table,
		      struct error *err)
{
	struct tracking *t = arg;
	struct error why = {0};
	int rc = nft_make(nl, table, false, err);

	if (rc == 0 || rc == -EEXIST)
		return rc;
	/* If that fails, too, report the error of the better variant. */
	if (nft_make(nl, table, true, &why) < 0)
		return rc;
	t->by_mark = true;
	return 0;
}

static void check_soon(struct tracking *t)
{
	int64_t wait = MAX(DELAY_MS, t->next_ms - clock_ms());
	struct timeval due = timeval_ms(wait);

	if (!event_pending(t->on_due, EV_TIMEOUT, NULL))
		(void)event_add(t->on_due, &due);
}

/* kept_table_ops.restored */
static void on_restored(void *arg)
{
	check_soon(arg);
}

static const struct kept_table_ops table_ops = {
	.name = NFT_TABLE,
	.make = make_table,
	.restored = on_restored,
};

/* Make the sockets and the table. */
static int open_table(struct tracking *t, const struct ns_set *ns, int cancel_fd, struct error *err)
{
	struct deadline deadline = deadline_in(OPEN_MS);
	int fds[FD_COUNT], rc;
	const struct ns_job job = {
		.name = "fauxroot: netns",
		.which = NS_JOIN_NET,
		.run = open_inside,
		.arg = fds,
		.fds = fds,
		.n_fds = FD_COUNT,
	};

	rc = ns_run(ns, &job, &deadline, cancel_fd, err);
	if (rc < 0)
		return rc;
	t->routes = netlink_of(fds[FD_ROUTES], ANSWER_MS);
	t->route_reports = netlink_of(fds[FD_ROUTE_REPORTS], ANSWER_MS);
	return kept_table_make(fds, &table_ops, t, &t->table, err);
}

static void complain(struct tracking *t, const struct error *err)
{
	if (t->complained)
		return;
	t->complained = true;
	log_warning("clients with an address of one of the command's networks may get no answers "
		    "from that network: %s",
		    err->text);
}

static void set_networks(struct tracking *t)
{
	struct nft_network networks[NFT_NETWORKS_MAX];
	int64_t start = clock_ms();
	struct error err = {0};
	size_t n = 0;
	int rc = onlink_list(&t->routes, networks, &n, &err);

	/* If there are too many networks, use the first ones. -EINTR: they have changed during the
	 * dump, and on_routes() gets a report. */
	if (rc == -E2BIG)
		complain(t, &err);
	if (rc == 0 || rc == -E2BIG)
		rc = nft_set_networks(&t->table.nl, networks, n, &err);
	if (rc < 0 && rc != -EINTR)
		complain(t, &err);
	t->next_ms = clock_ms() + MAX(PAUSE_MS, (clock_ms() - start) * PAUSE_TIMES);
}

static int watch_routes(struct tracking *t, struct error *err)
{
	int rc = onlink_watch(&t->route_reports);

	return rc < 0 ? err_set(err, -rc, "watching the child's network") : 0;
}

int tracking_start(const struct ns_set *ns, int cancel_fd, struct tracking **ret, struct error *err)
{
	struct tracking *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return err_set(err, ENOMEM, "tracking connections");
	t->table = KEPT_TABLE_NONE;
	t->routes = t->route_reports = NETLINK_NONE;
	rc = open_table(t, ns, cancel_fd, err);
	/* Before the first check of the routes, so that no change is missed. */
	if (rc == 0)
		rc = watch_routes(t, err);
	if (rc < 0) {
		tracking_stop(t);
		return rc;
	}
	set_networks(t);
	*ret = t;
	return 0;
}

bool tracking_is_by_mark(const struct tracking *t)
{
	return t->by_mark;
}

/* ---- changes ---- */

static void on_routes(evutil_socket_t fd, short what, void *arg)
{
	struct tracking *t = arg;

	(void)fd;
	(void)what;
	onlink_drain(&t->route_reports);
	check_soon(t);
}

static void on_due(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	set_networks(arg);
}

int tracking_supervise(struct tracking *t, struct event_base *base, struct error *err)
{
	if (t->on_due)
		return 0;
	t->on_due = event_new(base, -1, 0, on_due, t);
	t->on_routes = event_new(base, t->route_reports.fd, EV_READ | EV_PERSIST, on_routes, t);
	if (!t->on_due || !t->on_routes || event_add(t->on_routes, NULL) < 0)
		return err_set(err, ENOMEM, "watching the child's routes");
	return kept_table_supervise(&t->table, base, err);
}

static void free_event(struct event *event)
{
	if (event)
		event_free(event);
}

void tracking_stop(struct tracking *t)
{
	if (!t)
		return;
	free_event(t->on_routes);
	free_event(t->on_due);
	kept_table_close(&t->table);
	netlink_close(&t->routes);
	netlink_close(&t->route_reports);
	free(t);
}
