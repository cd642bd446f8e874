/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * symlinkat(2) takes a free name atomically. The name of a killed launcher must be removed first,
 * and another launcher could take it between the check and the removal. So names are removed and
 * taken over under a flock(2) on the directory. A caller that cannot get this lock at once does not
 * remove old names.
 */
#include "names.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/config/config.h"
#include "fauxroot/state/instance.h"
#include "links.h"
#include "statepath.h"
#include "lock.h"

#define LOCK_MS 10000

/* The PID that the link @name leads to; 0 if @name is not the name of an instance. */
static pid_t owner_of(int dir, const char *name)
{
	char text[PATH_MAX];
	uint32_t pid;

	if (!config_name_is_valid(name) || links_read(dir, name, text) < 0 ||
	    parse_u32(text, INT_MAX, &pid) < 0)
		return 0;
	return (pid_t)pid;
}

/* Is the launcher @pid alive? Yes as well if its state directory cannot be seen. */
static bool lives(int dir, pid_t pid)
{
	char name[16], state_dir[PATH_MAX];

	(void)str_print(name, sizeof(name), "%d", pid);
	return links_read(dir, name, state_dir) == 0 && links_life(pid, state_dir) != DEAD;
}

struct sweep {
	int dir;
	pid_t own;
};

static int sweep_one(void *arg, pid_t pid, const char *name)
{
	const struct sweep *sweep = arg;
	pid_t owner = pid > 0 ? 0 : owner_of(sweep->dir, name);

	if (owner > 0 && (owner == sweep->own || !lives(sweep->dir, owner)))
		(void)unlinkat(sweep->dir, name, 0);
	return 0;
}

static int in_use(const char *name, pid_t owner, struct error *err)
{
	return err_say(err, EEXIST, "the name \"%s\" belongs to the instance with PID %d", name,
		       owner);
}

int names_check(int dir, const char *name, struct error *err)
{
	pid_t owner = owner_of(dir, name);

	return owner > 0 && lives(dir, owner) ? in_use(name, owner, err) : 0;
}

int names_claim(int dir, const char *pid, const char *name, int cancel_fd, struct error *err)
{
	const struct lock_patience patience = {deadline_in(name ? LOCK_MS : 0), cancel_fd};
	struct sweep sweep = {.dir = dir};
	int rc = lock_take(dir, &patience, err);
	uint32_t own = 0;

	if (rc < 0)
		return rc;
	(void)parse_u32(pid, INT_MAX, &own);
	sweep.own = (pid_t)own;
	(void)links_walk(dir, sweep_one, &sweep);
	if (name && symlinkat(pid, dir, name) < 0)
		rc = errno == EEXIST ? in_use(name, owner_of(dir, name), err)
				     : err_set(err, errno,
					       "making the link \"" INSTANCES_DIR "/%s\"", name);
	(void)flock(dir, LOCK_UN);
	return rc;
}

struct attaching {
	int dir;
	bool locked;
	struct instances *instances;
};

static int attach_one(void *arg, pid_t pid, const char *name)
{
	const struct attaching *attaching = arg;
	struct instances *instances = attaching->instances;
	pid_t owner = pid > 0 ? 0 : owner_of(attaching->dir, name);

	if (owner == 0)
		return 0;
	for (size_t i = 0; i < instances->n; i++) {
		if (instances->items[i].pid != owner)
			continue;
		free(instances->items[i].name);
		instances->items[i].name = strdup(name);
		return instances->items[i].name ? 0 : -ENOMEM;
	}
	if (attaching->locked && !lives(attaching->dir, owner))
		(void)unlinkat(attaching->dir, name, 0);
	return 0;
}

int names_attach(int dir, struct instances *instances)
{
	struct attaching attaching = {dir, flock(dir, LOCK_EX | LOCK_NB) == 0, instances};
	int rc = links_walk(dir, attach_one, &attaching);

	if (attaching.locked)
		(void)flock(dir, LOCK_UN);
	return rc;
}
