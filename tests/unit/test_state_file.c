/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Atomic files, full file systems, and mounts in the directory. The tests run in user and mount
 * namespaces of their own, on a tmpfs of 16 KiB at /mnt.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"
#include "fauxroot/state/statedir.h"
#include "scratch.h"

/* A file system of four pages, which are larger than 4 KiB on some kernels. */
static int set_up(void **state)
{
	char options[64];

	(void)state;
	assert_int_equal(str_print(options, sizeof(options), "size=%ld,mode=0755",
				   4 * sysconf(_SC_PAGESIZE)),
			 0);
	assert_int_equal(mount("tmpfs", "/mnt", "tmpfs", 0, options), 0);
	return chdir("/mnt");
}

static int tear_down(void **state)
{
	(void)state;
	assert_int_equal(chdir("/"), 0);
	/* EBUSY if a test has left a descriptor open there. */
	assert_int_equal(umount2("/mnt", 0), 0);
	return 0;
}

static void assert_content(const char *path, const char *want)
{
	_cleanup_free_ char *text = NULL;

	assert_int_equal(file_read_bounded(AT_FDCWD, path, 65536, &text, NULL), 0);
	assert_string_equal(text, want);
}

static bool exists(const char *path)
{
	return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void open_s(struct statedir *ret)
{
	struct error err = {0};
	int rc = statedir_open("s", -1, ret, &err);

	print_message("%s", err.text);
	assert_int_equal(rc, 0);
}

static void files_are_written_with_their_mode(void **state)
{
	struct statedir d;
	struct stat st;

	(void)state;
	open_s(&d);
	assert_int_equal(statedir_write(&d, "child_pid", "4711", 4, 0444, NULL), 0);
	assert_content("s/child_pid", "4711");
	assert_int_equal(stat("s/child_pid", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0444);
	assert_int_equal(statedir_write(&d, "child_pid", "", 0, 0600, NULL), 0);
	assert_content("s/child_pid", "");
	statedir_remove(&d);
	assert_false(exists("s"));
}

/* The target has the same user id and may use the temporary name for any file. */
static void a_file_under_the_temporary_name_is_replaced(void **state)
{
	struct statedir d;
	struct error err = {0};

	(void)state;
	open_s(&d);
	put("victim", "as it was");
	assert_int_equal(symlink("../victim", "s/.child_pid.new"), 0);
	assert_int_equal(symlink("../victim", "s/child_pid"), 0);
	assert_int_equal(statedir_write(&d, "child_pid", "1", 1, 0444, &err), 0);
	assert_content("s/child_pid", "1");
	assert_content("victim", "as it was");
	assert_int_equal(mkdir("s/.child_pid.new", 0700), 0);
	assert_int_equal(statedir_write(&d, "child_pid", "2", 1, 0444, &err), -EISDIR);
	assert_content("s/child_pid", "1");
	assert_int_equal(rmdir("s/.child_pid.new"), 0);
	assert_int_equal(mkdir("s/hosts", 0700), 0);
	assert_int_equal(statedir_write(&d, "hosts", "2", 1, 0444, &err), -EISDIR);
	assert_string_equal(err.text, "writing \"/mnt/s/hosts\": Is a directory");
	assert_int_equal(err.step, STEP_STATEDIR);
	assert_false(exists("s/.hosts.new"));
	statedir_remove(&d);
}

static void a_full_file_system_keeps_the_old_content(void **state)
{
	const size_t size = 8 * (size_t)sysconf(_SC_PAGESIZE);
	_cleanup_free_ char *big = calloc(1, size);
	struct statedir d;
	struct error err = {0};

	(void)state;
	open_s(&d);
	assert_int_equal(statedir_write(&d, "hosts", "old", 3, 0644, NULL), 0);
	assert_int_equal(statedir_write(&d, "hosts", big, size, 0644, &err), -ENOSPC);
	assert_string_equal(err.text, "writing \"/mnt/s/hosts\": No space left on device");
	assert_int_equal(err.step, STEP_STATEDIR);
	/* The old file stays, and no partial file is left. */
	assert_content("s/hosts", "old");
	assert_false(exists("s/.hosts.new"));
	statedir_remove(&d);
	assert_false(exists("s"));
}

/* If there is no room for the directory or for its lock, nothing is left of the attempt. */
static void a_full_file_system_fails_without_a_trace(void **state)
{
	static const char *const inodes[] = {"nr_inodes=1", "nr_inodes=2"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(inodes); i++) {
		struct statedir d = STATEDIR_NONE;
		struct error err = {0};

		assert_int_equal(mount("tmpfs", "/mnt", "tmpfs", 0, inodes[i]), 0);
		assert_int_equal(statedir_open("/mnt/s", -1, &d, &err), -ENOSPC);
		print_message("%s\n", err.text);
		assert_non_null(strstr(err.text, "\"/mnt/s"));
		assert_non_null(strstr(err.text, "No space left on device"));
		assert_false(exists("/mnt/s"));
		assert_int_equal(umount2("/mnt", 0), 0);
	}
}

/* A mount in the directory is not emptied, at any depth. */
static void mounts_in_the_directory_are_not_emptied(void **state)
{
	static const char *const places[] = {"s/m", "s/a/m", "s/a/b/m"};

	(void)state;
	assert_int_equal(mkdir("other", 0700), 0);
	put("other/stays", "x");
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct statedir d = STATEDIR_NONE;
		struct error err = {0};

		assert_int_equal(mkdir("s", 0700), 0);
		assert_int_equal(mkdir("s/a", 0700), 0);
		assert_int_equal(mkdir("s/a/b", 0700), 0);
		assert_int_equal(mkdir(places[i], 0700), 0);
		/* a bind of the same file system: st_dev does not show it */
		assert_int_equal(mount("other", places[i], NULL, MS_BIND, NULL), 0);
		assert_int_equal(statedir_open("s", -1, &d, &err), -EBUSY);
		print_message("%s\n", err.text);
		assert_non_null(strstr(err.text, "emptying the state directory \"/mnt/s\": "));
		assert_true(exists("other/stays"));
		/* It may have been moved up in the directory; there is only one. */
		while (umount2("s/.old.0", 0) == 0 || umount2("s/.old.1", 0) == 0 ||
		       umount2(places[i], 0) == 0 || umount2("s/.old.0/m", 0) == 0)
			;
		assert_int_equal(statedir_open("s", -1, &d, &err), 0);
		statedir_remove(&d);
		assert_false(exists("s"));
	}
}

/* The directory may itself be a mount: it is used and emptied, and stays. */
static void the_directory_may_be_a_mount(void **state)
{
	struct statedir d;

	(void)state;
	assert_int_equal(mkdir("s", 0700), 0);
	assert_int_equal(mount("tmpfs", "s", "tmpfs", 0, "mode=0755"), 0);
	open_s(&d);
	assert_int_equal(statedir_write(&d, "child_pid", "1", 1, 0444, NULL), 0);
	statedir_remove(&d);
	assert_true(exists("s"));
	assert_false(exists("s/lock"));
	assert_int_equal(umount2("s", 0), 0);
	assert_int_equal(rmdir("s"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files_are_written_with_their_mode, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_file_under_the_temporary_name_is_replaced, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_full_file_system_keeps_the_old_content, set_up,
						tear_down),
		cmocka_unit_test(a_full_file_system_fails_without_a_trace),
		cmocka_unit_test_setup_teardown(mounts_in_the_directory_are_not_emptied, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_directory_may_be_a_mount, set_up, tear_down),
	};

	scratch_unshare(0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
