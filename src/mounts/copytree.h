/* SPDX-License-Identifier: Apache-2.0 */
/* Private to copytree.c and copyentry.c: the walk through one directory that is really copied. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "copyup.h"

#define COPY_BUFFER	 ((size_t)64 << 10)
#define HARDLINK_BUCKETS 256

/* A file with several names that has been copied once. */
struct hardlink {
	struct hardlink *next;
	dev_t dev;
	ino_t ino;
	char path[]; /* of the copy, below the cover */
};

struct walk {
	struct copy *copy;
	const struct kept_dirs *kept;
	struct progress *progress;
	struct overflow_ids overflow;
	unsigned entries, left_out; /* all entries so far, and the unreadable ones among them */
	uint64_t bytes;		    /* the size of all regular files so far */
	bool too_large;		    /* a limit is exceeded: copy no more, only count */
	struct hardlink *links[HARDLINK_BUCKETS];
	char path[PATH_MAX]; /* of the current entry, below the copied directory */
	char buffer[COPY_BUFFER];
};

/* An entry of a directory. */
struct entry {
	int from, to; /* the directory of the original, and of the copy */
	dev_t dev;    /* of the directory of the original */
	const char *name;
};

/*
 * copy_file() - copy the regular file @entry with its mode, owner, times and extended attributes
 *
 * Returns 0; 1 if the entry must be bound or linked, because it is not a regular file, or because
 * the kernel generates its content; -errno of the original with *@ret_ours false; -errno of the
 * copy with *@ret_ours true.
 */
int copy_file(struct walk *walk, const struct entry *entry, bool *ret_ours);

/* copy_symlink() - copy the text of the link @entry; its owner and times have no use. Returns as
 * copy_file() */
int copy_symlink(const struct entry *entry, bool *ret_ours);

/*
 * copy_attributes() - give the copy @to the owner, mode, extended attributes and times of @from
 * @st: of @from
 * @created: the mode with which @to was created
 *
 * An owner that is not mapped becomes root, and loses its set-user-ID or set-group-ID bit on a
 * file. Extended attributes that the kernel refuses are left out: they concern ids or labels that
 * do not exist here. Returns 0 or -errno.
 */
int copy_attributes(struct walk *walk, int from, int to, const struct stat *st, mode_t created);

/* copied_mode() - the mode of a copy of @st: see copy_attributes() */
mode_t copied_mode(const struct walk *walk, const struct stat *st);
