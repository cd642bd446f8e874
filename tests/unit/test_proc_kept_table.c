/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of nf_tables that stay, with the real kernel, in a network namespace: owned by our socket,
 * and as on a kernel that does not know such owners.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/proc/kept_table.h"
#include "netns_fixture.h"

#define TABLE	   "fauxroot-test"
#define TIMEOUT_MS 30000

/* A check in the runner: its failure is returned as the error of the job. */
#define EXPECT(err, condition)                                                           \
	do {                                                                             \
		if (!(condition))                                                        \
			return err_say(err, EBADE, "line %d: %s", __LINE__, #condition); \
	} while (0)

struct maker {
	bool old_kernel; /* refuse owners */
	int failures;	 /* so many of the next calls fail */
	int made, restored;
};

/* kept_table_ops.make */
static int make(void *arg, struct netlink *nl, const struct nftables_table *table,
		struct error *err)
{
	struct maker *maker = arg;
	struct netlink_request r;
	int rc;

	if (maker->old_kernel && table->flags)
		return err_set(err, EOPNOTSUPP, "making a table");
	if (maker->failures > 0) {
		maker->failures--;
		return err_set(err, ENOMEM, "making a table");
	}
	netlink_clear(&r);
	nftables_begin_table(&r, table, NLM_F_ACK);
	nftables_put_chain(&r, TABLE, "in", "filter", NF_INET_PRE_ROUTING, 0);
	nftables_end_batch(&r);
	rc = netlink_transact(nl, &r, "making a table", err);
	maker->made += rc == 0;
	return rc;
}

/* kept_table_ops.restored */
static void on_restored(void *arg)
{
	struct maker *maker = arg;

	maker->restored++;
}

static const struct kept_table_ops ops = {.name = TABLE, .make = make, .restored = on_restored};

/* Send the same request as "nft flush ruleset". */
static int flush_ruleset(struct netlink *nl, struct error *err)
{
	const struct nfgenmsg all = {.nfgen_family = AF_UNSPEC};
	struct netlink_request r;

	netlink_clear(&r);
	nftables_begin_batch(&r);
	netlink_begin(&r, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE, NLM_F_ACK, &all,
		      sizeof(all));
	nftables_end_batch(&r);
	return netlink_transact(nl, &r, "flushing", err);
}

/* Does the table exist? */
static int has_table(struct netlink *nl)
{
	const struct nfgenmsg inet = {.nfgen_family = NFPROTO_INET};
	struct netlink_request r;

	netlink_clear(&r);
	netlink_begin(&r, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, 0, &inet, sizeof(inet));
	netlink_put_string(&r, NFTA_TABLE_NAME, TABLE);
	return netlink_transact(nl, &r, "looking", NULL) != -ENOENT;
}

/* Flush, and wait until the table is there again. */
static int flush_and_wait(struct maker *maker, struct event_base *base, struct netlink *theirs,
			  struct error *err)
{
	int restored = maker->restored;
	struct deadline deadline = deadline_in(TIMEOUT_MS);
	int rc = flush_ruleset(theirs, err);

	if (rc < 0)
		return rc;
	EXPECT(err, !has_table(theirs));
	while (maker->restored == restored && deadline_left(&deadline) > 0)
		event_base_loop(base, EVLOOP_ONCE);
	EXPECT(err, maker->restored == restored + 1);
	EXPECT(err, has_table(theirs));
	return 0;
}

static int one_kernel(bool old_kernel, struct error *err)
{
	_cleanup_netlink_ struct netlink theirs = NETLINK_NONE;
	struct maker maker = {.old_kernel = old_kernel};
	struct event_base *base = event_base_new();
	struct kept_table table = KEPT_TABLE_NONE;
	int fds[KEPT_TABLE_FDS], rc = netlink_open(NETLINK_NETFILTER, TIMEOUT_MS, &theirs, err);
	bool owned;

	EXPECT(err, base);
	if (rc == 0)
		rc = kept_table_sockets(fds, err);
	if (rc == 0)
		rc = kept_table_make(fds, &ops, &maker, &table, err);
	if (rc == 0)
		rc = kept_table_supervise(&table, base, err);
	if (rc < 0)
		return rc;
	EXPECT(err, maker.made == 1 && has_table(&theirs));
	owned = table.reports.fd < 0;
	EXPECT(err, !owned || !old_kernel);
	if (owned)
		EXPECT(err, flush_ruleset(&theirs, err) == 0 && has_table(&theirs));
	/* The second removal falls into the pause after the first repair. */
	for (int i = 0; i < 2 && !owned && rc == 0; i++)
		rc = flush_and_wait(&maker, base, &theirs, err);
	/* A repair that fails is repeated. */
	maker.failures = owned ? 0 : 2;
	if (!owned && rc == 0)
		rc = flush_and_wait(&maker, base, &theirs, err);
	if (rc < 0)
		return rc;
	/* Our own replacement is no removal. */
	EXPECT(err, kept_table_renew(&table, err) == 0 && has_table(&theirs));
	event_base_loop(base, EVLOOP_NONBLOCK);
	EXPECT(err, maker.restored == (owned ? 0 : 3) && maker.failures == 0);
	kept_table_close(&table);
	EXPECT(err, has_table(&theirs));
	event_base_free(base);
	return 0;
}

/* ns_job.run */
static int kernels_inside(void *arg, struct error *err)
{
	(void)arg;
	/* Each but the first replaces the table that the one before it has left. */
	for (int i = 0; i < 4; i++) {
		int rc = one_kernel(i & 1, err);

		if (rc < 0)
			return err_wrap(err, rc, "round %d", i);
	}
	return 0;
}

/* ns_job.run */
static int taken_inside(void *arg, struct error *err)
{
	struct kept_table ours = KEPT_TABLE_NONE, theirs = KEPT_TABLE_NONE;
	struct maker maker = {0};
	int fds[KEPT_TABLE_FDS], more[KEPT_TABLE_FDS], rc = kept_table_sockets(fds, err);

	(void)arg;
	if (rc == 0)
		rc = kept_table_sockets(more, err);
	if (rc == 0)
		rc = kept_table_make(fds, &ops, &maker, &theirs, err);
	if (rc < 0)
		return rc;
	rc = kept_table_make(more, &ops, &maker, &ours, err);
	/* Linux before 6.9: it has no owner, so it is replaced. */
	EXPECT(err, rc == (theirs.reports.fd < 0 ? -EPERM : 0));
	EXPECT(err, rc == 0 || (ours.nl.fd < 0 && !ours.ops));
	kept_table_close(&ours);
	kept_table_close(&theirs);
	return 0;
}

static void run_inside(void **state, int (*run)(void *arg, struct error *err))
{
	const struct fixture *f = *state;
	const struct ns_job job = {.name = "test", .which = NS_JOIN_NET, .run = run};
	struct deadline deadline = deadline_in(120000);
	struct error err = {0};

	if (ns_run(&f->ns, &job, &deadline, -1, &err) < 0)
		fail_msg("%s", err.text);
}

static void a_table_stays(void **state)
{
	run_inside(state, kernels_inside);
}

static void a_table_of_another_owner_is_refused(void **state)
{
	run_inside(state, taken_inside);
}

static void without_a_table_nothing_happens(void **state)
{
	struct kept_table table = KEPT_TABLE_NONE;
	struct error err = {0};

	(void)state;
	assert_int_equal(0, kept_table_supervise(&table, NULL, &err));
	kept_table_close(&table);
	kept_table_close(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_table_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_table_of_another_owner_is_refused, set_up,
						tear_down),
		cmocka_unit_test(without_a_table_nothing_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
