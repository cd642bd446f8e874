/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A procfs shows the PID namespace of the process that mounted it. As with /sys, the kernel lets a
 * user namespace mount one only where an existing one is wholly visible, and no less restricted
 * than that (mount_too_revealing() in fs/namespace.c).
 *
 * The place is held by descriptor and mounted upon through the old /proc, whose "self" is right for
 * a process of any namespace below its own.
 */
#include <errno.h>
#include <sys/mount.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/mounts/mounts.h"
#include "fauxroot/sys/mount.h"

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
	return 0;
}
