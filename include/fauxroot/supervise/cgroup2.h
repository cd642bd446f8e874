/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evacuation of our cgroup (man 7 cgroups, version 2). Controllers can be enabled for the children
 * of a cgroup only while the cgroup itself has no processes ("no internal processes"). So its
 * processes move to a child cgroup, the leaf. The command then has controllers for the cgroups that
 * it makes beside the leaf.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/base/str.h"

struct error;

struct cgroup2 {
	int dir;	     /* the cgroup in which we were started; -1: none */
	int leaf;	     /* the leaf, a child of dir; -1: before the evacuation */
	char *path;	     /* of dir, for messages */
	const char *name;    /* of the leaf */
	bool made;	     /* we have made the leaf, so we remove it */
	struct strv enabled; /* the controllers that we have enabled */
};

#define CGROUP2_NONE ((struct cgroup2){.dir = -1, .leaf = -1})

/*
 * cgroup2_open() - find our cgroup, and check that it can be evacuated; change nothing
 * @name: name of the leaf cgroup; must outlive @ret
 *
 * Returns 0, or at step STEP_CGROUP -ENODEV (no cgroup2 is mounted here), -EACCES (not delegated to
 * us), -EPERM (the root of the hierarchy, which holds the kernel's threads), or -errno.
 */
int cgroup2_open(const char *name, struct cgroup2 *ret, struct error *err);

/*
 * cgroup2_evacuate() - move all processes to the leaf, ours first, and enable all controllers
 * @child: a process of ours; a failure to move it is an error
 *
 * Logs a warning for another process that cannot be moved, and for a controller that cannot be
 * enabled. Returns 0 or -errno at step STEP_CGROUP.
 */
int cgroup2_evacuate(struct cgroup2 *cgroup, pid_t child, struct error *err);

/*
 * cgroup2_return() - disable the controllers that we have enabled, move all processes back, remove
 * the leaf if we have made it
 *
 * If other processes have made cgroups with those controllers, the kernel does not allow this: our
 * processes stay in the leaf. Undoes nothing while another instance uses the same leaf. Accepts
 * CGROUP2_NONE, and the state after a failure of the functions above.
 */
void cgroup2_return(struct cgroup2 *cgroup);

#define _cleanup_cgroup2_ _cleanup_(cgroup2_return)
