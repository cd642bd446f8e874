/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork_attended(): each test runs an attendant in a process of its own, which releases everything
 * that it holds, and observes it and its command from outside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/supervise/attend.h"
#include "fauxroot/supervise/reap.h"
#include "fauxroot/supervise/signals.h"

enum { PATIENCE_MS = 60000 };

struct fixture {
	pid_t attendant;
	int said;  /* output of command and attendant, a word per write; the attendant keeps it */
	int other; /* only the command holds the other end while it runs */
};

struct job {
	bool reap_all;
	int (*command)(int say);
};

static void say(int fd, const char *words)
{
	(void)fd_write_all(fd, words, strlen(words));
}

static void say_stopped(void *arg, pid_t pid, int status)
{
	const int *fd = arg;

	(void)pid;
	if (WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP)
		say(*fd, "S");
}

/* In the process that becomes the attendant. */
static int live(const struct job *job, int fd)
{
	struct signals signals;
	struct error err = {0};
	const struct attendant attendant = {
		.signals = &signals,
		.reap_all = job->reap_all,
		.keep = &fd,
		.n_keep = 1,
		.stopped = say_stopped,
		.arg = &fd,
	};
	int status = 0, rc;

	if (signals_block(&signals, &err) < 0 || become_subreaper(&err) < 0)
		return 100;
	rc = fork_attended(&attendant, &status, &err);
	if (rc < 0)
		return 101;
	if (rc == 0)
		_exit(job->command(fd));
	/* Encode the result of waitpid(2) in an exit status. */
	return WIFSIGNALED(status) ? 64 + WTERMSIG(status) : WEXITSTATUS(status);
}

static struct fixture start(const struct job *job)
{
	struct fixture f = {.said = -1, .other = -1};
	int said[2], other[2];

	assert_int_equal(pipe2(said, O_CLOEXEC), 0);
	assert_int_equal(pipe2(other, O_CLOEXEC), 0);
	fflush(NULL);
	f.attendant = fork();
	assert_true(f.attendant >= 0);
	if (f.attendant == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(live(job, said[1]));
	}
	fd_close(said[1]);
	fd_close(other[1]);
	f.said = said[0];
	f.other = other[0];
	return f;
}

static void assert_says(const struct fixture *f, char word)
{
	struct deadline deadline = deadline_in(PATIENCE_MS);
	char got = 0;

	assert_int_equal(fd_wait(f->said, POLLIN, &deadline, -1), 0);
	assert_int_equal(read(f->said, &got, 1), 1);
	assert_int_equal(got, word);
}

static void assert_ends(struct fixture *f, int wanted)
{
	int status;

	assert_int_equal(waitpid(f->attendant, &status, 0), f->attendant);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), wanted);
	fd_close(f->said);
	fd_close(f->other);
}

static int seven(int fd)
{
	(void)fd;
	return 7;
}

static int kill_self(int fd)
{
	(void)fd;
	/* All signals are blocked, also SIGUSR1. */
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGKILL);
	return 0;
}

static void exits_with_the_status_of_its_command(void **state)
{
	const struct job exits = {.command = seven}, dies = {.command = kill_self};
	struct fixture f = start(&exits);

	(void)state;
	assert_ends(&f, 7);
	f = start(&dies);
	assert_ends(&f, 64 + SIGKILL);
}

/* Print each signal that arrives, and exit at SIGTERM. */
static int listen_for(int fd)
{
	sigset_t all;
	int sig;

	sigfillset(&all);
	say(fd, "r");
	while ((sig = sigwaitinfo(&all, NULL)) != SIGTERM)
		say(fd, sig == SIGUSR1 ? "1" : sig == SIGUSR2 ? "2" : "?");
	return 3;
}

/* The one child of @pid. */
static pid_t child_of(pid_t pid)
{
	_cleanup_free_ char *text = NULL;
	struct cursor c;
	uint32_t child;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	assert_int_equal(file_read_bounded(AT_FDCWD, path, 64, &text, NULL), 0);
	c = cursor_of(text);
	assert_int_equal(cursor_u32(&c, INT32_MAX, &child), 0);
	return (pid_t)child;
}

static void forwards_signals_and_reports_stops(void **state)
{
	const struct job job = {.command = listen_for};
	struct fixture f = start(&job);

	(void)state;
	assert_says(&f, 'r');
	kill(f.attendant, SIGUSR1);
	assert_says(&f, '1');
	kill(f.attendant, SIGUSR2);
	assert_says(&f, '2');
	kill(child_of(f.attendant), SIGSTOP);
	assert_says(&f, 'S');
	/* SIGCONT is forwarded like other signals; it continues the command. */
	kill(f.attendant, SIGCONT);
	assert_says(&f, '?');
	kill(f.attendant, SIGTERM);
	assert_ends(&f, 3);
}

/* The attendant's descriptors, as its command finds them when it starts. */
static int look_at_attendant(int fd)
{
	char path[64], target[256];
	struct dirent *entry;
	int odd = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", getppid());
	dir = opendir(path);
	if (!dir)
		return 99;
	while ((entry = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		if (n < 0)
			continue;
		target[n] = '\0';
		if (strlen(entry->d_name) == 1 && *entry->d_name <= '2')
			odd += strcmp(target, "/dev/null") != 0;
		else
			odd += strncmp(target, "anon_inode:", 11) != 0 &&
			       strncmp(target, "pidfd:", 6) != 0 &&
			       strncmp(target, "pipe:", 5) != 0;
	}
	closedir(dir);
	snprintf(path, sizeof(path), "/proc/%d/cwd", getppid());
	odd += readlink(path, target, sizeof(target)) != 1 || target[0] != '/';
	/* Its own descriptors are unchanged. */
	odd += fcntl(fd, F_GETFD) < 0;
	return odd;
}

static void releases_everything_before_its_command_runs(void **state)
{
	const struct job job = {.command = look_at_attendant};
	int stray = open("/dev/zero", O_RDONLY);
	struct fixture f = start(&job);

	(void)state;
	assert_ends(&f, 0);
	fd_close(stray);
}

_noreturn_ static int let_go(int fd)
{
	(void)fd_close_all_except(&fd, 1);
	say(fd, "r");
	for (;;)
		pause();
}

static void assert_end_of_file(int fd)
{
	struct deadline deadline = deadline_in(PATIENCE_MS);
	char byte;

	assert_int_equal(fd_wait(fd, POLLIN, &deadline, -1), 0);
	assert_int_equal(read(fd, &byte, 1), 0);
}

static void holds_nothing_and_its_command_dies_with_it(void **state)
{
	const struct job job = {.command = let_go};
	struct fixture f = start(&job);

	(void)state;
	assert_says(&f, 'r');
	assert_end_of_file(f.other);
	/* Both hold the other end of this pipe. */
	kill(f.attendant, SIGKILL);
	assert_end_of_file(f.said);
	assert_int_equal(waitpid(f.attendant, NULL, 0), f.attendant);
	fd_close(f.said);
	fd_close(f.other);
}

/* Leave an orphan that exits at once, and count the attendant's children afterwards. */
static int orphans_left(bool wanted)
{
	struct deadline deadline = deadline_in(PATIENCE_MS);
	pid_t child = fork();

	if (child == 0) {
		if (fork() == 0)
			_exit(0);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	for (;;) {
		char path[64], text[256];
		ssize_t n;
		int fd, zombies = 0;

		snprintf(path, sizeof(path), "/proc/%d/task/%d/children", getppid(), getppid());
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = read(fd, text, sizeof(text));
		fd_close(fd);
		for (ssize_t i = 0; i < n; i++)
			zombies += text[i] == ' ';
		zombies--; /* this process */
		if ((zombies == 1) == wanted || deadline_left(&deadline) == 0)
			return zombies;
	}
}

static int leave_one(int fd)
{
	(void)fd;
	return orphans_left(true);
}

static int leave_none(int fd)
{
	(void)fd;
	return orphans_left(false);
}

static void reaps_every_child_or_its_own_alone(void **state)
{
	const struct job all = {.reap_all = true, .command = leave_none},
			 alone = {.reap_all = false, .command = leave_one};
	struct fixture f = start(&all);

	(void)state;
	assert_ends(&f, 0);
	f = start(&alone);
	assert_ends(&f, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exits_with_the_status_of_its_command),
		cmocka_unit_test(forwards_signals_and_reports_stops),
		cmocka_unit_test(releases_everything_before_its_command_runs),
		cmocka_unit_test(holds_nothing_and_its_command_dies_with_it),
		cmocka_unit_test(reaps_every_child_or_its_own_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
