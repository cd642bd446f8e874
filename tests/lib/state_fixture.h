/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the state directory share. For inclusion after cmocka.h. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/state/statedir.h"

/* Every test works in a fresh directory, which is its working directory. */
static inline int set_up(void **state)
{
	char *dir = strdup("/tmp/test_state.XXXXXX");

	assert_non_null(dir);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
	assert_int_equal(unsetenv("TMPDIR"), 0);
	assert_int_equal(setenv("HOME", "/nonexistent", 1), 0);
	umask(022);
	*state = dir;
	return 0;
}

static inline int tear_down(void **state)
{
	assert_int_equal(chdir("/"), 0);
	/* Each test removes what it made; this says so if it did not. */
	if (rmdir(*state) < 0) {
		print_error("%s: %s\n", (char *)*state, strerror(errno));
		return -1;
	}
	free(*state);
	return 0;
}

static inline void touch(const char *path)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
}

static inline mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static inline bool exists(const char *path)
{
	return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static inline void assert_open(const char *wanted, struct statedir *ret)
{
	struct error err = {0};
	int rc = statedir_open(wanted, -1, ret, &err);

	if (rc < 0)
		print_error("%s\n", err.text);
	assert_int_equal(rc, 0);
}

static inline void assert_refused(const char *wanted, int want, const char *words)
{
	struct statedir d = STATEDIR_NONE;
	struct error err = {0};

	assert_int_equal(statedir_open(wanted, -1, &d, &err), want);
	if (!strstr(err.text, words))
		print_error("\"%s\" lacks \"%s\"\n", err.text, words);
	assert_non_null(strstr(err.text, words));
	assert_int_equal(err.step, STEP_STATEDIR);
	assert_int_equal(d.dir, -1);
}
