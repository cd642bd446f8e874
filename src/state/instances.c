/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A link means "the launcher PID has this state directory". A killed launcher cannot remove its
 * link, and PIDs are reused. So a link is valid only while the lock in the state directory is held
 * (flock(2)): the kernel releases the lock when the launcher dies, however it dies. The launcher
 * that holds the lock of a directory removes all other links to it. So a locked directory has at
 * most one link, the one of the lock's holder.
 *
 * If the state directory cannot be seen, for example from another mount namespace, the link stays
 * as long as a process with its PID exists.
 *
 * The check takes a shared lock for a moment. A launcher that starts on that directory at the same
 * time waits for it (see statedir.c).
 */
#include "fauxroot/state/instances.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"
#include "fauxroot/state/statedir.h"
#include "links.h"
#include "names.h"
#include "statepath.h"

/* The last launcher to exit removes the directory. It may do so while we open it. */
#define ATTEMPTS 100

struct cleaning {
	int dir;
	const char *ours; /* the state directory whose lock we hold */
};

static int clear_dead(void *arg, pid_t pid, const char *name)
{
	const struct cleaning *cleaning = arg;
	char path[PATH_MAX];

	if (pid == 0 || links_read(cleaning->dir, name, path) < 0 || path[0] != '/')
		return 0;
	if (streq(path, cleaning->ours)) {
		(void)unlinkat(cleaning->dir, name, 0);
	} else if (links_life(pid, path) == DEAD) {
		(void)unlinkat(cleaning->dir, name, 0);
		statedir_sweep(path, 0);
	}
	return 0;
}

static int make_link(int dir, const char *name, const char *target)
{
	if (symlinkat(target, dir, name) == 0)
		return 0;
	/* The name is our PID, so an existing link is left over. */
	if (errno != EEXIST || unlinkat(dir, name, 0) < 0)
		return -errno;
	return symlinkat(target, dir, name) < 0 ? -errno : 0;
}

/* Make both links in the directory that @link holds open. */
static int make_links(const struct instance_link *link, const char *state_dir, int cancel_fd,
		      struct error *err)
{
	struct cleaning cleaning = {.dir = link->dir, .ours = state_dir};
	int rc;

	(void)links_walk(link->dir, clear_dead, &cleaning);
	rc = make_link(link->dir, link->pid, state_dir);
	if (rc < 0)
		return err_set(err, -rc, "making the link \"" INSTANCES_DIR "/%s\"", link->pid);
	rc = names_claim(link->dir, link->pid, *link->name ? link->name : NULL, cancel_fd, err);
	/* Without a name the call only removes old names: ignore its failure. */
	if (rc < 0 && *link->name)
		(void)unlinkat(link->dir, link->pid, 0);
	return *link->name ? rc : 0;
}

int instance_announce(const struct statedir *state, const char *name, int cancel_fd,
		      struct instance_link *ret, struct error *err)
{
	struct instance_link link = INSTANCE_LINK_NONE;
	int rc = -ENOENT;

	(void)str_print(link.pid, sizeof(link.pid), "%d", getpid());
	if (str_print(link.name, sizeof(link.name), "%s", name ? name : "") < 0)
		return err_set(err, ENAMETOOLONG, "the name \"%s\"", name);
	for (int i = 0; i < ATTEMPTS && rc == -ENOENT; i++) {
		link.dir = links_open(true, err);
		if (link.dir == -ENOENT && links_runtime_dir())
			continue;
		if (link.dir < 0)
			return link.dir;
		rc = make_links(&link, state->path, cancel_fd, err);
		if (rc < 0)
			link.dir = fd_close(link.dir);
	}
	if (rc < 0)
		return rc;
	*ret = link;
	return 0;
}

int instance_name_check(const char *name, struct error *err)
{
	_cleanup_close_ int dir = links_open(false, err);
	const char *base = links_runtime_dir();

	/* No instance runs. */
	if (dir == -ENOENT && base && access(base, W_OK) == 0)
		return 0;
	return dir < 0 ? dir : names_check(dir, name, err);
}

static void remove_if_empty(int dir)
{
	(void)unlinkat(dir, "../" INSTANCES_DIR, AT_REMOVEDIR);
}

void instance_withdraw(struct instance_link *link)
{
	if (link->dir < 0)
		return;
	if (*link->name)
		(void)unlinkat(link->dir, link->name, 0);
	(void)unlinkat(link->dir, link->pid, 0);
	remove_if_empty(link->dir);
	fd_close(link->dir);
	*link = INSTANCE_LINK_NONE;
}

void instances_clear(struct instances *instances)
{
	for (size_t i = 0; i < instances->n; i++) {
		free(instances->items[i].state_dir);
		free(instances->items[i].name);
	}
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

	if (pid == 0 || links_read(listing->dir, name, path) < 0 || path[0] != '/')
		return 0;
	life = links_life(pid, path);
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
	_cleanup_close_ int dir = links_open(false, err);
	struct listing listing = {.dir = dir};
	int rc;

	if (dir == -ENOENT && links_runtime_dir()) {
		*ret = listing.found;
		return 0;
	}
	if (dir < 0)
		return dir;
	rc = links_walk(dir, list_one, &listing);
	if (rc == 0)
		rc = names_attach(dir, &listing.found);
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
