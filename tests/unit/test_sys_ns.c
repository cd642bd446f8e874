/* SPDX-License-Identifier: Apache-2.0 */
/* ns_clone(), ns_pin(), ns_run(), ns_hold() with the real kernel, as the user who runs the
 * tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <linux/nsfs.h>
#include <linux/sockios.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"
#include "fauxroot/sys/caps.h"
#include "fauxroot/sys/inside.h"
#include "fauxroot/sys/message.h"
#include "fauxroot/sys/ns.h"

#define FLAGS                                                                          \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWCGROUP | \
	 CLONE_NEWUTS | CLONE_NEWIPC)

#include "netns_fixture.h"
#include "silentfuse.h"

static ino_t inode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? 0 : st.st_ino;
}

struct seen {
	ino_t user, mnt, net;
	int open_fds;
	int death_signal;
	int maps_caps;
};

static int look_around(void *arg, struct error *err)
{
	struct seen *seen = arg;
	DIR *dir;

	seen->user = inode_of("/proc/self/ns/user");
	seen->mnt = inode_of("/proc/self/ns/mnt");
	seen->net = inode_of("/proc/self/ns/net");
	prctl(PR_GET_PDEATHSIG, &seen->death_signal);
	seen->maps_caps = caps_can_write_maps();
	dir = opendir("/proc/self/fd");
	if (!dir)
		return err_set(err, errno, "opening /proc/self/fd");
	while (readdir(dir))
		seen->open_fds++;
	/* Without ".", ".." and the directory's own descriptor. */
	seen->open_fds -= 3;
	closedir(dir);
	return 0;
}

static void a_runner_has_only_the_standard_descriptors(void **state)
{
	struct fixture *f = *state;
	struct seen seen = {0};
	struct ns_job job = {
		.name = "look",
		.which = NS_JOIN_NET,
		.run = look_around,
		.arg = &seen,
		.out = &seen,
		.out_size = sizeof(seen),
	};
	struct deadline deadline = deadline_in(60000);
	struct error err = {0};
	struct stat net, user;
	int stray = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_int_equal(ns_run(&f->ns, &job, &deadline, -1, &err), 0);
	assert_int_equal(fstat(f->ns.net, &net), 0);
	assert_int_equal(fstat(f->ns.user, &user), 0);
	assert_int_equal(seen.net, net.st_ino);
	assert_int_equal(seen.user, user.st_ino);
	assert_int_equal(seen.mnt, inode_of("/proc/self/ns/mnt"));
	assert_int_equal(seen.death_signal, SIGKILL);
	assert_true(seen.maps_caps);
	/* Only 0, 1, 2 and its socket. */
	assert_int_equal(seen.open_fds, 4);
	fd_close(stray);
}

static const char *const names[] = {"user", "net", "cgroup", "uts", "ipc", "pid", "mnt"};

struct everywhere {
	ino_t inodes[ARRAY_SIZE(names)];
};

static int look_everywhere(void *arg, struct error *err)
{
	struct everywhere *seen = arg;

	(void)err;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
		seen->inodes[i] = inode_of(path);
	}
	return 0;
}

static void a_runner_joins_the_given_namespaces(void **state)
{
	struct fixture *f = *state;
	const int fds[] = {f->ns.user, f->ns.net, f->ns.cgroup, f->ns.uts,
			   f->ns.ipc,  f->ns.pid, f->ns.mnt};
	struct everywhere seen = {0};
	struct ns_job job = {
		.name = "look",
		.run = look_everywhere,
		.arg = &seen,
		.out = &seen,
		.out_size = sizeof(seen),
	};
	struct deadline deadline = deadline_in(60000);
	struct error err = {0};
	struct stat st;

	for (int all = 0; all < 2; all++) {
		job.which = all ? NS_JOIN_ALL : NS_JOIN_USER;
		if (ns_run(&f->ns, &job, &deadline, -1, &err) < 0)
			fail_msg("%s", err.text);
		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			assert_int_equal(fstat(fds[i], &st), 0);
			if ((seen.inodes[i] == st.st_ino) != (all || i == 0))
				fail_msg("%s: joining %u", names[i], job.which);
		}
	}
}

static void own_namespaces_are_left_out(void **state)
{
	struct fixture *f = *state;
	struct ns_set ns = f->ns;

	ns.ipc = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC);
	ns.uts = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	assert_true(ns.ipc >= 0 && ns.uts >= 0);
	ns_set_drop_own(&ns);
	assert_int_equal(ns.ipc, -1);
	assert_int_equal(ns.uts, -1);
	assert_int_equal(ns.user, f->ns.user);
	assert_int_equal(ns.pid, f->ns.pid);
	assert_int_equal(ns.mnt, f->ns.mnt);
}

static int open_null(void *arg, struct error *err)
{
	int *fd = arg;

	*fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return *fd < 0 ? err_set(err, errno, "opening /dev/null") : 0;
}

static void a_job_returns_a_descriptor(void **state)
{
	struct fixture *f = *state;
	int fds[1] = {-1};
	struct ns_job job = {.name = "open", .run = open_null, .arg = fds, .fds = fds, .n_fds = 1};
	struct deadline deadline = deadline_in(60000);
	struct error err = {0};
	struct stat st, null;

	assert_int_equal(ns_run(&f->ns, &job, &deadline, -1, &err), 0);
	assert_int_equal(fstat(fds[0], &st), 0);
	assert_int_equal(stat("/dev/null", &null), 0);
	assert_true(S_ISCHR(st.st_mode) && st.st_rdev == null.st_rdev);
	assert_int_equal(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
	fd_close(fds[0]);
}

static void ns_make_net_leaves_the_child_outside(void **state)
{
	struct fixture *f = *state;
	struct ns_set ns = f->ns;
	struct seen seen = {0};
	struct ns_job job = {
		.name = "look",
		.which = NS_JOIN_NET,
		.run = look_around,
		.arg = &seen,
		.out = &seen,
		.out_size = sizeof(seen),
	};
	struct deadline deadline = deadline_in(60000);
	struct error err = {0};
	struct stat made, childs, owner, user;
	int owner_fd;

	ns.net = -1;
	if (ns_make_net(&f->ns, &ns.net, &deadline, -1, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(fcntl(ns.net, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fstat(ns.net, &made), 0);
	assert_int_equal(fstat(f->ns.net, &childs), 0);
	assert_int_not_equal(made.st_ino, childs.st_ino);
	assert_int_not_equal(made.st_ino, inode_of("/proc/self/ns/net"));
	/* The child's root is also root in there. */
	owner_fd = ioctl(ns.net, NS_GET_USERNS);
	assert_int_equal(fstat(owner_fd, &owner), 0);
	assert_int_equal(fstat(f->ns.user, &user), 0);
	assert_int_equal(owner.st_ino, user.st_ino);
	fd_close(owner_fd);
	assert_int_equal(ns_run(&ns, &job, &deadline, -1, &err), 0);
	assert_int_equal(seen.net, made.st_ino);
	fd_close(ns.net);
}

static void sockets_listen_in_the_childs_network(void **state)
{
	struct fixture *f = *state;
	struct inside_socket wanted[3] = {{.type = SOCK_DGRAM}, {.type = SOCK_STREAM}};
	struct deadline deadline = deadline_in(60000);
	int fds[3] = {-1, -1, -1}, seen = 0;
	struct error err = {0};
	socklen_t size = sizeof(seen);
	struct stat childs, st;

	assert_int_equal(fstat(f->ns.net, &childs), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(endpoint_of("0.0.0.0", 53, &wanted[i].address), 0);
	/* The launcher's root in there may bind port 53. */
	if (inside_listen(&f->ns, wanted, 2, fds, &deadline, -1, &err) < 0)
		fail_msg("%s", err.text);
	for (int i = 0; i < 2; i++) {
		int net = ioctl(fds[i], SIOCGSKNS);

		assert_int_equal(fstat(net, &st), 0);
		assert_int_equal(st.st_ino, childs.st_ino);
		fd_close(net);
	}
	assert_int_equal(getsockopt(fds[1], SOL_SOCKET, SO_ACCEPTCONN, &seen, &size), 0);
	assert_int_equal(seen, 1);
	/* All of them or none. */
	wanted[2] = wanted[0];
	assert_int_equal(inside_listen(&f->ns, wanted, 3, fds, &deadline, -1, &err), -EADDRINUSE);
	assert_string_equal(err.text,
			    "binding 0.0.0.0:53 in the child's network: Address already in use");
	fd_close(fds[0]);
	fd_close(fds[1]);
}

static int fail_so(void *arg, struct error *err)
{
	(void)arg;
	(void)err_set(err, ENODEV, "opening %s", "/dev/net/tun");
	return err_step(err, err_about(err, -ENODEV, REASON_DEVICE, "/dev/net/tun"), STEP_NET);
}

static void a_failed_job_returns_its_error(void **state)
{
	struct fixture *f = *state;
	struct ns_job job = {.name = "fail", .run = fail_so};
	struct deadline deadline = deadline_in(60000);
	struct error err = {0};

	assert_int_equal(ns_run(&f->ns, &job, &deadline, -1, &err), -ENODEV);
	assert_string_equal(err.text, "opening /dev/net/tun: No such device");
	assert_int_equal(err.step, STEP_NET);
	assert_int_equal(err.reason, REASON_DEVICE);
	assert_string_equal(err.about, "/dev/net/tun");
}

_noreturn_ static int hang(void *arg, struct error *err)
{
	(void)arg;
	(void)err;
	for (;;)
		pause();
}

static void a_job_that_hangs_is_killed(void **state)
{
	struct fixture *f = *state;
	struct ns_job job = {.name = "hang", .run = hang};
	struct deadline deadline = deadline_in(20);
	struct error err = {0};

	assert_int_equal(ns_run(&f->ns, &job, &deadline, -1, &err), -ETIMEDOUT);
	assert_string_equal(err.text, "waiting for hang: Connection timed out");
	/* The code that reaps our children reaps it. */
	assert_true(waitpid(-1, NULL, __WALL) > 0);
}

static void put_map(pid_t pid, const char *file, const char *text)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	fd_close(fd);
}

/* Our own id is uid 0 in there: only it may use the file system. */
static void map_ourselves(const struct fixture *f)
{
	char text[64];

	put_map(f->child.pid, "setgroups", "deny");
	snprintf(text, sizeof(text), "0 %u 1", (unsigned)geteuid());
	put_map(f->child.pid, "uid_map", text);
	snprintf(text, sizeof(text), "0 %u 1", (unsigned)getegid());
	put_map(f->child.pid, "gid_map", text);
}

#define SILENT_S 20

/* In a process of its own: mount a file system on the child's /mnt that does not answer while this
 * process runs. */
_noreturn_ static void be_silent(const struct fixture *f, int ready)
{
	struct ns_set own = f->ns;
	int fd;

	alarm(SILENT_S);
	if (ns_join(&own, NS_JOIN_MNT, NULL) < 0)
		_exit(1);
	fd = silentfuse_mount("/mnt");
	if (fd < 0 || write(ready, "x", 1) != 1)
		_exit(2);
	silentfuse_serve(fd, NULL, NULL);
	_exit(3);
}

static int look_into(void *arg, struct error *err)
{
	struct stat st;

	(void)arg;
	return stat("/mnt/nothing", &st) < 0 ? err_set(err, errno, "looking into /mnt") : 0;
}

/* SIGKILL does not end a wait for a FUSE server of the target. */
static void a_job_in_an_unkillable_wait_is_left_behind(void **state)
{
	struct fixture *f = *state;
	struct process server = PROCESS_NONE;
	struct ns_job job = {.name = "look", .which = NS_JOIN_MNT, .run = look_into};
	struct deadline deadline = deadline_in(60000);
	struct error err = {0};
	int ready[2], keep[NS_KINDS + 1], rc, status;
	size_t n = ns_set_list(&f->ns, keep);
	int64_t start;
	char byte;

	if (access("/dev/fuse", R_OK | W_OK) < 0)
		skip();
	map_ourselves(f);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	keep[n++] = ready[1];
	rc = fork_clean("silent", keep, n, &server, &err);
	if (rc == 0)
		be_silent(f, ready[1]);
	assert_int_equal(rc, 1);
	close(ready[1]);
	assert_int_equal(fd_wait(ready[0], POLLIN, &deadline, -1), 0);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);

	start = clock_ms();
	for (int i = 0; i < 3; i++) {
		deadline = deadline_in(200);
		assert_int_equal(ns_run(&f->ns, &job, &deadline, -1, &err), -ETIMEDOUT);
	}
	assert_true(clock_ms() - start < SILENT_S * 1000 / 2);
	/* They still exist, and die when the server dies. */
	process_kill(&server);
	for (int i = 0; i < 3; i++) {
		rc = waitpid(-1, &status, __WALL);
		assert_true(rc > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
}

_noreturn_ static int die(void *arg, struct error *err)
{
	(void)arg;
	(void)err;
	_exit(3);
}

static void a_job_that_dies_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct ns_job job = {.name = "die", .run = die};
	struct deadline deadline = deadline_in(60000);
	struct error err = {0};

	assert_int_equal(ns_run(&f->ns, &job, &deadline, -1, &err), -EPROTO);
	assert_string_equal(err.text, "die exited without a result");
}

static void pinned_namespaces_outlive_the_child(void **state)
{
	struct fixture *f = *state;
	struct seen seen = {0};
	struct ns_job job = {
		.name = "look",
		.which = NS_JOIN_NET | NS_JOIN_MNT,
		.run = look_around,
		.arg = &seen,
		.out = &seen,
		.out_size = sizeof(seen),
	};
	struct deadline deadline = deadline_in(60000);
	struct error err = {0};
	struct stat mnt;

	process_kill(&f->child);
	assert_int_equal(ns_run(&f->ns, &job, &deadline, -1, &err), 0);
	assert_int_equal(fstat(f->ns.mnt, &mnt), 0);
	assert_int_equal(seen.mnt, mnt.st_ino);
}

/* The state that a holder must find. */
struct places {
	ino_t net, own_mnt;
};

static int work_before_holding(void *arg, struct error *err)
{
	const struct places *expected = arg;

	if (inode_of("/proc/self/ns/net") != expected->net)
		return err_say(err, EINVAL, "not in the child's network");
	return inode_of("/proc/self/ns/mnt") == expected->own_mnt
		       ? 0
		       : err_say(err, EINVAL, "not in our mount namespace");
}

static int refuse_to_hold(void *arg, struct error *err)
{
	(void)arg;
	return err_set(err, EBUSY, "no");
}

static void a_holder_keeps_no_descriptor_after_its_job(void **state)
{
	struct fixture *f = *state;
	struct ns_holder holder = NS_HOLDER_NONE;
	struct places places = {.own_mnt = inode_of("/proc/self/ns/mnt")};
	struct ns_job job = {.name = "hold", .run = work_before_holding, .arg = &places};
	struct deadline deadline = deadline_in(60000);
	struct error err = {0};
	char path[64];
	struct stat st;
	DIR *dir;
	int n = 0;

	assert_int_equal(fstat(f->ns.net, &st), 0);
	places.net = st.st_ino;
	assert_int_equal(fstat(f->ns.mnt, &st), 0);
	assert_int_equal(ns_hold(&f->ns, &job, &holder, &err), 0);
	if (ns_holder_work(&holder, &f->ns, &job, &deadline, -1, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(holder.sock, -1);
	(void)str_print(path, sizeof(path), "/proc/%d/ns/net", holder.process.pid);
	assert_int_equal(inode_of(path), places.net);
	(void)str_print(path, sizeof(path), "/proc/%d/ns/user", holder.process.pid);
	assert_int_equal(fstat(f->ns.user, &st), 0);
	assert_int_equal(inode_of(path), st.st_ino);
	/* It closes its socket after it has reported that it is ready. 0, 1 and 2 are ours. */
	do {
		(void)str_print(path, sizeof(path), "/proc/%d/fd", holder.process.pid);
		dir = opendir(path);
		assert_non_null(dir);
		for (n = -2; readdir(dir);)
			n++;
		closedir(dir);
	} while (n > 3 && deadline_left(&deadline) > 0);
	assert_int_equal(n, 3);
	ns_holder_end(&holder);
	assert_int_equal(holder.process.pid, PROCESS_NONE.pid);
}

static void a_failed_holder_is_killed(void **state)
{
	struct fixture *f = *state;
	struct ns_holder holder = NS_HOLDER_NONE;
	struct ns_job job = {.name = "hold", .run = refuse_to_hold};
	struct deadline deadline = deadline_in(60000);
	struct error err = {0};
	int64_t since;
	pid_t pid;

	assert_int_equal(ns_hold(&f->ns, &job, &holder, &err), 0);
	pid = holder.process.pid;
	since = clock_ms();
	assert_int_equal(ns_holder_work(&holder, &f->ns, &job, &deadline, -1, &err), -EBUSY);
	assert_string_equal(err.text, "no: Device or resource busy");
	assert_int_equal(holder.process.pid, PROCESS_NONE.pid);
	/* It is reaped; or we reap it, if a busy machine takes too long to kill it. */
	if (waitpid(pid, NULL, __WALL) == pid)
		assert_true(clock_ms() - since >= PROCESS_KILL_MS);

	/* Killed before its job. */
	assert_int_equal(ns_hold(&f->ns, &job, &holder, &err), 0);
	assert_int_equal(kill(holder.process.pid, SIGKILL), 0);
	assert_int_equal(ns_holder_work(&holder, &f->ns, &job, &deadline, -1, &err), -EPROTO);
	assert_int_equal(holder.process.pid, PROCESS_NONE.pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_runner_has_only_the_standard_descriptors, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_runner_joins_the_given_namespaces, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(own_namespaces_are_left_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_job_returns_a_descriptor, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sockets_listen_in_the_childs_network, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(ns_make_net_leaves_the_child_outside, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_failed_job_returns_its_error, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_job_that_hangs_is_killed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_job_in_an_unkillable_wait_is_left_behind, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_job_that_dies_is_an_error, set_up, tear_down),
		cmocka_unit_test_setup_teardown(pinned_namespaces_outlive_the_child, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_holder_keeps_no_descriptor_after_its_job, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_failed_holder_is_killed, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
