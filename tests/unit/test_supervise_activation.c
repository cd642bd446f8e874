/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/base/str.h"
#include "fauxroot/supervise/activation.h"

static void activation_is_strict(void **state)
{
	static const struct {
		const char *pid, *fds; /* pid "own": ours */
		bool is;
	} cases[] = {
		{"own", "1", true},  {"own", "0", false},      {"own", "-1", false},
		{"own", "x", false}, {"own", "999999", false}, {"own", "1x", false},
		{"own", "", false},  {"1", "1", false},	       {"", "1", false},
		{NULL, "1", false},  {"own", NULL, false},     {"own", "4294967297", false},
	};
	char own[16];
	int saved = dup(STDERR_FILENO);

	(void)state;
	snprintf(own, sizeof(own), "%d", getpid());
	assert_true(saved >= 3);
	if (saved != 3)
		assert_int_equal(dup2(saved, 3), 3);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsetenv("LISTEN_PID");
		unsetenv("LISTEN_FDS");
		if (cases[i].pid)
			setenv("LISTEN_PID", strcmp(cases[i].pid, "own") ? cases[i].pid : own, 1);
		if (cases[i].fds)
			setenv("LISTEN_FDS", cases[i].fds, 1);
		assert_int_equal(activation_is_for(getpid()), cases[i].is);
	}
	close(3);
	close(saved);
}

static bool is(const char *variable, const char *wanted)
{
	const char *value = getenv(variable);

	return wanted ? value && streq(value, wanted) : !value;
}

static void put(const char *variable, const char *value)
{
	if (value)
		setenv(variable, value, 1);
	else
		unsetenv(variable);
}

/* PID 4711 is replaced by 2. */
static void variables_with_the_launchers_pid_get_the_targets(void **state)
{
	static const struct {
		bool activated;
		const char *pid, *fdid, *watchdog, *exec;	      /* before */
		const char *is_pid, *is_fdid, *is_watchdog, *is_exec; /* after */
	} cases[] = {
		{true, "4711", NULL, NULL, NULL, "2", NULL, NULL, NULL},
		{true, "4711", "99", "4711", "4711", "2", NULL, "2", "2"},
		/* Not for the launcher, so not for the target. */
		{false, "4711", "99", "4711", NULL, "4711", "99", "2", NULL},
		{false, "1", NULL, "1", "47110", "1", NULL, "1", "47110"},
		/* 2 in another PID namespace is another process. */
		{false, "2", "99", "2", "2", NULL, "99", NULL, NULL},
		{false, NULL, NULL, "4711x", "", NULL, NULL, "4711x", ""},
		{false, NULL, NULL, " 4711", "-4711", NULL, NULL, " 4711", "-4711"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		put("LISTEN_PID", cases[i].pid);
		put("LISTEN_PIDFDID", cases[i].fdid);
		put("WATCHDOG_PID", cases[i].watchdog);
		put("SYSTEMD_EXEC_PID", cases[i].exec);
		assert_int_equal(activation_retarget(cases[i].activated, 4711, 2), 0);
		assert_true(is("LISTEN_PID", cases[i].is_pid));
		assert_true(is("LISTEN_PIDFDID", cases[i].is_fdid));
		assert_true(is("WATCHDOG_PID", cases[i].is_watchdog));
		assert_true(is("SYSTEMD_EXEC_PID", cases[i].is_exec));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(activation_is_strict),
		cmocka_unit_test(variables_with_the_launchers_pid_get_the_targets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
