/* SPDX-License-Identifier: Apache-2.0 */
/* In the event loop: the child's resolv.conf and hosts follow the host's. See etcfollow.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/mounts/etcfiles.h"
#include "fauxroot/mounts/etclook.h"
#include "fauxroot/mounts/etcwatch.h"

struct children;
struct error;
struct event;
struct event_base;
struct ns_set;

struct etcfollow_ops {
	/* Call etcfiles_write_parent() with @host, @write and @write_arg. Returns 0 or -errno. */
	int (*compose)(void *arg, const struct etchost *host, etcfile_write *write,
		       const void *write_arg, struct error *err);

	/* The host's files contain @host now. @written: therefore at least one of the child's files
	 * was written again. */
	void (*looked)(void *arg, const struct etchost *host, bool written);
};

/* The first two fields belong to the caller, the others to etcfollow.c. */
struct etcfollow {
	struct etcfiles files; /* our mounts on files of the host's /etc; empty if /etc is a copy */
	struct etccopy copies[ETCFILE_COUNT_]; /* the files that the caller has written */

	const struct etcfollow_ops *ops;
	void *arg;
	const struct ns_set *ns;
	struct children *children;
	struct event_base *base;
	struct event *on_change, *on_due, *on_renew, *on_late;
	struct etcwatch watch;
	struct etclook look;   /* a look that runs; or ETCLOOK_NONE */
	struct process repair; /* a repair that runs; or PROCESS_NONE */
	bool repair_again;     /* a file was replaced after the start of the repair */
	bool looked;	       /* the first look of the event loop is over, or late */
	bool late;	       /* the look waits for a file system */
	bool again;	       /* something has changed after the start of the look */
	bool written;	       /* after this look, a file of the child was written again */
	int64_t changed_ms;    /* time of the first change after the last look; 0: none */
};

#define ETCFOLLOW_NONE                                              \
	((struct etcfollow){.files = ETCFILES_NONE,                 \
			    .copies = {ETCCOPY_NONE, ETCCOPY_NONE}, \
			    .watch = ETCWATCH_NONE,                 \
			    .look = ETCLOOK_NONE,                   \
			    .repair = PROCESS_NONE})

/*
 * etcfollow_supervise() - write the child's files again when the host's files change; if our files
 * are mounted on files of the host's /etc, repeat the mount when the host replaces one
 * @ns: the middle user namespace, and the child's other namespaces; must outlive @etc
 * @children: the table that reaps our processes; must outlive @etc
 * @ops: called with @arg; must outlive @etc
 *
 * Returns 0 or -ENOMEM.
 */
int etcfollow_supervise(struct etcfollow *etc, struct event_base *base, struct children *children,
			const struct ns_set *ns, const struct etcfollow_ops *ops, void *arg,
			struct error *err);

/* etcfollow_renew() - write the child's files again, because the result of ops.compose() has
 * changed; does nothing before etcfollow_supervise() */
void etcfollow_renew(struct etcfollow *etc);

/* etcfollow_clear() - free the events and close the files; call it before the event base is freed
 */
void etcfollow_clear(struct etcfollow *etc);
