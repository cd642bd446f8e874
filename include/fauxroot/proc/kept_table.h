/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of nf_tables in the child's network that stays, whatever the command does with nft(8).
 *
 * The launcher configures it over sockets that a runner has made in that network: a socket keeps
 * its namespace. The launcher's effective uid owns the middle user namespace, and the launcher is
 * in the parent of that namespace. So the launcher has all capabilities there and in the child's
 * user namespace below it (man 7 user_namespaces), without joining them: it executes no program,
 * and resolves no path, in the child's mount namespace. See kept_table.c for how the table stays.
 */
#pragma once

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/sys/netlink.h"
#include "fauxroot/sys/nftables.h"

struct error;

struct kept_table_ops {
	const char *name; /* of the table, in the family inet */

	/*
	 * Create the table, with nftables_begin_table(), over @nl. Returns 0 or -errno with
	 * nothing created. Called again after each removal.
	 */
	int (*make)(void *arg, struct netlink *nl, const struct nftables_table *table,
		    struct error *err);

	/* The table was made again after a removal: add what was added later. May be NULL. */
	void (*restored)(void *arg);
};

struct kept_table {
	const struct kept_table_ops *ops; /* NULL: there is no table */
	void *arg;
	struct netlink nl;	/* for further changes of the table */
	struct netlink reports; /* of removals; fd -1: the table is owned, or does not exist */
	uint32_t maker;		/* the port of @nl (man 7 netlink: nl_pid) */
	int64_t rest_ms;	/* do not make it again before this time */
	struct event on_report, on_due;
	bool supervised;
	bool failed; /* the last repair failed */
};

/* For initialization; kept_table_close() accepts it. */
#define KEPT_TABLE_NONE ((struct kept_table){.nl = NETLINK_NONE, .reports = NETLINK_NONE})

/* The number of sockets of a table. */
#define KEPT_TABLE_FDS 2

/*
 * kept_table_sockets() - in a runner: make the sockets in the network of the calling process
 * @ret: owned by the caller, for kept_table_make() in the launcher
 *
 * Returns 0, or -errno with no socket open (EPROTONOSUPPORT: the kernel has no nf_tables).
 */
int kept_table_sockets(int ret[static KEPT_TABLE_FDS], struct error *err);

/*
 * kept_table_make() - create the table
 * @fds: from kept_table_sockets(); owned by @ret, or closed on an error
 * @ops, @arg: must outlive @ret
 * @ret: must not move in memory after kept_table_supervise(); KEPT_TABLE_NONE on an error
 *
 * Replaces a table of that name without an owner. Returns 0 or -errno (ENOENT: the kernel lacks an
 * expression; EPERM: the table belongs to another socket).
 */
int kept_table_make(const int fds[static KEPT_TABLE_FDS], const struct kept_table_ops *ops,
		    void *arg, struct kept_table *ret, struct error *err);

/* kept_table_renew() - replace the table by a new one, as ops.make() creates it; 0 or -errno */
int kept_table_renew(struct kept_table *t, struct error *err);

/* kept_table_supervise() - restore the table after each removal, from the event loop @base; 0 or
 * -ENOMEM. Accepts KEPT_TABLE_NONE */
int kept_table_supervise(struct kept_table *t, struct event_base *base, struct error *err);

/* kept_table_close() - stop, and close the sockets; accepts KEPT_TABLE_NONE. The kernel removes the
 * table with the network */
void kept_table_close(struct kept_table *t);
