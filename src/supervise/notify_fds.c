/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Closing a file on FUSE waits in the kernel for the file system's server, without a time limit
 * (man 2 close; FUSE_FLUSH). The server can be a process of the target. We have to close each
 * descriptor that we receive, so we must not receive such a file. But only a process that has the
 * descriptor can find out the kind of file. So a separate process peeks at the message (man 2 recv,
 * MSG_PEEK); it may block. If it finds such a file, or does not answer, we receive the message
 * without its descriptors. The kernel then drops them without a close(2).
 *
 * Only regular files are flushed. A memfd is a regular file as well; its seals identify it.
 * Overlayfs forwards the flush to the layers below it, and the target can mount it. All other file
 * systems that can be mounted in a user namespace are implemented in the kernel. A file system that
 * is mounted in our own mount namespace is not the target's: a container's root directory is often
 * on overlayfs.
 */
#include "notify_fds.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/machine/machine.h"
#include "fauxroot/machine/mountinfo.h"
#include "fauxroot/sys/message.h"

#define LOOK_MS 1000

#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546
#endif

/* Is the file system of the device @dev mounted in our own mount namespace? */
static bool is_mounted_here(dev_t dev)
{
	_cleanup_free_ char *text = machine_read(&this_machine, "/proc/self/mountinfo");
	struct cursor c = cursor_of(text ? text : "");
	struct mount mount;

	while (mountinfo_next(&c, &mount))
		if (mount.major == major(dev) && mount.minor == minor(dev))
			return true;
	return false;
}

static bool is_harmless(int fd)
{
	struct statfs fs;
	struct stat st;

	if (fcntl(fd, F_GET_SEALS) >= 0)
		return true;
	if (fstat(fd, &st) < 0)
		return false;
	if (!S_ISREG(st.st_mode) || is_mounted_here(st.st_dev))
		return true;
	return fstatfs(fd, &fs) == 0 && fs.f_type != FUSE_SUPER_MAGIC &&
	       fs.f_type != OVERLAYFS_SUPER_MAGIC;
}

/* In a separate process. */
_noreturn_ static void look(int sock)
{
	int fds[MESSAGE_MAX_FDS];
	size_t n = MESSAGE_MAX_FDS;

	if (message_peek_fds(sock, fds, &n) < 0)
		_exit(1);
	for (size_t i = 0; i < n; i++)
		if (!is_harmless(fds[i]))
			_exit(1);
	_exit(0);
}

int notify_fds_check(int sock)
{
	struct deadline deadline = deadline_in(LOOK_MS);
	struct process looker = PROCESS_NONE;
	int status = 0, rc = fork_clean("fauxroot: look", &sock, 1, &looker, NULL);

	if (rc == 0)
		look(sock);
	if (rc < 0)
		return rc;
	rc = process_wait(&looker, &deadline, -1, &status);
	process_abandon(&looker);
	if (rc < 0)
		return rc;
	return status == 0 ? 0 : -EPERM;
}
