/* SPDX-License-Identifier: Apache-2.0 */
/* Private to state/: the links in $XDG_RUNTIME_DIR/fauxroot, and which launchers are alive. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

struct error;

/* links_runtime_dir() - $XDG_RUNTIME_DIR; NULL if it is not set to an absolute path */
const char *links_runtime_dir(void);

/*
 * links_open() - open the directory of the links, which must belong to the caller's user
 * @make: make it with mode 0700 if it is missing
 *
 * Returns its descriptor or -errno; -ENOENT also if the variable is not set.
 */
int links_open(bool make, struct error *err);

/* links_read() - read the target of the link @name into @buf; 0, -EINVAL if too long, -errno */
int links_read(int dir, const char *name, char buf[PATH_MAX]);

enum life {
	DEAD = 0,
	ALIVE,
	UNSEEN, /* unknown: its state directory cannot be opened from here */
};

/* links_life() - is the launcher @pid with the state directory @state_dir alive? */
enum life links_life(pid_t pid, const char *state_dir);

/*
 * links_walk() - call @each for every entry of the directory except "." and ".."
 * @each: @pid is the name as a number, 0 if it is not a number; a result other than 0 ends the walk
 *
 * Returns 0, -errno, or the result of @each that ended the walk.
 */
int links_walk(int dir, int (*each)(void *arg, pid_t pid, const char *name), void *arg);
