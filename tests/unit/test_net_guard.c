/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The copy of a helper that may be executed and not read: it runs, under the right name, and nobody
 * of its own user can look into it. Root reads everything, so root runs this as another user.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "net/slirp4netns/slirp4netns.h"

#define NOBODY 65534

struct scene {
	struct config config;
	struct net net;
	struct slirp slirp;
	char dir[32];
};

static void set_scene(struct scene *s, const char *binary)
{
	*s = (struct scene){.dir = "/tmp/fauxroot.XXXXXX"};
	s->config.slirp4netns_binary = (char *)(uintptr_t)binary;
	s->net.config = &s->config;
	s->slirp.net = &s->net;
	s->slirp.guarded = -1;
	if (mkdtemp(s->dir))
		s->net.dir = s->dir;
}

static void clear_scene(struct scene *s)
{
	fd_close(s->slirp.guarded);
	if (s->net.dir)
		rmdir(s->dir);
}

/* Start the copy; the caller is the copy's own user. */
static int start(struct scene *s, char **ret_path, struct helper *ret)
{
	const char *argv[] = {NULL, "30", NULL};
	struct helper_spec spec = {.argv = argv, .role = "copy", .n_keep = 1};
	int rc = slirp_guard_name(&s->slirp, ret_path);

	if (rc < 0)
		return rc;
	argv[0] = *ret_path;
	spec.keep = &s->slirp.guarded;
	return helper_start(ret, &spec, NULL);
}

static bool proc_opens(pid_t pid, const char *name)
{
	char path[64];
	_cleanup_close_ int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0;
}

/* The name of @pid changes with the exec: wait for that. */
static bool becomes(pid_t pid, const char *expected)
{
	struct deadline deadline = deadline_in(60000);
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	while (deadline_left(&deadline) > 0) {
		_cleanup_free_ char *name = NULL;

		if (file_read_bounded(AT_FDCWD, path, 64, &name, NULL) < 0)
			return false;
		str_printable(name);
		if (streq(name, expected))
			return true;
	}
	return false;
}

/* Returns the line of the check that failed, 0 for none. */
static int check_copy(void)
{
	_cleanup_(clear_scene) struct scene s;
	struct helper helper = HELPER_NONE;
	_cleanup_close_ int direct = -1;
	_cleanup_free_ char *path = NULL;
	char name[64];
	bool seen;

	set_scene(&s, "/bin/sleep");
	if (slirp_guard(&s.slirp) < 0 || s.slirp.guarded < 0)
		return __LINE__;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", s.slirp.guarded);
	direct = open(name, O_RDONLY | O_CLOEXEC);
	if (direct >= 0 || errno != EACCES)
		return __LINE__;
	if (start(&s, &path, &helper) < 0)
		return __LINE__;
	if (!becomes(helper.process.pid, "slirp4netns"))
		return __LINE__;
	unlink(path);
	seen = proc_opens(helper.process.pid, "environ") ||
	       proc_opens(helper.process.pid, "ns/net");
	helper_stop(&helper);
	return seen ? __LINE__ : 0;
}

/* What cannot be guarded runs as it is. */
static int check_refused(void)
{
	_cleanup_(clear_scene) struct scene s;
	_cleanup_free_ char *path = NULL;

	set_scene(&s, "/nonexistent/slirp4netns");
	if (slirp_guard(&s.slirp) != -ENOENT || s.slirp.guarded != -1)
		return __LINE__;
	s.config.slirp4netns_binary = (char *)(uintptr_t) "/usr/bin/ldd"; /* a script */
	if (slirp_guard(&s.slirp) != -ENOEXEC || s.slirp.guarded != -1)
		return __LINE__;
	return slirp_guard_name(&s.slirp, &path) == -ENOENT ? 0 : __LINE__;
}

static void as_user(int (*check)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (geteuid() == 0 && (setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
				       setresuid(NOBODY, NOBODY, NOBODY) < 0))
			_exit(255);
		prctl(PR_SET_DUMPABLE, 1);
		_exit(check() & 0xff);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) != 0)
		fail_msg("line %d (modulo 256)", WEXITSTATUS(status));
}

static void copy(void **state)
{
	(void)state;
	as_user(check_copy);
}

static void refused(void **state)
{
	(void)state;
	as_user(check_refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copy),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
