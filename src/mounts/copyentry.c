/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * An entry is opened first, and then examined by its descriptor: the host may replace the entry
 * meanwhile. The open never waits for a FIFO, and never gets a controlling terminal.
 *
 * Most files are small, so one read(2) and one write(2) copy them. copy_file_range(2) would save
 * nothing: between two file systems it also copies through memory.
 *
 * The copy is created with its mode and belongs to root, so usually only its times must be set. The
 * caller has set the umask to 0. No directory of the copy has its set-group-ID bit before it is
 * complete: new entries would get its group.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "copytree.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"

#ifndef NSFS_MAGIC
#define NSFS_MAGIC 0x6e736673
#endif

static uid_t copied_uid(const struct walk *walk, const struct stat *st)
{
	return st->st_uid == walk->overflow.uid ? 0 : st->st_uid;
}

static gid_t copied_gid(const struct walk *walk, const struct stat *st)
{
	return st->st_gid == walk->overflow.gid ? 0 : st->st_gid;
}

mode_t copied_mode(const struct walk *walk, const struct stat *st)
{
	mode_t mode = st->st_mode & 07777;

	if (S_ISDIR(st->st_mode))
		return mode;
	if (st->st_uid == walk->overflow.uid)
		mode &= ~(mode_t)S_ISUID;
	if (st->st_gid == walk->overflow.gid)
		mode &= ~(mode_t)S_ISGID;
	return mode;
}

static bool is_copied_xattr(const char *name)
{
	return str_after(name, "user.") || str_after(name, "system.posix_acl_") ||
	       streq(name, "security.capability");
}

/* Returns false if an access control list cannot be copied: it contains ids that do not exist here.
 */
static bool copy_xattrs(struct walk *walk, int from, int to)
{
	static const size_t half = COPY_BUFFER / 2;
	char *names = walk->buffer, *value = names + half;
	ssize_t size = flistxattr(from, names, half);
	bool complete = true;

	for (const char *name = names; size > 0 && name < names + size; name += strlen(name) + 1) {
		ssize_t n = is_copied_xattr(name) ? fgetxattr(from, name, value, half) : -1;

		if (n >= 0 && fsetxattr(to, name, value, (size_t)n, 0) < 0 &&
		    streq(name, "system.posix_acl_access"))
			complete = false;
	}
	return complete;
}

int copy_attributes(struct walk *walk, int from, int to, const struct stat *st, mode_t created)
{
	const struct timespec times[] = {st->st_atim, st->st_mtim};
	mode_t mode = copied_mode(walk, st);

	/* The owner is first: chown(2) clears set-id bits. */
	if ((copied_uid(walk, st) != 0 || copied_gid(walk, st) != 0) &&
	    fchown(to, copied_uid(walk, st), copied_gid(walk, st)) < 0)
		return -errno;
	if (mode != created && fchmod(to, mode) < 0)
		return -errno;
	/* The group bits of a file with a list are the mask of the list (man 5 acl). Without the
	 * list they would give these rights to the group. */
	if (!copy_xattrs(walk, from, to) && fchmod(to, mode & ~(mode_t)S_IRWXG) < 0)
		return -errno;
	return futimens(to, times) < 0 ? -errno : 0;
}

/* Does the kernel generate the content, so that a copy would be useless? Files of @dev are of the
 * directory's file system. */
static bool is_generated(int fd, const struct stat *st, dev_t dev)
{
	struct statfs fs;

	return st->st_dev != dev && fstatfs(fd, &fs) == 0 &&
	       (fs.f_type == NSFS_MAGIC || fs.f_type == PROC_SUPER_MAGIC ||
		fs.f_type == SYSFS_MAGIC || fs.f_type == CGROUP2_SUPER_MAGIC);
}

static struct hardlink **bucket_of(struct walk *walk, const struct stat *st)
{
	return &walk->links[(st->st_ino ^ st->st_dev) % HARDLINK_BUCKETS];
}

/* Is it another name of a file that is copied already? Then give the copy that name, too. */
static bool link_again(struct walk *walk, const struct entry *entry, const struct stat *st)
{
	if (st->st_nlink < 2)
		return false;
	for (struct hardlink *link = *bucket_of(walk, st); link; link = link->next)
		if (link->dev == st->st_dev && link->ino == st->st_ino)
			return linkat(walk->copy->cover, link->path, entry->to, entry->name, 0) ==
			       0;
	return false;
}

/* Remember the copy of a file with several names. Without memory, the next name gets a copy of its
 * own. */
static void remember(struct walk *walk, const struct stat *st)
{
	struct hardlink **bucket = bucket_of(walk, st), *link;
	size_t size = strlen(walk->path) + 1;

	if (st->st_nlink < 2)
		return;
	link = malloc(sizeof(*link) + size);
	if (!link)
		return;
	link->next = *bucket;
	link->dev = st->st_dev;
	link->ino = st->st_ino;
	memcpy(link->path, walk->path, size);
	*bucket = link;
}

/* walk->bytes contains @expected already. If the file has grown meanwhile, add the rest. */
static int copy_data(struct walk *walk, int from, int to, off_t expected, bool *ret_ours)
{
	off_t copied = 0;
	ssize_t n;

	while ((n = read(from, walk->buffer, COPY_BUFFER)) > 0) {
		int rc = fd_write_all(to, walk->buffer, (size_t)n);

		*ret_ours = rc < 0;
		if (rc < 0)
			return rc;
		copied += n;
		walk->bytes += copied > expected ? (uint64_t)MIN(n, copied - expected) : 0;
		walk->too_large |= walk->bytes > COPY_MAX_BYTES;
		if (walk->too_large || ((size_t)n < COPY_BUFFER && copied >= expected))
			return 0;
	}
	return n < 0 ? -errno : 0;
}

static int copy_opened(struct walk *walk, const struct entry *entry, int from,
		       const struct stat *st, bool *ret_ours)
{
	mode_t created = copied_mode(walk, st) & 0777;
	_cleanup_close_ int to =
		openat(entry->to, entry->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		       created);
	int rc;

	*ret_ours = true;
	if (to < 0)
		return -errno;
	rc = copy_data(walk, from, to, st->st_size, ret_ours);
	if (rc < 0) {
		unlinkat(entry->to, entry->name, 0);
		return rc;
	}
	remember(walk, st);
	*ret_ours = true;
	return copy_attributes(walk, from, to, st, created);
}

int copy_file(struct walk *walk, const struct entry *entry, bool *ret_ours)
{
	_cleanup_close_ int from =
		openat(entry->from, entry->name,
		       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	*ret_ours = false;
	if (from < 0)
		return errno == ELOOP || errno == ENXIO ? 1 : -errno;
	if (fstat(from, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || is_generated(from, &st, entry->dev))
		return 1;
	if (link_again(walk, entry, &st))
		return 0;
	walk->bytes += (uint64_t)st.st_size;
	walk->too_large |= walk->bytes > COPY_MAX_BYTES;
	return walk->too_large ? 0 : copy_opened(walk, entry, from, &st, ret_ours);
}

int copy_symlink(const struct entry *entry, bool *ret_ours)
{
	char text[PATH_MAX];
	ssize_t n = readlinkat(entry->from, entry->name, text, sizeof(text) - 1);

	*ret_ours = n >= 0;
	if (n < 0)
		return errno == EINVAL ? 1 : -errno;
	text[n] = '\0';
	return symlinkat(text, entry->to, entry->name) < 0 ? -errno : 0;
}
