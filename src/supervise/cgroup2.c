/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The child's cgroup namespace is made with the clone, so its root is the cgroup that we are in
 * then, and it sees the refuge as /NAME. Therefore the evacuation comes after the clone; and before
 * helpers run, which are born into the refuge.
 *
 * Two of us can meet in one cgroup and take the same refuge. Each holds a shared flock(2) on it;
 * who leaves and cannot have it alone undoes nothing.
 *
 * A list of processes is old when it is read: it is read again until it is empty. Processes of
 * other PID namespaces are in it as 0 and cannot be named. One that is ending cannot be moved, and
 * writing its PID looks as if it had been; until the kernel has taken it out of the cgroup, after
 * its memory, no controller can be enabled (EBUSY). So that is tried again for a while.
 */
#include "fauxroot/supervise/cgroup2.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/machine/cgroup.h"
#include "fauxroot/machine/machine.h"

/* Of files of the kernel's: a busy host has some thousand mounts. */
#define FILE_MAX (16U << 20)

/* In each all that were listed are moved; what forks faster than that is not to be caught. */
#define MAX_ROUNDS 20

/* For those that are ending, in all: a large process takes the kernel a while. */
#define ENDING_MS 1000

static int find(char **ret, struct error *err)
{
	_cleanup_free_ char *cgroup = NULL;
	int rc = machine_cgroup2(&this_machine, &cgroup, ret);

	switch (rc) {
	case 0:
		return 0;
	case -ENOENT:
		return err_say(err, ENODEV,
			       "finding our cgroup: /proc/self/cgroup has none of "
			       "version 2");
	case -ESTALE:
		return err_say(err, ESTALE,
			       "finding our cgroup: the one of version 2 in /proc/self/cgroup has "
			       "been removed, or lies outside of our cgroup namespace");
	case -ENODEV:
		return err_say(err, ENODEV,
			       "finding our cgroup: /proc/self/mountinfo has no cgroup2");
	case -ENXIO:
		return err_say(err, ENODEV,
			       "finding our cgroup: no cgroup2 of /proc/self/mountinfo shows %s",
			       cgroup);
	default:
		return err_set(err, -rc, "finding our cgroup in /proc");
	}
}

/* Everything is looked at by descriptor, so that what is checked is what is used. */
static int check(const struct cgroup2 *c, struct error *err)
{
	struct statfs fs;

	if (fstatfs(c->dir, &fs) < 0)
		return err_set(err, errno, "looking at the cgroup \"%s\"", c->path);
	if (fs.f_type != CGROUP2_SUPER_MAGIC)
		return err_say(err, ENODEV, "the cgroup \"%s\": something else is mounted there",
			       c->path);
	/* The root has none (man 7 cgroups). */
	if (faccessat(c->dir, "cgroup.events", F_OK, 0) < 0)
		return err_say(err, EPERM,
			       "the cgroup \"%s\" is the root of the hierarchy, which cannot be "
			       "evacuated",
			       c->path);
	/* Moving within it takes the one, making a refuge the other. */
	if (faccessat(c->dir, "cgroup.procs", W_OK, AT_EACCESS) < 0)
		return err_set(err, errno, "the cgroup \"%s\": cgroup.procs", c->path);
	if (faccessat(c->dir, ".", W_OK | X_OK, AT_EACCESS) < 0)
		return err_set(err, errno, "the cgroup \"%s\"", c->path);
	return 0;
}

int cgroup2_open(const char *name, struct cgroup2 *ret, struct error *err)
{
	struct cgroup2 c = CGROUP2_NONE;
	int rc = find(&c.path, err);

	if (rc == 0 && c.path) {
		c.name = name;
		c.dir = open(c.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		rc = c.dir < 0 ? err_set(err, errno, "opening the cgroup \"%s\"", c.path)
			       : check(&c, err);
	}
	if (rc < 0)
		cgroup2_return(&c);
	else
		*ret = c;
	return err_step(err, rc, STEP_CGROUP);
}

/* One word, one write(2): the kernel takes it or says why not. */
static int put(int dir, const char *file, const char *word)
{
	_cleanup_close_ int fd = openat(dir, file, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd_write_all(fd, word, strlen(word));
}

static int put_pid(int dir, uint32_t pid)
{
	char word[16];

	(void)str_print(word, sizeof(word), "%u", pid);
	return put(dir, "cgroup.procs", word);
}

static int make_leaf(struct cgroup2 *c, struct error *err)
{
	if (mkdirat(c->dir, c->name, 0755) == 0)
		c->made = true;
	else if (errno != EEXIST)
		return err_set(err, errno, "making the cgroup \"%s/%s\"", c->path, c->name);
	c->leaf = openat(c->dir, c->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c->leaf < 0)
		return err_set(err, errno, "opening the cgroup \"%s/%s\"", c->path, c->name);
	/* Says to others of us that it is lived in: see undo(). */
	(void)flock(c->leaf, LOCK_SH | LOCK_NB);
	return 0;
}

static int move_ours(const struct cgroup2 *c, pid_t pid, struct error *err)
{
	int rc = put_pid(c->leaf, (uint32_t)pid);

	return rc < 0 ? err_set(err, -rc, "moving process %d to the cgroup \"%s/%s\"", pid, c->path,
				c->name)
		      : 0;
}

/* What a round has found and done. */
struct round {
	unsigned listed, moved;
	uint32_t stuck; /* one that could not be moved; 0 where it is of another PID namespace */
	int rc;		/* why */
};

/* Move all that are listed in @from now to @to. */
static int move_listed(int from, int to, struct round *ret)
{
	_cleanup_free_ char *text = NULL;
	struct round round = {0};
	struct cursor c, line;
	size_t size;
	int rc = file_read_bounded(from, "cgroup.procs", FILE_MAX, &text, &size);

	if (rc < 0)
		return rc;
	c = cursor_of_n(text, size);
	while (cursor_line(&c, &line)) {
		uint32_t pid;

		if (cursor_u32(&line, INT_MAX, &pid) < 0)
			return -EPROTO;
		round.listed++;
		rc = pid == 0 ? -ESRCH : put_pid(to, pid);
		/* It has ended since. */
		if (rc == 0 || (rc == -ESRCH && pid != 0)) {
			round.moved++;
			continue;
		}
		round.stuck = pid;
		round.rc = rc;
	}
	*ret = round;
	return 0;
}

/* All of them. Returns how many are left, -errno where they cannot be listed. */
static int move_all(int from, int to, struct round *ret)
{
	int rc = 0;

	for (int i = 0; i < MAX_ROUNDS && rc == 0; i++) {
		rc = move_listed(from, to, ret);
		if (rc == 0 && ret->moved == 0)
			break;
	}
	return rc < 0 ? rc : (int)(ret->listed - ret->moved);
}

/* Returns whether nothing is left, as far as can be seen. */
static bool move_others(const struct cgroup2 *c)
{
	struct round round = {0};
	int left = move_all(c->dir, c->leaf, &round);

	if (left < 0)
		log_warning("the cgroup \"%s\" is not evacuated: reading cgroup.procs: %s", c->path,
			    strerror(-left));
	else if (left > 0 && round.stuck == 0)
		log_warning("the cgroup \"%s\" is not evacuated: processes of other PID "
			    "namespaces are in it: %d",
			    c->path, left);
	else if (left > 0)
		log_warning("the cgroup \"%s\" is not evacuated: moving process %u to %s: %s",
			    c->path, round.stuck, c->name, strerror(-round.rc));
	return left == 0;
}

/* "+memory", "-memory" */
static int set_controller(const struct cgroup2 *c, char sign, const char *controller)
{
	char word[80];
	int rc = str_print(word, sizeof(word), "%c%s", sign, controller);

	return rc < 0 ? rc : put(c->dir, "cgroup.subtree_control", word);
}

/* @deadline: for processes that are ending */
static void enable(struct cgroup2 *c, const char *controller, const struct deadline *deadline)
{
	int rc = set_controller(c, '+', controller);

	while (rc == -EBUSY && deadline_left(deadline) > 0) {
		struct deadline tick = deadline_in(1);
		struct round round;

		(void)fd_wait(-1, 0, &tick, -1);
		(void)move_all(c->dir, c->leaf, &round);
		rc = set_controller(c, '+', controller);
	}

	if (rc < 0)
		log_warning("the cgroups in \"%s\" have no controller %s: enabling it in "
			    "cgroup.subtree_control: %s",
			    c->path, controller, strerror(-rc));
	else
		/* Without the memory to note it, it stays enabled. */
		(void)strv_add(&c->enabled, controller);
}

static int read_words(int dir, const char *file, struct strv *ret)
{
	_cleanup_free_ char *text = NULL;
	struct cursor c;
	size_t size;
	int rc = file_read_bounded(dir, file, FILE_MAX, &text, &size);

	if (rc < 0)
		return rc;
	c = cursor_of_n(text, size);
	while (rc == 0 && !cursor_at_end(&c)) {
		const char *word;
		size_t n;

		cursor_until(&c, " \n", &word, &n);
		if (n > 0)
			rc = strv_add_n(ret, word, n);
		if (!cursor_char(&c, ' '))
			cursor_char(&c, '\n');
	}
	return rc;
}

static void enable_all(struct cgroup2 *c, bool evacuated)
{
	struct deadline deadline = deadline_in(evacuated ? ENDING_MS : 0);
	_cleanup_strv_ struct strv there = {0}, already = {0};
	int rc = read_words(c->dir, "cgroup.controllers", &there);

	if (rc == 0)
		rc = read_words(c->dir, "cgroup.subtree_control", &already);
	if (rc < 0)
		log_warning("the cgroups in \"%s\" have no controllers: reading which there are: "
			    "%s",
			    c->path, strerror(-rc));
	for (size_t i = 0; i < there.n && rc == 0; i++)
		if (!strv_contains(&already, there.items[i]))
			enable(c, there.items[i], &deadline);
}

int cgroup2_evacuate(struct cgroup2 *cgroup, pid_t child, struct error *err)
{
	int rc = make_leaf(cgroup, err);

	if (rc == 0)
		rc = move_ours(cgroup, getpid(), err);
	if (rc == 0)
		rc = move_ours(cgroup, child, err);
	if (rc < 0)
		return err_step(err, rc, STEP_CGROUP);
	enable_all(cgroup, move_others(cgroup));
	return 0;
}

/* rmdir(2) of the refuge once all of it has been moved; 0 or -errno */
static int remove_leaf(const struct cgroup2 *c)
{
	struct deadline deadline = deadline_in(ENDING_MS);

	while (unlinkat(c->dir, c->name, AT_REMOVEDIR) < 0) {
		struct deadline tick = deadline_in(1);

		if (errno != EBUSY || deadline_left(&deadline) == 0)
			return -errno;
		(void)fd_wait(-1, 0, &tick, -1);
	}
	return 0;
}

static void undo(struct cgroup2 *c)
{
	struct round round = {0};
	int left;

	if (flock(c->leaf, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		log_debug("the cgroup \"%s/%s\" stays: another instance lives in it", c->path,
			  c->name);
		return;
	}
	for (size_t i = c->enabled.n; i-- > 0;)
		(void)set_controller(c, '-', c->enabled.items[i]);
	/* Of one that was there, nobody can tell who else lives in it. */
	if (!c->made)
		return;
	left = move_all(c->leaf, c->dir, &round);
	if (left == 0)
		left = remove_leaf(c);
	if (left != 0)
		log_debug("the cgroup \"%s/%s\" stays: %s", c->path, c->name,
			  strerror(left < 0	  ? -left
				   : round.rc < 0 ? -round.rc
						  : EBUSY));
}

void cgroup2_return(struct cgroup2 *cgroup)
{
	if (cgroup->leaf >= 0)
		undo(cgroup);
	fd_close(cgroup->leaf);
	fd_close(cgroup->dir);
	free(cgroup->path);
	strv_clear(&cgroup->enabled);
	*cgroup = CGROUP2_NONE;
}
