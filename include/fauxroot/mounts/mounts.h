/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the child mounts before it becomes the target, in the order in which launch/child.c calls
 * it: propagation first, so that nothing leaks to the host, then /proc, /sys and the copied-up
 * directories. The network's files, resolv.conf and hosts, come last: see etcfiles.h.
 *
 * All functions run in the child, as root of its user namespace, and return 0 or -errno at step
 * STEP_MOUNT.
 */
#pragma once

#include <stdbool.h>

#include "fauxroot/base/str.h"
#include "fauxroot/config/config.h"

struct error;
struct progress;

/* propagation_apply_child() - @mode on "/" (man 7 mount_namespaces, "Shared subtrees") */
int propagation_apply_child(enum propagation mode, struct error *err);

/* The file of the state directory that a detached network namespace is bound on. */
#define NETNS_FILE "netns"

/*
 * netns_bind_child() - bind the network namespace @netns on @state_dir/netns, which is there
 * @netns: stays the caller's
 *
 * Before copy-up, which takes along what is mounted below a directory.
 */
int netns_bind_child(int netns, const char *state_dir, struct error *err);

/*
 * procfs_mount_child() - a /proc that shows the child's own PID namespace
 *
 * Read-only where a container has /proc read-only. Where that is refused as well, because a
 * container masks parts of /proc, it is an error: the host's /proc would show PIDs that mean
 * something else in here. Returns 0 or -errno at step STEP_PROC.
 */
int procfs_mount_child(struct error *err);

/*
 * sysfs_mount_child() - a /sys that shows the child's own network namespace
 *
 * A new sysfs goes over /sys and the host's cgroup tree is bound on it again. Read-only where a
 * container has /sys read-only; where even that is refused (a container masks parts of /sys) /sys
 * stays the host's, with a warning: that is no reason to fail. Fails only where /sys is left
 * half-made.
 */
int sysfs_mount_child(struct error *err);

/*
 * cgroupfs_mount_child() - a cgroup2 at /sys/fs/cgroup that shows the child's own cgroup namespace
 *
 * Over what is there. After sysfs_mount_child().
 */
int cgroupfs_mount_child(struct error *err);

/*
 * copyup_apply_child() - a private writable copy of each directory in @dirs: tmpfs+symlink
 * @state_dir: path of the state directory: the one place whose files must keep appearing under
 * their path, so it can't be copied up itself (anything above it can)
 * @progress: told of each path before it is looked at; may be NULL
 * @ret_etc: is /etc itself private now?
 *
 * Each directory becomes a tmpfs of the original's mode (and owner, where that is mapped) whose
 * entries are symbolic links into .roXXXXXX, a recursive bind of the original with its own mount
 * flags; an entry that is itself a link is made again word for word. Paths are resolved first and
 * doubles dropped, so /var/run beside /run is done once. A working directory that is itself copied
 * up becomes the copy.
 *
 * Refused: relative and missing directories, /, /tmp, and the kernel's own file systems (/proc,
 * /sys).
 */
int copyup_apply_child(const struct strv *dirs, const char *state_dir, struct progress *progress,
		       bool *ret_etc, struct error *err);
