/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Since Linux 6.9 the launcher's socket owns the table: other sockets cannot remove it, and "nft
 * flush ruleset" passes over it. The flag "persist" lets it stay when the socket is closed; the
 * kernel removes it with the network, in the background.
 *
 * Linux 5.12 to 6.8 know owners without that flag: there close(2) removes the table, and waits 10
 * ms and more until no processor uses it. Each launch would exit later by that time. So on these
 * and on older kernels the table has no owner. The launcher watches the removals of tables, and
 * makes the table again at once. The command can remove it at any rate, so each repair is followed
 * by a pause in proportion to its time.
 */
#include "fauxroot/proc/kept_table.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/macro.h"

/* The kernel answers at once; see netlink.h. */
#define ANSWER_MS 2000

/* The pause after a repair: at least PAUSE_MS, and at least PAUSE_TIMES the time that it took. */
#define PAUSE_MS    250
#define PAUSE_TIMES 20

/* The pause after a repair that failed. */
#define RETRY_MS 1000

int kept_table_sockets(int ret[static KEPT_TABLE_FDS], struct error *err)
{
	_cleanup_netlink_ struct netlink nl = NETLINK_NONE, reports = NETLINK_NONE;
	int rc = netlink_open(NETLINK_NETFILTER, ANSWER_MS, &nl, err);

	if (rc == 0)
		rc = netlink_open(NETLINK_NETFILTER, ANSWER_MS, &reports, err);
	if (rc < 0)
		return rc;
	ret[0] = TAKE_FD(nl.fd);
	ret[1] = TAKE_FD(reports.fd);
	return 0;
}

/* Replace an existing table only if there is one: after a removal, closing a socket of nf_tables
 * takes a grace period of the kernel. */
static int make(struct kept_table *t, uint32_t flags, struct error *err)
{
	struct nftables_table table = {.name = t->ops->name, .flags = flags};
	int rc = t->ops->make(t->arg, &t->nl, &table, err);

	if (rc != -EEXIST)
		return rc;
	table.replace = true;
	return t->ops->make(t->arg, &t->nl, &table, err);
}

static uint32_t flags_of(const struct kept_table *t)
{
	return t->reports.fd < 0 ? NFTABLES_KEPT : 0;
}

static int make_in_best_way(struct kept_table *t, struct error *err)
{
	int rc = make(t, NFTABLES_KEPT, err);

	if (rc == 0) {
		netlink_close(&t->reports);
		return 0;
	}
	log_debug("%s; trying without an owner", err->text);
	t->maker = netlink_port(&t->nl);
	rc = nftables_watch(&t->reports);
	return rc < 0 ? err_set(err, -rc, "watching nf_tables") : make(t, 0, err);
}

int kept_table_make(const int fds[static KEPT_TABLE_FDS], const struct kept_table_ops *ops,
		    void *arg, struct kept_table *ret, struct error *err)
{
	struct error why = {0};
	int rc;

	*ret = (struct kept_table){
		.ops = ops,
		.arg = arg,
		.nl = netlink_of(fds[0], ANSWER_MS),
		.reports = netlink_of(fds[1], ANSWER_MS),
	};
	rc = make_in_best_way(ret, &why);
	if (rc < 0) {
		kept_table_close(ret);
		*err = why;
	}
	return rc;
}

int kept_table_renew(struct kept_table *t, struct error *err)
{
	return make(t, flags_of(t), err);
}

static void on_due(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval retry = timeval_ms(RETRY_MS);
	struct kept_table *t = arg;
	int64_t start = clock_ms();
	struct error err = {0};

	(void)fd;
	(void)what;
	log_debug("the nf_tables table %s was removed; restoring it", t->ops->name);
	if (make(t, 0, &err) < 0) {
		/* The kernel may be short of memory, or the command has a table of that name. */
		if (!t->failed)
			log_warning("restoring the nf_tables table %s: %s; trying again every "
				    "second",
				    t->ops->name, err.text);
		t->failed = true;
		(void)event_add(&t->on_due, &retry);
	} else {
		t->failed = false;
		if (t->ops->restored)
			t->ops->restored(t->arg);
	}
	t->rest_ms = clock_ms() + MAX(PAUSE_MS, (clock_ms() - start) * PAUSE_TIMES);
}

static void on_report(evutil_socket_t fd, short what, void *arg)
{
	struct kept_table *t = arg;
	const struct timeval due = timeval_ms(MAX(0, t->rest_ms - clock_ms()));

	(void)fd;
	(void)what;
	if (nftables_is_removed(&t->reports, t->ops->name, t->maker) &&
	    !event_pending(&t->on_due, EV_TIMEOUT, NULL))
		(void)event_add(&t->on_due, &due);
}

int kept_table_supervise(struct kept_table *t, struct event_base *base, struct error *err)
{
	if (t->reports.fd < 0 || t->supervised)
		return 0;
	event_assign(&t->on_due, base, -1, 0, on_due, t);
	event_assign(&t->on_report, base, t->reports.fd, EV_READ | EV_PERSIST, on_report, t);
	if (event_add(&t->on_report, NULL) < 0)
		return err_set(err, ENOMEM, "watching nf_tables");
	t->supervised = true;
	return 0;
}

void kept_table_close(struct kept_table *t)
{
	if (t->supervised) {
		(void)event_del(&t->on_report);
		(void)event_del(&t->on_due);
	}
	netlink_close(&t->nl);
	netlink_close(&t->reports);
	*t = KEPT_TABLE_NONE;
}
