/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * There are two user namespaces between the host and the target. The middle process is cloned into
 * the first, and clones the child into the second, below it. Both have the same ids. What is ours
 * and has to do with the child's network, mounts or PIDs joins those from the middle namespace,
 * over which the target has no capability; nothing of ours but the child itself enters the child's.
 *
 * The middle process is a fork of the launcher with all that the launcher has open, because the
 * child, which it forks in turn, may have to pass some of it on. It holds no end of a socket that
 * says by its closing that somebody has gone: the launcher's ends are closed first, the child's
 * after the clone, with all the rest. All signals are blocked, as in the launcher: what a terminal
 * sends to the process group does not reach it.
 *
 * The changes of its user id clear the parent-death signal. idmap_clone() arms it again, and the
 * launcher's life is looked at after that. The child, whose parent is the launcher, finds out by
 * itself: it waits for the launcher's word.
 */
#include "middle.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "child.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/idmap/idmap.h"
#include "fauxroot/sys/ns.h"
#include "handshake.h"

static int see_launcher(const struct middle_plan *plan, struct error *err)
{
	return handshake_peer_lives(plan->sock) ? 0
						: err_say(err, ECONNRESET, "the launcher has gone");
}

static int die_with_launcher(const struct middle_plan *plan, struct error *err)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return err_set(err, errno, "asking to die with the launcher");
	return see_launcher(plan, err);
}

/* The launcher opens the child's namespaces while the child's maps are written. */
static int map_child(const struct middle_plan *plan, const struct process *child, struct error *err)
{
	int rc = handshake_hand(plan->sock, HANDSHAKE_CHILD, child->pidfd);

	if (rc < 0)
		return err_set(err, -rc, "telling the launcher of the child");
	rc = idmap_repeat(plan->map, child->pid, err);
	if (rc < 0)
		return rc;
	/* What is left is a process that may hold the network for a helper. */
	rc = fd_close_all_except(&plan->sock, 1);
	if (rc < 0)
		return err_set(err, -rc, "closing what is the child's");
	rc = see_launcher(plan, err);
	if (rc < 0)
		return rc;
	rc = handshake_say(plan->sock, HANDSHAKE_MAPPED);
	return rc < 0 ? err_set(err, -rc, "telling the launcher of the child's maps") : 0;
}

/* The middle process's story, step by step. */
static int run_middle(const struct middle_plan *plan, struct error *err)
{
	struct process child = PROCESS_NONE;
	int rc = die_with_launcher(plan, err);

	if (rc == 0)
		rc = handshake_expect(plan->sock, HANDSHAKE_MAPPED, "waiting for the id map", -1,
				      err);
	if (rc == 0) {
		rc = idmap_clone(plan->map, plan->flags, &child, err);
		if (rc == 0) {
			fd_close(plan->sock);
			child_main(plan->child);
		}
	}
	return rc > 0 ? map_child(plan, &child, err) : rc;
}

void middle_main(const struct middle_plan *plan)
{
	struct error err = {0};

	fd_close(plan->peer_sock);
	fd_close(plan->child->peer_sock);
	if (run_middle(plan, &err) < 0) {
		handshake_fail(plan->sock, &err);
		_exit(1);
	}
	if (plan->hold)
		ns_hold_here(plan->hold, plan->sock);
	_exit(0);
}
