/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Find out what statedir_open() would return, without making or emptying anything.
 *
 * The walk is the same: resolve the path once, then walk by descriptor without following links. If
 * a component does not exist yet, the last existing directory must permit us to make it. A free
 * lock is taken, shared, and released at once. A launcher that starts in that moment waits for it
 * as it waits for a predecessor.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"
#include "fauxroot/state/statedir.h"
#include "lock.h"
#include "statepath.h"

/*
 * Is there room for the files of a launch? Write that much to an unnamed file. A file system
 * without O_TMPFILE counts as having room.
 */
static int check_room(int dir, const char *path, size_t room, struct error *err)
{
	_cleanup_close_ int fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	static const char page[4096];

	if (fd < 0)
		return errno == ENOSPC || errno == EDQUOT
			       ? err_file(err, errno, path, "making the state directory in \"%s\"",
					  path)
			       : 0;
	for (size_t used = 0; used < room; used += sizeof(page)) {
		int rc = fd_write_all(fd, page, sizeof(page));

		if (rc == -ENOSPC || rc == -EDQUOT)
			return err_file(err, -rc, path, "making the state directory in \"%s\"",
					path);
	}
	return 0;
}

static int check_writable(int dir, const char *path, size_t room, struct error *err)
{
	/* Use the effective ids, as mkdir(2) does; @dir may be O_PATH, so check ".". */
	if (faccessat(dir, ".", W_OK | X_OK, AT_EACCESS) < 0)
		return err_file(err, errno, path, "making the state directory in \"%s\"", path);
	return check_room(dir, path, room, err);
}

/* Is the flock(2) on @fd free? */
static int check_lock(int fd, const char *path, struct error *err)
{
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		return flock(fd, LOCK_UN) < 0 ? -errno : 0;
	/* Some file systems can lock only regular files. */
	if (errno != EWOULDBLOCK)
		return 0;
	return lock_is_taken(fd, path, err);
}

/* Check the existing file @place: is it a directory of our user, and not in use? */
static int check_existing(int place, const char *path, size_t room, struct error *err)
{
	_cleanup_close_ int dir = -1, lock = -1;
	struct stat st;
	int rc;

	if (fstat(place, &st) < 0)
		return err_file(err, errno, path, "opening the state directory \"%s\"", path);
	rc = statepath_refuse(&st, path, err);
	if (rc < 0)
		return rc;
	/* EACCES is no obstacle: the launch would change the mode to open the directory. */
	dir = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return errno == EACCES ? 0
				       : err_file(err, errno, path,
						  "opening the state directory \"%s\"", path);
	rc = check_lock(dir, path, err);
	if (rc < 0)
		return rc;
	lock = openat(dir, "lock", O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (lock < 0)
		return errno == ENOENT ? check_writable(dir, path, room, err)
				       : err_file(err, errno, path, "opening \"%s/lock\"", path);
	rc = check_lock(lock, path, err);
	return rc < 0 ? rc : check_room(dir, path, room, err);
}

/* The first @size bytes of @path name a directory that does not exist, in @dir: can it be made? */
static int check_makable(int dir, const char *path, size_t size, size_t room, struct error *err)
{
	const char *what = path[size] == '\0' ? "state directory" : "directory";
	_cleanup_close_ int made = -1;
	char above[PATH_MAX];

	if (faccessat(dir, ".", W_OK | X_OK, AT_EACCESS) < 0)
		return err_about(
			err, err_set(err, errno, "making the %s \"%.*s\"", what, (int)size, path),
			REASON_FILE, "%.*s", (int)size, path);
	while (size > 1 && path[--size] != '/')
		;
	(void)str_print(above, sizeof(above), "%.*s", (int)MAX(size, (size_t)1), path);
	/* One inode for the directory, and those of check_room() in it. */
	made = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return check_room(dir, above, room, err);
}

/* Walk down to @path, as statepath_parent() does, but stop at a missing component. */
static int check_resolved(const char *path, size_t room, struct error *err)
{
	_cleanup_close_ int dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *at = path + 1;

	if (dir < 0)
		return err_file(err, errno, "/", "opening /");
	for (;;) {
		size_t n = strcspn(at, "/"), size = (size_t)(at - path) + n;
		char name[NAME_MAX + 1];
		bool last = at[n] == '\0';
		int next;

		if (str_print(name, sizeof(name), "%.*s", (int)n, at) < 0)
			return err_file(err, ENAMETOOLONG, path, "state directory \"%s\"", path);
		next = openat(dir, name,
			      O_PATH | O_NOFOLLOW | O_CLOEXEC | (last ? 0 : O_DIRECTORY));
		if (next < 0 && errno == ENOENT)
			return check_makable(dir, path, size, room, err);
		if (next < 0)
			return err_about(err,
					 err_set(err, errno, "opening the %s \"%.*s\"",
						 last ? "state directory" : "directory", (int)size,
						 path),
					 REASON_FILE, "%.*s", (int)size, path);
		fd_close(dir);
		dir = next;
		if (last)
			return check_existing(dir, path, room, err);
		at += n + 1;
	}
}

/* The argument of check_under(). */
struct under {
	size_t room;
	char **ret;
};

static int check_under(void *arg, const char *base, struct error *err)
{
	const struct under *under = arg;
	_cleanup_free_ char *path = str_format("%s/fauxroot.XXXXXX", base);

	if (!path)
		return err_file(err, ENOMEM, base, "\"%s\"", base);
	/* The launch does not make a missing base. */
	if (access(base, F_OK) < 0)
		return err_file(err, errno, base, "\"%s\"", base);
	return statedir_check(path, under->room, under->ret, err);
}

int statedir_check(const char *wanted, size_t room, char **ret, struct error *err)
{
	_cleanup_free_ char *path = NULL;
	struct under under = {room, ret};
	int rc;

	if (!wanted || !*wanted)
		return err_step(err, statepath_first_base(check_under, &under, err), STEP_STATEDIR);
	rc = statepath_resolve(wanted, &path, err);
	if (rc == 0)
		rc = statepath_trust(path, err);
	if (rc == 0)
		rc = check_resolved(path, room, err);
	if (rc == 0)
		*ret = TAKE_PTR(path);
	return err_step(err, rc, STEP_STATEDIR);
}

bool statedir_is_held_by(const char *path, pid_t pid, uid_t uid)
{
	_cleanup_close_ int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int fd =
		dir < 0 ? -1
			: openat(dir, "lock",
				 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
	       st.st_uid == uid && pid > 0 && lock_holder(fd) == pid;
}
