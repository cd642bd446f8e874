/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The launcher configures nf_tables in the child's network namespace itself, over sockets that a
 * runner has made there: a socket keeps its namespace. The launcher's effective uid owns the middle
 * user namespace, and the launcher is in the parent of that namespace. So it has all capabilities
 * there and in the child's user namespace below it (man 7 user_namespaces): it executes no program,
 * and resolves no path in the child's mount namespace.
 *
 * The table belongs to the launcher's socket (NFT_TABLE_F_OWNER, Linux 5.12): "nft flush ruleset"
 * in the child does not remove it. The launcher is the owner, because the target cannot kill it and
 * it lives as long as the ports; the agent can be killed by the target. On an older kernel the
 * launcher watches the table, and restores it after a removal.
 *
 * The kernel decides how the rules recognise our connections. With nft_fib: their source is not an
 * address of the namespace. Without: their sockets carry a mark that no routing rule uses.
 *
 * A client may have an address in a network on one of the child's links. If DNAT redirects its
 * connection to a server on that link, the client cannot keep its address: the server would search
 * the client on the link. Such connections get the link's own address as their source. Networks are
 * added and removed (docker network create), so the launcher watches the routes. The target may
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

enum role { NFT, NFT_REPORTS, ROUTES, ROUTE_REPORTS, ROLES };

struct tracking {
	struct netlink sockets[ROLES]; /* of the child's network namespace */
	struct nft_variant variant;
	uint32_t port; /* of the NFT socket (man 7 netlink: nl_pid) */
	struct event *on_nft, *on_routes, *on_due;
	int64_t rest_ms; /* do not check the routes again before this time */
	bool removed;	 /* the table must be restored */
	bool complained; /* a problem with networks was logged */
};

/* ---- the sockets ---- */

/* ns_job.run. It does not close the sockets: the process exits soon. */
static int open_inside(void *arg, struct error *err)
{
	static const int protocols[ROLES] = {NETLINK_NETFILTER, NETLINK_NETFILTER, NETLINK_ROUTE,
					     NETLINK_ROUTE};
	struct netlink nl;
	int *fds = arg, rc = 0;

	for (int i = 0; i < ROLES && rc == 0; i++) {
		rc = netlink_open(protocols[i], ANSWER_MS, &nl, err);
		if (rc == 0)
			fds[i] = nl.fd;
	}
	return rc;
}

static int open_sockets(struct tracking *t, const struct ns_set *ns, int cancel_fd,
			struct error *err)
{
	struct deadline deadline = deadline_in(OPEN_MS);
	int fds[ROLES], rc;
	struct ns_job job = {
		.name = "fauxroot: netns",
		.which = NS_JOIN_NET,
		.run = open_inside,
		.arg = fds,
		.fds = fds,
		.n_fds = ROLES,
	};

	rc = ns_run(ns, &job, &deadline, cancel_fd, err);
	for (int i = 0; i < ROLES && rc == 0; i++)
		t->sockets[i] = netlink_of(fds[i], ANSWER_MS);
	return rc;
}

/* ---- the table ---- */

static void learn_port(struct tracking *t)
{
	struct sockaddr_nl name = {0};
	socklen_t size = sizeof(name);

	if (getsockname(t->sockets[NFT].fd, (struct sockaddr *)&name, &size) == 0)
		t->port = name.nl_pid;
}

/* Create the table in the best variant that this kernel supports. */
static int make_table(struct tracking *t, struct error *err)
{
	static const struct nft_variant variants[] = {
		{.by_mark = false, .owned = true},
		{.by_mark = true, .owned = true},
		{.by_mark = false, .owned = false},
		{.by_mark = true, .owned = false},
	};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
		struct error why = {0};
		int failed = nft_make(&t->sockets[NFT], &variants[i], &why);

		if (failed == 0) {
			t->variant = variants[i];
			return 0;
		}
		log_debug("%s%s%s", why.text, variants[i].by_mark ? " (by mark)" : "",
			  variants[i].owned ? " (owned)" : "");
		/* Report the error of the best variant. */
		if (i == 0 && err)
			*err = why;
		if (i == 0)
			rc = failed;
	}
	return rc;
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
	int rc = onlink_list(&t->sockets[ROUTES], networks, &n, &err);

	/* If there are too many networks, use the first ones. -EINTR: they have changed during the
	 * dump, and on_routes() gets a report. */
	if (rc == -E2BIG)
		complain(t, &err);
	if (rc == 0 || rc == -E2BIG)
		rc = nft_set_networks(&t->sockets[NFT], networks, n, &err);
	if (rc < 0 && rc != -EINTR)
		complain(t, &err);
	t->rest_ms = clock_ms() + MAX(PAUSE_MS, (clock_ms() - start) * PAUSE_TIMES);
}

/* Call it before the first check of the routes, so that no change is missed. */
static int watch(struct tracking *t, struct error *err)
{
	int rc = onlink_watch(&t->sockets[ROUTE_REPORTS]);

	if (rc == 0 && !t->variant.owned)
		rc = nft_watch(&t->sockets[NFT_REPORTS]);
	return rc < 0 ? err_set(err, -rc, "watching the child's network") : 0;
}

int tracking_start(const struct ns_set *ns, int cancel_fd, struct tracking **ret, struct error *err)
{
	struct tracking *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return err_set(err, ENOMEM, "tracking connections");
	for (int i = 0; i < ROLES; i++)
		t->sockets[i] = NETLINK_NONE;
	rc = open_sockets(t, ns, cancel_fd, err);
	if (rc == 0)
		rc = make_table(t, err);
	if (rc == 0)
		rc = watch(t, err);
	if (rc < 0) {
		tracking_stop(t);
		return rc;
	}
	if (t->variant.owned)
		netlink_close(&t->sockets[NFT_REPORTS]);
	learn_port(t);
	set_networks(t);
	*ret = t;
	return 0;
}

bool tracking_is_by_mark(const struct tracking *t)
{
	return t->variant.by_mark;
}

/* ---- changes ---- */

static void check_soon(struct tracking *t)
{
	int64_t wait = MAX(DELAY_MS, t->rest_ms - clock_ms());
	struct timeval due = timeval_ms(wait);

	if (!event_pending(t->on_due, EV_TIMEOUT, NULL))
		(void)event_add(t->on_due, &due);
}

static void on_routes(evutil_socket_t fd, short what, void *arg)
{
	struct tracking *t = arg;

	(void)fd;
	(void)what;
	onlink_drain(&t->sockets[ROUTE_REPORTS]);
	check_soon(t);
}

static void on_nft(evutil_socket_t fd, short what, void *arg)
{
	struct tracking *t = arg;

	(void)fd;
	(void)what;
	if (!nft_is_removed(&t->sockets[NFT_REPORTS], t->port))
		return;
	t->removed = true;
	check_soon(t);
}

static void on_due(evutil_socket_t fd, short what, void *arg)
{
	struct tracking *t = arg;
	struct error err = {0};

	(void)fd;
	(void)what;
	if (t->removed) {
		log_debug("the nf_tables table of published ports was removed; restoring it");
		t->removed = false;
		if (nft_make(&t->sockets[NFT], &t->variant, &err) < 0)
			log_warning("remote clients of published ports get no answers: %s",
				    err.text);
	}
	set_networks(t);
}

int tracking_supervise(struct tracking *t, struct event_base *base, struct error *err)
{
	if (t->on_due)
		return 0;
	t->on_due = event_new(base, -1, 0, on_due, t);
	t->on_routes =
		event_new(base, t->sockets[ROUTE_REPORTS].fd, EV_READ | EV_PERSIST, on_routes, t);
	if (!t->on_due || !t->on_routes || event_add(t->on_routes, NULL) < 0)
		return err_set(err, ENOMEM, "watching the child's routes");
	if (t->variant.owned)
		return 0;
	t->on_nft = event_new(base, t->sockets[NFT_REPORTS].fd, EV_READ | EV_PERSIST, on_nft, t);
	if (!t->on_nft || event_add(t->on_nft, NULL) < 0)
		return err_set(err, ENOMEM, "watching nf_tables");
	return 0;
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
	free_event(t->on_nft);
	free_event(t->on_routes);
	free_event(t->on_due);
	for (int i = 0; i < ROLES; i++)
		netlink_close(&t->sockets[i]);
	free(t);
}
