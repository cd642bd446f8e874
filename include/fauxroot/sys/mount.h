/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts by descriptor. A path can be swapped between a check and its use, so a place is opened
 * first, looked at, and mounted on by that descriptor.
 *
 * All functions return a descriptor or 0, or -errno.
 */
#pragma once

#include <stdbool.h>

/*
 * place_open() - open a directory or file as a place to mount on, following no symbolic link in any
 * component of @path
 * @path: absolute and canonical (realpath(3))
 *
 * openat2(2) with RESOLVE_NO_SYMLINKS, or one openat(2) with O_NOFOLLOW a component where that is
 * refused. Returns an O_PATH descriptor or -errno (ELOOP: somebody put a link there meanwhile).
 */
int place_open(const char *path);

/* place_open_dir() - the directory that @path leads to, through whatever links, as a place */
int place_open_dir(const char *path);

/* place_open_at() - the very directory entry @name of @dir, a symbolic link too, as a place */
int place_open_at(int dir, const char *name);

/* place_is_mount() - is @place the root of a mount? (statx(2), STATX_ATTR_MOUNT_ROOT) */
bool place_is_mount(int place);

/*
 * mount_bind() - a recursive bind of the tree at @from on the place @to
 *
 * The mounts of the tree keep their flags. It is always recursive: in a user namespace a
 * non-recursive bind would uncover what locked mounts hide, and is EINVAL (man 7 mount_namespaces).
 * Where @to is a symbolic link, the link itself is mounted upon, dangling or not.
 */
int mount_bind(int from, int to);

/* mount_fs() - a new file system of @type on the place @to, mount(2) with @flags */
int mount_fs(const char *type, int to, unsigned long flags);

/* mount_propagation() - change the propagation type of the mount whose root is @place: MS_PRIVATE…
 */
int mount_propagation(int place, unsigned long type);
