/* SPDX-License-Identifier: Apache-2.0 */
/* The mounts of this process, from /proc/self/mountinfo (man 5 proc). */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "fauxroot/base/parse.h"

struct machine;

/* One mount: "36 35 98:0 /root /point rw,nosuid [optional fields] - ext4 SOURCE …" */
struct mount {
	unsigned major, minor;
	char root[PATH_MAX];  /* the directory of the file system that is mounted */
	char point[PATH_MAX]; /* the mount point, relative to our root */
	char options[256];    /* of the mount, not of the file system: "rw,nosuid,nodev" */
	char type[64];	      /* of the file system */
};

/*
 * mountinfo_next() - read the next line of @text, and decode its octal escapes (\040)
 *
 * Malformed lines and lines that do not fit are skipped. Returns false at the end.
 */
bool mountinfo_next(struct cursor *text, struct mount *ret);

/* mount_has() - does the mount have the option @option, for example "nosuid"? */
bool mount_has(const struct mount *mount, const char *option);

/*
 * machine_mount() - find the mount that contains @path
 *
 * That is the mount with the longest mount point above @path. If several have the same mount point,
 * the last one is on top. Returns false if mountinfo cannot be read or has no such mount, for
 * example in a chroot.
 */
bool machine_mount(const struct machine *machine, const char *path, struct mount *ret);
