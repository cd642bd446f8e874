/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A sysfs shows the network namespace of the process that mounted it, so a network of our own needs
 * a /sys of our own. The kernel allows this in a user namespace only if an existing sysfs is fully
 * visible there (man 7 user_namespaces, "mount_too_revealing" in fs/namespace.c). In a container
 * with a read-only /sys, ours must be read-only, too; if parts of /sys are masked, the mount is
 * refused.
 *
 * The cgroup tree is a separate mount, and would be covered: it is opened before, and bound on the
 * new /sys.
 */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/mounts/mounts.h"
#include "fauxroot/sys/mount.h"

#include "private.h"

static const char cgroup_path[] = "/sys/fs/cgroup";

static int mount_sysfs(int place)
{
	static const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	int rc = mount_fs("sysfs", place, flags);

	return rc == -EPERM ? mount_fs("sysfs", place, flags | MS_RDONLY) : rc;
}

static int restore_cgroups(int cgroups, struct error *err)
{
	_cleanup_close_ int place = place_open(cgroup_path);
	int rc = place < 0 ? place : mount_bind(cgroups, place);

	return rc < 0 ? err_set(err, -rc, "binding the cgroups on the new %s", cgroup_path) : 0;
}

int sysfs_mount_child(struct error *err)
{
	_cleanup_close_ int sys = place_open("/sys");
	_cleanup_close_ int cgroups = place_open(cgroup_path);
	int rc = sys < 0 ? sys : mount_sysfs(sys);

	if (rc < 0) {
		log_warning("/sys shows the host's network, not the child's: mounting sysfs: %s%s",
			    strerror(-rc),
			    rc == -EPERM ? " (no existing sysfs is fully visible here)" : "");
		return 0;
	}
	rc = cgroups >= 0 && place_is_mount(cgroups) ? restore_cgroups(cgroups, err) : 0;
	cwd_follow("/sys");
	return err_step(err, rc, STEP_MOUNT);
}
