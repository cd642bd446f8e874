/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The target can write here and nest directories deeper than our descriptors or stack allow. So
 * this code flattens a tree instead of descending it. It unlinks the files of a directory, renames
 * its subdirectories up into the state directory under new names, and removes the empty directory.
 * Passes over the top level continue until nothing is left. Each pass removes one level of every
 * tree.
 *
 * rmdir(2) is tried first, and also detects a mount: on a mount point of our mount namespace it
 * fails with EBUSY, whether the directory is empty or not. After a directory is opened, the check
 * is repeated, in case something was mounted in between.
 */
#include "empty.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"
#include "fauxroot/sys/mount.h"

/* Deeper than any tree that exists by accident. The limit also ends the race with a process that
 * makes entries faster than we remove them. */
#define MAX_PASSES 100000

struct sweep {
	int top;
	const char *path; /* of the top, for messages */
	dev_t dev;
	const char *keep;
	unsigned next_name;
};

static void closedir_ptr(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static bool is_dot(const char *name)
{
	return streq(name, ".") || streq(name, "..");
}

/* Open a separate stream on the directory @fd; the caller keeps @fd. NULL: see errno */
static DIR *open_stream(int fd)
{
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = own >= 0 ? fdopendir(own) : NULL;

	if (!dir)
		fd_close(own);
	return dir;
}

/*
 * Open a directory of our user to remove its entries. Removing them and renaming the directory need
 * the owner's permission bits, so set these. Do it by descriptor: the name may now be a link.
 */
static int open_subdir(const struct sweep *s, int parent, const char *name)
{
	_cleanup_close_ int place =
		openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	char path[64];
	int fd;

	if (place < 0 || fstat(place, &st) < 0)
		return -errno;
	if (st.st_dev != s->dev)
		return -EXDEV;
	if (place_is_mount(place))
		return -EBUSY;
	if ((st.st_mode & 0700) != 0700 && st.st_uid == geteuid()) {
		(void)str_print(path, sizeof(path), "/proc/self/fd/%d", place);
		if (chmod(path, 0700) < 0)
			return -errno;
	}
	fd = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* unlink(2), or rmdir(2) for a directory. 0 (also if it no longer exists), -ENOTEMPTY, or -errno */
static int remove_entry(int dir, const char *name)
{
	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	/* For a directory Linux returns EISDIR; POSIX and some FUSE file systems return EPERM. */
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	if (unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	return errno == EEXIST ? -ENOTEMPTY : -errno;
}

/* Move the directory @name of @dir to the top, under a free name. */
static int move_up(struct sweep *s, int dir, const char *name)
{
	for (;;) {
		char fresh[32];

		(void)str_print(fresh, sizeof(fresh), ".old.%u", s->next_name++);
		if (renameat(dir, name, s->top, fresh) == 0)
			return 0;
		if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
			return -errno;
	}
}

static bool is_ours(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_uid == geteuid();
}

/* The error: the entry @name of the top, or the entry @below in it, cannot be removed. */
static int fail(const struct sweep *s, int rc, const char *name, const char *below,
		struct error *err)
{
	const char *slash = *below ? "/" : "";

	rc = err_set(err, -rc, "removing \"%s%s%s\"", name, slash, below);
	return err_about(err, rc, REASON_LEFT_BEHIND, "%s/%s%s%s", s->path, name, slash, below);
}

/* Empty the directory @name of the top, moving its directories up, and remove it. */
static int flatten(struct sweep *s, const char *name, struct error *err)
{
	_cleanup_close_ int fd = open_subdir(s, s->top, name);
	_cleanup_(closedir_ptr) DIR *dir = fd >= 0 ? open_stream(fd) : NULL;
	struct dirent *entry;

	if (!dir)
		return fail(s, fd < 0 ? fd : -errno, name, "", err);
	while ((entry = readdir(dir))) {
		int rc;

		if (is_dot(entry->d_name))
			continue;
		rc = remove_entry(fd, entry->d_name);
		if (rc == -ENOTEMPTY) {
			_cleanup_close_ int sub = open_subdir(s, fd, entry->d_name);

			rc = sub < 0 ? sub : move_up(s, fd, entry->d_name);
		}
		if (rc < 0)
			return fail(s, rc, name, is_ours(fd) ? entry->d_name : "", err);
	}
	/* This fails if another process has made new entries, or if readdir() has missed one: the
	 * next pass removes them. */
	(void)remove_entry(s->top, name);
	return 0;
}

/* One pass over the top: 1 if there was something to remove, 0 if there was nothing. */
static int pass(struct sweep *s, struct error *err)
{
	_cleanup_(closedir_ptr) DIR *dir = open_stream(s->top);
	struct dirent *entry;
	int found = 0;

	if (!dir)
		return err_file(err, errno, s->path, "reading the directory");
	while ((entry = readdir(dir))) {
		int rc;

		if (is_dot(entry->d_name) || streq(entry->d_name, s->keep))
			continue;
		found = 1;
		rc = remove_entry(s->top, entry->d_name);
		if (rc == -ENOTEMPTY)
			rc = flatten(s, entry->d_name, err);
		else if (rc < 0)
			(void)fail(s, rc, entry->d_name, "", err);
		if (rc < 0)
			return rc;
	}
	return found;
}

static int sweep(struct sweep *s, struct error *err)
{
	struct stat st;

	if (fstat(s->top, &st) < 0)
		return err_file(err, errno, s->path, "reading the directory");
	s->dev = st.st_dev;
	for (int i = 0; i < MAX_PASSES; i++) {
		int rc = pass(s, err);

		if (rc <= 0)
			return rc;
	}
	return err_say(err, EBUSY, "new entries appear as fast as they are removed");
}

int dir_empty(int dir, const char *path, const char *keep, struct error *err)
{
	struct sweep s = {.top = dir, .path = path, .keep = keep};
	int rc = sweep(&s, err);

	return rc < 0 ? err_wrap(err, rc, "emptying the state directory \"%s\"", path) : 0;
}
