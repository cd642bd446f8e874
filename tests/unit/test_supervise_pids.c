/* SPDX-License-Identifier: Apache-2.0 */
/* The first PIDs of a PID namespace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/supervise/pids.h"

static void the_first_pid_is_in_range(void **state)
{
	static const struct {
		uint32_t random, pid_max;
		pid_t from, one;
	} cases[] = {
		{0, 4194304, 1000, 2},
		{29000, 4194304, 30000, 29002},
		{29001, 4194304, 1000, 29003},
		{UINT32_MAX, 4194304, 1000 + UINT32_MAX % 29001, 2 + UINT32_MAX % 29999},
		/* Below half of pid_max. */
		{15383, 32768, 16383, 15385},
		{15384, 32768, 1000, 15386},
		{1, 2002, 1000, 3},
		{7, 2002, 1000, 9},
		/* pid_max is too small. */
		{7, 2000, 0, 9},
		{398, 400, 0, 2},
		{397, 400, 0, 399},
		{5, 3, 0, 2},
		{5, 0, 0, 2},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(pids_choose(cases[i].random, cases[i].pid_max), cases[i].from);
		assert_int_equal(pids_choose_one(cases[i].random, cases[i].pid_max), cases[i].one);
	}
}

/* Without the capability, or if the PID is in use, no process is made. */
static void a_pid_in_use_or_not_permitted_is_refused(void **state)
{
	struct process p = PROCESS_NONE;
	int rc = pids_fork(getpid(), &p);

	(void)state;
	if (rc == 0)
		_exit(1);
	assert_true(rc == -EEXIST || rc == -EPERM || rc == -ENOSYS);
	assert_int_equal(p.pid, 0);
	assert_int_equal(p.pidfd, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_pid_is_in_range),
		cmocka_unit_test(a_pid_in_use_or_not_permitted_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
