/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A cgroup2 shows the cgroup namespace of the process that mounts it, from that namespace's root
 * downwards. It covers the host's mount at /sys/fs/cgroup, which cannot be unmounted. If that is a
 * cgroup2 as well, the kernel refuses a second one on the same place (mount(2), EBUSY); a tmpfs
 * between the two makes it another place.
 */
#include <errno.h>
#include <sys/mount.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/mounts/mounts.h"
#include "fauxroot/sys/mount.h"

#include "private.h"

static const char cgroup_path[] = "/sys/fs/cgroup";

static int mount_on_top(const char *type)
{
	_cleanup_close_ int place = place_open(cgroup_path);

	return place < 0 ? place : mount_fs(type, place, MS_NOSUID | MS_NODEV | MS_NOEXEC);
}

int cgroupfs_mount_child(struct error *err)
{
	int rc = mount_on_top("cgroup2");

	if (rc == -EBUSY) {
		rc = mount_on_top("tmpfs");
		if (rc == 0)
			rc = mount_on_top("cgroup2");
	}
	if (rc < 0)
		return err_step(err, err_set(err, -rc, "mounting cgroup2 on %s", cgroup_path),
				STEP_MOUNT);
	cwd_follow(cgroup_path);
	return 0;
}
