/* SPDX-License-Identifier: Apache-2.0 */
/* For test_check_preflight.c: what --check reports about the storage of containers. */
#pragma once

#include "test_check_look.h"

static void storage(void **state)
{
	static const struct look looks[] = {
		{"overlayfs", FINDING_OK, "dockerd's storage driver overlay2", NULL, .files = {{0}},
		 NO_TRIAL},
		{"overlayfs", FINDING_OK, "only as /usr/bin/fuse-overlayfs", NULL,
		 .files = {{"/usr/bin/fuse-overlayfs", "ELF", 0755}}, .failed = TRIAL_OVERLAY,
		 EPERM, "mounting overlayfs in a user namespace: Operation not permitted",
		 STEP_MOUNT},
		{"containers' /proc", FINDING_OK, "can be mounted", NULL, .files = {{0}}, NO_TRIAL},
		{"containers' /proc", FINDING_WARNING, "mounting proc in a PID namespace",
		 "containers-proc",
		 .files =
			 {{"/proc/self/mountinfo",
			   "22 1 8:1 / / rw - ext4 x rw\n25 23 0:7 /null /proc/kcore rw - devtmpfs "
			   "udev rw\n",
			   0}},
		 .failed = TRIAL_CONTAINER_PROC, EPERM,
		 "mounting proc in a PID namespace: Operation not permitted", STEP_PROC,
		 .cause = "here (/proc/kcore)", .remedy = "systempaths=unconfined"},
		{"containers' /proc", FINDING_WARNING, "mounting proc", "containers-proc",
		 .files = {{0}}, .failed = TRIAL_CONTAINER_PROC, ENOSPC,
		 "mounting proc in a PID namespace: No space left on device", STEP_PROC,
		 .cause = "(No space left on device)"},
		{"overlayfs", FINDING_WARNING, "native, dockerd's storage driver vfs",
		 "overlay-missing", .files = {{0}}, .failed = TRIAL_OVERLAY, EPERM,
		 "mounting overlayfs in a user namespace: Operation not permitted", STEP_MOUNT,
		 .cause = "the program is missing", .remedy = "apt-get install fuse-overlayfs"},
		{"data directory", FINDING_WARNING, "nosuid and nodev", "data-nosuid",
		 .files = {{0}}, NO_TRIAL, .cause = "/home/alice/.local/share is on /home"},
		{"data directory", FINDING_OK, "on ext4", NULL,
		 .files = {{"/proc/self/mountinfo",
			    "22 1 8:1 / / rw - ext4 x rw\n23 22 8:2 / /home rw - ext4 y rw\n", 0}},
		 NO_TRIAL},
		{"data directory", FINDING_WARNING, "on nfs4", "data-file-system",
		 .files = {{"/proc/self/mountinfo",
			    "22 1 8:1 / / rw - ext4 x rw\n"
			    "23 22 0:9 / /home rw shared:7 master:1 - nfs4 srv:/home rw\n",
			    0}},
		 NO_TRIAL, .remedy = "--data-root"},
		{"data directory", FINDING_WARNING, "on fuse.sshfs", "data-file-system",
		 .files = {{"/proc/self/mountinfo",
			    "22 1 8:1 / / rw - ext4 x rw\n23 22 0:9 / /home rw - fuse.sshfs s rw\n",
			    0}},
		 NO_TRIAL},
		{"data directory", FINDING_WARNING, "creating a file", "data-not-writable",
		 .files = {{"/proc/self/mountinfo", "22 1 8:1 / / rw - ext4 x rw\n", 0}},
		 .failed = TRIAL_DATA, EROFS,
		 "creating a file in /home/alice: Read-only file system", STEP_MOUNT,
		 .remedy = "/var/lib/alice"},
		{"data directory", FINDING_UNKNOWN, "cannot be read", NULL,
		 .files = {{"/proc/self/mountinfo", NULL, 0}}, NO_TRIAL},
	};

	(void)state;
	check_looks(looks, ARRAY_SIZE(looks));
}
