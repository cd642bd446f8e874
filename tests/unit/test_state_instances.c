/* SPDX-License-Identifier: Apache-2.0 */
/* The links of running instances: made, listed, and removed when their launcher is dead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "fauxroot/base/str.h"
#include "fauxroot/state/instances.h"
#include "state/links.h"
#include "state_fixture.h"

/* Use the working directory, which is new, as XDG_RUNTIME_DIR. */
static void use_here(void)
{
	char here[256];

	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(setenv("XDG_RUNTIME_DIR", here, 1), 0);
}

static void list(struct instances *ret)
{
	struct error err = {0};

	if (instances_list(ret, &err) < 0)
		fail_msg("%s", err.text);
}

static void assert_announced(const struct statedir *state, struct instance_link *ret)
{
	struct error err = {0};

	if (instance_announce(state, NULL, -1, ret, &err) < 0)
		fail_msg("%s", err.text);
}

/* A launcher in a process of its own; it runs until it is killed. */
static pid_t launch_named(const char *state_dir, const char *name)
{
	struct statedir state = STATEDIR_NONE;
	struct instance_link link;
	struct error err;
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		if (statedir_open(state_dir, -1, &state, &err) < 0 ||
		    instance_announce(&state, name, -1, &link, &err) < 0)
			_exit(1);
		(void)fd_write_all(ready[1], "r", 1);
		for (;;)
			pause();
	}
	fd_close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	fd_close(ready[0]);
	return pid;
}

static pid_t launch(const char *state_dir)
{
	return launch_named(state_dir, NULL);
}

static void end(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void remove_state(const char *path)
{
	struct statedir state;

	assert_open(path, &state);
	statedir_remove(&state);
}

static void lists_itself(void **unused)
{
	_cleanup_instances_ struct instances none = {0}, one = {0}, gone = {0};
	struct instance_link link = INSTANCE_LINK_NONE;
	char name[32], target[256];
	struct statedir state;
	ssize_t n;

	(void)unused;
	use_here();
	list(&none);
	assert_int_equal(none.n, 0);
	assert_open("s", &state);
	umask(0777);
	assert_announced(&state, &link);
	umask(022);
	assert_int_equal(mode_of("fauxroot"), 0700);
	snprintf(name, sizeof(name), "fauxroot/%d", getpid());
	n = readlink(name, target, sizeof(target) - 1);
	assert_true(n > 0);
	target[n] = '\0';
	assert_string_equal(target, state.path);
	list(&one);
	assert_int_equal(one.n, 1);
	assert_int_equal(one.items[0].pid, getpid());
	assert_string_equal(one.items[0].state_dir, state.path);
	instance_withdraw(&link);
	assert_int_equal(link.dir, -1);
	instance_withdraw(&link);
	assert_false(exists("fauxroot"));
	list(&gone);
	assert_int_equal(gone.n, 0);
	statedir_remove(&state);
}

static void lists_in_order(void **unused)
{
	_cleanup_instances_ struct instances found = {0};
	pid_t pids[3];

	(void)unused;
	use_here();
	pids[0] = launch("a");
	pids[1] = launch("b");
	pids[2] = launch("c");
	list(&found);
	assert_int_equal(found.n, 3);
	for (size_t i = 0; i + 1 < found.n; i++)
		assert_true(found.items[i].pid < found.items[i + 1].pid);
	for (size_t i = 0; i < 3; i++)
		end(pids[i]);
	instances_clear(&found);
	list(&found);
	assert_int_equal(found.n, 0);
	assert_false(exists("fauxroot"));
	remove_state("a");
	remove_state("b");
	remove_state("c");
}

/* A launcher removes the links of a killed launcher, whatever directory that had. */
static void removes_links_of_killed_launchers(void **unused)
{
	struct instance_link link = INSTANCE_LINK_NONE;
	char same[32], other[32], alive[32];
	pid_t first, second, third;
	struct statedir state;

	(void)unused;
	use_here();
	first = launch("s");
	second = launch("t");
	third = launch("u");
	end(first);
	end(second);
	snprintf(same, sizeof(same), "fauxroot/%d", first);
	snprintf(other, sizeof(other), "fauxroot/%d", second);
	snprintf(alive, sizeof(alive), "fauxroot/%d", third);
	assert_open("s", &state);
	/* We hold its lock now: the link must not count as alive. */
	assert_true(exists(same) && exists(other));
	assert_announced(&state, &link);
	assert_false(exists(same));
	assert_false(exists(other));
	assert_true(exists(alive));
	instance_withdraw(&link);
	/* Not empty: the last one removes it. */
	assert_true(exists("fauxroot"));
	end(third);
	statedir_remove(&state);
	remove_state("t");
	remove_state("u");
	assert_int_equal(unlink(alive), 0);
	assert_int_equal(rmdir("fauxroot"), 0);
}

/* A file that is not a launcher's link is neither listed nor changed. */
static void does_not_touch_other_files(void **unused)
{
	static const char *const names[] = {"x", "01", "0", "-1", "1x", "99999999999", " 1", "+1"};
	_cleanup_instances_ struct instances found = {0};
	char path[64], self[64];

	(void)unused;
	use_here();
	assert_int_equal(mkdir("fauxroot", 0700), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "fauxroot/%s", names[i]);
		assert_int_equal(symlink("/nonexistent", path), 0);
	}
	touch("fauxroot/4");
	assert_int_equal(symlink("relative", "fauxroot/5"), 0);
	/* A state directory that cannot be seen, of a living process. */
	snprintf(self, sizeof(self), "fauxroot/%d", getpid());
	assert_int_equal(symlink("/nonexistent", self), 0);
	list(&found);
	assert_int_equal(found.n, 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "fauxroot/%s", names[i]);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(unlink(self), 0);
	assert_int_equal(unlink("fauxroot/4"), 0);
	assert_int_equal(unlink("fauxroot/5"), 0);
	assert_int_equal(rmdir("fauxroot"), 0);
}

static void refuses_an_unusable_directory(void **unused)
{
	struct instance_link link = INSTANCE_LINK_NONE;
	struct instances found = {0};
	struct error err = {0};
	struct statedir state;

	(void)unused;
	assert_open("s", &state);
	for (int i = 0; i < 3; i++) {
		if (i == 1)
			setenv("XDG_RUNTIME_DIR", "", 1);
		if (i == 2)
			setenv("XDG_RUNTIME_DIR", "relative", 1);
		assert_int_equal(instance_announce(&state, NULL, -1, &link, &err), -ENOENT);
		assert_int_equal(instances_list(&found, &err), -ENOENT);
		assert_string_equal(err.text, "XDG_RUNTIME_DIR is not set");
	}
	setenv("XDG_RUNTIME_DIR", "/nonexistent", 1);
	assert_int_equal(instance_announce(&state, NULL, -1, &link, &err), -ENOENT);
	use_here();
	assert_int_equal(symlink("s", "fauxroot"), 0);
	assert_true(instance_announce(&state, NULL, -1, &link, &err) < 0);
	assert_true(instances_list(&found, &err) < 0);
	assert_int_equal(unlink("fauxroot"), 0);
	touch("fauxroot");
	assert_int_equal(instance_announce(&state, NULL, -1, &link, &err), -ENOTDIR);
	assert_int_equal(unlink("fauxroot"), 0);
	assert_int_equal(link.dir, -1);
	statedir_remove(&state);
}

static void takes_a_free_name(void **unused)
{
	_cleanup_instances_ struct instances found = {0};
	struct instance_link link = INSTANCE_LINK_NONE;
	struct statedir state;
	struct error err = {0};
	char wanted[128];
	pid_t first;

	(void)unused;
	use_here();
	assert_int_equal(instance_name_check("build", &err), 0);
	first = launch_named("a", "build");
	list(&found);
	assert_int_equal(found.n, 1);
	assert_string_equal(found.items[0].name, "build");
	assert_open("s", &state);
	snprintf(wanted, sizeof(wanted), "the name \"build\" belongs to the instance with PID %d",
		 first);
	assert_int_equal(instance_name_check("build", &err), -EEXIST);
	assert_string_equal(err.text, wanted);
	assert_int_equal(instance_announce(&state, "build", -1, &link, &err), -EEXIST);
	assert_string_equal(err.text, wanted);
	/* The list has no such line either. */
	instances_clear(&found);
	list(&found);
	assert_int_equal(found.n, 1);
	/* The name of a killed launcher is free. */
	end(first);
	assert_int_equal(instance_name_check("build", &err), 0);
	if (instance_announce(&state, "build", -1, &link, &err) < 0)
		fail_msg("%s", err.text);
	instances_clear(&found);
	list(&found);
	assert_int_equal(found.n, 1);
	assert_int_equal(found.items[0].pid, getpid());
	assert_string_equal(found.items[0].name, "build");
	instance_withdraw(&link);
	assert_false(exists("fauxroot"));
	statedir_remove(&state);
	remove_state("a");
}

/* A signal that ends the launcher also ends its wait for the lock of the names. */
static void a_canceled_wait_for_the_names_ends(void **unused)
{
	struct instance_link link = INSTANCE_LINK_NONE;
	_cleanup_close_ int cancel = eventfd(1, EFD_CLOEXEC), dir = -1;
	struct statedir state;
	struct error err;

	(void)unused;
	use_here();
	assert_int_equal(mkdir("fauxroot", 0700), 0);
	dir = open("fauxroot", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(dir, LOCK_EX), 0);
	assert_open("s", &state);
	assert_int_equal(instance_announce(&state, "build", cancel, &link, &err), -ECANCELED);
	assert_false(exists("fauxroot/build"));
	statedir_remove(&state);
	assert_int_equal(rmdir("fauxroot"), 0);
}

/* The name of a killed launcher must not pass to another launcher with the same PID. */
static void leaves_no_names_behind(void **unused)
{
	_cleanup_instances_ struct instances found = {0};
	struct instance_link link = INSTANCE_LINK_NONE;
	struct statedir state;
	char own[16];
	pid_t killed;

	(void)unused;
	use_here();
	killed = launch_named("a", "old");
	end(killed);
	snprintf(own, sizeof(own), "%d", getpid());
	assert_int_equal(symlink(own, "fauxroot/stale"), 0);
	/* No launcher has made these names. */
	assert_int_equal(symlink(own, "fauxroot/$(id)"), 0);
	assert_int_equal(symlink("elsewhere", "fauxroot/other"), 0);
	assert_open("s", &state);
	assert_announced(&state, &link);
	list(&found);
	assert_int_equal(found.n, 1);
	assert_null(found.items[0].name);
	assert_false(exists("fauxroot/stale"));
	assert_false(exists("fauxroot/old"));
	assert_int_equal(unlink("fauxroot/$(id)"), 0);
	assert_int_equal(unlink("fauxroot/other"), 0);
	instance_withdraw(&link);
	assert_false(exists("fauxroot"));
	/* The list also removes names of dead launchers. */
	killed = launch_named("a", "old");
	end(killed);
	instances_clear(&found);
	list(&found);
	assert_int_equal(found.n, 0);
	assert_false(exists("fauxroot"));
	statedir_remove(&state);
	remove_state("a");
}

/* Launchers compete for one name; each is killed when it has it. */
static void gives_a_name_to_one_launcher(void **unused)
{
	enum { LAUNCHERS = 6, ROUNDS = 100 };
	pid_t pids[LAUNCHERS];

	(void)unused;
	use_here();
	for (int i = 0; i < LAUNCHERS; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			char path[32];
			struct statedir state = STATEDIR_NONE;
			struct error err;
			int taken = 0;

			snprintf(path, sizeof(path), "s%d", i);
			if (statedir_open(path, -1, &state, &err) < 0)
				_exit(1);
			for (int round = 0; round < ROUNDS; round++) {
				struct instance_link link = INSTANCE_LINK_NONE;
				int rc = instance_announce(&state, "one", -1, &link, &err);

				if (rc == -EEXIST)
					continue;
				/* No other launcher has the name. */
				if (rc < 0 || mkdir("having", 0700) < 0 || rmdir("having") < 0) {
					fprintf(stderr, "%d %s\n", rc, err.text);
					_exit(1);
				}
				taken++;
				instance_withdraw(&link);
			}
			statedir_remove(&state);
			_exit(taken > 0 ? 0 : 2);
		}
	}
	for (int i = 0; i < LAUNCHERS; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 1);
	}
	assert_false(exists("fauxroot"));
}

/* Launchers start and exit at the same time; the last one removes the directory. */
static void survives_concurrent_starts_and_exits(void **unused)
{
	enum { LAUNCHERS = 6, ROUNDS = 200 };
	pid_t pids[LAUNCHERS];

	(void)unused;
	use_here();
	for (int i = 0; i < LAUNCHERS; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			struct statedir state = {
				.path = str_format("/nonexistent/%d", i), .dir = -1, .lock = -1};

			for (int round = 0; round < ROUNDS; round++) {
				struct instance_link link = INSTANCE_LINK_NONE;
				struct error err;

				if (instance_announce(&state, NULL, -1, &link, &err) < 0) {
					fprintf(stderr, "%s\n", err.text);
					_exit(1);
				}
				instance_withdraw(&link);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < LAUNCHERS; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_false(exists("fauxroot"));
}

/* Inside an instance PIDs and paths can be others than on the host: a link whose launcher cannot be
 * seen there is not removed. */
static void keeps_links_that_it_cannot_judge(void **state)
{
	pid_t dead = fork(), pid;
	int status;

	(void)state;
	if (dead == 0)
		_exit(0);
	assert_int_equal(waitpid(dead, NULL, 0), dead);
	assert_int_equal(links_life(dead, "/nonexistent"), DEAD);
	pid = fork();
	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER) < 0 ? 100 : (int)links_life(dead, "/nonexistent"));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), UNSEEN);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lists_itself),
		TEST(lists_in_order),
		TEST(removes_links_of_killed_launchers),
		TEST(does_not_touch_other_files),
		TEST(refuses_an_unusable_directory),
		TEST(survives_concurrent_starts_and_exits),
		TEST(takes_a_free_name),
		TEST(a_canceled_wait_for_the_names_ends),
		TEST(leaves_no_names_behind),
		TEST(gives_a_name_to_one_launcher),
		TEST(keeps_links_that_it_cannot_judge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
