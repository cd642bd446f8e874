/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Every directory is opened as a place before the first mount. So the directory that is checked is
 * the one that is mounted on, even if its path is replaced by a link in between. A directory is
 * copied up before its parents: it is then part of the tree that is bound in the parent's tmpfs.
 * In the opposite order its path would already be covered.
 *
 * Each copy is a tmpfs over the place. copylinks.c or copytree.c fills it. A directory that does
 * not exist is created last, inside a copy: nothing is created on the host.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/mounts/mounts.h"
#include "fauxroot/proc/progress.h"
#include "fauxroot/sys/mount.h"
#include "copyup.h"

/* A directory that does not exist. */
struct missing {
	char *base; /* canonical path of the nearest directory above it that exists */
	char *rest; /* path below @base */
};

struct copies {
	const struct copyup *request;
	struct copy *items;
	size_t n;
	struct missing *missing;
	size_t n_missing;
	struct kept_dirs kept;
};

static void copies_clear(struct copies *copies)
{
	for (size_t i = 0; i < copies->n; i++) {
		free(copies->items[i].path);
		fd_close(copies->items[i].original);
		fd_close(copies->items[i].cover);
	}
	free(copies->items);
	for (size_t i = 0; i < copies->n_missing; i++) {
		free(copies->missing[i].base);
		free(copies->missing[i].rest);
	}
	free(copies->missing);
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

/*
 * Add @dir, which does not exist, to @copies: split it behind the longest part that exists. The
 * rest must be plain names, because it becomes directories. A link that leads nowhere cannot become
 * one: the copy contains it, too.
 */
static int add_missing(struct copies *copies, const char *dir, struct error *err)
{
	_cleanup_free_ char *path = strdup(dir), *base = NULL, *rest = NULL;
	size_t n = strlen(dir), end;
	struct stat st;

	while (path && !base && n > 1) {
		while (n > 1 && path[n - 1] == '/')
			path[--n] = '\0';
		while (n > 1 && path[n - 1] != '/')
			n--;
		if (streq(path + n, ".") || streq(path + n, ".."))
			return copy_cannot_read("opening", dir, ENOENT, err);
		path[n - 1 + (n == 1)] = '\0';
		base = realpath(path, NULL);
	}
	rest = base ? strdup(dir + n) : NULL;
	if (!rest)
		return copy_cannot_read("opening", dir, path && base ? ENOMEM : ENOENT, err);
	end = n + strcspn(rest, "/");
	(void)memcpy(path, dir, end);
	path[end] = '\0';
	if (lstat(path, &st) == 0)
		return err_about(
			err,
			err_say(err, EINVAL,
				"cannot copy up %s: %s is a link to a path that does not exist",
				dir, path),
			REASON_COPY_UP, "%s", dir);
	copies->missing[copies->n_missing++] = (struct missing){TAKE_PTR(base), TAKE_PTR(rest)};
	return 0;
}

/* Open directory number @i of the request, following links, and add it to @copies. If it is a
 * duplicate, only its mode counts. */
static int add_copy(struct copies *copies, size_t i, int state_dir, struct error *err)
{
	const struct config *config = copies->request->config;
	const char *dir = config->copy_up.items[i], *reason;
	enum copy_up_mode mode = config_copy_up_mode(config, i);
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int place = -1;

	if (*dir != '/')
		return err_say(err, EINVAL, "cannot copy up \"%s\": the path is not absolute", dir);
	progress_at(copies->request->progress, "opening %s to copy it up", dir);
	path = realpath(dir, NULL);
	/* RootlessKit refuses it. */
	if (!path && errno == ENOENT && config->persona == PERSONA_FAUXROOT)
		return add_missing(copies, dir, err);
	if (!path)
		return copy_cannot_read("opening", dir, errno, err);
	place = place_open(path);
	if (place < 0)
		return copy_cannot_read("opening", dir, -place, err);
	for (size_t j = 0; j < copies->n; j++)
		if (streq(copies->items[j].path, path)) {
			copies->items[j].mode = mode;
			return 0;
		}
	reason = why_refused(path, place, state_dir);
	if (reason)
		return err_say(err, EINVAL, "cannot copy up %s: %s", dir, reason);
	copies->items[copies->n++] = (struct copy){
		.path = TAKE_PTR(path), .mode = mode, .original = TAKE_FD(place), .cover = -1};
	return 0;
}

/* Is @base in a copy, in which directories can be created? Below a copy of links are the host's
 * directories. */
static bool is_in_copy(const struct copies *copies, const char *base)
{
	for (size_t i = 0; i < copies->n; i++) {
		const char *below = str_after(base, copies->items[i].path);

		if (below &&
		    (*below == '\0' || (*below == '/' && copies->items[i].mode == COPY_UP_COPY)))
			return true;
	}
	return false;
}

static const char *missing_path(const struct missing *missing, char buf[static PATH_MAX])
{
	(void)str_print(buf, PATH_MAX, "%s/%s", streq(missing->base, "/") ? "" : missing->base,
			missing->rest);
	return buf;
}

/* Check that each missing directory can be created, before anything is changed. */
static int check_missing(const struct copies *copies, struct error *err)
{
	for (size_t i = 0; i < copies->n_missing; i++) {
		const struct missing *missing = &copies->missing[i];
		char path[PATH_MAX];

		if (!is_in_copy(copies, missing->base))
			return copy_cannot_read("opening", missing_path(missing, path), ENOENT,
						err);
	}
	return 0;
}

static void keep(struct kept_dirs *kept, int dir)
{
	struct stat st;

	if (dir < 0 || fstat(dir, &st) < 0 || kept->n == ARRAY_SIZE(kept->of))
		return;
	kept->of[kept->n].dev = st.st_dev;
	kept->of[kept->n++].ino = st.st_ino;
}

/* Find the directories that a real copy shares with the host. A directory that does not exist, or
 * cannot be opened, is in no copy. */
static void find_kept(struct copies *copies, int state)
{
	const struct copyup *request = copies->request;

	keep(&copies->kept, state);
	for (size_t i = 0; i < ARRAY_SIZE(request->keep); i++) {
		_cleanup_close_ int dir = request->keep[i] ? place_open_dir(request->keep[i]) : -1;

		keep(&copies->kept, dir);
	}
}

static int open_copies(struct copies *copies, struct error *err)
{
	const struct copyup *request = copies->request;
	_cleanup_close_ int state = place_open_dir(request->state_dir);
	int rc = 0;

	if (state < 0)
		return err_set(err, -state, "opening the state directory %s", request->state_dir);
	copies->items = calloc(request->config->copy_up.n, sizeof(*copies->items));
	copies->missing = calloc(request->config->copy_up.n, sizeof(*copies->missing));
	if (!copies->items || !copies->missing)
		return err_set(err, ENOMEM, "copying up");
	find_kept(copies, state);
	for (size_t i = 0; i < request->config->copy_up.n && rc == 0; i++)
		rc = add_copy(copies, i, state, err);
	if (rc == 0)
		rc = check_missing(copies, err);
	/* In descending order a path is before its parents, which are its prefixes. */
	qsort(copies->items, copies->n, sizeof(*copies->items), compare_descending);
	return rc;
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

static int copy_one(struct copies *copies, struct copy *copy, struct error *err)
{
	struct progress *progress = copies->request->progress;
	int rc;

	progress_at(progress, "copying up %s", copy->path);
	rc = cover(copy, err);
	if (rc == 0 && copy->mode == COPY_UP_COPY)
		rc = copy_tree(copy, &copies->kept, progress, err);
	else if (rc == 0)
		rc = copy_links(copy, progress, err);
	if (rc == 0)
		log_debug("copied up %s", copy->path);
	return rc;
}

/* One line for all directories. */
static void report_left_out(const struct copies *copies)
{
	unsigned entries = 0, left_out = 0;
	const char *path = NULL;
	bool several = false;

	for (size_t i = 0; i < copies->n; i++) {
		if (copies->items[i].left_out == 0)
			continue;
		several |= left_out > 0;
		entries += copies->items[i].entries;
		left_out += copies->items[i].left_out;
		path = copies->items[i].path;
	}
	if (left_out > 0)
		log_info("the cop%s%s lack%s %u of %u entries, which cannot be read",
			 several ? "ies" : "y of ", several ? "" : path, several ? "" : "s",
			 left_out, entries);
}

/* Is the directory @fd in one of our tmpfs? */
static bool is_ours(const struct copies *copies, int fd)
{
	struct stat st, cover;

	if (fstat(fd, &st) < 0)
		return false;
	for (size_t i = 0; i < copies->n; i++)
		if (fstat(copies->items[i].cover, &cover) == 0 && cover.st_dev == st.st_dev)
			return true;
	return false;
}

/* Create the directories of @rest in @base. Some may exist already, as parents of another missing
 * directory. */
static int make_directories(int base, const char *rest)
{
	_cleanup_close_ int dir = fcntl(base, F_DUPFD_CLOEXEC, 3);
	struct cursor c = cursor_of(rest);

	while (dir >= 0 && !cursor_at_end(&c)) {
		char name[NAME_MAX + 1];
		const char *start;
		int next;
		size_t n;

		cursor_until(&c, "/", &start, &n);
		cursor_char(&c, '/');
		if (n == 0)
			continue;
		if (str_print(name, sizeof(name), "%.*s", (int)n, start) < 0)
			return -ENAMETOOLONG;
		if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
			return -errno;
		next = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return -errno;
		fd_close(dir);
		dir = next;
	}
	return dir < 0 ? -errno : 0;
}

static int make_missing(const struct copies *copies, struct error *err)
{
	for (size_t i = 0; i < copies->n_missing; i++) {
		const struct missing *missing = &copies->missing[i];
		_cleanup_close_ int base = place_open_dir(missing->base);
		char path[PATH_MAX];
		int rc = MIN(base, 0);

		/* @base can be in a mount of the host that is bound in the copy. */
		if (rc == 0 && !is_ours(copies, base))
			rc = -ENOENT;
		if (rc == 0)
			rc = make_directories(base, missing->rest);
		if (rc < 0)
			return copy_cannot_read("creating", missing_path(missing, path), -rc, err);
		log_debug("created %s/%s", missing->base, missing->rest);
	}
	return 0;
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
 * If the working directory is copied up, change to the copy: writes would go to the original. For a
 * directory further below, this is necessary only with COPY_UP_COPY: with links its path still
 * leads to the same directory. If the copy does not contain it, because it cannot be read, the
 * process stays in the original.
 */
static int enter_copy(const struct copies *copies, const char *cwd, struct error *err)
{
	for (size_t i = 0; cwd && i < copies->n; i++) {
		const struct copy *copy = &copies->items[i];
		const char *below = str_after(cwd, copy->path);

		if (below && *below == '\0' && fchdir(copy->cover) < 0)
			return err_set(err, errno, "entering the copy of %s", cwd);
		if (below && *below == '/' && copy->mode == COPY_UP_COPY && chdir(cwd) < 0)
			log_debug("the copy has no %s: %s", cwd, strerror(errno));
	}
	return 0;
}

int copyup_apply_child(const struct copyup *request, bool *ret_etc, struct error *err)
{
	_cleanup_(copies_clear) struct copies copies = {.request = request};
	_cleanup_free_ char *cwd = getcwd(NULL, 0);
	_cleanup_free_ char *etc = realpath("/etc", NULL);
	bool etc_copied = false;
	int rc = open_copies(&copies, err);

	for (size_t i = 0; i < copies.n && rc == 0; i++)
		rc = copy_one(&copies, &copies.items[i], err);
	for (size_t i = 0; i < copies.n && rc == 0; i++) {
		progress_at(request->progress, "opening the copy of %s", copies.items[i].path);
		rc = check_copy(&copies.items[i], err);
		etc_copied |= etc && streq(copies.items[i].path, etc);
	}
	if (rc == 0)
		rc = make_missing(&copies, err);
	if (rc == 0)
		rc = enter_copy(&copies, cwd, err);
	if (rc < 0)
		return err_step(err, rc, STEP_MOUNT);
	report_left_out(&copies);
	*ret_etc = etc_copied;
	return 0;
}
