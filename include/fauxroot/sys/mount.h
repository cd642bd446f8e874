/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts by descriptor. A path can be replaced between a check and its use. So a place is opened
 * first, and then checked and mounted on by that descriptor.
 *
 * All functions return a descriptor or 0, or -errno.
 */
#pragma once

#include <stdbool.h>

/*
 * place_open() - open a directory or file as a place to mount on; a symbolic link in any component
 * of @path is refused
 * @path: absolute and canonical (realpath(3))
 *
 * Uses openat2(2) with RESOLVE_NO_SYMLINKS; if that is refused, one openat(2) with O_NOFOLLOW per
 * component. Returns an O_PATH descriptor or -errno (ELOOP: a symbolic link was created there in
 * the meantime).
 */
int place_open(const char *path);

/* place_open_dir() - open the directory @path as a place; symbolic links are followed */
int place_open_dir(const char *path);

/* place_open_at() - open the directory entry @name of @dir as a place; a symbolic link is itself
 * the place */
int place_open_at(int dir, const char *name);

/* place_is_mount() - is @place the root of a mount? (statx(2), STATX_ATTR_MOUNT_ROOT) */
bool place_is_mount(int place);

/*
 * mount_bind() - bind the tree at @from recursively on the place @to
 *
 * The mounts of the tree keep their flags. The bind is always recursive: in a user namespace a
 * non-recursive bind would uncover files under locked mounts, and fails with EINVAL (man 7
 * mount_namespaces). If @to is a symbolic link, the link itself is mounted on, dangling or not.
 */
int mount_bind(int from, int to);

/* mount_fs() - mount a new file system of @type on the place @to: mount(2) with @flags */
int mount_fs(const char *type, int to, unsigned long flags);

/* mount_propagation() - change the propagation type of the mount with root @place: MS_PRIVATE… */
int mount_propagation(int place, unsigned long type);
