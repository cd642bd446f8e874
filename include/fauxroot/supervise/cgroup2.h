/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evacuation of our cgroup (man 7 cgroups, version 2). Controllers can be enabled for the children
 * of a cgroup only when no process is in it itself ("no internal processes"); so its processes move
 * to a child of it, and the command finds controllers for the cgroups that it makes beside that.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/base/str.h"

struct error;

struct cgroup2 {
	int dir;	     /* of the cgroup that we were born into; -1: none */
	int leaf;	     /* of the one below it that we live in; -1: not yet */
	char *path;	     /* of @dir, for messages */
	const char *name;    /* of @refuge */
	bool made;	     /* it was not there: ours to remove */
	struct strv enabled; /* controllers that we have enabled */
};

#define CGROUP2_NONE ((struct cgroup2){.dir = -1, .leaf = -1})

/*
 * cgroup2_open() - find our cgroup, and see that it can be evacuated; nothing is changed
 * @name: of the cgroup to be made below it; must outlive @ret
 *
 * Returns 0, or at step STEP_CGROUP -ENODEV (no cgroup2 is mounted here), -EACCES (not delegated to
 * us), -EPERM (it is the root of the hierarchy, where the kernel's threads are), -errno.
 */
int cgroup2_open(const char *name, struct cgroup2 *ret, struct error *err);

/*
 * cgroup2_evacuate() - move the processes, ours first, and enable what controllers there are
 * @child: is to be moved as well, on pain of failure
 *
 * Other processes that cannot be moved, and controllers that cannot be enabled, are warned of.
 * Returns 0 or -errno at step STEP_CGROUP.
 */
int cgroup2_evacuate(struct cgroup2 *cgroup, pid_t child, struct error *err);

/*
 * cgroup2_return() - disable what we have enabled, move all back, remove what we have made
 *
 * As far as the kernel lets us: cgroups that others have made with those controllers keep us where
 * we are. Nothing is undone while another instance lives in the same refuge. Accepts CGROUP2_NONE,
 * and whatever the functions above have left.
 */
void cgroup2_return(struct cgroup2 *cgroup);

#define _cleanup_cgroup2_ _cleanup_(cgroup2_return)
