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
#include "launch.h"
#include "stage.h"

static int see_launcher(const struct launch *l, struct error *err)
{
	return handshake_peer_lives(l->in_middle.sock)
		       ? 0
		       : err_say(err, ECONNRESET, "the launcher has gone");
}

int middle_await_maps(struct launch *l, struct error *err)
{
	int rc = 0;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		rc = err_set(err, errno, "asking to die with the launcher");
	if (rc == 0)
		rc = see_launcher(l, err);
	if (rc == 0)
		rc = handshake_expect(l->in_middle.sock, HANDSHAKE_MAPPED, "waiting for the id map",
				      -1, err);
	return rc;
}

int middle_clone_child(struct launch *l, struct error *err)
{
	int rc = idmap_clone(&l->map, l->in_middle.child_flags, &l->in_middle.child, err);

	if (rc == 0) {
		fd_close(l->in_middle.sock);
		child_main(l);
	}
	return MIN(rc, 0);
}

/* The launcher opens the child's namespaces while the child's maps are written. */
int middle_map_child(struct launch *l, struct error *err)
{
	int sock = l->in_middle.sock;
	int rc = handshake_hand(sock, HANDSHAKE_CHILD, l->in_middle.child.pidfd);

	if (rc < 0)
		return err_set(err, -rc, "telling the launcher of the child");
	rc = idmap_repeat(&l->map, l->in_middle.child.pid, err);
	if (rc < 0)
		return rc;
	/* What is left is a process that may hold the network for a helper. */
	rc = fd_close_all_except(&sock, 1);
	if (rc < 0)
		return err_set(err, -rc, "closing what is the child's");
	rc = see_launcher(l, err);
	if (rc < 0)
		return rc;
	rc = handshake_say(sock, HANDSHAKE_MAPPED);
	return rc < 0 ? err_set(err, -rc, "telling the launcher of the child's maps") : 0;
}

void middle_main(struct launch *l, unsigned long child_flags)
{
	struct error err = {0};

	l->in_middle.child_flags = child_flags;
	fd_close(l->middle.sock);
	fd_close(l->sock);
	if (stages_run(l, SIDE_MIDDLE, &err) < 0) {
		handshake_fail(l->in_middle.sock, &err);
		_exit(1);
	}
	if (l->in_middle.holds)
		ns_hold_here(&l->in_middle.hold, l->in_middle.sock);
	_exit(0);
}
