/* SPDX-License-Identifier: Apache-2.0 */
/* Private to state/: the links in $XDG_RUNTIME_DIR/fauxroot, and which of them are alive. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

struct error;

/* links_runtime_dir() - $XDG_RUNTIME_DIR; NULL where it is not set to an absolute path */
const char *links_runtime_dir(void);

/*
 * links_open() - the directory of the links, which must belong to our user
 * @make: make it where it is missing, 0700
 *
 * Returns its descriptor or -errno; -ENOENT also where the variable is not set.
 */
int links_open(bool make, struct error *err);

/* links_read() - the text of the link @name into @buf; 0, -EINVAL where it is too long, -errno */
int links_read(int dir, const char *name, char buf[PATH_MAX]);

enum life {
	DEAD = 0,
	ALIVE,
	UNSEEN, /* its state directory is out of sight */
};

/* links_life() - does the launcher @pid with the state directory @state_dir live? */
enum life links_life(pid_t pid, const char *state_dir);

/*
 * links_walk() - call @each for every entry of the directory but "." and ".."
 * @each: @pid is the number that the name is, 0 where it is none; other than 0 ends the walk
 *
 * Returns 0, -errno, or what @each has returned.
 */
int links_walk(int dir, int (*each)(void *arg, pid_t pid, const char *name), void *arg);
