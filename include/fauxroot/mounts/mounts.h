/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mounts that the child makes before it becomes the target, in the order in which
 * launch/child.c calls them. Propagation is first, so no mount reaches the host. Then /proc, /sys
 * and the copied-up directories follow. The network's files, resolv.conf and hosts, are last: see
 * etcfiles.h.
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

/* propagation_apply_child() - set the propagation @mode of "/" (man 7 mount_namespaces, "Shared
 * subtrees") */
int propagation_apply_child(enum propagation mode, struct error *err);

/* The file of the state directory that a detached network namespace is bound on. */
#define NETNS_FILE "netns"

/*
 * netns_bind_child() - bind the network namespace @netns on the existing file @state_dir/netns
 * @netns: a descriptor, which the caller keeps
 *
 * Call it before copy-up, which includes the mounts below a directory.
 */
int netns_bind_child(int netns, const char *state_dir, struct error *err);

/*
 * procfs_mount_child() - mount a /proc that shows the child's own PID namespace
 *
 * It is read-only if a container has /proc read-only. If the kernel refuses that as well, because a
 * container masks parts of /proc, it is an error: the PIDs in the host's /proc are not those of the
 * child's namespace. Returns 0 or -errno at step STEP_PROC.
 */
int procfs_mount_child(struct error *err);

/*
 * sysfs_mount_child() - mount a /sys that shows the child's own network namespace
 *
 * Mounts a new sysfs over /sys, and binds the host's cgroup tree on it again. It is read-only if a
 * container has /sys read-only. If the kernel refuses even that (a container masks parts of /sys),
 * the host's /sys stays, with a warning. Fails only if /sys would be left incomplete.
 */
int sysfs_mount_child(struct error *err);

/*
 * cgroupfs_mount_child() - mount a cgroup2 at /sys/fs/cgroup that shows the child's own cgroup
 * namespace
 *
 * It covers the present mount. Call it after sysfs_mount_child().
 */
int cgroupfs_mount_child(struct error *err);

/*
 * struct copyup - the request for copyup_apply_child()
 * @config: its --copy-up and --copy-up-mode
 * @state_dir: path of the state directory. It cannot be copied up, because its new files must stay
 * visible under their path; its parent directories can
 * @keep: paths of directories that a real copy of a parent directory contains as they are, shared
 * with the host: XDG_RUNTIME_DIR. NULL or a path that does not exist: none
 * @progress: gets each path before an access to it; may be NULL
 */
struct copyup {
	const struct config *config;
	const char *state_dir;
	const char *keep[2];
	struct progress *progress;
};

/*
 * copyup_apply_child() - make a private writable copy of each directory of --copy-up
 * @ret_etc: is /etc itself copied up?
 *
 * Each directory becomes a tmpfs with the mode of the original, and with its owner if that is
 * mapped. Paths are resolved first. If a directory is given twice, the last mode counts. If the
 * working directory is copied up, the process moves to the copy.
 *
 * COPY_UP_TMPFS_SYMLINK: the entries are symbolic links into .roXXXXXX, a recursive bind of the
 * original with its own mount flags. An entry that is itself a symbolic link is copied literally.
 *
 * COPY_UP_COPY: regular files, directories and links are copied, with mode, times, extended
 * attributes and hard links; an owner that is not mapped becomes root. Mounts below, the state
 * directory and @keep are bound. Sockets, FIFOs and devices are links into .roXXXXXX. Entries that
 * cannot be read are left out, with one line in the log. More than 20,000 entries or 64 MiB is
 * -EFBIG.
 *
 * As fauxroot, a directory that does not exist is created if the directory above it is copied up.
 * Relative and other missing directories, /, /tmp, and the kernel's file systems (/proc, /sys) are
 * refused.
 */
int copyup_apply_child(const struct copyup *request, bool *ret_etc, struct error *err);
