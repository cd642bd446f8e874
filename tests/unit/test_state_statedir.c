/* SPDX-License-Identifier: Apache-2.0 */
/* The state directory: which ones are refused, and emptying. Runs as any user. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/str.h"
#include "fauxroot/state/statedir.h"
#include "state_fixture.h"

static void a_directory_is_made_and_removed(void **state)
{
	_cleanup_free_ char *want = str_format("%s/a/b/s", (char *)*state);
	struct statedir d;

	assert_open("a/b/s///", &d);
	assert_string_equal(d.path, want);
	assert_int_equal(mode_of("a"), 0700);
	assert_int_equal(mode_of("a/b/s"), 0700);
	assert_int_equal(mode_of("a/b/s/lock"), 0600);
	assert_true(fcntl(d.dir, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(d.lock, F_GETFD) & FD_CLOEXEC);
	statedir_remove(&d);
	assert_int_equal(d.dir, -1);
	assert_null(d.path);
	statedir_remove(&d);
	/* The parents stay. */
	assert_int_equal(rmdir("a/b"), 0);
	assert_int_equal(rmdir("a"), 0);
}

static void the_umask_does_not_matter(void **state)
{
	static const mode_t umasks[] = {0, 0777};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(umasks); i++) {
		struct statedir d;

		umask(umasks[i]);
		assert_open("p/s", &d);
		assert_int_equal(mode_of("p"), 0700);
		assert_int_equal(mode_of("p/s"), 0700);
		assert_int_equal(mode_of("p/s/lock"), 0600);
		assert_int_equal(statedir_write(&d, "child_pid", "1", 1, 0444, NULL), 0);
		assert_int_equal(mode_of("p/s/child_pid"), 0444);
		assert_int_equal(umask(022), umasks[i]);
		statedir_remove(&d);
		assert_int_equal(rmdir("p"), 0);
	}
}

static void paths_are_resolved(void **state)
{
	static const struct {
		const char *wanted, *path; /* below the test's directory */
	} cases[] = {
		{"s", "s"},
		{"./s", "s"},
		{"s/.", "s"},
		{"s/./", "s"},
		{"no/../s", "s"},
		{"no/./../such/../s", "s"},
		{"link/s", "real/s"},
		{"link/../s", "s"},
		{"real/no/../../s", "s"},
		{"real//s//", "real/s"},
		{"..s", "..s"},
		{"s.", "s."},
	};

	assert_int_equal(mkdir("real", 0700), 0);
	assert_int_equal(symlink("real", "link"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *want = str_format("%s/%s", (char *)*state, cases[i].path);
		struct statedir d;

		print_message("%s\n", cases[i].wanted);
		assert_open(cases[i].wanted, &d);
		assert_string_equal(d.path, want);
		assert_true(exists(cases[i].path));
		statedir_remove(&d);
		assert_false(exists(cases[i].path));
		/* A component that ".." removes again is not made. */
		assert_false(exists("no"));
	}
	unlink("link");
	rmdir("real");
}

static void unsuitable_paths_are_refused(void **state)
{
	char longest[PATH_MAX];
	struct statedir d;
	size_t n;

	touch("file");
	assert_int_equal(mkdir("dir", 0755), 0);
	touch("dir/stays");
	assert_int_equal(symlink("dir", "link"), 0);
	assert_int_equal(symlink("nowhere", "dangling"), 0);
	assert_refused("file", -ENOTDIR, "is not a directory");
	assert_refused("file/s", -ENOTDIR, "Not a directory");
	assert_refused("link", -ELOOP, "is a symbolic link");
	assert_refused("link/", -ELOOP, "is a symbolic link");
	assert_refused("dangling", -ELOOP, "is a symbolic link");
	assert_refused("dangling/s", -ENOTDIR, "dangling");
	assert_refused("/", -EINVAL, "is the root directory");
	assert_refused("/proc/..", -EINVAL, "is the root directory");
	assert_refused(".", -EINVAL, "the working directory");
	assert_refused("..", -EINVAL, "the working directory");
	assert_int_equal(setenv("HOME", "dir", 1), 0);
	assert_refused("dir", -EINVAL, "the home directory");
	assert_int_equal(setenv("HOME", "/", 1), 0);
	assert_int_equal(setenv("XDG_RUNTIME_DIR", "dir", 1), 0);
	assert_refused("dir/", -EINVAL, "$XDG_RUNTIME_DIR");
	assert_refused("dir/fauxroot", -EINVAL, "use a directory in it");
	assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
	assert_int_equal(mode_of("dir"), 0755);
	assert_true(exists("dir/stays"));

	/* api.sock has to fit: 107 bytes do, 108 do not, and then nothing is made */
	n = strlen(*state);
	(void)str_print(longest, sizeof(longest), "p/%0*d", (int)(107 - 9 - n - 3), 0);
	assert_open(longest, &d);
	assert_int_equal(strlen(d.path) + strlen("/api.sock"), 107);
	statedir_remove(&d);
	assert_int_equal(rmdir("p"), 0);
	(void)str_print(longest, sizeof(longest), "p/%0*d", (int)(108 - 9 - n - 3), 0);
	assert_refused(longest, -ENAMETOOLONG,
		       "would be 108 bytes long, the path of a socket has at most 107");
	assert_false(exists("p"));

	unlink("dir/stays");
	unlink("link");
	unlink("dangling");
	unlink("file");
	rmdir("dir");
}

static void a_directory_of_another_user_is_refused(void **state)
{
	(void)state;
	/* Nothing here belongs to another user for certain; root can give a directory to nobody. */
	if (geteuid() == 0) {
		assert_int_equal(mkdir("other", 0777), 0);
		assert_int_equal(chown("other", 65534, 65534), 0);
		assert_refused("other", -EPERM, "belongs to uid 65534, and we are uid 0");
		assert_int_equal(mode_of("other"), 0777 & ~022);
		rmdir("other");
	} else {
		assert_refused("/usr", -EPERM, "belongs to uid 0");
	}
}

static void the_directory_is_emptied(void **state)
{
	struct statedir d;

	(void)state;
	assert_int_equal(mkdir("outside", 0700), 0);
	touch("outside/stays");
	assert_int_equal(mkdir("s", 0777), 0);
	assert_int_equal(chmod("s", 02777), 0);
	touch("s/child_pid");
	touch("s/lock");
	assert_int_equal(symlink("../outside", "s/link"), 0);
	assert_int_equal(mkfifo("s/fifo", 0600), 0);
	assert_int_equal(mkdir("s/a", 0700), 0);
	assert_int_equal(mkdir("s/a/b", 0700), 0);
	assert_int_equal(symlink("../../../outside", "s/a/b/link"), 0);
	assert_int_equal(link("outside/stays", "s/a/b/hard"), 0);
	assert_int_equal(mkdir("s/.old.0", 0700), 0);
	touch("s/.old.0/in-the-way");
	touch("s/.old.1");
	assert_int_equal(mkdir("s/a/b/lock", 0700), 0);
	assert_int_equal(mkdir("s/a/shut", 0700), 0);
	touch("s/a/shut/file");
	assert_int_equal(mkdir("s/a/shut/dir", 0700), 0);
	touch("s/a/shut/dir/file");
	assert_int_equal(chmod("s/a/shut/dir", 0), 0);
	assert_int_equal(chmod("s/a/shut", 0500), 0);
	assert_open("s", &d);
	assert_int_equal(mode_of("s"), 0700);
	/* Only "lock" is left: with it gone, the directory is empty. */
	assert_true(exists("s/lock"));
	unlink("s/lock");
	assert_int_equal(rmdir("s"), 0);
	statedir_remove(&d);
	assert_true(exists("outside/stays"));
	unlink("outside/stays");
	rmdir("outside");
}

/* Deeper than descriptors, stack or path names allow, and wider than one getdents(2). */
static void a_deep_and_wide_directory_is_emptied(void **state)
{
	struct statedir d;
	int at;

	(void)state;
	assert_int_equal(mkdir("s", 0700), 0);
	at = open("s", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(at >= 0);
	for (int depth = 0; depth < 1500; depth++) {
		int next;

		assert_int_equal(mkdirat(at, "d", 0700), 0);
		next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(at);
		at = next;
	}
	for (int i = 0; i < 1000; i++) {
		char name[32];

		(void)str_print(name, sizeof(name), "wide%d", i);
		assert_int_equal(mkdirat(at, name, 0700), 0);
		(void)str_print(name, sizeof(name), "wide%d/d", i);
		assert_int_equal(mkdirat(at, name, 0700), 0);
	}
	close(at);
	assert_open("s", &d);
	statedir_remove(&d);
	assert_false(exists("s"));
}

/* Our own directory is accepted even if its mode denies us access. */
static void an_unreadable_directory_of_ours_is_accepted(void **state)
{
	struct statedir d;

	(void)state;
	assert_int_equal(mkdir("s", 0), 0);
	assert_open("s", &d);
	assert_int_equal(mode_of("s"), 0700);
	statedir_remove(&d);
	assert_false(exists("s"));
}

static void a_lock_that_is_not_a_regular_file_is_refused(void **state)
{
	(void)state;
	assert_int_equal(mkdir("s", 0700), 0);
	assert_int_equal(symlink("../created", "s/lock"), 0);
	assert_refused("s", -ELOOP, "lock");
	assert_false(exists("created"));
	unlink("s/lock");
	assert_int_equal(mkfifo("s/lock", 0600), 0);
	assert_refused("s", -EINVAL, "is not a regular file");
	unlink("s/lock");
	assert_int_equal(mkdir("s/lock", 0700), 0);
	assert_refused("s", -EISDIR, "lock");
	rmdir("s/lock");
	rmdir("s");
}

static void the_default_is_the_first_usable_base(void **state)
{
	struct statedir d;
	const char *after;

	assert_int_equal(mkdir("run", 0700), 0);
	assert_int_equal(mkdir("tmp", 0700), 0);
	touch("file");
	/* XDG_RUNTIME_DIR first; relative and unusable directories are skipped */
	struct {
		const char *xdg, *tmpdir, *under;
	} cases[] = {
		{"run", "tmp", "run"},	{"", "tmp", "tmp"}, {"no", "tmp", "tmp"},
		{"file", "tmp", "tmp"}, {"no", "no", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *xdg = str_format("%s/%s", (char *)*state, cases[i].xdg);
		_cleanup_free_ char *tmp = str_format("%s/%s", (char *)*state, cases[i].tmpdir);
		_cleanup_free_ char *want =
			cases[i].under
				? str_format("%s/%s/fauxroot.", (char *)*state, cases[i].under)
				: strdup("/tmp/fauxroot.");

		assert_int_equal(setenv("XDG_RUNTIME_DIR", *cases[i].xdg ? xdg : "run", 1), 0);
		assert_int_equal(setenv("TMPDIR", tmp, 1), 0);
		umask(0777);
		assert_open(i == 0 ? "" : NULL, &d);
		umask(022);
		print_message("%s\n", d.path);
		after = str_after(d.path, want);
		assert_non_null(after);
		assert_int_equal(strlen(after), 6);
		assert_int_equal(mode_of(d.path), 0700);
		statedir_remove(&d);
	}
	assert_int_equal(rmdir("run"), 0);
	assert_int_equal(rmdir("tmp"), 0);
	unlink("file");
}

static void a_directory_removed_while_running_is_tolerated(void **state)
{
	struct statedir d, e;
	struct error err = {0};

	(void)state;
	/* all of it */
	assert_open("s", &d);
	unlink("s/lock");
	assert_int_equal(rmdir("s"), 0);
	assert_int_equal(statedir_write(&d, "child_pid", "1", 1, 0444, &err), -ENOENT);
	/* … and made again by the next launcher: that directory is not ours */
	assert_open("s", &e);
	assert_int_equal(statedir_write(&e, "child_pid", "2", 1, 0444, &err), 0);
	statedir_remove(&d);
	assert_true(exists("s/child_pid"));
	statedir_remove(&e);
	assert_false(exists("s"));

	/* renamed: emptied at its new path; the directory at the old path stays */
	assert_open("s", &d);
	assert_int_equal(statedir_write(&d, "child_pid", "1", 1, 0444, &err), 0);
	assert_int_equal(rename("s", "away"), 0);
	assert_int_equal(mkdir("s", 0700), 0);
	statedir_remove(&d);
	assert_int_equal(rmdir("s"), 0);
	assert_int_equal(rmdir("away"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_directory_is_made_and_removed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_umask_does_not_matter, set_up, tear_down),
		cmocka_unit_test_setup_teardown(paths_are_resolved, set_up, tear_down),
		cmocka_unit_test_setup_teardown(unsuitable_paths_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_directory_of_another_user_is_refused, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_directory_is_emptied, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_deep_and_wide_directory_is_emptied, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(an_unreadable_directory_of_ours_is_accepted, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_lock_that_is_not_a_regular_file_is_refused,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_default_is_the_first_usable_base, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_directory_removed_while_running_is_tolerated,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
