/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts by descriptor. Paths under a target's or another user's control can be swapped between a
 * check and its use, so places are opened first and mounted on by descriptor. Where a container's
 * seccomp profile refuses the calls of the new mount API (open_tree, move_mount: ENOSYS, EPERM),
 * mount(2) on /proc/self/fd/N does the same work.
 */
#pragma once

#include <stddef.h>

/*
 * place_open() - open a directory or file as a place to mount on, following no symbolic link in any
 * component of @path
 * @path: absolute and canonical (realpath(3))
 *
 * openat2(2) with RESOLVE_NO_SYMLINKS, or one openat(2) with O_NOFOLLOW a component. Returns an
 * O_PATH descriptor or -errno (ELOOP: somebody put a link there meanwhile).
 */
int place_open(const char *path);

/*
 * mount_clone() - a detached, recursive bind of the tree at @place: open_tree(2)
 *
 * Non-recursive clones of a tree with locked mounts are EINVAL in a user namespace (man 7
 * mount_namespaces), so it is always recursive. Returns a descriptor; -ENOSYS or -EPERM where the
 * call is refused: use mount_bind() then.
 */
int mount_clone(int place);

/*
 * mount_attach() - put a detached mount on the very directory entry @name in @dir, or on @dir
 * itself where @name is ""
 *
 * A symbolic link at @name is mounted upon, not followed: move_mount(2) without
 * MOVE_MOUNT_T_SYMLINKS. Returns 0 or -errno.
 */
int mount_attach(int tree, int dir, const char *name);

/* mount_bind() - mount(2) a recursive bind of the place @from on the place @to; 0 or -errno */
int mount_bind(int from, int to);

/* mount_fs() - mount(2) a new file system on the place @to; @options may be NULL; 0 or -errno */
int mount_fs(const char *type, int to, unsigned long flags, const char *options);
