/* SPDX-License-Identifier: Apache-2.0 */
/* Forks that keep only the given descriptors, and helper programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"

/* Only a failing test waits this long. */
#define PATIENCE_MS 60000

static int status_of(struct process *p)
{
	struct deadline deadline = deadline_in(PATIENCE_MS);
	int status = -1;

	assert_int_equal(process_wait(p, &deadline, -1, &status), 0);
	assert_int_equal(p->pid, 0);
	assert_int_equal(p->pidfd, -1);
	return status;
}

static void a_fork_keeps_only_the_given_descriptors(void **state)
{
	struct process p = PROCESS_NONE;
	struct error err = {0};
	int fds[2], other[2], rc;
	char name[16];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(pipe(other), 0);
	rc = fork_clean("holder of one", &fds[1], 1, &p, &err);
	if (rc == 0) {
		prctl(PR_GET_NAME, name);
		rc = streq(name, "holder of one") && fcntl(fds[1], F_GETFD) >= 0 &&
		     fcntl(fds[0], F_GETFD) < 0 && fcntl(other[0], F_GETFD) < 0 &&
		     fcntl(other[1], F_GETFD) < 0 && fcntl(0, F_GETFD) >= 0 &&
		     prctl(PR_GET_DUMPABLE) == 1;
		_exit(rc ? 0 : 1);
	}
	assert_int_equal(rc, 1);
	assert_true(p.pid > 0 && p.pidfd >= 0);
	assert_int_equal(fcntl(p.pidfd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(status_of(&p), 0);
	for (int i = 0; i < 2; i++) {
		close(fds[i]);
		close(other[i]);
	}
}

static void a_fork_dies_with_its_parent(void **state)
{
	struct deadline deadline = deadline_in(PATIENCE_MS);
	int fds[2];
	pid_t pid;
	char byte;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct process p;

		if (fork_clean("orphan", &fds[1], 1, &p, NULL) == 0) {
			/* The grandchild is ready, so the parent may die. */
			(void)!write(fds[1], "x", 1);
			for (;;)
				pause();
		}
		close(fds[1]);
		for (;;)
			pause();
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &byte, 1), 1);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	/* End of file: the last process with the other end is dead. */
	assert_int_equal(fd_wait(fds[0], POLLIN, &deadline, -1), 0);
	assert_int_equal(read(fds[0], &byte, 1), 0);
	close(fds[0]);
}

static void waits_are_bounded_and_can_be_cancelled(void **state)
{
	struct deadline soon = deadline_in(10);
	struct process p = PROCESS_NONE;
	int cancel[2], status = 77;

	(void)state;
	assert_int_equal(pipe2(cancel, O_CLOEXEC), 0);
	if (fork_clean("sleeper", NULL, 0, &p, NULL) == 0)
		for (;;)
			pause();
	assert_int_equal(process_wait(&p, &soon, -1, &status), -ETIMEDOUT);
	assert_int_equal(write(cancel[1], "x", 1), 1);
	assert_int_equal(process_wait(&p, NULL, cancel[0], &status), -ECANCELED);
	assert_true(p.pid > 0);
	assert_int_equal(status, 77);
	process_kill(&p);
	assert_int_equal(p.pid, 0);
	assert_int_equal(p.pidfd, -1);
	process_kill(&p);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	close(cancel[0]);
	close(cancel[1]);
}

static void statuses_are_printed(void **state)
{
	char buf[64];

	(void)state;
	assert_string_equal(process_status_text(0, buf, sizeof(buf)), "exit status 0");
	assert_string_equal(process_status_text(127 << 8, buf, sizeof(buf)), "exit status 127");
	assert_string_equal(process_status_text(SIGKILL, buf, sizeof(buf)), "signal 9 (Killed)");
}

/* A helper that is a shell script of one line. */
static struct helper start(const char *script, struct helper_spec spec)
{
	const char *const argv[] = {"sh", "-c", script, NULL};
	struct helper h = HELPER_NONE;
	struct error err = {0};

	spec.argv = argv;
	spec.role = "script";
	if (helper_start(&h, &spec, &err) < 0)
		fail_msg("%s", err.text);
	return h;
}

/* Run it until it exits; @text gets its output. */
static int run(const char *script, struct helper_spec spec, char *text, size_t size)
{
	struct deadline deadline = deadline_in(PATIENCE_MS);
	struct helper h = start(script, spec);
	struct error err = {0};
	int status;

	if (helper_finish(&h, 1, &deadline, -1, &status, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(h.process.pid, 0);
	assert_int_equal(h.output, -1);
	snprintf(text, size, "%s", h.text);
	helper_stop(&h);
	return status;
}

static void a_helpers_output_is_kept(void **state)
{
	static const struct {
		const char *script;
		struct helper_spec spec;
		int status;
		const char *text;
	} cases[] = {
		{"true", {0}, 0, ""},
		{"exit 3", {0}, 3 << 8, ""},
		{"kill -KILL $$", {0}, SIGKILL, ""},
		{"echo out; echo err >&2", {0}, 0, "out err"},
		{"echo out; echo err >&2", {.discard_output = true}, 0, "err"},
		{"printf 'a\\033[1mb\\n\\n'; exit 1", {0}, 1 << 8, "a?[1mb"},
		{"read line; echo got:$line", {0}, 0, "got:"},
	};
	char text[600];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(run(cases[i].script, cases[i].spec, text, sizeof(text)),
				 cases[i].status);
		assert_string_equal(text, cases[i].text);
	}
}

static void a_helpers_variable_overrides_ours(void **state)
{
	static const char *const own[] = {"SPAWN_A=theirs", "SPAWN_C=new", NULL};
	static const char script[] = "tr '\\0' '\\n' </proc/$$/environ | grep ^SPAWN_ | sort";
	char text[600];

	(void)state;
	setenv("SPAWN_A", "ours", 1);
	setenv("SPAWN_AB", "kept", 1);
	assert_int_equal(run(script, (struct helper_spec){0}, text, sizeof(text)), 0);
	assert_string_equal(text, "SPAWN_A=ours SPAWN_AB=kept");
	assert_int_equal(run(script, (struct helper_spec){.env = own}, text, sizeof(text)), 0);
	assert_string_equal(text, "SPAWN_A=theirs SPAWN_AB=kept SPAWN_C=new");
	assert_string_equal(getenv("SPAWN_A"), "ours");
}

static void a_helper_gets_no_service_variables(void **state)
{
	static const char *const variables[] = {
		"NOTIFY_SOCKET",  "LISTEN_PID",	  "LISTEN_PIDFDID", "LISTEN_FDS",
		"LISTEN_FDNAMES", "WATCHDOG_PID", "WATCHDOG_USEC",
	};
	static const char script[] =
		"tr '\\0' '\\n' </proc/$$/environ | grep -E '^(NOTIFY|LISTEN|WATCHDOG)' | sort";
	char text[600];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		setenv(variables[i], "1", 1);
	setenv("LISTENER", "kept", 1);
	assert_int_equal(run(script, (struct helper_spec){0}, text, sizeof(text)), 0);
	assert_string_equal(text, "LISTENER=kept");
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		assert_non_null(getenv(variables[i]));
		unsetenv(variables[i]);
	}
	unsetenv("LISTENER");
}

static void the_end_of_long_output_is_kept(void **state)
{
	char text[600];

	(void)state;
	/* More than fits into a pipe. */
	assert_int_equal(run("i=0; while [ $i -lt 20000 ]; do echo line$i; i=$((i+1)); done",
			     (struct helper_spec){0}, text, sizeof(text)),
			 0);
	assert_int_equal(strlen(text), 510);
	assert_string_equal(text + strlen(text) - 10, " line19999");
}

static void a_helper_keeps_only_the_given_descriptors(void **state)
{
	int pipe_fds[2], other[2], data[2];
	char text[600], script[128], got[16] = "";

	(void)state;
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	assert_int_equal(pipe(other), 0);
	assert_int_equal(pipe2(data, O_CLOEXEC), 0);
	snprintf(script, sizeof(script),
		 "[ -e /proc/$$/fd/%d ] && [ ! -e /proc/$$/fd/%d ] && echo data", pipe_fds[1],
		 other[1]);
	/* Its stdout goes to the given descriptor, not into the text. */
	assert_int_equal(
		run(script,
		    (struct helper_spec){.keep = &pipe_fds[1], .n_keep = 1, .stdout_to = data[1]},
		    text, sizeof(text)),
		0);
	assert_string_equal(text, "");
	assert_int_equal(read(data[0], got, sizeof(got)), 5);
	assert_string_equal(got, "data\n");
	for (int i = 0; i < 2; i++) {
		close(pipe_fds[i]);
		close(other[i]);
		close(data[i]);
	}
}

/* Its own process group, and the signals of a terminal blocked: Ctrl-C is for the target. */
static void a_helper_ignores_terminal_signals(void **state)
{
	char text[600], blocked[20];

	(void)state;
	/* Without a fork: after a fork a shell may change the mask. */
	assert_int_equal(run("read a < /proc/self/stat; set -- $a; [ $5 = $$ ] || exit; "
			     "while read a b; do [ $a != SigBlk: ] || echo $b; done "
			     "< /proc/self/status",
			     (struct helper_spec){0}, text, sizeof(text)),
			 0);
	snprintf(blocked, sizeof(blocked), "%016llx",
		 1ULL << (SIGINT - 1) | 1ULL << (SIGTERM - 1) | 1ULL << (SIGHUP - 1) |
			 1ULL << (SIGTSTP - 1));
	assert_string_equal(text, blocked);
}

static void helpers_run_in_parallel(void **state)
{
	struct deadline deadline = deadline_in(PATIENCE_MS);
	struct helper helpers[2];
	struct error err = {0};
	char dir[] = "/tmp/test-spawn.XXXXXX", script[256];
	int statuses[2];

	(void)state;
	assert_non_null(mkdtemp(dir));
	/* Each waits for the other: in sequence they would never finish. */
	snprintf(script, sizeof(script),
		 "mkfifo %s/f 2>/dev/null; while [ ! -p %s/f ]; do :; done; echo a > %s/f", dir,
		 dir, dir);
	helpers[0] = start(script, (struct helper_spec){0});
	snprintf(script, sizeof(script),
		 "while [ ! -p %s/f ]; do :; done; read x < %s/f; rm -r %s; exit 4", dir, dir, dir);
	helpers[1] = start(script, (struct helper_spec){0});
	assert_int_equal(helper_finish(helpers, 2, &deadline, -1, statuses, &err), 0);
	assert_int_equal(statuses[0], 0);
	assert_int_equal(statuses[1], 4 << 8);
}

static void a_hanging_helper_is_named_and_killed(void **state)
{
	struct helper helpers[2];
	struct deadline soon;
	struct error err = {0};
	siginfo_t info;
	int statuses[2];
	pid_t pid;

	(void)state;
	helpers[0] = start("true", (struct helper_spec){0});
	/* The other one has finished, even on a busy machine. */
	assert_int_equal(waitid(P_PID, (id_t)helpers[0].process.pid, &info, WEXITED | WNOWAIT), 0);
	helpers[1] = start("exec sleep 1000", (struct helper_spec){0});
	helpers[1].role = "the slow one";
	pid = helpers[1].process.pid;
	soon = deadline_in(100);
	assert_int_equal(helper_finish(helpers, 2, &soon, -1, statuses, &err), -ETIMEDOUT);
	assert_string_equal(err.text, "the slow one did not exit in time");
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
}

static void a_helper_can_be_cancelled(void **state)
{
	struct helper h = start("exec sleep 1000", (struct helper_spec){0});
	struct error err = {0};
	int cancel[2], status;

	(void)state;
	assert_int_equal(pipe2(cancel, O_CLOEXEC), 0);
	assert_int_equal(write(cancel[1], "x", 1), 1);
	assert_int_equal(helper_finish(&h, 1, NULL, cancel[0], &status, &err), -ECANCELED);
	close(cancel[0]);
	close(cancel[1]);
}

/* Executables of all kinds in a directory of their own, which is in PATH. */
struct bin {
	char dir[64];
	char *path;
};

static void put(const struct bin *bin, const char *name, const char *text, mode_t mode)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", bin->dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static int make_bin(void **state)
{
	static struct bin bin;
	char path[PATH_MAX];

	snprintf(bin.dir, sizeof(bin.dir), "/tmp/test-spawn.XXXXXX");
	if (!mkdtemp(bin.dir))
		return -1;
	put(&bin, "good", "#!/bin/sh\necho good\n", 0755);
	put(&bin, "plain", "text", 0644);
	put(&bin, "binary",
	    "\x7f"
	    "ELF",
	    0755);
	put(&bin, "script", "#!/nosuch/interpreter\n", 0755);
	snprintf(path, sizeof(path), "%s/directory", bin.dir);
	if (mkdir(path, 0755) < 0)
		return -1;
	bin.path = getenv("PATH") ? str_format("%s", getenv("PATH")) : NULL;
	snprintf(path, sizeof(path), "%s/closed", bin.dir);
	if (mkdir(path, 0) < 0)
		return -1;
	snprintf(path, sizeof(path), "/nosuch:%s/closed:%s:/bin:/usr/bin", bin.dir, bin.dir);
	setenv("PATH", path, 1);
	*state = &bin;
	return 0;
}

static int remove_bin(void **state)
{
	static const char *const names[] = {"good", "plain", "binary", "script"};
	struct bin *bin = *state;
	char path[PATH_MAX];

	if (bin->path)
		setenv("PATH", bin->path, 1);
	free(bin->path);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", bin->dir, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/closed", bin->dir);
	if (rmdir(path) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/directory", bin->dir);
	return rmdir(path) < 0 || rmdir(bin->dir) < 0 ? -1 : 0;
}

static void programs_are_found_in_path(void **state)
{
	const struct bin *bin = *state;
	static const struct {
		const char *name;
		int rc;
	} cases[] = {
		{"good", 0},	      {"script", 0},
		{"plain", -EACCES},   {"directory", -EACCES},
		{"no-such", -ENOENT}, {"", -ENOENT},
		{"/bin/sh", 0},	      {"/no/such", -ENOENT},
		{"/etc", -EACCES},    {"/etc/passwd", -EACCES},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *path = NULL;

		assert_int_equal(path_find(cases[i].name, &path), cases[i].rc);
		assert_int_equal(path != NULL, cases[i].rc == 0);
		if (path && *cases[i].name != '/') {
			assert_non_null(str_after(path, bin->dir));
			assert_string_equal(strrchr(path, '/') + 1, cases[i].name);
		}
	}
}

static void an_empty_path_element_is_the_working_directory(void **state)
{
	const struct bin *bin = *state;
	_cleanup_free_ char *path = NULL, *cwd = getcwd(NULL, 0);

	assert_int_equal(chdir(bin->dir), 0);
	setenv("PATH", "/nosuch::/bin", 1);
	assert_int_equal(path_find("good", &path), 0);
	assert_string_equal(path, "./good");
	assert_int_equal(chdir(cwd), 0);
}

static void programs_that_cannot_run_are_errors(void **state)
{
	static const struct {
		const char *name;
		const char *text;
	} before[] = {
		{"no-such", "executing \"no-such\": No such file or directory"},
		{"plain", "executing \"plain\": Permission denied"},
		{"/no/such", "executing \"/no/such\": No such file or directory"},
	};
	static const struct {
		const char *name;
		const char *why;
	} after[] = {
		{"binary", "Exec format error"},
		{"script", "No such file or directory"},
	};
	const struct bin *bin = *state;

	for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
		const char *const argv[] = {before[i].name, NULL};
		const struct helper_spec spec = {.argv = argv, .role = "x"};
		struct helper h = HELPER_NONE;
		struct error err = {0};

		assert_true(helper_start(&h, &spec, &err) < 0);
		assert_string_equal(err.text, before[i].text);
		assert_int_equal(h.process.pid, 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(after); i++) {
		const char *const argv[] = {after[i].name, NULL};
		const struct helper_spec spec = {.argv = argv, .role = "x"};
		struct deadline deadline = deadline_in(PATIENCE_MS);
		struct helper h = HELPER_NONE;
		struct error err = {0};
		char text[256];
		int status;

		assert_int_equal(helper_start(&h, &spec, &err), 0);
		assert_int_equal(helper_finish(&h, 1, &deadline, -1, &status, &err), 0);
		assert_int_equal(status, 127 << 8);
		snprintf(text, sizeof(text), "executing \"%s/%s\": %s", bin->dir, after[i].name,
			 after[i].why);
		assert_string_equal(h.text, text);
		helper_stop(&h);
	}
}

static void a_pidfd_leads_to_its_process(void **state)
{
	struct process p = PROCESS_NONE, same = PROCESS_NONE;
	struct error err = {0};
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), copy, rc;

	(void)state;
	rc = process_fork("a process", &p, &err);
	assert_true(rc >= 0);
	if (rc == 0)
		for (;;)
			pause();
	copy = fcntl(p.pidfd, F_DUPFD_CLOEXEC, 3);
	assert_int_equal(process_from_pidfd(copy, &same), 0);
	assert_int_equal(same.pid, p.pid);
	assert_int_equal(same.pidfd, copy);
	process_kill(&p);
	same.pid = 0;
	assert_int_equal(process_from_pidfd(copy, &same), -ESRCH);
	assert_int_equal(process_from_pidfd(null, &same), -EINVAL);
	assert_int_equal(same.pid, 0);
	process_forget(&same);
	assert_int_equal(process_from_pidfd(copy, &same), -ENOENT);
	fd_close(null);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fork_keeps_only_the_given_descriptors),
		cmocka_unit_test(a_fork_dies_with_its_parent),
		cmocka_unit_test(waits_are_bounded_and_can_be_cancelled),
		cmocka_unit_test(statuses_are_printed),
		cmocka_unit_test(a_helpers_output_is_kept),
		cmocka_unit_test(a_helpers_variable_overrides_ours),
		cmocka_unit_test(a_helper_gets_no_service_variables),
		cmocka_unit_test(the_end_of_long_output_is_kept),
		cmocka_unit_test(a_helper_keeps_only_the_given_descriptors),
		cmocka_unit_test(a_helper_ignores_terminal_signals),
		cmocka_unit_test(helpers_run_in_parallel),
		cmocka_unit_test(a_hanging_helper_is_named_and_killed),
		cmocka_unit_test(a_helper_can_be_cancelled),
		cmocka_unit_test_setup_teardown(programs_are_found_in_path, make_bin, remove_bin),
		cmocka_unit_test_setup_teardown(an_empty_path_element_is_the_working_directory,
						make_bin, remove_bin),
		cmocka_unit_test_setup_teardown(programs_that_cannot_run_are_errors, make_bin,
						remove_bin),
		cmocka_unit_test(a_pidfd_leads_to_its_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
