/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connection tracking in the child's network, which routes answers to real client addresses back to
 * us. It starts with the first port that remote clients can reach. See tracking.c.
 */
#pragma once

#include <stdbool.h>

struct error;
struct event_base;
struct ns_set;
struct tracking;

/*
 * tracking_start() - set up connection tracking in the child's network namespace
 * @ns: the child's; @cancel_fd: as fd_wait()
 *
 * Returns 0 or -errno, with the kernel's message if the kernel refuses.
 */
int tracking_start(const struct ns_set *ns, int cancel_fd, struct tracking **ret,
		   struct error *err);

/* tracking_is_by_mark() - must our sockets carry SOURCE_SOCKET_MARK? */
bool tracking_is_by_mark(const struct tracking *t);

/*
 * tracking_supervise() - follow changes of the child's networks in the event loop @base
 *
 * The table is restored if the command removes it. Returns 0 or -errno.
 */
int tracking_supervise(struct tracking *t, struct event_base *base, struct error *err);

/* tracking_stop() - close the sockets; accepts NULL */
void tracking_stop(struct tracking *t);
