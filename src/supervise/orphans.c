/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The descendants of a subreaper include the orphans that it has adopted; sessions, process groups
 * and terminals do not matter. The children file of /proc is reliable only for frozen processes,
 * and not every kernel has it (man 5 proc). So we read all of /proc, sort the processes by parent,
 * and walk down from our own process. A process has one parent in such a snapshot. So the walk
 * visits each process once and ends, even if the snapshot is inconsistent.
 *
 * /proc lists the PIDs before we read each process. A process may fork and exit in between, and its
 * child is not in the list. But it leaves a zombie that only we can reap. So a snapshot without
 * such a zombie and without living descendants is the last one.
 *
 * Between the snapshot and the signal a PID can pass to another process. So we first open a pidfd,
 * and then check that the process still has the parent from the snapshot.
 */
#include "fauxroot/supervise/orphans.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "procstat.h"

struct entry {
	pid_t pid, ppid;
};

struct snapshot {
	struct entry *items; /* sorted by parent when it is complete */
	size_t n, room;
};

static void snapshot_clear(struct snapshot *p)
{
	free(p->items);
}

static void closedir_ptr(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int add(struct snapshot *p, struct entry entry)
{
	if (p->n == p->room) {
		size_t room = p->room ? p->room * 2 : 256;
		struct entry *items = realloc(p->items, room * sizeof(*items));

		if (!items)
			return -ENOMEM;
		p->items = items;
		p->room = room;
	}
	p->items[p->n++] = entry;
	return 0;
}

/*
 * The parent of the process @pid, and whether it is a zombie; -ESRCH if it does not exist. EPERM: a
 * /proc with hidepid=1 (man 5 proc) hides the processes that we may not trace. We may trace the
 * target's: our user owns their user namespace (man 2 ptrace).
 */
static int find_parent(int proc, pid_t pid, pid_t *ret, bool *ret_zombie)
{
	char state;
	int rc = procstat_read(proc, pid, &state, ret);

	if (rc == 0)
		*ret_zombie = state == 'Z' || state == 'X';
	return rc == -EPERM ? -ESRCH : rc;
}

static int by_parent(const void *a, const void *b)
{
	pid_t x = ((const struct entry *)a)->ppid, y = ((const struct entry *)b)->ppid;

	return (x > y) - (x < y);
}

static int take_snapshot(DIR *dir, struct snapshot *p)
{
	struct dirent *entry;

	while ((errno = 0, entry = readdir(dir))) {
		struct entry process;
		uint32_t pid;
		bool zombie;
		int rc;

		if (parse_u32(entry->d_name, INT_MAX, &pid) < 0)
			continue;
		process.pid = (pid_t)pid;
		rc = find_parent(dirfd(dir), process.pid, &process.ppid, &zombie);
		if (rc == 0 && (!zombie || process.ppid == getpid()))
			rc = add(p, process);
		if (rc < 0 && rc != -ESRCH)
			return rc;
	}
	if (errno)
		return -errno;
	if (p->n > 0)
		qsort(p->items, p->n, sizeof(p->items[0]), by_parent);
	return 0;
}

/* Index of the first child of @parent in the snapshot; where it would be if there is none. */
static size_t first_child(const struct snapshot *p, pid_t parent)
{
	size_t low = 0, high = p->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (p->items[middle].ppid < parent)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Signal by pidfd; by PID if pidfd_open(2) is refused. */
static void signal_one(int proc, const struct entry *process, int sig)
{
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, process->pid, 0);
	bool zombie;
	pid_t ppid = -1;

	if (find_parent(proc, process->pid, &ppid, &zombie) < 0 || ppid != process->ppid)
		return;
	if (pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
	else
		(void)kill(process->pid, sig);
}

/* Walk down from our own process. @found is the queue of the walk, and its result. */
static int find_descendants(const struct snapshot *p, bool (*spare)(void *arg, pid_t pid),
			    void *arg, struct snapshot *found)
{
	pid_t parent = getpid();

	for (size_t next = 0;; next++) {
		for (size_t i = first_child(p, parent); i < p->n && p->items[i].ppid == parent;
		     i++) {
			if (parent == getpid() && spare && spare(arg, p->items[i].pid))
				continue;
			if (add(found, p->items[i]) < 0)
				return -ENOMEM;
		}
		if (next == found->n)
			return 0;
		parent = found->items[next].pid;
	}
}

int orphans_signal(int sig, bool (*spare)(void *arg, pid_t pid), void *arg, struct error *err)
{
	_cleanup_(snapshot_clear) struct snapshot all = {0}, found = {0};
	_cleanup_(closedir_ptr) DIR *dir = opendir("/proc");
	int rc;

	if (!dir)
		return err_set(err, errno, "searching for leftover processes: opening /proc");
	if (!procstat_is_ours())
		return err_say(err, ENOTSUP,
			       "searching for leftover processes: /proc shows another PID "
			       "namespace");
	rc = take_snapshot(dir, &all);
	if (rc == 0)
		rc = find_descendants(&all, spare, arg, &found);
	if (rc < 0)
		return err_set(err, -rc, "searching for leftover processes");
	for (size_t i = 0; i < found.n && sig > 0; i++) {
		signal_one(dirfd(dir), &found.items[i], sig);
		if (sig == SIGTERM)
			signal_one(dirfd(dir), &found.items[i], SIGCONT);
	}
	return (int)MIN(found.n, INT_MAX);
}
