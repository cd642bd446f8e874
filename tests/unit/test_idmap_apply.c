/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idmap_begin() and idmap_finish() in their three ways: we write a map of only the caller; we write
 * with capabilities (if root runs the tests); newuidmap and newgidmap, which are scripts here,
 * write. For the scripts root changes to another user first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"
#include "fauxroot/idmap/idmap.h"
#include "fauxroot/sys/caps.h"

#define NOBODY 65534

/* A child in a new user namespace that waits until it is killed; it dies with us. */
static pid_t start_child(void)
{
	char byte;
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWUSER) < 0 || write(fds[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &byte, 1), 1);
	close(fds[0]);
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* /proc/PID/FILE with each run of blanks replaced by one */
static void read_map(pid_t pid, const char *file, char *buf, size_t size)
{
	_cleanup_free_ char *text = NULL;
	char path[64];
	size_t used = 0;

	(void)str_print(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	assert_int_equal(file_read_bounded(AT_FDCWD, path, 65536, &text, NULL), 0);
	for (const char *p = text; *p && used + 1 < size; p++)
		if (*p != ' ' || (used > 0 && buf[used - 1] != ' ' && buf[used - 1] != '\n'))
			buf[used++] = *p;
	buf[used] = '\0';
}

static void assert_map(pid_t pid, const char *file, const char *want)
{
	char got[512];

	read_map(pid, file, got, sizeof(got));
	assert_string_equal(got, want);
}

static int apply(const struct idmap *map, pid_t child, int ms, struct error *err)
{
	struct deadline deadline = deadline_in(ms);
	struct idmap_writers writers = {.helped = false};
	int rc;

	*err = (struct error){0};
	rc = idmap_begin(map, child, &writers, err);
	return rc < 0 ? rc : idmap_finish(&writers, &deadline, -1, err);
}

static void a_map_of_one_id_is_written(void **state)
{
	struct config config = {.idmap = IDMAP_SINGLE};
	struct idmap map;
	struct error err = {0};
	char uid[64], gid[64];
	pid_t child;

	(void)state;
	assert_int_equal(idmap_prepare(&config, NULL, -1, &map, &err), 0);
	assert_true(map.single);
	child = start_child();
	assert_int_equal(apply(&map, child, 60000, &err), 0);
	(void)str_print(uid, sizeof(uid), "0 %u 1\n", (unsigned)geteuid());
	(void)str_print(gid, sizeof(gid), "0 %u 1\n", (unsigned)getegid());
	assert_map(child, "uid_map", uid);
	assert_map(child, "gid_map", gid);
	assert_map(child, "setgroups", "deny\n");

	/* A map is written once. */
	assert_int_equal(apply(&map, child, 60000, &err), -EPERM);
	assert_non_null(strstr(err.text, "/setgroups: Operation not permitted"));
	assert_int_equal(err.step, STEP_IDMAP);
	end_child(child);
}

static void maps_are_written_with_capabilities(void **state)
{
	struct idmap map = {
		.uid = {.extents = {{0, geteuid(), 1}, {1, 100000, 10}, {11, 200000, 5}}, .n = 3},
		.gid = {.extents = {{0, getegid(), 1}, {1, 300000, 7}}, .n = 2},
	};
	struct error err;
	pid_t child;

	(void)state;
	child = start_child();
	assert_int_equal(apply(&map, child, 60000, &err), 0);
	assert_map(child, "uid_map", "0 0 1\n1 100000 10\n11 200000 5\n");
	assert_map(child, "gid_map", "0 0 1\n1 300000 7\n");
	assert_map(child, "setgroups", "allow\n");
	end_child(child);

	map.uid.extents[2].outside = 100005;
	child = start_child();
	assert_int_equal(apply(&map, child, 60000, &err), -EINVAL);
	assert_non_null(strstr(err.text, "/uid_map: Invalid argument"));
	assert_int_equal(err.step, STEP_IDMAP);
	end_child(child);
}

struct mappers {
	char dir[64];
	char uid[96], gid[96], args_uid[96], args_gid[96];
};

static void put(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

static int set_up(void **state)
{
	struct mappers *m = calloc(1, sizeof(*m));
	_cleanup_free_ char *path = NULL;

	assert_non_null(m);
	(void)str_print(m->dir, sizeof(m->dir), "/tmp/test_idmap_apply.XXXXXX");
	assert_non_null(mkdtemp(m->dir));
	(void)str_print(m->uid, sizeof(m->uid), "%s/newuidmap", m->dir);
	(void)str_print(m->gid, sizeof(m->gid), "%s/newgidmap", m->dir);
	(void)str_print(m->args_uid, sizeof(m->args_uid), "%s/newuidmap.args", m->dir);
	(void)str_print(m->args_gid, sizeof(m->args_gid), "%s/newgidmap.args", m->dir);
	path = str_format("%s:/usr/bin:/bin", m->dir);
	assert_int_equal(setenv("PATH", path, 1), 0);
	*state = m;
	return 0;
}

static int tear_down(void **state)
{
	struct mappers *m = *state;

	unlink(m->uid);
	unlink(m->gid);
	unlink(m->args_uid);
	unlink(m->args_gid);
	assert_int_equal(rmdir(m->dir), 0);
	free(m);
	return 0;
}

static const struct idmap two_ranges = {
	.uid = {.extents = {{0, 1000, 1}, {1, 100000, 65536}, {65537, 300000, 10}}, .n = 3},
	.gid = {.extents = {{0, 1001, 1}, {1, 200000, 65536}}, .n = 2},
};

/* Each script exits only after it has seen the other's file: in sequence they would block until the
 * deadline. */
static void the_mappers_run_in_parallel(void **state)
{
	struct mappers *m = *state;
	_cleanup_free_ char *args = NULL;
	const char *script = "#!/bin/sh\n"
			     "echo \"$@\" > \"$0.args\"\n"
			     "cd \"${0%/*}\"\n"
			     "while ! [ -s newuidmap.args ] || ! [ -s newgidmap.args ]; do "
			     "sleep 0.01; done\n";
	char want[128];
	struct error err;

	put(m->uid, script);
	put(m->gid, script);
	assert_int_equal(apply(&two_ranges, getpid(), 60000, &err), 0);
	assert_int_equal(file_read_bounded(AT_FDCWD, m->args_uid, 4096, &args, NULL), 0);
	(void)str_print(want, sizeof(want), "%d 0 1000 1 1 100000 65536 65537 300000 10\n",
			(int)getpid());
	assert_string_equal(args, want);
	free(TAKE_PTR(args));
	assert_int_equal(file_read_bounded(AT_FDCWD, m->args_gid, 4096, &args, NULL), 0);
	(void)str_print(want, sizeof(want), "%d 0 1001 1 1 200000 65536\n", (int)getpid());
	assert_string_equal(args, want);
}

static void failed_mappers_are_reported(void **state)
{
	static const struct {
		const char *uid, *gid, *words;
	} cases[] = {
		{"#!/bin/sh\necho 'newuidmap: write to uid_map failed: Operation not permitted' "
		 ">&2\nexit 1\n",
		 "#!/bin/sh\n",
		 "newuidmap: write to uid_map failed: Operation not permitted (exit status 1)"},
		{"#!/bin/sh\n", "#!/bin/sh\nprintf 'one\\ntwo\\n\\n'\nexit 2\n",
		 "newgidmap: one two (exit status 2)"},
		{"#!/bin/sh\nexit 1\n", "#!/bin/sh\nexit 1\n",
		 "newuidmap failed without a message: exit status 1"},
		{"#!/bin/sh\n", "#!/bin/sh\nkill -9 $$\n",
		 "newgidmap failed without a message: signal 9 (Killed)"},
	};
	struct mappers *m = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err;

		put(m->uid, cases[i].uid);
		put(m->gid, cases[i].gid);
		assert_int_equal(apply(&two_ranges, getpid(), 60000, &err), -EPERM);
		assert_string_equal(err.text, cases[i].words);
		assert_int_equal(err.step, STEP_IDMAP);
	}
}

static void a_hanging_mapper_is_killed(void **state)
{
	struct mappers *m = *state;
	struct error err;

	put(m->uid, "#!/bin/sh\n");
	put(m->gid, "#!/bin/sh\nexec sleep 100\n");
	/* The shell of the first one ends within this time on a busy machine, too. */
	assert_int_equal(apply(&two_ranges, getpid(), 3000, &err), -ETIMEDOUT);
	assert_string_equal(err.text, "newgidmap did not exit in time");
	/* No child is left to wait for. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void a_missing_mapper_is_an_error(void **state)
{
	struct mappers *m = *state;
	struct error err;

	assert_int_equal(setenv("PATH", m->dir, 1), 0);
	assert_int_equal(apply(&two_ranges, getpid(), 60000, &err), -ENOENT);
	assert_string_equal(err.text, "executing \"newuidmap\": No such file or directory");
	put(m->uid, "#!/bin/sh\nwhile :; do :; done\n");
	assert_int_equal(apply(&two_ranges, getpid(), 60000, &err), -ENOENT);
	assert_string_equal(err.text, "executing \"newgidmap\": No such file or directory");
	assert_int_equal(err.step, STEP_IDMAP);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* Give up root permanently, and become dumpable again, so that we own our /proc entries. */
static void become_nobody(void)
{
	if (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0 ||
	    prctl(PR_SET_DUMPABLE, 1) < 0) {
		perror("becoming nobody");
		_exit(1);
	}
}

int main(void)
{
	const struct CMUnitTest as_we_are[] = {
		cmocka_unit_test(a_map_of_one_id_is_written),
		cmocka_unit_test(maps_are_written_with_capabilities),
	};
	const struct CMUnitTest unprivileged[] = {
		cmocka_unit_test(a_map_of_one_id_is_written),
		cmocka_unit_test_setup_teardown(the_mappers_run_in_parallel, set_up, tear_down),
		cmocka_unit_test_setup_teardown(failed_mappers_are_reported, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_hanging_mapper_is_killed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_missing_mapper_is_an_error, set_up, tear_down),
	};
	int failed = 0;

	if (caps_can_write_maps()) {
		failed = cmocka_run_group_tests(as_we_are, NULL, NULL);
		become_nobody();
	}
	return failed + cmocka_run_group_tests(unprivileged, NULL, NULL);
}
