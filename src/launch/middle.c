/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * There are two nested user namespaces. The middle process is cloned into the first, and clones the
 * child into the second, below it. Both have the same ids. Our processes that work on the child's
 * network, mounts or PIDs join these namespaces from the middle user namespace. The target has no
 * capabilities over the middle user namespace. Only the child enters the child's user namespace,
 * and before the target runs the runner that makes a detached network (sys/ns_net.c).
 *
 * The middle process is a fork of the launcher with all its descriptors. The child is a fork of the
 * middle process, and may have to pass some of them to the target. End of file on a socket reports
 * that a process has exited, so the middle process must not keep such a socket open. It closes the
 * launcher's ends first, and the child's ends after the clone, together with all other descriptors.
 * All signals are blocked, as in the launcher: signals from a terminal to the process group have no
 * effect on it.
 *
 * The changes of its user id clear the parent-death signal. idmap_clone() arms it again. After that
 * the middle process checks that the launcher is alive. The child is the launcher's child, and
 * checks for itself: it waits for a message from the launcher.
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
#include "fauxroot/proc/handshake.h"
#include "fauxroot/sys/ns.h"
#include "launch.h"
#include "stage.h"

static int check_launcher(const struct launch *l, struct error *err)
{
	return handshake_peer_lives(l->in_middle.sock)
		       ? 0
		       : err_say(err, ECONNRESET, "the launcher has exited");
}

int middle_await_maps(struct launch *l, struct error *err)
{
	int rc = 0;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		rc = err_set(err, errno, "setting the parent-death signal");
	if (rc == 0)
		rc = check_launcher(l, err);
	if (rc == 0)
		rc = handshake_expect(l->in_middle.sock, HANDSHAKE_MAPPED, "waiting for the id map",
				      -1, err);
	return rc;
}

int middle_clone_child(struct launch *l, struct error *err)
{
	int rc = idmap_clone(&l->prepared.map, l->in_middle.child_flags, &l->in_middle.child, err);

	if (rc == 0) {
		fd_close(l->in_middle.sock);
		child_main(l);
	}
	return MIN(rc, 0);
}

/* Send the child first: the launcher opens its namespaces while its maps are written. */
int middle_map_child(struct launch *l, struct error *err)
{
	int sock = l->in_middle.sock;
	int rc = handshake_send_fd(sock, HANDSHAKE_CHILD, l->in_middle.child.pidfd);

	if (rc < 0)
		return err_set(err, -rc, "sending the child to the launcher");
	rc = idmap_repeat(&l->prepared.map, l->in_middle.child.pid, err);
	if (rc < 0)
		return rc;
	/* From now on this process is at most the network's holder. */
	rc = fd_close_all_except(&sock, 1);
	if (rc < 0)
		return err_set(err, -rc, "closing the child's descriptors");
	rc = check_launcher(l, err);
	if (rc < 0)
		return rc;
	rc = handshake_send(sock, HANDSHAKE_MAPPED);
	return rc < 0 ? err_set(err, -rc, "reporting the child's id maps to the launcher") : 0;
}

void middle_main(struct launch *l, unsigned long child_flags)
{
	struct error err = {0};

	l->in_middle.child_flags = child_flags;
	fd_close(l->cloned.middle.sock);
	fd_close(l->cloned.sock);
	if (stages_run(l, SIDE_MIDDLE, &err) < 0) {
		handshake_fail(l->in_middle.sock, &err);
		_exit(1);
	}
	if (l->in_middle.is_holder)
		ns_hold_here(&l->in_middle.job, l->in_middle.sock);
	_exit(0);
}
