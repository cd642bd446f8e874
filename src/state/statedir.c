/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A launcher owns a state directory while it holds two exclusive locks, taken in this order:
 *
 * - on the directory itself, so that systemd-tmpfiles skips it. This lock also refuses a second
 *   fauxroot after the file "lock" (or everything) was removed in the directory of a running one;
 * - on its file "lock", which RootlessKit locks as well.
 *
 * Nothing in the directory is changed before both locks are held, not even its mode. So a refused
 * launcher leaves no trace in the directory of the running one. A predecessor may just be exiting,
 * or a fork of it may not have noticed its death yet, so we wait up to a second for a busy lock.
 * The predecessor removes the directory while it still holds the locks. The launcher that waited
 * then holds locks on files without a path. So after each lock it checks that the path still leads
 * to the locked file. If not, it starts again, within the same second.
 *
 * The directory belongs to our user and has mode 0700, so only this user and root can enter it,
 * whatever the modes of the files in it.
 */
#include "fauxroot/state/statedir.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/str.h"
#include "fauxroot/sys/mount.h"

#include "empty.h"
#include "lock.h"
#include "statepath.h"

#define LOCK_FILE "lock"

/* How long to wait for a dying predecessor. */
#define PREDECESSOR_MS 1000

/* Result of an attempt: another process has removed the opened file, so try again. */
#define AGAIN 1

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Does @name in @parent still lead to the file that @fd is open on? */
static bool still_there(int parent, const char *name, int fd)
{
	struct stat named, opened;

	return fstat(fd, &opened) == 0 && fstatat(parent, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       same_file(&named, &opened);
}

static int chmod_fd(int place, mode_t mode)
{
	char path[64];

	/* fchmod(2) does not accept O_PATH descriptors. */
	(void)str_print(path, sizeof(path), "/proc/self/fd/%d", place);
	return chmod(path, mode) < 0 ? -errno : 0;
}

/*
 * Open the directory @name of @parent; make it if it is missing. Refuse anything that is not a
 * directory of our user. The check and the opening use the same descriptor.
 */
static int open_checked(int parent, const char *name, const char *path, int *ret, bool *ret_made,
			struct error *err)
{
	_cleanup_close_ int place = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int fd, rc;

	if (place < 0 && errno == ENOENT) {
		rc = mkdir_private(parent, name);
		if (rc < 0 && rc != -EEXIST)
			return rc == -ENOENT ? AGAIN
					     : err_file(err, -rc, path,
							"making the state directory \"%s\"", path);
		*ret_made = rc == 0;
		place = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (place < 0 && errno == ENOENT)
			return AGAIN;
	}
	if (place < 0 || fstat(place, &st) < 0)
		return err_file(err, errno, path, "opening the state directory \"%s\"", path);
	rc = statepath_refuse(&st, path, err);
	if (rc < 0)
		return rc;
	/* The directory of a running launcher has mode 0700. So no launcher uses an unreadable
	 * directory, and its mode can be changed. */
	if ((st.st_mode & 0500) != 0500) {
		rc = chmod_fd(place, 0700);
		if (rc < 0)
			return err_file(err, -rc, path, "setting the mode of \"%s\"", path);
	}
	fd = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? AGAIN
				       : err_file(err, errno, path,
						  "opening the state directory \"%s\"", path);
	*ret = fd;
	return 0;
}

static int lock_dir(const char *path, int dir, const struct lock_patience *patience,
		    struct error *err)
{
	int rc = lock_take(dir, patience, err);

	if (rc == -EBUSY)
		return lock_is_taken(dir, path, err);
	if (rc == -ECANCELED)
		return rc;
	/* The lock is held, and we could not wait for it. */
	if (rc < 0 && flock(dir, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return err_wrap(err, rc, "state directory \"%s\"", path);
	/* Some file systems (NFS) can lock only regular files: then the file "lock" is enough. */
	if (rc < 0)
		log_debug("%s: no lock on the directory itself: %s", path, strerror(-rc));
	return 0;
}

static int open_lock_file(int dir)
{
	/* Independent of the umask, a second launcher of our user must be able to open the file. */
	mode_t caller = umask(0);
	int fd = openat(dir, LOCK_FILE,
			O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);

	if (fd < 0)
		fd = -errno;
	umask(caller);
	return fd;
}

static int lock_file(const char *path, int dir, const struct lock_patience *patience, int *ret,
		     struct error *err)
{
	_cleanup_close_ int fd = open_lock_file(dir);
	struct stat st;
	int rc;

	if (fd == -ENOENT)
		return AGAIN;
	if (fd < 0)
		return err_about(err, err_set(err, -fd, "opening \"%s/" LOCK_FILE "\"", path),
				 REASON_FILE, "%s/" LOCK_FILE, path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_say(err, EINVAL, "\"%s/" LOCK_FILE "\" is not a regular file", path);
	rc = lock_take(fd, patience, err);
	if (rc == -EBUSY)
		return lock_is_taken(fd, path, err);
	if (rc < 0)
		return err_wrap(err, rc, "\"%s/" LOCK_FILE "\"", path);
	if (!still_there(dir, LOCK_FILE, fd))
		return AGAIN;
	*ret = TAKE_FD(fd);
	return 0;
}

/*
 * One attempt to make, check and lock @path. Returns 0, AGAIN, or -errno.
 * @made_here: in: the directory is new, so remove it on failure. Out: set if this attempt made it
 */
static int take(const char *path, const struct lock_patience *patience, struct statedir *ret,
		bool *made_here, struct error *err)
{
	_cleanup_close_ int parent = -1, dir = -1, lock = -1;
	bool made = *made_here, locked;
	const char *name;
	int rc;

	parent = statepath_parent(path, true, &name, err);
	if (parent < 0)
		return parent;
	rc = open_checked(parent, name, path, &dir, &made, err);
	if (rc == 0)
		rc = lock_dir(path, dir, patience, err);
	locked = rc == 0;
	if (rc == 0 && !still_there(parent, name, dir))
		rc = AGAIN;
	if (rc == 0)
		rc = lock_file(path, dir, patience, &lock, err);
	/* A new directory holds only this file, unless another launcher uses the directory. */
	if (rc < 0 && made && locked)
		(void)unlinkat(dir, LOCK_FILE, 0);
	if (rc < 0 && made)
		(void)unlinkat(parent, name, AT_REMOVEDIR);
	if (rc != 0)
		return rc;
	ret->dir = TAKE_FD(dir);
	ret->lock = TAKE_FD(lock);
	*made_here = made;
	return 0;
}

/* Do this before making anything that statedir_remove() might have to remove. */
static int open_spare(struct statedir *dir)
{
	for (size_t i = 0; i < STATEDIR_SPARE; i++) {
		dir->spare[i] = open("/", O_PATH | O_CLOEXEC);
		if (dir->spare[i] < 0)
			return -errno;
	}
	return 0;
}

static void close_spare(struct statedir *dir)
{
	for (size_t i = 0; i < STATEDIR_SPARE; i++)
		dir->spare[i] = fd_close(dir->spare[i]);
}

/*
 * Open the resolved @path for ourselves and empty it.
 * @made: the directory is new, so remove it on failure
 */
static int open_resolved(const char *path, bool made, int cancel_fd, struct statedir *ret,
			 struct error *err)
{
	const struct lock_patience patience = {deadline_in(PREDECESSOR_MS), cancel_fd};
	struct statedir d = STATEDIR_NONE;
	int rc = open_spare(&d);

	if (rc < 0)
		(void)err_file(err, -rc, path, "opening the state directory \"%s\"", path);
	d.path = strdup(path);
	if (rc == 0 && !d.path)
		rc = err_file(err, ENOMEM, path, "opening the state directory \"%s\"", path);
	if (rc == 0)
		do
			rc = take(path, &patience, &d, &made, err);
		while (rc == AGAIN && deadline_left(&patience.deadline) > 0);
	if (rc == AGAIN)
		rc = err_say(err, EBUSY, "state directory \"%s\": other processes keep removing it",
			     path);
	if (rc < 0) {
		statedir_close(&d);
		return rc;
	}
	if (fchmod(d.dir, 0700) < 0)
		rc = err_file(err, errno, path, "setting the mode of \"%s\"", path);
	else
		rc = dir_empty(d.dir, path, LOCK_FILE, err);
	if (rc < 0 && made)
		statedir_remove(&d);
	else if (rc < 0)
		statedir_close(&d);
	else
		*ret = d;
	return rc;
}

static int open_wanted(const char *wanted, int cancel_fd, struct statedir *ret, struct error *err)
{
	_cleanup_free_ char *path = NULL;
	int rc = statepath_resolve(wanted, &path, err);

	if (rc == 0)
		rc = statepath_trust(path, err);
	return rc < 0 ? rc : open_resolved(path, false, cancel_fd, ret, err);
}

/* The argument of open_under(). */
struct under {
	int cancel_fd;
	struct statedir *ret;
};

/* A new directory under @base. */
static int open_under(void *arg, const char *base, struct error *err)
{
	const struct under *under = arg;
	_cleanup_free_ char *real = NULL, *path = NULL;
	mode_t caller;
	int rc;

	real = realpath(base, NULL);
	if (!real)
		return err_file(err, errno, base, "\"%s\"", base);
	path = str_format("%s/" OWN_PREFIX "XXXXXX", streq(real, "/") ? "" : real);
	if (!path)
		return err_file(err, ENOMEM, base, "\"%s\"", base);
	/* Check the length first. A new directory cannot be a home, so that check is not needed. */
	rc = statepath_fits(path, err);
	if (rc == 0)
		rc = statepath_trust(path, err);
	if (rc < 0)
		return rc;
	caller = umask(0);
	rc = mkdtemp(path) ? 0 : -errno;
	umask(caller);
	if (rc < 0)
		return err_file(err, -rc, real, "making a directory in \"%s\"", real);
	rc = open_resolved(path, true, under->cancel_fd, under->ret, err);
	if (rc < 0)
		rmdir(path);
	return rc;
}

int statedir_open(const char *wanted, int cancel_fd, struct statedir *ret, struct error *err)
{
	struct under under = {cancel_fd, ret};
	int rc = wanted && *wanted ? open_wanted(wanted, cancel_fd, ret, err)
				   : statepath_first_base(open_under, &under, err);

	return err_step(err, rc, STEP_STATEDIR);
}

/* Returns 0 if the directory is gone, or if the path leads to another one. */
static int remove_dir(const struct statedir *dir, struct error *err)
{
	_cleanup_close_ int parent = -1;
	const char *name;
	int rc;

	/* The target may have made it read-only. */
	(void)fchmod(dir->dir, 0700);
	rc = dir_empty(dir->dir, dir->path, LOCK_FILE, err);
	if (rc < 0)
		return rc;
	/* Hold the locks until everything is removed: so no other launcher can use the directory.
	 */
	if (unlinkat(dir->dir, LOCK_FILE, 0) < 0 && errno != ENOENT)
		return err_about(err,
				 err_set(err, errno, "removing \"%s/" LOCK_FILE "\"", dir->path),
				 REASON_FILE, "%s/" LOCK_FILE, dir->path);
	parent = statepath_parent(dir->path, false, &name, err);
	/* If our directory or one above it was replaced, do not touch the replacement. */
	if (parent == -ENOENT || parent == -ENOTDIR || parent == -ELOOP)
		return 0;
	if (parent < 0)
		return parent;
	if (still_there(parent, name, dir->dir) && unlinkat(parent, name, AT_REMOVEDIR) < 0)
		return err_file(err, errno, dir->path, "removing the state directory \"%s\"",
				dir->path);
	return 0;
}

void statedir_remove(struct statedir *dir)
{
	struct error err;
	int rc;

	if (dir->dir < 0)
		return;
	close_spare(dir);
	/* Try twice: the second time a resource that was short may be available again. */
	rc = remove_dir(dir, &err);
	if (rc < 0)
		rc = remove_dir(dir, &err);
	if (rc < 0)
		log_warning("%s", err.text);
	statedir_close(dir);
}

/*
 * Is @path a directory without links in its path that no process has locked? take() checks this as
 * well, but for a busy lock it reads /proc/locks, which takes longer than a launch.
 */
static bool is_abandoned(const char *path)
{
	_cleanup_close_ int place = place_open(path), dir = -1;

	if (place < 0)
		return false;
	dir = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 || flock(dir, LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

void statedir_sweep(const char *path, unsigned wait_ms)
{
	const struct lock_patience patience = {deadline_in(wait_ms), -1};
	const char *name = strrchr(path, '/');
	struct statedir d = STATEDIR_NONE;
	struct error err;
	bool made = false;

	if (!name || fnmatch("/" OWN_PATTERN, name, 0) != 0 ||
	    (wait_ms == 0 && !is_abandoned(path)) || take(path, &patience, &d, &made, &err) != 0)
		return;
	d.path = strdup(path);
	if (!d.path) {
		statedir_close(&d);
		return;
	}
	log_debug("removing %s, left over from a killed launcher", path);
	statedir_remove(&d);
}

void statedir_close(struct statedir *dir)
{
	close_spare(dir);
	fd_close(dir->lock);
	fd_close(dir->dir);
	free(dir->path);
	*dir = STATEDIR_NONE;
}
