/* SPDX-License-Identifier: Apache-2.0 */
/* orphans_signal() on real process trees, and the parser of /proc/PID/stat. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/supervise/orphans.h"
#include "fauxroot/supervise/reap.h"
#include "supervise/procstat.h"

static void lines_of_proc_stat_are_parsed(void **state)
{
	static const struct {
		const char *text;
		int rc;
		char state;
		pid_t ppid;
	} cases[] = {
		{"1 (sh) S 0 1 1 0 -1", 0, 'S', 0},
		{"77 (sh) Z 42 77 77 0 -1", 0, 'Z', 42},
		{"77 () R 2147483647 0", 0, 'R', 2147483647},
		{"77 (a) R 5 (b) S 6 0", 0, 'S', 6},
		{"77 ()) R 5 (\n)) T 7 0", 0, 'T', 7},
		{"", -EINVAL, 0, 0},
		{"77", -EINVAL, 0, 0},
		{"77 (sh", -EINVAL, 0, 0},
		{"77 (sh)", -EINVAL, 0, 0},
		{"77 (sh) ", -EINVAL, 0, 0},
		{"77 (sh) S", -EINVAL, 0, 0},
		{"77 (sh) S ", -EINVAL, 0, 0},
		{"77 (sh) S 4", -EINVAL, 0, 0},
		{"77 (sh) S -4 ", -EINVAL, 0, 0},
		{"77 (sh) S 2147483648 ", -EINVAL, 0, 0},
		{"77 (sh) 4 4 ", -EINVAL, 0, 0},
		{"77 (sh)  S 4 ", -EINVAL, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char letter = '?';
		pid_t ppid = -1;
		int rc = procstat_parse(cases[i].text, strlen(cases[i].text), &letter, &ppid);

		if (rc != cases[i].rc)
			fail_msg("\"%s\": %d", cases[i].text, rc);
		assert_int_equal(letter, rc == 0 ? cases[i].state : '?');
		assert_int_equal(ppid, rc == 0 ? cases[i].ppid : -1);
	}
}

/* A process that waits to be killed; its @depth ancestors below the test have exited. */
_noreturn_ static void grow(unsigned depth, int ready)
{
	if (depth > 0 && fork() == 0)
		grow(depth - 1, ready);
	if (depth > 0)
		_exit(0);
	setsid();
	if (write(ready, "x", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static pid_t plant(unsigned depth, int *pipe_fds)
{
	pid_t pid = fork();
	char byte;

	if (pid == 0)
		grow(depth, pipe_fds[1]);
	assert_true(pid > 0);
	assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
	return pid;
}

static void reap_dead(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* Wait until @n are left: the ancestors of a planted process may still be exiting. */
static int living_of(int n)
{
	const struct timespec moment = {.tv_nsec = 1000000};
	struct deadline deadline = deadline_in(30000);
	int found;

	for (;;) {
		reap_dead();
		found = orphans_signal(0, NULL, NULL, NULL);
		assert_true(found >= 0);
		if (found == n || deadline_left(&deadline) == 0)
			return found;
		nanosleep(&moment, NULL);
	}
}

static int set_up(void **state)
{
	static int pipe_fds[2];

	*state = pipe_fds;
	return pipe(pipe_fds) < 0 ? -1 : become_subreaper(NULL);
}

static int tear_down(void **state)
{
	int *pipe_fds = *state;

	while (orphans_signal(SIGKILL, NULL, NULL, NULL) > 0)
		(void)waitpid(-1, NULL, 0);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	return 0;
}

static void descendants_of_every_session_are_signalled(void **state)
{
	assert_int_equal(living_of(0), 0);
	plant(0, *state);
	plant(1, *state);
	plant(5, *state);
	assert_int_equal(living_of(3), 3);
	assert_int_equal(orphans_signal(SIGTERM, NULL, NULL, NULL) >= 3, true);
	for (int i = 0; i < 3; i++) {
		int status;

		do
			assert_true(waitpid(-1, &status, 0) > 0);
		while (WIFEXITED(status));
		assert_int_equal(WTERMSIG(status), SIGTERM);
	}
	assert_int_equal(living_of(0), 0);
}

static void sigterm_terminates_stopped_processes(void **state)
{
	pid_t pid = plant(0, *state);
	int status;

	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(orphans_signal(SIGTERM, NULL, NULL, NULL), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WTERMSIG(status), SIGTERM);
}

static bool is_this(void *arg, pid_t pid)
{
	return pid == *(pid_t *)arg;
}

static void a_spared_child_keeps_its_descendants(void **state)
{
	int *pipe_fds = *state, status;
	pid_t spared = fork(), other;

	if (spared == 0) {
		plant(0, pipe_fds);
		grow(0, pipe_fds[1]);
	}
	assert_int_equal(read(pipe_fds[0], &(char){0}, 1), 1);
	other = plant(0, pipe_fds);
	assert_int_equal(living_of(3), 3);
	assert_int_equal(orphans_signal(SIGKILL, is_this, &spared, NULL), 1);
	assert_int_equal(waitpid(-1, &status, 0), other);
	assert_int_equal(orphans_signal(SIGKILL, is_this, &spared, NULL), 0);
	assert_int_equal(living_of(2), 2);
}

/* The zombie may have forked after the list was made. */
static void a_zombie_of_ours_is_counted(void **state)
{
	pid_t pid = plant(0, *state);
	siginfo_t info;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(orphans_signal(SIGTERM, NULL, NULL, NULL), 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(orphans_signal(SIGTERM, NULL, NULL, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_proc_stat_are_parsed),
		cmocka_unit_test_setup_teardown(descendants_of_every_session_are_signalled, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(sigterm_terminates_stopped_processes, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_spared_child_keeps_its_descendants, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_zombie_of_ours_is_counted, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
