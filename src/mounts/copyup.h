/* SPDX-License-Identifier: Apache-2.0 */
/* Private to mounts/: the two methods of copy-up, for one directory that a tmpfs covers already. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "fauxroot/config/config.h"

struct error;
struct progress;

/* The name of the mount point of the original: ".ro" and six random characters. */
#define ORIGINAL_NAME_SIZE 10

/* The limits of COPY_UP_COPY: regular files, directories and links, and bytes of files. */
#define COPY_MAX_ENTRIES 20000U
#define COPY_MAX_BYTES	 ((uint64_t)64 << 20)

/* A directory to copy up. */
struct copy {
	char *path; /* canonical */
	enum copy_up_mode mode;
	int original;				/* O_PATH descriptor: place_open() */
	int cover;				/* root of the tmpfs over it; -1 before the mount */
	char original_name[ORIGINAL_NAME_SIZE]; /* "" before copy_bind_original() */
	unsigned entries, left_out;		/* set by copy_tree() */
};

/* Directories that a real copy contains as they are. */
struct kept_dirs {
	struct {
		dev_t dev;
		ino_t ino;
	} of[4];
	size_t n;
};

/* The ids that the kernel shows for unmapped ones. */
struct overflow_ids {
	uid_t uid;
	gid_t gid;
};

/* overflow_ids_read() - from /proc/sys/kernel; 65534 if that is not readable */
struct overflow_ids overflow_ids_read(void);

/*
 * copy_bind_original() - bind the original recursively in the cover, once, and set original_name
 *
 * The original keeps its own mount flags.
 */
int copy_bind_original(struct copy *copy, struct error *err);

/* copy_cannot_read() - fill @err: @doing ("opening") has failed for the directory @path; returns
 * -@errnum */
int copy_cannot_read(const char *doing, const char *path, int errnum, struct error *err);

/* copy_links() - tmpfs+symlink: fill the cover with links into the original */
int copy_links(struct copy *copy, struct progress *progress, struct error *err);

/*
 * copy_tree() - copy: fill the cover with copies of regular files, directories and links
 *
 * A mount below, and a directory in @kept, is bound on the same path in the copy. Sockets, FIFOs
 * and devices become links into the original. Unreadable entries are left out and counted. More
 * than the limits above is -EFBIG, with the size in the text.
 */
int copy_tree(struct copy *copy, const struct kept_dirs *kept, struct progress *progress,
	      struct error *err);
