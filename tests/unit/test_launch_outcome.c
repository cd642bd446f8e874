/* SPDX-License-Identifier: Apache-2.0 */
/* Validation of the outcomes in the shared memory of a rehearsal. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/launch/rehearse.h"

static void an_outcome_is_checked(void **state)
{
	static const struct {
		int rc, depends, code;
		int arrived_rc, arrived_depends, arrived_code;
	} cases[] = {
		{0, STAGE_COMMAND, 0, 0, STAGE_COMMAND, 0},
		{-EPERM, STAGE_COUNT_, EPERM, -EPERM, STAGE_NONE, EPERM},
		{1, -1, 0, -EIO, STAGE_NONE, EIO},
		{-4096, INT32_MAX, EPERM, -EIO, STAGE_NONE, EPERM},
		{INT32_MIN, INT32_MIN, -1, -EIO, STAGE_NONE, EIO},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct outcome outcome = {.rc = cases[i].rc,
					  .depends = (enum launch_stage)cases[i].depends,
					  .err.code = cases[i].code};

		memset(outcome.note, 'x', sizeof(outcome.note));
		if (cases[i].rc != 0) {
			memset(outcome.err.text, 'x', sizeof(outcome.err.text));
			outcome.err.reason = REASON_COUNT_;
		}
		outcome_arrived(&outcome);
		assert_int_equal(outcome.rc, cases[i].arrived_rc);
		assert_int_equal(outcome.depends, cases[i].arrived_depends);
		assert_int_equal(outcome.err.code, cases[i].arrived_code);
		assert_int_equal(outcome.err.reason, REASON_NONE);
		assert_int_equal(strnlen(outcome.note, sizeof(outcome.note)),
				 sizeof(outcome.note) - 1);
		assert_true(strnlen(outcome.err.text, sizeof(outcome.err.text)) <
			    sizeof(outcome.err.text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(an_outcome_is_checked)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
