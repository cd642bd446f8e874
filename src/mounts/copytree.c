/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * One walk copies and counts. When a limit is exceeded, the walk only counts from then on, up to
 * COUNT_MAX: the error then shows how large the directory is.
 *
 * Directories are opened as places first. So a mount is found before anything is read from its file
 * system, which might not answer. It is bound instead: its content stays the host's, and
 * /run/user/UID is shared as without copy-up. The directories that the caller wants to keep are
 * bound, too: an XDG_RUNTIME_DIR that is no mount, and the state directory.
 *
 * Sockets, FIFOs and devices cannot be copied. They become links into a recursive bind of the
 * original. A bind on each would be found with lstat(2), too, but could not be removed: a daemon
 * removes its old socket before it binds a new one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "copytree.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/str.h"
#include "fauxroot/proc/progress.h"
#include "fauxroot/sys/mount.h"

/* Stop counting at this number of entries. */
#define COUNT_MAX (10 * COPY_MAX_ENTRIES)

static int walk_directory(struct walk *walk, DIR *dir, int to, struct error *err);

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static void walk_free(struct walk **walk)
{
	if (!*walk)
		return;
	for (size_t i = 0; i < HARDLINK_BUCKETS; i++)
		for (struct hardlink *link = (*walk)->links[i], *next; link; link = next) {
			next = link->next;
			free(link);
		}
	free(*walk);
}

/* A failure that must end the copy-up. */
static int failed(const struct walk *walk, int errnum, struct error *err)
{
	return err_about(err,
			 err_set(err, errnum, "copying up %s/%s", walk->copy->path, walk->path),
			 REASON_COPY_UP, "%s", walk->copy->path);
}

/* Handle the errno of an access to the original: an entry that cannot be read is left out. */
static int not_readable(struct walk *walk, int errnum, struct error *err)
{
	static const int codes[] = {EACCES, EPERM,  EIO,       EAGAIN, ENODEV,
				    ENXIO,  ESTALE, EOVERFLOW, ETXTBSY};

	if (errnum == ENOENT)
		return 0; /* the host has removed it in the meantime */
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i] == errnum) {
			walk->left_out++;
			log_debug("the copy has no %s/%s: %s", walk->copy->path, walk->path,
				  strerror(errnum));
			return 0;
		}
	return failed(walk, errnum, err);
}

/* Bind @place, the original, on the entry of the copy. */
static int bind_entry(struct walk *walk, const struct entry *entry, int place, bool is_dir,
		      struct error *err)
{
	_cleanup_close_ int on = -1;
	int rc = is_dir ? mkdirat(entry->to, entry->name, 0755)
			: mknodat(entry->to, entry->name, S_IFREG | 0644, 0);

	if (rc < 0)
		return failed(walk, errno, err);
	on = place_open_at(entry->to, entry->name);
	rc = on < 0 ? on : mount_bind(place, on);
	return rc < 0 ? failed(walk, -rc, err) : 0;
}

/* Create a link to the entry in the bound original. */
static int link_original(struct walk *walk, const struct entry *entry, struct error *err)
{
	char text[PATH_MAX] = "";
	size_t used = 0;
	int rc = copy_bind_original(walk->copy, err);

	if (rc < 0)
		return rc;
	for (const char *at = walk->path; (at = strchr(at, '/')) && rc == 0; at++) {
		rc = str_print(text + used, sizeof(text) - used, "../");
		used += strlen("../");
	}
	if (rc == 0)
		rc = str_print(text + used, sizeof(text) - used, "%s/%s", walk->copy->original_name,
			       walk->path);
	if (rc == 0 && symlinkat(text, entry->to, entry->name) < 0)
		rc = -errno;
	return rc < 0 ? failed(walk, -rc, err) : 0;
}

static bool is_kept(const struct walk *walk, const struct stat *st)
{
	for (size_t i = 0; i < walk->kept->n; i++)
		if (walk->kept->of[i].dev == st->st_dev && walk->kept->of[i].ino == st->st_ino)
			return true;
	return false;
}

/* Copy the directory @from with its content; in a walk that only counts, read it. */
static int copy_directory(struct walk *walk, const struct entry *entry, int from,
			  const struct stat *st, struct error *err)
{
	int fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(close_dir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	mode_t created = copied_mode(walk, st) & 0777;
	_cleanup_close_ int to = -1;
	int rc;

	if (fd < 0)
		return not_readable(walk, errno, err);
	if (!dir) {
		fd_close(fd);
		return failed(walk, ENOMEM, err);
	}
	if (!walk->too_large) {
		if (mkdirat(entry->to, entry->name, created) < 0)
			return failed(walk, errno, err);
		to = openat(entry->to, entry->name,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (to < 0)
			return failed(walk, errno, err);
	}
	rc = walk_directory(walk, dir, to, err);
	if (rc < 0 || walk->too_large)
		return rc;
	rc = copy_attributes(walk, fd, to, st, created);
	return rc < 0 ? failed(walk, -rc, err) : 0;
}

/* An entry that is no regular file and no link. */
static int copy_other(struct walk *walk, const struct entry *entry, struct error *err)
{
	_cleanup_close_ int place = place_open_at(entry->from, entry->name);
	struct stat st;

	if (place < 0)
		return not_readable(walk, -place, err);
	if (fstat(place, &st) < 0)
		return not_readable(walk, errno, err);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return walk->too_large ? 0 : link_original(walk, entry, err);
	if (S_ISREG(st.st_mode) || place_is_mount(place) || is_kept(walk, &st))
		return walk->too_large ? 0
				       : bind_entry(walk, entry, place, S_ISDIR(st.st_mode), err);
	return copy_directory(walk, entry, place, &st, err);
}

static void count(struct walk *walk, const struct entry *entry)
{
	struct stat st;

	if (fstatat(entry->from, entry->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
		walk->bytes += (uint64_t)st.st_size;
}

static int copy_entry(struct walk *walk, const struct entry *entry, unsigned char type,
		      struct error *err)
{
	bool ours = false;
	int rc = 1;

	walk->too_large |= ++walk->entries > COPY_MAX_ENTRIES;
	if (walk->too_large && type != DT_DIR && type != DT_UNKNOWN) {
		count(walk, entry);
		return 0;
	}
	/* The type can be unknown, or have changed: each function then returns 1. */
	if (type == DT_LNK || (type == DT_UNKNOWN && !walk->too_large))
		rc = copy_symlink(entry, &ours);
	if (type == DT_REG || (type == DT_UNKNOWN && rc == 1 && !walk->too_large))
		rc = copy_file(walk, entry, &ours);
	if (rc == 1)
		return copy_other(walk, entry, err);
	if (rc < 0)
		return ours ? failed(walk, -rc, err) : not_readable(walk, -rc, err);
	return 0;
}

static int walk_directory(struct walk *walk, DIR *dir, int to, struct error *err)
{
	size_t length = strlen(walk->path);
	struct dirent *entry;
	struct stat st;
	int rc = 0;

	if (fstat(dirfd(dir), &st) < 0)
		return failed(walk, errno, err);
	while (rc == 0 && walk->entries <= COUNT_MAX && (errno = 0, entry = readdir(dir))) {
		if (streq(entry->d_name, ".") || streq(entry->d_name, ".."))
			continue;
		if (str_print(walk->path + length, sizeof(walk->path) - length, "%s%s",
			      length > 0 ? "/" : "", entry->d_name) < 0)
			return failed(walk, ENAMETOOLONG, err);
		progress_at(walk->progress, "copying up %s/%s", walk->copy->path, walk->path);
		rc = copy_entry(walk, &(struct entry){dirfd(dir), to, st.st_dev, entry->d_name},
				entry->d_type, err);
		walk->path[length] = '\0';
	}
	/* With too many entries, readdir(3) was not called. */
	return rc == 0 && walk->entries <= COUNT_MAX && errno ? failed(walk, errno, err) : rc;
}

static int too_large(const struct walk *walk, struct error *err)
{
	const char *path = walk->copy->path;
	bool stopped = walk->entries > COUNT_MAX;

	return err_about(err,
			 err_say(err, EFBIG,
				 "cannot copy up %s: it has %s%u entries and %" PRIu64
				 " MiB, and a copy at most %u entries and %" PRIu64 " MiB",
				 path, stopped ? "more than " : "",
				 stopped ? COUNT_MAX : walk->entries,
				 (walk->bytes + ((1U << 20) - 1)) >> 20, COPY_MAX_ENTRIES,
				 COPY_MAX_BYTES >> 20),
			 REASON_COPY_UP, "%s", path);
}

int copy_tree(struct copy *copy, const struct kept_dirs *kept, struct progress *progress,
	      struct error *err)
{
	_cleanup_(walk_free) struct walk *walk = NULL;
	int fd = openat(copy->original, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(close_dir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	_cleanup_close_ int to = openat(copy->cover, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	mode_t mask;
	int rc;

	if (fd < 0)
		return copy_cannot_read("reading", copy->path, errno, err);
	if (to < 0 || fstat(fd, &st) < 0)
		return err_set(err, errno, "copying up %s", copy->path);
	walk = calloc(1, sizeof(*walk));
	if (!dir || !walk)
		return err_set(err, ENOMEM, "copying up %s", copy->path);
	walk->copy = copy;
	walk->kept = kept;
	walk->progress = progress;
	walk->overflow = overflow_ids_read();
	mask = umask(0);
	rc = walk_directory(walk, dir, to, err);
	(void)umask(mask);
	if (rc == 0 && walk->too_large)
		rc = too_large(walk, err);
	if (rc < 0)
		return rc;
	rc = copy_attributes(walk, fd, to, &st, 0);
	if (rc < 0)
		return err_set(err, -rc, "setting owner and mode of the copy of %s", copy->path);
	log_debug("copied %u entries of %s, %" PRIu64 " KiB", walk->entries - walk->left_out,
		  copy->path, walk->bytes >> 10);
	copy->entries = walk->entries;
	copy->left_out = walk->left_out;
	return 0;
}
