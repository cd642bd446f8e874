/* SPDX-License-Identifier: Apache-2.0 */
/* The command line that ps(1) shows of a fork. */
#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"
#include "fauxroot/base/title.h"

/* The program executes itself with this first argument to run the test with that number. */
#define AGAIN "again"

static bool reads(const char *path, const char *expected, size_t size)
{
	_cleanup_free_ char *text = NULL;
	size_t n;

	return file_read_bounded(AT_FDCWD, path, 1 << 20, &text, &n) == 0 && n == size &&
	       memcmp(text, expected, n) == 0;
}

#define READS(words) reads("/proc/self/cmdline", words, sizeof(words))

static bool name_is(const char *expected)
{
	char name[16];

	return prctl(PR_GET_NAME, name) == 0 && streq(name, expected);
}

/* Each test gets its own argv, and returns whether it passed. */

static bool takes_a_copy(int argc, char **argv)
{
	char **copy = title_init(argc, argv);

	title_set("other");
	return copy != argv && copy[argc] == NULL && streq(copy[0], "test") &&
	       streq(copy[1], AGAIN) && streq(copy[argc - 1], "last");
}

static bool shows_a_shorter_title(int argc, char **argv)
{
	title_init(argc, argv);
	title_set("fauxroot: ports");
	return READS("fauxroot: ports") && name_is("fauxroot: ports");
}

static bool shows_titles_in_turn(int argc, char **argv)
{
	title_init(argc, argv);
	title_set("fauxroot: agent");
	title_set("short");
	if (!READS("short"))
		return false;
	title_set("fauxroot: agent");
	return READS("fauxroot: agent");
}

/* "test", "again", one digit, "x": 15 bytes with their NULs. */
static bool cuts_a_longer_title(int argc, char **argv)
{
	title_init(argc, argv);
	title_set("fauxroot: watch");
	if (!READS("watch") || !name_is("fauxroot: watch"))
		return false;
	title_set("fourteen bytes");
	if (!READS("fourteen bytes"))
		return false;
	title_set("thirteen byte");
	if (!READS("thirteen byte"))
		return false;
	title_set("fifteen bytes, cut");
	return READS("fifteen bytes,");
}

static bool leaves_the_environment(int argc, char **argv)
{
	_cleanup_free_ char *before = NULL, *after = NULL;
	const char *first = getenv("FIRST");
	size_t n, m;
	int rc;

	title_init(argc, argv);
	if (file_read_bounded(AT_FDCWD, "/proc/self/environ", 1 << 20, &before, &n) < 0)
		return false;
	title_set("a title that is longer than all of the words of this command line together");
	rc = file_read_bounded(AT_FDCWD, "/proc/self/environ", 1 << 20, &after, &m);
	return rc == 0 && n > 5000 && n == m && memcmp(before, after, n) == 0 && first &&
	       streq(first, "1");
}

static bool drops_a_word(int argc, char **argv)
{
	title_init(argc, argv);
	title_drop_argument(1);
	if (!READS("test\0005\0two\0last\0\0\0\0\0\0"))
		return false;
	title_drop_argument(17);
	title_drop_argument(3);
	return READS("test\0005\0two\0\0\0\0\0\0\0\0\0\0\0");
}

static bool names_a_fork_alone(int argc, char **argv)
{
	struct process p = PROCESS_NONE;
	int status, rc;

	title_init(argc, argv);
	rc = fork_clean("fauxroot: fork", NULL, 0, &p, NULL);
	if (rc == 0)
		_exit(READS("fauxroot: fork") ? 0 : 1);
	return rc == 1 && waitpid(p.pid, &status, 0) == p.pid && status == 0 &&
	       READS("test\0again\0006\0last");
}

static const struct {
	bool (*run)(int argc, char **argv);
	const char *words[3];
} cases[] = {
	{takes_a_copy, {"last"}},
	{shows_a_shorter_title, {"some", "more", "words"}},
	{shows_titles_in_turn, {"some", "more", "words"}},
	{cuts_a_longer_title, {"x"}},
	{leaves_the_environment, {"x"}},
	{drops_a_word, {"two", "last"}},
	{names_a_fork_alone, {"last"}},
};

static void the_title(void **state)
{
	static char variable[6000] = "LONG=";
	const size_t i = (size_t)(uintptr_t)*state;
	char number[2] = {(char)('0' + i), '\0'};
	char *const argv[] = {"test",
			      AGAIN,
			      number,
			      (char *)(uintptr_t)cases[i].words[0],
			      (char *)(uintptr_t)cases[i].words[1],
			      (char *)(uintptr_t)cases[i].words[2],
			      NULL};
	char *const env[] = {"FIRST=1", variable, NULL};
	pid_t pid;
	int status;

	memset(variable + 5, 'v', sizeof(variable) - 6);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		execve("/proc/self/exe", argv, env);
		_exit(2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static bool is_again(int argc, char **argv)
{
	return argc > 3 && streq(argv[1], AGAIN);
}

int main(int argc, char **argv)
{
#define TITLE(i, what)                                              \
	{                                                           \
		what, the_title, NULL, NULL, (void *)(uintptr_t)(i) \
	}
	const struct CMUnitTest tests[] = {
		TITLE(0, "the words are copied before they are overwritten"),
		TITLE(1, "a shorter title is one word"),
		TITLE(2, "a title can be changed"),
		TITLE(3, "a longer title loses its prefix, then its end"),
		TITLE(4, "the environment stays"),
		TITLE(5, "one word is left out"),
		TITLE(6, "a fork has a title and its parent keeps the command line"),
	};

	static_assert(ARRAY_SIZE(tests) == ARRAY_SIZE(cases), "every case has its test");
	if (is_again(argc, argv))
		return cases[argv[2][0] - '0'].run(argc, argv) ? 0 : 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
