/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A namespace only has paths in /proc, which show the namespaces of a process. The namespace itself
 * is mounted on the state directory's file "netns": this path leads to it as long as the mount
 * exists, even without a process in it. The host sees the empty file below the mount.
 *
 * It is bound by descriptor. A path in /proc would not work in a PID namespace whose /proc is not
 * mounted yet.
 */
#include <errno.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/mounts/mounts.h"
#include "fauxroot/sys/mount.h"

int netns_bind_child(int netns, const char *state_dir, struct error *err)
{
	_cleanup_close_ int dir = place_open_dir(state_dir);
	_cleanup_close_ int place = dir < 0 ? dir : place_open_at(dir, NETNS_FILE);
	int rc = place < 0 ? place : mount_bind(netns, place);

	if (rc < 0)
		return err_step(err,
				err_set(err, -rc, "binding the network namespace on %s/" NETNS_FILE,
					state_dir),
				STEP_MOUNT);
	return 0;
}
