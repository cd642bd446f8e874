/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A namespace has no path of its own but those in /proc, which show what a process is in. What is
 * mounted on the state directory's file "netns" is the namespace itself: it leads there for as long
 * as the mount lives, whoever is in it. The host sees the empty file that it is mounted on.
 *
 * It is bound by descriptor. A path in /proc would lead nowhere in a PID namespace whose /proc is
 * not mounted yet.
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
