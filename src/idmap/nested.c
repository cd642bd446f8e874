/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A process controls a user namespace in two cases (man 7 user_namespaces, "Capabilities"): it is
 * in an ancestor namespace and has capabilities there, or it is in the parent namespace and its
 * effective user id owns the namespace. The second case needs no capability. So the child is cloned
 * under a subordinate id: then a helper of ours that has dropped its capabilities, and runs with
 * the caller's id beside the child, has no control over it. A map of one id has no subordinate id
 * for this.
 *
 * A change from id 0 clears the effective capabilities, and each change of the effective id makes
 * the process undumpable (man 2 prctl, PR_SET_DUMPABLE). The child would inherit that: its uid_map
 * would belong to the host's root, and we could not open it.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/idmap/idmap.h"
#include "fauxroot/sys/ns.h"

/* The first subordinate id, as seen in the middle namespace. */
#define OWNER 1

/* The real and saved ids stay root's, so the change can be undone. */
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
		/* Our parent reaps the child. */
		kill(child.pid, SIGKILL);
		process_forget(&child);
		return err_step(err, rc, STEP_CLONE);
	}
	*ret = child;
	return 1;
}
