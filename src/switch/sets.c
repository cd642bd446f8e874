/* SPDX-License-Identifier: Apache-2.0 */
#include "sets.h"

#include <dirent.h>
#include <errno.h>
#include <linux/kcmp.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attempt.h"
#include "fauxroot/base/clock.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/libc.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "lines.h"

/*
 * A process ID may be used again, and a set may arrive from another process (SCM_RIGHTS in man 7
 * unix), which no call reports. So a search is repeated after REMEMBER_MS and REMEMBER_TIMES its
 * own duration: searches take at most a twentieth of the processor time.
 */
#define REMEMBER_MS    20
#define REMEMBER_TIMES 20

/* The maximum number of members of a set with one number. */
#define SAME_NUMBER_MAX 64

/* The events that fdinfo shows for a member that EPOLLONESHOT has disabled. */
#define OFF_EVENTS (EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE)

static bool take_hex(struct cursor *c, uint64_t *ret)
{
	const char *start = c->at;
	uint64_t value = 0;

	for (; !cursor_at_end(c); c->at++) {
		char here = *c->at;

		if (here >= '0' && here <= '9')
			value = value << 4 | (uint64_t)(here - '0');
		else if (here >= 'a' && here <= 'f')
			value = value << 4 | (uint64_t)(here - 'a' + 10);
		else
			break;
	}
	*ret = value;
	return c->at > start && c->at - start <= 16;
}

/* Skip blanks, @word and blanks. */
static bool take_label(struct cursor *c, const char *word)
{
	(void)cursor_blanks(c);
	if (!cursor_word(c, word))
		return false;
	(void)cursor_blanks(c);
	return true;
}

bool sets_parse(struct cursor line, int *ret_fd, uint64_t *ret_inode, struct membership *ret)
{
	uint64_t events, data, pos, inode;
	uint32_t fd;

	if (!take_label(&line, "tfd:") || cursor_u32(&line, INT32_MAX, &fd) < 0 ||
	    !take_label(&line, "events:") || !take_hex(&line, &events) ||
	    !take_label(&line, "data:") || !take_hex(&line, &data) || !take_label(&line, "pos:") ||
	    cursor_u64(&line, UINT64_MAX, &pos) < 0 || !take_label(&line, "ino:") ||
	    !take_hex(&line, &inode) || events > UINT32_MAX)
		return false;
	*ret_fd = (int)fd;
	*ret_inode = inode;
	ret->events = (uint32_t)events;
	ret->data = data;
	return true;
}

/* Find the socket in the set: @a->sets. Returns LEFT_NOT also if the set does not contain it any
 * more. */
static enum left read_set(struct attempt *a, int set)
{
	_cleanup_lines_ struct lines lines;
	struct membership member = {.set = set};
	struct cursor line;
	uint64_t inode;
	char name[32];
	int fd;

	(void)str_print(name, sizeof(name), "fdinfo/%d", set);
	if (lines_open(&lines, a->tid, name) < 0)
		return LEFT_FAILED;
	while (lines_next(&lines, &line)) {
		if (!sets_parse(line, &fd, &inode, &member) || fd != a->number || inode != a->inode)
			continue;
		if (a->n_sets == ATTEMPT_SETS)
			return LEFT_FAILED;
		/* A new member cannot be disabled: it always reports errors and hang-ups. */
		if ((member.events & ~(uint32_t)OFF_EVENTS) == 0)
			return LEFT_OPTION;
		a->sets[a->n_sets++] = member;
		break;
	}
	return LEFT_NOT;
}

/*
 * Returns 1 if the socket is in the set, 0 if not; -EINVAL if @set is no set, or another -errno.
 * The set can have other members with the same number, which was used for other files before.
 */
static int has_member(const struct attempt *a, int set)
{
	struct kcmp_epoll_slot slot = {.efd = (unsigned)set, .tfd = (unsigned)a->number};
	long rc;

	for (; slot.toff < SAME_NUMBER_MAX; slot.toff++) {
		rc = syscall(SYS_kcmp, a->tid, a->tid, KCMP_EPOLL_TFD, a->number, &slot);
		if (rc < 0)
			return errno == ENOENT ? 0 : -errno;
		if (rc == 0)
			return 1;
	}
	return -E2BIG;
}

/*
 * Look at one descriptor of the process: is it a set, or the same socket? kcmp(2) shows that, and
 * works on processes of other users of the command, whose /proc/PID/fd is closed to us.
 */
static enum left look_at(struct attempt *a, struct sets_process *process, int number)
{
	long same = syscall(SYS_kcmp, a->tid, a->tid, KCMP_FILE, a->number, number);
	int member;

	if (same == 0)
		return LEFT_SHARED;
	/* EBADF: it was closed meanwhile. */
	if (same < 0)
		return errno == EBADF ? LEFT_NOT : LEFT_UNREADABLE;
	member = has_member(a, number);
	if (member == -EINVAL || member == -EBADF)
		return LEFT_NOT;
	if (member < 0)
		return LEFT_UNREADABLE;
	if (process->n >= 0 && process->n < SETS_KNOWN)
		process->sets[process->n++] = number;
	else
		process->n = -1;
	return member ? read_set(a, number) : LEFT_NOT;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Look at all descriptors of the process. */
static enum left search(struct attempt *a, struct sets_process *process, uint32_t made)
{
	int64_t begin_ms = clock_ms(), end_ms;
	_cleanup_(close_dir) DIR *dir = NULL;
	enum left left = LEFT_NOT;
	const struct dirent *entry;
	char path[64];
	uint32_t number;

	*process = (struct sets_process){.made = made};
	(void)str_print(path, sizeof(path), "/proc/%d/fdinfo", a->tid);
	dir = opendir(path);
	if (!dir)
		return LEFT_UNREADABLE;
	while (left == LEFT_NOT && (entry = readdir(dir)))
		if (parse_u32(entry->d_name, INT32_MAX, &number) == 0 && (int)number != a->number)
			left = look_at(a, process, (int)number);
	end_ms = clock_ms();
	if (left == LEFT_NOT && process->n >= 0) {
		process->tid = a->tid;
		process->until_ms = end_ms + REMEMBER_MS + (end_ms - begin_ms) * REMEMBER_TIMES;
	}
	return left;
}

enum left sets_find(struct sets_memory *memory, uint32_t made, struct attempt *a)
{
	struct sets_process *process = &memory->items[(unsigned)a->tid % SETS_PROCESSES];
	enum left left = LEFT_NOT;

	a->n_sets = 0;
	if (process->tid != a->tid || process->made != made || clock_ms() >= process->until_ms)
		return search(a, process, made);
	for (int i = 0; i < process->n && left == LEFT_NOT; i++) {
		int rc = has_member(a, process->sets[i]);

		if (rc < 0) {
			a->n_sets = 0;
			return search(a, process, made);
		}
		if (rc > 0)
			left = read_set(a, process->sets[i]);
	}
	return left;
}

int sets_join(const struct attempt *a, int number)
{
	for (size_t i = 0; i < a->n_sets; i++) {
		struct epoll_event event = {
			.events = a->sets[i].events,
			.data.u64 = a->sets[i].data,
		};
		_cleanup_close_ int set =
			(int)syscall(SYS_pidfd_getfd, a->thread, a->sets[i].set, 0);

		if (set < 0 || epoll_ctl(set, EPOLL_CTL_ADD, number, &event) < 0)
			return -errno;
	}
	return 0;
}
