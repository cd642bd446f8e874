/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/proc/reap.h"
#include "fauxroot/supervise/reap.h"
#include "fauxroot/supervise/signals.h"

static int block(void **state)
{
	static struct signals signals;
	struct error err;

	*state = &signals;
	return signals_block(&signals, &err);
}

static int restore(void **state)
{
	struct signals *signals = *state;
	struct signalfd_siginfo info;

	while (signals_read(signals, &info))
		;
	signals_restore(signals);
	signals_close(signals);
	return 0;
}

static void a_terminating_signal_stays_pending(void **state)
{
	struct signals *signals = *state;
	struct signalfd_siginfo info;

	assert_int_equal(signals_pending_end(), 0);
	assert_int_equal(fd_wait(signals->all, POLLIN, &(struct deadline){0}, signals->cancel),
			 -ETIMEDOUT);
	kill(getpid(), SIGUSR1);
	assert_int_equal(signals_pending_end(), 0);
	kill(getpid(), SIGTERM);
	assert_int_equal(fd_wait(-1, POLLIN, NULL, signals->cancel), -ECANCELED);
	assert_int_equal(signals_pending_end(), SIGTERM);
	assert_true(signals_read(signals, &info));
	assert_int_equal(info.ssi_signo, SIGUSR1);
	assert_true(signals_read(signals, &info));
	assert_int_equal(info.ssi_signo, SIGTERM);
	assert_false(signals_read(signals, &info));
}

static void an_ignored_hangup_does_not_end_a_launch(void **state)
{
	struct signals signals;
	struct error err;

	restore(state);
	signal(SIGHUP, SIG_IGN);
	assert_int_equal(signals_block(&signals, &err), 0);
	kill(getpid(), SIGHUP);
	assert_int_equal(signals_pending_end(), 0);
	assert_int_equal(fd_wait(-1, POLLIN, &(struct deadline){0}, signals.cancel), -ETIMEDOUT);
	signals_close(&signals);
	signal(SIGHUP, SIG_DFL);
	assert_int_equal(block(state), 0);
}

static void an_ignored_sigchld_is_reset(void **state)
{
	struct signals signals;
	struct sigaction action;
	struct error err;

	restore(state);
	signal(SIGCHLD, SIG_IGN);
	assert_int_equal(signals_block(&signals, &err), 0);
	assert_int_equal(sigaction(SIGCHLD, NULL, &action), 0);
	assert_true(action.sa_handler == SIG_DFL);
	signals_close(&signals);
	assert_int_equal(block(state), 0);
}

/* A target that waits for one signal with sigwaitinfo(2) and exits with the value sent with it. */
static struct process start_target(bool own_group)
{
	int gate[2];
	struct process p = PROCESS_NONE;
	struct error err;
	char word;
	int rc;

	assert_int_equal(pipe(gate), 0);
	rc = fork_clean("target", gate, 2, &p, &err);
	if (rc == 0) {
		siginfo_t info;
		sigset_t all;

		if (own_group)
			setpgid(0, 0);
		sigfillset(&all);
		(void)!write(gate[1], "x", 1);
		if (sigwaitinfo(&all, &info) < 0)
			_exit(255);
		if (info.si_code == SI_QUEUE && info.si_value.sival_int)
			_exit(info.si_value.sival_int);
		_exit(info.si_signo);
	}
	assert_int_equal(rc, 1);
	assert_int_equal(read(gate[0], &word, 1), 1);
	close(gate[0]);
	close(gate[1]);
	return p;
}

static int forwarded_status(const struct signalfd_siginfo *info, bool own_group, bool swallowed)
{
	struct process p = start_target(own_group);
	struct signalfd_siginfo last = {.ssi_signo = SIGUSR2, .ssi_code = SI_USER};
	struct deadline deadline = deadline_in(60000);
	int status = -1;

	signal_forward(info, &p);
	/* If a signal is not forwarded, the next one arrives first. */
	if (swallowed)
		signal_forward(&last, &p);
	assert_int_equal(process_wait(&p, &deadline, -1, &status), 0);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void signals_that_the_target_lacks_are_forwarded(void **state)
{
	const struct {
		struct signalfd_siginfo info;
		bool own_group;
		int status;
	} cases[] = {
		{{.ssi_signo = SIGTERM, .ssi_code = SI_USER}, false, SIGTERM},
		{{.ssi_signo = SIGTSTP, .ssi_code = SI_USER}, false, SIGTSTP},
		{{.ssi_signo = SIGINT, .ssi_code = SI_USER}, false, SIGINT},
		{{.ssi_signo = SIGINT, .ssi_code = SI_KERNEL}, false, SIGUSR2},
		{{.ssi_signo = SIGWINCH, .ssi_code = SI_KERNEL}, false, SIGUSR2},
		{{.ssi_signo = SIGINT, .ssi_code = SI_KERNEL}, true, SIGINT},
		{{.ssi_signo = SIGPIPE, .ssi_code = SI_USER, .ssi_pid = (uint32_t)getpid()},
		 false,
		 SIGUSR2},
		{{.ssi_signo = SIGPIPE, .ssi_code = SI_USER, .ssi_pid = 1}, false, SIGPIPE},
		{{.ssi_signo = (uint32_t)SIGRTMIN + 1, .ssi_code = SI_QUEUE, .ssi_ptr = 42},
		 false,
		 42},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(forwarded_status(&cases[i].info, cases[i].own_group,
						  cases[i].status == SIGUSR2),
				 cases[i].status);
}

static void signals_are_described_in_words(void **state)
{
	char buf[64];

	(void)state;
	assert_string_equal(signal_words(SIGUSR1, buf, sizeof(buf)), "user defined signal 1");
	assert_string_equal(signal_words(SIGKILL, buf, sizeof(buf)), "killed");
	assert_string_equal(signal_words(SIGRTMIN + 2, buf, sizeof(buf)), "real-time signal 2");
}

static void orphans_are_adopted_and_reaped(void **state)
{
	struct error err;
	siginfo_t info;
	pid_t pid, parent;
	int status, n = 0;

	(void)state;
	assert_int_equal(become_subreaper(&err), 0);
	parent = fork();
	if (parent == 0) {
		if (fork() == 0)
			_exit(7);
		_exit(5);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
		while (reap_next(-1, &pid, &status)) {
			assert_int_equal(WEXITSTATUS(status), pid == parent ? 5 : 7);
			n++;
		}
		if (n == 2)
			break;
	}
	assert_int_equal(n, 2);
	assert_false(reap_next(-1, &pid, &status));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_terminating_signal_stays_pending, block, restore),
		cmocka_unit_test_setup_teardown(an_ignored_hangup_does_not_end_a_launch, block,
						restore),
		cmocka_unit_test_setup_teardown(an_ignored_sigchld_is_reset, block, restore),
		cmocka_unit_test_setup_teardown(signals_that_the_target_lacks_are_forwarded, block,
						restore),
		cmocka_unit_test(signals_are_described_in_words),
		cmocka_unit_test(orphans_are_adopted_and_reaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
