/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Who has a user namespace in his power is decided by two things (man 7 user_namespaces,
 * "Capabilities"): a process in an ancestor namespace needs the capability there, and a process
 * whose effective user id owns the namespace has all of them from its parent namespace. The second
 * needs no capability at all. So the child is cloned under a subordinate id: a helper of ours that
 * has dropped its capabilities, and runs with the caller's id beside the child, then has no power
 * over it. With a map of one id there is no second one.
 *
 * Leaving id 0 clears the effective capabilities, and each change of the effective id makes the
 * process undumpable (man 2 prctl, PR_SET_DUMPABLE). The child inherits that, and then its uid_map
 * would belong to the host's root and could not be opened.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/idmap/idmap.h"
#include "fauxroot/sys/ns.h"

/* The first subordinate id, as the middle namespace calls it. */
#define OWNER 1

/* Real and saved id are root's, so the way back is open. */
static int take_effective_uid(uid_t uid, struct error *err)
{
	if (setresuid(0, uid, 0) < 0)
		return err_set(err, errno, "becoming user %u of the middle user namespace", uid);
	if (prctl(PR_SET_DUMPABLE, 1) < 0)
		return err_set(err, errno, "becoming dumpable");
	return 0;
}

int idmap_clone(const struct idmap *map, unsigned long flags, struct process *ret,
		struct error *err)
{
	struct process child = PROCESS_NONE;
	int rc = 0;

	if (setresgid(0, 0, 0) < 0)
		rc = err_set(err, errno, "becoming group 0 of the middle user namespace");
	if (rc == 0)
		rc = take_effective_uid(map->single ? 0 : OWNER, err);
	if (rc == 0)
		rc = ns_clone(flags | CLONE_PARENT, &child, err);
	if (rc < 0)
		return err_step(err, err_wrap(err, rc, "below the middle user namespace"),
				STEP_CLONE);
	if (rc == 0)
		return 0;
	rc = take_effective_uid(0, err);
	if (rc == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		rc = err_set(err, errno, "setting the parent-death signal");
	if (rc < 0) {
		/* Not ours to wait for. */
		kill(child.pid, SIGKILL);
		process_forget(&child);
		return err_step(err, rc, STEP_CLONE);
	}
	*ret = child;
	return 1;
}
