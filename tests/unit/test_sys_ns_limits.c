/* SPDX-License-Identifier: Apache-2.0 */
/* ns_run() near the limit of open descriptors (RLIMIT_NOFILE), with the real kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/sys/ns.h"
#include "netns_fixture.h"

#define SEVERAL 5

static int open_several(void *arg, struct error *err)
{
	int *fds = arg;

	for (int i = 0; i < SEVERAL; i++) {
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (fds[i] < 0)
			return err_set(err, errno, "opening /dev/null");
	}
	return 0;
}

/* Run the job while only @free more descriptors can be opened. */
static int run_with_room(const struct fixture *f, struct ns_job *job, int free, struct error *err)
{
	struct deadline deadline = deadline_in(60000);
	int lowest = dup(f->ns.net), rc;
	struct rlimit saved, few;

	fd_close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &saved), 0);
	few = (struct rlimit){(rlim_t)(lowest + free), saved.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	rc = ns_run(&f->ns, job, &deadline, -1, err);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &saved), 0);
	if (rc < 0) {
		int next = dup(f->ns.net);

		/* Nothing stays open. */
		assert_int_equal(next, lowest);
		fd_close(next);
	}
	return rc;
}

/* At each limit, the reason is the limit, whatever runs out first: the socket pair, the runner's
 * pidfd, or one of the descriptors that the job returns. */
static void too_few_descriptors_are_the_reason(void **state)
{
	struct fixture *f = *state;
	int fds[SEVERAL], receiving = 0, again = 1000, rc = -EMFILE;
	struct ns_job job = {
		.name = "open", .run = open_several, .arg = fds, .fds = fds, .n_fds = SEVERAL};
	struct error err = {0};

	for (int free = 0; free < 64 && rc < 0; free++) {
		rc = run_with_room(f, &job, free, &err);
		/* Descriptors that other processes of this user are passing count, too (man 7
		 * unix).
		 */
		if (rc == -ETOOMANYREFS && again-- > 0) {
			free--;
			continue;
		}
		if (rc < 0 && (rc != -EMFILE || err.code != EMFILE))
			fail_msg("room for %d: %s", free, err.text);
		if (rc < 0 && strstr(err.text, "receiving the result of open"))
			receiving++;
	}
	assert_int_equal(rc, 0);
	/* One descriptor has the place of the socket pair's end that only the runner keeps. */
	assert_in_range(receiving, 1, SEVERAL);
	for (int i = 0; i < SEVERAL; i++)
		fd_close(fds[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(too_few_descriptors_are_the_reason, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
