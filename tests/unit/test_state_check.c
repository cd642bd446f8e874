/* SPDX-License-Identifier: Apache-2.0 */
/* statedir_check() returns the same result as statedir_open(), and changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/str.h"
#include "fauxroot/state/statedir.h"
#include "state_fixture.h"

/* Compare both results, the check's first. The caller examines the directory afterwards. */
static void agree(const char *wanted, int expected)
{
	struct error checked = {.text = ""}, opened = {.text = ""};
	struct statedir d = STATEDIR_NONE;
	char *path = NULL;
	int rc = statedir_check(wanted, 4096, &path, &checked), open_rc;

	open_rc = statedir_open(wanted, -1, &d, &opened);
	if (rc != expected || open_rc != expected)
		fail_msg("%s: %d \"%s\", opened %d \"%s\", expected %d", wanted, rc, checked.text,
			 open_rc, opened.text, expected);
	if (rc == 0 && wanted)
		assert_string_equal(path, d.path);
	if (rc < 0) {
		assert_int_equal(checked.step, STEP_STATEDIR);
		assert_int_equal(checked.code, opened.code);
	}
	free(path);
	statedir_remove(&d);
}

static void check_and_open_return_the_same(void **state)
{
	char *longest = str_format("%s/%0120d", (char *)*state, 0);

	agree("s", 0);
	agree("a/b/s", 0);
	assert_int_equal(rmdir("a/b") || rmdir("a"), 0);
	touch("file");
	agree("file", -ENOTDIR);
	agree("file/below", -ENOTDIR);
	assert_int_equal(symlink(".", "link"), 0);
	agree("link", -ELOOP);
	agree("link/s", 0);
	agree(".", -EINVAL);
	agree("/", -EINVAL);
	assert_non_null(longest);
	agree(longest, -ENAMETOOLONG);
	free(longest);
	assert_int_equal(unlink("file") || unlink("link"), 0);
}

/* Call the check alone: if statedir_open() did not refuse it, it would empty it. */
static void a_home_is_refused_even_if_HOME_differs(void **state)
{
	struct passwd entry, *account = NULL;
	struct error err = {.text = ""};
	char *path = NULL, buf[4096];

	(void)state;
	(void)getpwuid_r(geteuid(), &entry, buf, sizeof(buf), &account);
	if (!account || streq(account->pw_dir, "/") || access(account->pw_dir, F_OK) < 0)
		return;
	assert_int_equal(unsetenv("HOME"), 0);
	assert_int_equal(statedir_check(account->pw_dir, 4096, &path, &err), -EINVAL);
	assert_non_null(strstr(err.text, "the home directory"));
	free(path);
}

static void a_file_without_permission_is_refused(void **state)
{
	(void)state;
	if (geteuid() == 0) {
		/* Root may write everywhere, but another user's directory is refused. */
		assert_int_equal(mkdir("theirs", 0700), 0);
		assert_int_equal(chown("theirs", 1, 1), 0);
		agree("theirs", -EPERM);
	} else {
		assert_int_equal(mkdir("theirs", 0500), 0);
		agree("theirs/s", -EACCES);
	}
	assert_int_equal(rmdir("theirs"), 0);
}

static void nothing_is_changed(void **state)
{
	struct error err = {.text = ""};
	char *path = NULL;

	(void)state;
	assert_int_equal(statedir_check("a/b", 4096, &path, &err), 0);
	free(path);
	assert_false(exists("a"));
	assert_int_equal(mkdir("s", 0755) || mkdir("s/sub", 0755), 0);
	touch("s/child_pid");
	assert_int_equal(statedir_check("s", 4096, &path, &err), 0);
	free(path);
	assert_true(exists("s/child_pid") && exists("s/sub") && !exists("s/lock"));
	assert_int_equal(mode_of("s"), 0755);
	assert_int_equal(unlink("s/child_pid") || rmdir("s/sub") || rmdir("s"), 0);
}

static void a_running_instance_is_named_and_not_disturbed(void **state)
{
	struct error err = {.text = ""};
	struct statedir d = STATEDIR_NONE;
	char *path = NULL, *who = str_format("is in use by process %d ", (int)getpid());

	(void)state;
	assert_int_equal(statedir_open("s", -1, &d, &err), 0);
	assert_int_equal(statedir_check("s", 4096, &path, &err), -EBUSY);
	assert_non_null(who);
	if (!strstr(err.text, who))
		fail_msg("%s", err.text);
	free(who);
	/* A lock on its file "lock" alone is enough: RootlessKit takes no other. */
	assert_int_equal(flock(d.dir, LOCK_UN), 0);
	assert_int_equal(statedir_check("s", 4096, &path, &err), -EBUSY);
	assert_int_equal(flock(d.lock, LOCK_UN), 0);
	assert_int_equal(statedir_check("s", 4096, &path, &err), 0);
	free(path);
	statedir_remove(&d);
}

static void the_default_is_the_first_usable_base(void **state)
{
	struct error err = {.text = ""};
	char *path = NULL, *run = str_format("%s/run", (char *)*state);
	char *want = str_format("%s/run/fauxroot.XXXXXX", (char *)*state);

	assert_true(run && want);
	assert_int_equal(setenv("XDG_RUNTIME_DIR", run, 1), 0);
	assert_int_equal(statedir_check(NULL, 4096, &path, &err), 0);
	assert_string_equal(path, "/tmp/fauxroot.XXXXXX");
	free(path);
	assert_int_equal(mkdir("run", 0700), 0);
	assert_int_equal(statedir_check("", 4096, &path, &err), 0);
	assert_string_equal(path, want);
	free(path);
	agree(NULL, 0);
	assert_int_equal(rmdir("run"), 0);
	free(run);
	free(want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(check_and_open_return_the_same, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_home_is_refused_even_if_HOME_differs, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_file_without_permission_is_refused, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(nothing_is_changed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_running_instance_is_named_and_not_disturbed,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_default_is_the_first_usable_base, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
