/* SPDX-License-Identifier: Apache-2.0 */
/* The mounts of this process, by /proc/self/mountinfo (man 5 proc). */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "fauxroot/base/parse.h"

struct machine;

/* One mount: "36 35 98:0 /root /point rw,nosuid [optional fields] - ext4 SOURCE …" */
struct mount {
	unsigned major, minor;
	char root[PATH_MAX];  /* of the file system, what is mounted */
	char point[PATH_MAX]; /* where, below our root */
	char options[256];    /* of the mount alone: "rw,nosuid,nodev" */
	char type[64];
};

/*
 * mountinfo_next() - take the next line of @text, the octal escapes (\040) undone
 *
 * Lines that are not well-formed, or do not fit, are passed over. Returns false at the end.
 */
bool mountinfo_next(struct cursor *text, struct mount *ret);

/* mount_has() - is @option ("nosuid") among the mount's? */
bool mount_has(const struct mount *mount, const char *option);

/*
 * machine_mount() - the mount that @path is on: of those above it the lowest, and of several on one
 * point the last, which is on top
 *
 * Returns false where mountinfo cannot be read or has none: in a chroot.
 */
bool machine_mount(const struct machine *machine, const char *path, struct mount *ret);
