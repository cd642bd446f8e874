/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state directory: child_pid, api.sock, resolv.conf, hosts, lock.
 *
 * It belongs to the caller, has mode 0700 and is not a symbolic link; this is checked by
 * descriptor. The launcher holds an exclusive flock(2) on the file "lock" until it exits, so a
 * second launcher or a RootlessKit on the same directory is refused. It also locks the directory
 * itself: programs that clean up /tmp skip a locked directory (man 5 tmpfiles.d). Files are written
 * atomically: a temporary file and a rename.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct error;

/* The most descriptors that statedir_remove() needs at a time. */
#define STATEDIR_SPARE 4

struct statedir {
	char *path;		   /* absolute and canonical */
	int dir;		   /* descriptor of the directory */
	int lock;		   /* descriptor of its file "lock", locked */
	int spare[STATEDIR_SPARE]; /* closed before the directory is removed, so that this works
				    * even if all other descriptors are in use */
};

#define STATEDIR_NONE ((struct statedir){NULL, -1, -1, {-1, -1, -1, -1}})

/*
 * statedir_open() - make, check, lock and empty a state directory
 * @wanted: the path; NULL: fauxroot.XXXXXX in the first of $XDG_RUNTIME_DIR, $TMPDIR, /tmp where
 *	it can be made
 * @cancel_fd: as fd_wait()
 *
 * Missing parents are made with mode 0700, and stay. If a dying predecessor holds the lock, the
 * function waits up to a second. It removes everything in the directory except "lock", without
 * leaving the file system and without following links. The umask does not matter.
 *
 * Returns 0, or -errno at step STEP_STATEDIR: -EBUSY with the PID of the launcher that uses it,
 * -ENOTDIR, -ELOOP, -EPERM (another user owns it or a directory above it), -ENAMETOOLONG (the path
 * of a socket in it would exceed 107 bytes), -EINVAL (emptying it would remove the home, the
 * runtime or the working directory, or the links of instances.h), -ECANCELED. Nothing is changed
 * then.
 */
int statedir_open(const char *wanted, int cancel_fd, struct statedir *ret, struct error *err);

/*
 * statedir_check() - would statedir_open() succeed?
 * @wanted: as for statedir_open()
 * @room: bytes that must be free in the file system; an unnamed file takes them for a moment
 * @ret: the path, which the caller frees; if @wanted is NULL, the path with "fauxroot.XXXXXX" as
 *	its last component
 *
 * Makes, empties and removes nothing that has a name. A free lock is held for a moment, shared.
 * Returns 0, or the -errno and the message of statedir_open(), at step STEP_STATEDIR.
 */
int statedir_check(const char *wanted, size_t room, char **ret, struct error *err);

/*
 * statedir_is_held_by() - is @pid the launcher that holds the lock of the state directory @path?
 * @uid: user of that process
 *
 * The command can replace the files in its state directory, but cannot make another process hold a
 * lock. A lock file with several names, or of another user, does not count: it can be the lock of
 * another program. False also if /proc/locks does not show the process.
 */
bool statedir_is_held_by(const char *path, pid_t pid, uid_t uid);

/*
 * statedir_write() - write the file @name atomically: temporary file, then rename(2)
 *
 * Returns 0 or -errno (ENOSPC: the old content, if any, stays).
 */
int statedir_write(const struct statedir *dir, const char *name, const void *data, size_t size,
		   mode_t mode, struct error *err);

/*
 * statedir_remove() - before the launcher exits: empty and remove the directory, with the lock held
 *
 * If the path now leads to another directory, because ours was renamed, that directory stays.
 * Accepts STATEDIR_NONE.
 */
void statedir_remove(struct statedir *dir);

/*
 * statedir_sweep() - remove the directory @path of a dead launcher
 * @wait_ms: how long to wait for the lock, which forks of the launcher may still hold
 *
 * Does so only if statedir_open() chose its name. A directory with a name from the user stays: the
 * next launcher that uses it empties it. A directory that is locked again stays, too.
 */
void statedir_sweep(const char *path, unsigned wait_ms);

/*
 * statedir_sweep_strays() - remove the directories of launchers that were killed before they had a
 * link (instances.h); statedir_sweep() finds all others by their links
 *
 * Searches the directory in which statedir_open() would now make a state directory, for names of
 * that form. The command of such a launcher has not run, so its state directory contains only files
 * that a launcher makes. A directory with other files stays, and so does a locked one.
 */
void statedir_sweep_strays(void);

/* statedir_close() - close without removing anything: in a process that only inherited @dir, or
 * after a failure */
void statedir_close(struct statedir *dir);
