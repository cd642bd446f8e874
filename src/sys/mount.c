/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A place is an O_PATH descriptor: it refers to a mount and a directory entry, whatever happens to
 * the path that led there. The new mount API accepts it directly (open_tree(2) and move_mount(2)
 * with empty paths). mount(2) accepts it as /proc/self/fd/N, a magic link that leads to the opened
 * object without a path walk. So even a symbolic link is mounted on, and not followed.
 *
 * Binds prefer the new API because it needs no /proc: etcfiles_repair() binds in a mount namespace
 * whose /proc is the target's. Containers' seccomp profiles refuse open_tree(2) with ENOSYS or
 * EPERM, and AppArmor may refuse move_mount(2) alone with EACCES; mount(2) then does the same.
 */
#include "fauxroot/sys/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/libc.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

/* Constants of the kernel that glibc has since 2.36, and that musl lacks. With some versions of
 * glibc, <linux/mount.h> and <sys/mount.h> cannot both be included. */
#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE		1
#define OPEN_TREE_CLOEXEC	O_CLOEXEC
#define MOVE_MOUNT_F_EMPTY_PATH 0x04
#define MOVE_MOUNT_T_EMPTY_PATH 0x40
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
/* musl before 1.2.5 lacks statx(2). */
#ifndef STATX_TYPE
#include <linux/stat.h>
static int statx(int dir, const char *path, int flags, unsigned mask, struct statx *ret)
{
	return (int)syscall(SYS_statx, dir, path, flags, mask, ret);
}
#endif
#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x2000
#endif

/* Does the kernel lack the call, or does a sandbox refuse it, so that another call may work? */
static bool refused(int rc)
{
	return rc == -ENOSYS || rc == -EPERM || rc == -EACCES;
}

int place_open_dir(const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return fd;
}

int place_open_at(int dir, const char *name)
{
	int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return fd;
}

/* One step of a walk that refuses links: O_NOFOLLOW with O_PATH opens the link itself. */
static int walk_step(int dir, const char *name)
{
	_cleanup_close_ int fd = place_open_at(dir, name);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	return S_ISLNK(st.st_mode) ? -ELOOP : TAKE_FD(fd);
}

static int place_walk(const char *path)
{
	struct cursor c = cursor_of(path);
	_cleanup_close_ int fd = place_open_dir("/");

	if (fd < 0)
		return fd;
	while (!cursor_at_end(&c)) {
		char name[NAME_MAX + 1];
		const char *start;
		size_t n;
		int next;

		cursor_until(&c, "/", &start, &n);
		cursor_char(&c, '/');
		if (n == 0)
			continue;
		if (n >= sizeof(name))
			return -ENAMETOOLONG;
		*(char *)mempcpy(name, start, n) = '\0';
		next = walk_step(fd, name);
		if (next < 0)
			return next;
		fd_close(fd);
		fd = next;
	}
	return TAKE_FD(fd);
}

int place_open(const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS,
	};
	int fd;

	if (*path != '/')
		return -EINVAL;
	fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	if (fd >= 0)
		return fd;
	return refused(-errno) ? place_walk(path) : -errno;
}

/* Sends no request to a network file system or FUSE, which might not answer. */
bool place_is_mount(int place)
{
	struct statx stx;

	return statx(place, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, 0, &stx) ==
		       0 &&
	       (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* The path by which mount(2) reaches a place. */
struct fd_path {
	char text[32];
};

static struct fd_path fd_path(int place)
{
	struct fd_path path = {""};

	str_print(path.text, sizeof(path.text), "/proc/self/fd/%d", place);
	return path;
}

static int bind_by_descriptor(int from, int to)
{
	_cleanup_close_ int tree =
		(int)syscall(SYS_open_tree, from, "",
			     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);

	if (tree < 0)
		return -errno;
	if (syscall(SYS_move_mount, tree, "", to, "",
		    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return -errno;
	return 0;
}

int mount_bind(int from, int to)
{
	int rc = bind_by_descriptor(from, to);

	if (!refused(rc))
		return rc;
	return mount(fd_path(from).text, fd_path(to).text, NULL, MS_BIND | MS_REC, NULL) < 0
		       ? -errno
		       : 0;
}

int mount_fs(const char *type, int to, unsigned long flags)
{
	return mount(type, fd_path(to).text, type, flags, NULL) < 0 ? -errno : 0;
}

int mount_propagation(int place, unsigned long type)
{
	return mount(NULL, fd_path(place).text, NULL, type, NULL) < 0 ? -errno : 0;
}
