/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * clone(2) makes the child's cgroup namespace. Its root is our cgroup at that time, so the child
 * sees the leaf as /NAME. Therefore the evacuation comes after the clone. It comes before the
 * helpers start, so that they start in the leaf.
 *
 * Two instances can be in one cgroup and use the same leaf. Each holds a shared flock(2) on it. An
 * instance that exits and cannot lock the leaf exclusively undoes nothing.
 *
 * A list of processes is outdated when it is read, so it is read again until it is empty. It shows
 * processes of other PID namespaces as 0, so these cannot be moved. A process that is exiting
 * cannot be moved, although writing its PID succeeds. The kernel removes it from the cgroup only
 * after it has freed its memory; until then no controller can be enabled (EBUSY). So enabling is
 * tried again for a while.
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

/* The largest kernel file that is read. */
#define FILE_MAX (16U << 20)

/* Each round moves all listed processes. Processes that fork faster than this cannot be caught. */
#define MAX_ROUNDS 20

/* How long to wait for all exiting processes: the kernel needs a while for a large one. */
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
			       "finding our cgroup: /proc/self/cgroup shows no cgroup v2");
	case -ESTALE:
		return err_say(err, ESTALE,
			       "finding our cgroup: the cgroup v2 in /proc/self/cgroup has been "
			       "removed, or is outside of our cgroup namespace");
	case -ENODEV:
		return err_say(err, ENODEV,
			       "finding our cgroup: /proc/self/mountinfo shows no cgroup2 mount");
	case -ENXIO:
		return err_say(
			err, ENODEV,
			"finding our cgroup: no cgroup2 mount in /proc/self/mountinfo shows %s",
			cgroup);
	default:
		return err_set(err, -rc, "finding our cgroup in /proc");
	}
}

/* Check by descriptor, so that the checked cgroup is the one that is used. */
static int check(const struct cgroup2 *c, struct error *err)
{
	struct statfs fs;

	if (fstatfs(c->dir, &fs) < 0)
		return err_set(err, errno, "checking the cgroup \"%s\"", c->path);
	if (fs.f_type != CGROUP2_SUPER_MAGIC)
		return err_say(err, ENODEV,
			       "the cgroup \"%s\": another file system is mounted there", c->path);
	/* Only the root has no cgroup.events (man 7 cgroups). */
	if (faccessat(c->dir, "cgroup.events", F_OK, 0) < 0)
		return err_say(err, EPERM,
			       "the cgroup \"%s\" is the root of the hierarchy, which cannot be "
			       "evacuated",
			       c->path);
	/* Moving processes needs write access to cgroup.procs; making the leaf, to the cgroup. */
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

/* Write one word with one write(2): the kernel accepts it completely, or returns an error. */
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
	/* Shows other instances that this leaf is in use: see undo(). */
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

/* The result of one round. */
struct round {
	unsigned listed, moved;
	uint32_t stuck; /* a process that could not be moved; 0: of another PID namespace */
	int rc;		/* -errno of moving it */
};

/* Move all processes that are now listed in @from to @to. */
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
		/* ESRCH: it has exited in the meantime. */
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

/* Move all processes. Returns the number that is left, or -errno if they cannot be listed. */
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

/* Returns true if no process is left in the cgroup, as far as can be seen. */
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

/* Enable a controller. @deadline: how long to wait for processes that are exiting. */
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
		/* If there is no memory to record it, the controller stays enabled at the end. */
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
		log_warning("the cgroups in \"%s\" have no controllers: reading the list of "
			    "controllers: %s",
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

/* rmdir(2) of the leaf, after all processes have been moved; 0 or -errno */
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
		log_debug("the cgroup \"%s/%s\" stays: another instance uses it", c->path, c->name);
		return;
	}
	for (size_t i = c->enabled.n; i-- > 0;)
		(void)set_controller(c, '-', c->enabled.items[i]);
	/* A leaf that existed before may contain other processes. */
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
