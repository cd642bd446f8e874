/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A link says "the launcher PID has this state directory". A launcher that was killed cannot take
 * its link away, and PIDs come again, so a link is believed when the lock in the state directory is
 * held (flock(2)): the kernel lets go of it at the launcher's death, whatever way that came. Who
 * holds the lock of a directory removes all other links to it, so there is at most one link to a
 * directory that is locked, and it is the holder's.
 *
 * Where the state directory cannot be seen, say from another mount namespace, a link is left alone
 * as long as a process has its PID.
 *
 * To find out, a shared lock is held for a moment. A launcher that starts on that directory just
 * then waits for it (see statedir.c).
 */
#include "fauxroot/state/instances.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/state/statedir.h"
#include "fauxroot/sys/mount.h"
#include "statepath.h"

/* Other launchers may remove the directory, as the last one that leaves, while we enter it. */
#define ATTEMPTS 100

/* NULL where there is none. */
static const char *runtime_dir(void)
{
	const char *base = getenv("XDG_RUNTIME_DIR");

	return base && base[0] == '/' ? base : NULL;
}

/*
 * $XDG_RUNTIME_DIR/fauxroot, made where @make. Returns its descriptor or -errno; -ENOENT also where
 * the variable is not set.
 */
static int open_dir(bool make, struct error *err)
{
	const char *base = runtime_dir();
	_cleanup_close_ int parent = -1, dir = -1;
	struct stat st;
	int rc;

	if (!base)
		return err_say(err, ENOENT, "XDG_RUNTIME_DIR is not set");
	parent = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return err_set(err, errno, "opening \"%s\"", base);
	rc = make ? mkdir_private(parent, INSTANCES_DIR) : 0;
	if (rc < 0 && rc != -EEXIST)
		return err_set(err, -rc, "making \"%s/" INSTANCES_DIR "\"", base);
	dir = openat(parent, INSTANCES_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 || fstat(dir, &st) < 0)
		return err_set(err, errno, "opening \"%s/" INSTANCES_DIR "\"", base);
	if (st.st_uid != geteuid())
		return err_say(err, EPERM,
			       "\"%s/" INSTANCES_DIR "\" belongs to uid %u, and we are %u", base,
			       (unsigned)st.st_uid, (unsigned)geteuid());
	return TAKE_FD(dir);
}

/* The text of the link @name, absolute, into @buf; -errno where it is no such link. */
static int read_link(int dir, const char *name, char buf[PATH_MAX])
{
	ssize_t n = readlinkat(dir, name, buf, PATH_MAX);

	if (n < 0)
		return -errno;
	if (n == PATH_MAX || buf[0] != '/')
		return -EINVAL;
	buf[n] = '\0';
	return 0;
}

enum life {
	DEAD = 0,
	ALIVE,
	UNSEEN, /* its state directory is out of sight */
};

static enum life life_of(pid_t pid, const char *state_dir)
{
	/* The directory's path has no links in it, and a link of the target's making may lead to a
	 * file system that does not answer, through /proc/PID/root for instance. */
	_cleanup_close_ int dir = place_open(state_dir);
	_cleanup_close_ int fd =
		dir < 0 ? -1
			: openat(dir, "lock",
				 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return kill(pid, 0) < 0 && errno == ESRCH ? DEAD : UNSEEN;
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		return DEAD;
	return errno == EWOULDBLOCK ? ALIVE : UNSEEN;
}

/* Call @each for every link; its name is the PID @pid. Returns 0 or the first -errno of @each. */
static int walk(int dir, int (*each)(void *arg, pid_t pid, const char *name), void *arg)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	if (!stream) {
		rc = -errno;
		fd_close(copy);
		return rc;
	}
	while (rc == 0 && (entry = readdir(stream))) {
		uint32_t pid;

		/* One name a PID: no leading zeros. */
		if (parse_u32(entry->d_name, INT_MAX, &pid) == 0 && entry->d_name[0] != '0')
			rc = each(arg, (pid_t)pid, entry->d_name);
	}
	closedir(stream);
	return rc;
}

struct cleaning {
	int dir;
	const char *ours; /* the state directory whose lock we hold */
};

static int clear_dead(void *arg, pid_t pid, const char *name)
{
	const struct cleaning *cleaning = arg;
	char path[PATH_MAX];

	if (read_link(cleaning->dir, name, path) < 0)
		return 0;
	if (streq(path, cleaning->ours)) {
		(void)unlinkat(cleaning->dir, name, 0);
	} else if (life_of(pid, path) == DEAD) {
		(void)unlinkat(cleaning->dir, name, 0);
		statedir_sweep(path);
	}
	return 0;
}

static int make_link(int dir, const char *name, const char *target)
{
	if (symlinkat(target, dir, name) == 0)
		return 0;
	/* The name is our PID: whatever has it is left over. */
	if (errno != EEXIST || unlinkat(dir, name, 0) < 0)
		return -errno;
	return symlinkat(target, dir, name) < 0 ? -errno : 0;
}

int instance_announce(const struct statedir *state, struct instance_link *ret, struct error *err)
{
	struct instance_link link = INSTANCE_LINK_NONE;
	struct cleaning cleaning = {.ours = state->path};
	int rc = -ENOENT;

	(void)str_print(link.name, sizeof(link.name), "%d", getpid());
	for (int i = 0; i < ATTEMPTS && rc == -ENOENT; i++) {
		link.dir = open_dir(true, err);
		if (link.dir == -ENOENT && runtime_dir())
			continue;
		if (link.dir < 0)
			return link.dir;
		cleaning.dir = link.dir;
		(void)walk(link.dir, clear_dead, &cleaning);
		rc = make_link(link.dir, link.name, state->path);
		if (rc < 0)
			link.dir = fd_close(link.dir);
	}
	if (rc < 0)
		return err_set(err, -rc, "making the link \"" INSTANCES_DIR "/%s\"", link.name);
	*ret = link;
	return 0;
}

static void remove_if_empty(int dir)
{
	(void)unlinkat(dir, "../" INSTANCES_DIR, AT_REMOVEDIR);
}

void instance_withdraw(struct instance_link *link)
{
	if (link->dir < 0)
		return;
	(void)unlinkat(link->dir, link->name, 0);
	remove_if_empty(link->dir);
	fd_close(link->dir);
	*link = INSTANCE_LINK_NONE;
}

void instances_clear(struct instances *instances)
{
	for (size_t i = 0; i < instances->n; i++)
		free(instances->items[i].state_dir);
	free(instances->items);
	*instances = (struct instances){NULL, 0};
}

struct listing {
	int dir;
	struct instances found;
};

static int list_one(void *arg, pid_t pid, const char *name)
{
	struct listing *listing = arg;
	struct instances *found = &listing->found;
	char path[PATH_MAX];
	struct instance *items;
	enum life life;

	if (read_link(listing->dir, name, path) < 0)
		return 0;
	life = life_of(pid, path);
	if (life == DEAD)
		(void)unlinkat(listing->dir, name, 0);
	if (life != ALIVE)
		return 0;
	items = reallocarray(found->items, found->n + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	found->items = items;
	items[found->n] = (struct instance){.pid = pid, .state_dir = strdup(path)};
	return items[found->n++].state_dir ? 0 : -ENOMEM;
}

static int by_pid(const void *a, const void *b)
{
	const struct instance *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

int instances_list(struct instances *ret, struct error *err)
{
	_cleanup_close_ int dir = open_dir(false, err);
	struct listing listing = {.dir = dir};
	int rc;

	if (dir == -ENOENT && runtime_dir()) {
		*ret = listing.found;
		return 0;
	}
	if (dir < 0)
		return dir;
	rc = walk(dir, list_one, &listing);
	if (rc < 0) {
		instances_clear(&listing.found);
		return err_set(err, -rc, "listing the instances");
	}
	if (listing.found.n == 0)
		remove_if_empty(dir);
	else
		qsort(listing.found.items, listing.found.n, sizeof(listing.found.items[0]), by_pid);
	*ret = listing.found;
	return 0;
}
