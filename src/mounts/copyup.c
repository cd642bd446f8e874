/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Every directory is opened as a place before the first mount. So the directory that is checked is
 * the one that is mounted on, even if its path is replaced by a link in between. A directory is
 * copied up before its parents: it is then part of the tree that is bound below the parent's tmpfs.
 * In the opposite order its path would already be covered.
 *
 * Each copy is a tmpfs over the place. The original is bound recursively on .roXXXXXX in it, and
 * the entries are links into that. The place still is the original, but a recursive bind of it
 * would include the tmpfs that now covers it. So the tmpfs is unbindable during the bind (man 7
 * mount_namespaces), which excludes it.
 *
 * The original keeps its own flags: /run/user/UID, the state directory and other mounts below stay
 * writable, and shared with the host.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/mounts/mounts.h"
#include "fauxroot/mounts/progress.h"
#include "fauxroot/sys/mount.h"

/* Name of the mount point of the original: ".ro" and six random characters. */
#define ORIGINAL_NAME_SIZE 10

/* A directory to copy up. */
struct copy {
	char *path;   /* canonical */
	int original; /* as a place */
	int cover;    /* root of the tmpfs over it; -1 before the mount */
};

struct copies {
	struct copy *items;
	size_t n;
	struct progress *progress;
};

static void copies_clear(struct copies *copies)
{
	for (size_t i = 0; i < copies->n; i++) {
		free(copies->items[i].path);
		fd_close(copies->items[i].original);
		fd_close(copies->items[i].cover);
	}
	free(copies->items);
}

/* Compare device and inode: do both descriptors refer to the same file? */
static bool same_file(int a, int b)
{
	struct stat st_a, st_b;

	return fstat(a, &st_a) == 0 && fstat(b, &st_b) == 0 && st_a.st_dev == st_b.st_dev &&
	       st_a.st_ino == st_b.st_ino;
}

/* The reason why @path, opened as @place, cannot be copied up; NULL if it can. */
static const char *why_refused(const char *path, int place, int state_dir)
{
	struct stat st;
	struct statfs fs;

	if (fstat(place, &st) < 0 || !S_ISDIR(st.st_mode))
		return "it is not a directory";
	if (streq(path, "/"))
		return "it is the root directory; name the directories to write to";
	if (streq(path, "/tmp"))
		return "/tmp is shared with the host on purpose, and is writable already";
	if (fstatfs(place, &fs) == 0 &&
	    (fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC ||
	     fs.f_type == CGROUP_SUPER_MAGIC || fs.f_type == CGROUP2_SUPER_MAGIC))
		return "the kernel creates its entries, and a copy would not be updated";
	if (state_dir >= 0 && same_file(place, state_dir))
		return "it is the state directory, whose later files would not appear in the copy";
	return NULL;
}

static int compare_descending(const void *a, const void *b)
{
	return strcmp(((const struct copy *)b)->path, ((const struct copy *)a)->path);
}

static int cannot_copy(const char *doing, const char *path, int errnum, struct error *err)
{
	return err_about(err, err_set(err, errnum, "%s %s to copy it up", doing, path),
			 REASON_COPY_UP, "%s", path);
}

/* Open @dir, following links, and add it to @copies, unless it is a duplicate. */
static int add_copy(struct copies *copies, const char *dir, int state_dir, struct error *err)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int place = -1;
	const char *reason;

	if (*dir != '/')
		return err_say(err, EINVAL, "cannot copy up \"%s\": the path is not absolute", dir);
	progress_at(copies->progress, "opening %s to copy it up", dir);
	path = realpath(dir, NULL);
	if (!path)
		return cannot_copy("opening", dir, errno, err);
	place = place_open(path);
	if (place < 0)
		return cannot_copy("opening", dir, -place, err);
	for (size_t i = 0; i < copies->n; i++)
		if (streq(copies->items[i].path, path))
			return 0;
	reason = why_refused(path, place, state_dir);
	if (reason)
		return err_say(err, EINVAL, "cannot copy up %s: %s", dir, reason);
	copies->items[copies->n++] = (struct copy){TAKE_PTR(path), TAKE_FD(place), -1};
	return 0;
}

static int open_copies(const struct strv *dirs, const char *state_dir, struct copies *ret,
		       struct error *err)
{
	_cleanup_close_ int state = place_open_dir(state_dir);
	int rc = 0;

	if (state < 0)
		return err_set(err, -state, "opening the state directory %s", state_dir);
	ret->items = calloc(dirs->n, sizeof(*ret->items));
	if (!ret->items)
		return err_set(err, ENOMEM, "copying up");
	for (size_t i = 0; i < dirs->n && rc == 0; i++)
		rc = add_copy(ret, dirs->items[i], state, err);
	/* In descending order a path is before its parents, which are its prefixes. */
	qsort(ret->items, ret->n, sizeof(*ret->items), compare_descending);
	return rc;
}

/*
 * The id that the kernel shows for an unmapped one. An original that really belongs to the user
 * with this number also gets owner 0, which is harmless.
 */
static uint32_t overflow_id(const char *file)
{
	_cleanup_free_ char *text = NULL;
	uint32_t id = 65534;

	if (file_read_bounded(AT_FDCWD, file, 32, &text, NULL) == 0) {
		text[strcspn(text, "\n")] = '\0';
		(void)parse_u32(text, UINT32_MAX, &id);
	}
	return id;
}

/* Open the directory @place itself, not a mount on it; -1 with errno. */
static int open_readable(int place)
{
	return openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int copy_mode_and_owner(const struct copy *copy, struct error *err)
{
	_cleanup_close_ int dir = open_readable(copy->cover);
	struct stat st;
	uid_t uid;
	gid_t gid;

	if (dir < 0 || fstat(copy->original, &st) < 0)
		return err_set(err, errno, "opening the tmpfs on %s", copy->path);
	uid = st.st_uid == overflow_id("/proc/sys/kernel/overflowuid") ? 0 : st.st_uid;
	gid = st.st_gid == overflow_id("/proc/sys/kernel/overflowgid") ? 0 : st.st_gid;
	/* The owner is first: chown(2) clears set-id bits. */
	if (fchown(dir, uid, gid) < 0 || fchmod(dir, st.st_mode & 07777) < 0)
		return err_set(err, errno, "setting owner and mode of the tmpfs on %s", copy->path);
	return 0;
}

/* Mount the tmpfs, and open its root: the only step that needs a path. */
static int cover(struct copy *copy, struct error *err)
{
	struct stat below, above;
	int rc = mount_fs("tmpfs", copy->original, 0);

	if (rc < 0)
		return err_set(err, -rc, "mounting a tmpfs on %s", copy->path);
	copy->cover = place_open(copy->path);
	if (copy->cover < 0)
		return err_set(err, -copy->cover, "opening the tmpfs on %s", copy->path);
	if (fstat(copy->original, &below) < 0 || fstat(copy->cover, &above) < 0)
		return err_set(err, errno, "comparing %s with the tmpfs on it", copy->path);
	if (below.st_dev == above.st_dev || !place_is_mount(copy->cover))
		return err_say(err, ESTALE, "%s was replaced while it was copied up", copy->path);
	return 0;
}

/* Choose a name that no entry of the original has. */
static int choose_name(int original, char name[static ORIGINAL_NAME_SIZE])
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	unsigned char random[6];
	struct stat st;

	do {
		if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
			return -errno;
		str_print(name, ORIGINAL_NAME_SIZE, ".ro");
		for (size_t i = 0; i < sizeof(random); i++)
			name[3 + i] = letters[random[i] % (sizeof(letters) - 1)];
		name[3 + sizeof(random)] = '\0';
	} while (fstatat(original, name, &st, AT_SYMLINK_NOFOLLOW) == 0);
	return 0;
}

static int bind_original(const struct copy *copy, char name[static ORIGINAL_NAME_SIZE],
			 struct error *err)
{
	_cleanup_close_ int place = -1;
	int rc = choose_name(copy->original, name);

	if (rc == 0 && mkdirat(copy->cover, name, 0700) < 0)
		rc = -errno;
	if (rc < 0)
		return err_set(err, -rc, "creating %s/.roXXXXXX", copy->path);
	place = place_open_at(copy->cover, name);
	rc = place < 0 ? place : mount_propagation(copy->cover, MS_UNBINDABLE);
	if (rc == 0)
		rc = mount_bind(copy->original, place);
	/* Private again: the bind of a parent directory must include it. */
	if (rc == 0)
		rc = mount_propagation(copy->cover, MS_PRIVATE);
	return rc < 0 ? err_set(err, -rc, "binding %s on %s/%s", copy->path, copy->path, name) : 0;
}

/* Create a link for one entry: a copy if the entry is a link, otherwise into the original. */
static int link_entry(const struct copy *copy, const char *original_name, const char *entry)
{
	char text[PATH_MAX];
	ssize_t n = readlinkat(copy->original, entry, text, sizeof(text) - 1);

	if (n >= 0)
		text[n] = '\0';
	else if (errno == ENOENT)
		return 0; /* the host has removed it in the meantime */
	else if (errno != EINVAL)
		return -errno;
	else if (str_print(text, sizeof(text), "%s/%s", original_name, entry) < 0)
		return -ENAMETOOLONG;
	return symlinkat(text, copy->cover, entry) < 0 ? -errno : 0;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int link_entries(const struct copy *copy, const char *original_name,
			struct progress *progress, struct error *err)
{
	_cleanup_close_ int fd = open_readable(copy->original);
	_cleanup_(close_dir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir)
		return cannot_copy("reading", copy->path, errno, err);
	fd = -1; /* closedir() closes it */
	while ((errno = 0, entry = readdir(dir))) {
		int rc;

		if (streq(entry->d_name, ".") || streq(entry->d_name, ".."))
			continue;
		progress_at(progress, "copying up %s/%s", copy->path, entry->d_name);
		rc = link_entry(copy, original_name, entry->d_name);
		if (rc < 0)
			return err_set(err, -rc, "creating the link %s/%s", copy->path,
				       entry->d_name);
	}
	return errno ? cannot_copy("reading", copy->path, errno, err) : 0;
}

static int copy_one(struct copy *copy, struct progress *progress, struct error *err)
{
	char name[ORIGINAL_NAME_SIZE];
	int rc;

	progress_at(progress, "copying up %s", copy->path);
	rc = cover(copy, err);
	if (rc == 0)
		rc = copy_mode_and_owner(copy, err);
	if (rc == 0)
		rc = bind_original(copy, name, err);
	if (rc == 0)
		rc = link_entries(copy, name, progress, err);
	if (rc == 0)
		log_debug("copied up %s", copy->path);
	return rc;
}

/* Check that the path leads to our copy after all mounts: a parent directory may have been
 * moved. */
static int check_copy(const struct copy *copy, struct error *err)
{
	_cleanup_close_ int now = place_open_dir(copy->path);

	if (now < 0)
		return err_set(err, -now, "opening the copy of %s", copy->path);
	if (!same_file(now, copy->cover))
		return err_say(err, ESTALE, "%s was replaced while it was copied up", copy->path);
	return 0;
}

/*
 * If the working directory is copied up, change to the copy: writes would go to the original. A
 * directory further below needs no change: its path still leads to the same directory.
 */
static int enter_copy(const struct copies *copies, const char *cwd, struct error *err)
{
	for (size_t i = 0; cwd && i < copies->n; i++)
		if (streq(cwd, copies->items[i].path) && fchdir(copies->items[i].cover) < 0)
			return err_set(err, errno, "entering the copy of %s", cwd);
	return 0;
}

int copyup_apply_child(const struct strv *dirs, const char *state_dir, struct progress *progress,
		       bool *ret_etc, struct error *err)
{
	_cleanup_(copies_clear) struct copies copies = {NULL, 0, progress};
	_cleanup_free_ char *cwd = getcwd(NULL, 0);
	_cleanup_free_ char *etc = realpath("/etc", NULL);
	bool etc_copied = false;
	int rc = open_copies(dirs, state_dir, &copies, err);

	for (size_t i = 0; i < copies.n && rc == 0; i++)
		rc = copy_one(&copies.items[i], progress, err);
	for (size_t i = 0; i < copies.n && rc == 0; i++) {
		progress_at(progress, "opening the copy of %s", copies.items[i].path);
		rc = check_copy(&copies.items[i], err);
		etc_copied |= etc && streq(copies.items[i].path, etc);
	}
	if (rc == 0)
		rc = enter_copy(&copies, cwd, err);
	if (rc < 0)
		return err_step(err, rc, STEP_MOUNT);
	*ret_etc = etc_copied;
	return 0;
}
