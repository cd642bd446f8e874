/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * flock(2) either does not wait or waits without a limit. To wait with a deadline, a helper process
 * blocks in flock(2) on an open file description of its own until the lock is free. Then it exits,
 * which releases the lock again. We wait for its exit with a deadline, then take the lock; if
 * another process was faster, we start again. This needs no polling, and no signal handler with its
 * race between the alarm and the call that it interrupts. The helper exists only while another
 * process holds the lock.
 *
 * With a shared description the helper could take the lock for us, but then /proc/locks would name
 * the helper as its holder forever. We read the holder of a lock from that file. A PID written
 * into "lock" could be stale, and RootlessKit does not write one.
 */
#include "lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"

static int try_lock(int fd)
{
	while (flock(fd, LOCK_EX | LOCK_NB) < 0)
		if (errno != EINTR)
			return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return 0;
}

/* In the helper: wait until no process holds the lock exclusively. */
_noreturn_ static void wait_in_helper(int fd)
{
	char path[64];
	int own;

	(void)str_print(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, O_RDONLY | O_CLOEXEC);
	if (own < 0)
		_exit(1);
	while (flock(own, LOCK_SH) < 0)
		if (errno != EINTR)
			_exit(1);
	_exit(0);
}

/* Wait until the lock has been free for a moment. 0, -ETIMEDOUT, -ECANCELED, or -errno */
static int wait_until_free(int fd, const struct lock_patience *patience, struct error *err)
{
	struct process helper = PROCESS_NONE;
	int status = 0, rc = fork_clean("state lock", &fd, 1, &helper, err);

	if (rc == 0)
		wait_in_helper(fd);
	if (rc < 0)
		return rc;
	rc = process_wait(&helper, &patience->deadline, patience->cancel_fd, &status);
	process_kill(&helper);
	if (rc == 0 && status != 0)
		rc = -EBUSY;
	return rc < 0 ? err_set(err, -rc, "waiting for a lock") : 0;
}

int lock_take(int fd, const struct lock_patience *patience, struct error *err)
{
	for (;;) {
		int rc = try_lock(fd);

		if (rc != -EBUSY || deadline_left(&patience->deadline) == 0)
			return rc < 0 ? err_set(err, -rc, "locking") : 0;
		rc = wait_until_free(fd, patience, err);
		if (rc < 0 && rc != -ETIMEDOUT)
			return rc;
	}
}

static void take_field(struct cursor *c, const char **ret, size_t *ret_n)
{
	cursor_blanks(c);
	cursor_until(c, " \t", ret, ret_n);
}

static bool field_is(const char *field, size_t n, const char *word)
{
	return n == strlen(word) && memcmp(field, word, n) == 0;
}

static bool take_hex(struct cursor *c, uint64_t *ret)
{
	uint64_t value = 0;
	const char *digits;
	size_t n;

	cursor_until(c, ":", &digits, &n);
	if (n == 0 || n > 8 || !cursor_char(c, ':'))
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *all = "0123456789abcdef";
		const char *found = digits[i] ? strchr(all, digits[i]) : NULL;

		if (!found)
			return false;
		value = value * 16 + (uint64_t)(found - all);
	}
	*ret = value;
	return true;
}

/* "1: FLOCK  ADVISORY  WRITE 1234 00:2f:5678 0 EOF"; "->" after the number means that it waits. */
static pid_t holder_in_line(struct cursor c, dev_t dev, ino_t ino)
{
	uint64_t major_no, minor_no, inode;
	uint32_t pid;
	const char *field;
	size_t n;

	take_field(&c, &field, &n);
	take_field(&c, &field, &n);
	if (!field_is(field, n, "FLOCK"))
		return 0;
	take_field(&c, &field, &n);
	take_field(&c, &field, &n);
	cursor_blanks(&c);
	if (cursor_u32(&c, INT32_MAX, &pid) < 0 || !cursor_char(&c, ' ') ||
	    !take_hex(&c, &major_no) || !take_hex(&c, &minor_no) ||
	    cursor_u64(&c, UINT64_MAX, &inode) < 0 || inode != ino)
		return 0;
	if (dev != 0 && (major_no != major(dev) || minor_no != minor(dev)))
		return 0;
	return (pid_t)pid;
}

pid_t lock_holder_in(const char *text, size_t size, dev_t dev, ino_t ino)
{
	struct cursor c = cursor_of_n(text, size), line;

	while (cursor_line(&c, &line)) {
		pid_t pid = holder_in_line(line, dev, ino);

		if (pid > 0)
			return pid;
	}
	return 0;
}

/* Does @pid have the file open? False if its descriptors cannot be read. */
static bool has_open(pid_t pid, const struct stat *file)
{
	char path[64];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	(void)str_print(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		struct stat st;

		found = fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 &&
			st.st_dev == file->st_dev && st.st_ino == file->st_ino;
	}
	if (dir)
		closedir(dir);
	return found;
}

pid_t lock_holder(int fd)
{
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t size;
	pid_t pid;

	if (fstat(fd, &st) < 0 ||
	    file_read_bounded(AT_FDCWD, "/proc/locks", 16U << 20, &text, &size) < 0)
		return 0;
	pid = lock_holder_in(text, size, st.st_dev, st.st_ino);
	if (pid > 0)
		return pid;
	pid = lock_holder_in(text, size, 0, st.st_ino);
	return pid > 0 && has_open(pid, &st) ? pid : 0;
}

/* "process 1234 (fauxroot true)" */
static void describe(pid_t pid, char *buf, size_t size)
{
	_cleanup_free_ char *text = NULL;
	char path[64];
	size_t n;

	(void)str_print(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	if (file_read_bounded(AT_FDCWD, path, 4U << 20, &text, &n) < 0 || n == 0) {
		(void)str_print(buf, size, "process %d", (int)pid);
		return;
	}
	n = MIN(n, (size_t)200);
	for (size_t i = 0; i < n; i++)
		if (text[i] == '\0')
			text[i] = ' ';
	text[n] = '\0';
	str_printable(text);
	(void)str_print(buf, size, "process %d (%s)", (int)pid, text);
}

int lock_is_taken(int fd, const char *path, struct error *err)
{
	pid_t pid = lock_holder(fd);
	bool lives = pid > 0 && (kill(pid, 0) == 0 || errno != ESRCH);
	char who[320] = "another process (/proc/locks does not show which)";
	int rc;

	if (lives)
		describe(pid, who, sizeof(who));
	else if (pid > 0)
		(void)str_print(who, sizeof(who),
				"a process that inherited the lock of process "
				"%d, which has exited",
				(int)pid);
	rc = err_say(err, EBUSY, "state directory \"%s\": is in use by %s", path, who);
	return lives ? err_about(err, rc, REASON_IN_USE, "%d", (int)pid)
		     : err_reason(err, rc, REASON_IN_USE);
}
