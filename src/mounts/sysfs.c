/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A sysfs shows the network namespace of the process that mounted it, so an own network needs an
 * own /sys. The kernel lets a user namespace mount one only where an existing sysfs is wholly
 * visible there (man 7 user_namespaces, "mount_too_revealing" in fs/namespace.c): in a container
 * that has /sys read-only ours must be, too, and where parts of it are masked there is none.
 *
 * The cgroup tree is a mount of its own and would be hidden: it is held by descriptor and bound on
 * the new /sys again.
 */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/mounts/mounts.h"
#include "fauxroot/sys/mount.h"

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
			    rc == -EPERM ? " (no other one is wholly visible here)" : "");
		return 0;
	}
	if (cgroups < 0 || !place_is_mount(cgroups))
		return 0;
	return err_step(err, restore_cgroups(cgroups, err), STEP_MOUNT);
}
