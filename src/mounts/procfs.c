/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A procfs shows the PID namespace of the process that mounted it. As with /sys, the kernel allows
 * this in a user namespace only if an existing procfs is fully visible, and only with at least the
 * same restrictions (mount_too_revealing() in fs/namespace.c).
 *
 * The place is opened before the mount, and mounted on through the old /proc, whose "self" works
 * for a process in any namespace below its own.
 */
#include <errno.h>
#include <sys/mount.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/mounts/mounts.h"
#include "fauxroot/sys/mount.h"

#include "private.h"

int procfs_mount_child(struct error *err)
{
	static const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	_cleanup_close_ int proc = place_open("/proc");
	int rc = proc < 0 ? proc : mount_fs("proc", proc, flags);

	if (rc == -EPERM)
		rc = mount_fs("proc", proc, flags | MS_RDONLY);
	if (rc < 0)
		return err_step(err,
				err_set(err, -rc, "mounting proc, for the PID namespace, on /proc"),
				STEP_PROC);
	cwd_follow("/proc");
	return 0;
}
