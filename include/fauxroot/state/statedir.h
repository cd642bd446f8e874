/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state directory: child_pid, api.sock, resolv.conf, hosts, lock.
 *
 * It is ours, 0700 and no symbolic link, which is checked by descriptor. Its file "lock" holds an
 * exclusive flock(2) for as long as the launcher lives, so a second launcher, or a RootlessKit, on
 * the same directory is refused; the directory itself is flocked, too, which keeps cleaners of /tmp
 * away (man 5 tmpfiles.d). Files appear whole: a temporary file and a rename.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct error;

/* What statedir_remove() needs at a time, at most. */
#define STATEDIR_SPARE 4

struct statedir {
	char *path;		   /* absolute and canonical */
	int dir;		   /* descriptor of the directory */
	int lock;		   /* descriptor of its file "lock", locked */
	int spare[STATEDIR_SPARE]; /* held so that the directory can be removed when we are out of
				    * descriptors */
};

#define STATEDIR_NONE ((struct statedir){NULL, -1, -1, {-1, -1, -1, -1}})

/*
 * statedir_open() - make, check, lock and empty a state directory
 * @wanted: the path; NULL: fauxroot.XXXXXX under the first of $XDG_RUNTIME_DIR, $TMPDIR, /tmp where
 *	it can be made
 * @cancel_fd: as fd_wait()
 *
 * Missing parents are made, 0700, and stay. A lock that a dying predecessor holds is waited for up
 * to a second. What stands in the directory but "lock" is removed, without leaving the file system
 * and without following links. The umask does not matter.
 *
 * Returns 0, or -errno at step STEP_STATEDIR: -EBUSY with the PID of the launcher that has it,
 * -ENOTDIR, -ELOOP, -EPERM (another user's, or below another user's directory), -ENAMETOOLONG (a
 * socket below it would exceed 107 bytes), -EINVAL (emptying it would take the home, the runtime or
 * the working directory, or the links of instances.h), -ECANCELED; nothing is changed then.
 */
int statedir_open(const char *wanted, int cancel_fd, struct statedir *ret, struct error *err);

/*
 * statedir_check() - would statedir_open() succeed?
 * @wanted: as there
 * @room: bytes that must be free in its file system; they are taken for a moment, without a name
 * @ret: the path, to be freed; with a @wanted of NULL that of a directory that would be made,
 *	fauxroot.XXXXXX
 *
 * Makes, empties and removes nothing that has a name; a lock that is free is held, shared, for a
 * moment. Returns 0 or the -errno and the sentence that statedir_open() would give, at step
 * STEP_STATEDIR.
 */
int statedir_check(const char *wanted, size_t room, char **ret, struct error *err);

/*
 * statedir_write() - make the file @name whole or not at all: temporary file, then rename(2)
 *
 * Returns 0 or -errno (ENOSPC: the old content, if any, stands).
 */
int statedir_write(const struct statedir *dir, const char *name, const void *data, size_t size,
		   mode_t mode, struct error *err);

/*
 * statedir_remove() - at our end: empty and remove the directory, while the lock is still held
 *
 * Where the path leads to another directory by now (somebody renamed ours away) that one is left
 * alone. Accepts STATEDIR_NONE.
 */
void statedir_remove(struct statedir *dir);

/*
 * statedir_sweep() - remove the directory @path of a launcher that is dead
 *
 * Only where its name is one that statedir_open() chose by itself; a directory that the user named
 * is emptied by the next launcher that is given it. One that is locked by now is left alone.
 */
void statedir_sweep(const char *path);

/*
 * statedir_sweep_strays() - remove the directories of launchers that were killed before they had a
 * link (instances.h), which leads to those of all others
 *
 * Looks where statedir_open() would make one now, for names of its choice. As the command of such a
 * launcher has not run, its directory has nothing in it but what a launcher makes there: one that
 * has more is left alone, and so is one that is locked.
 */
void statedir_sweep_strays(void);

/* statedir_close() - let go without removing anything, in a process that only inherited it */
void statedir_close(struct statedir *dir);
