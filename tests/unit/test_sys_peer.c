/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process at the other end of a UNIX socket: in our own user namespace, in one below it, and,
 * seen from there, above it; unreadable peers, and peers that have exited.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/sys/peer.h"
#include "no_peerpidfd.h"

/* Actions of a client process before it connects. */
enum {
	DOWN = 1 << 0,	   /* enters a user namespace of its own */
	MAPPED = 1 << 1,   /* maps our id to root there */
	HIDDEN = 1 << 2,   /* is undumpable */
	OBSERVES = 1 << 3, /* its exit status is the relation where it sees *us* */
	ENDS = 1 << 4,	   /* is reaped before we check, while the connection is open */
};

struct fixture {
	char dir[64], path[96];
	int listener;
};

static struct sockaddr_un address_of(const struct fixture *f)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", f->path);
	return addr;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct sockaddr_un addr;

	snprintf(f->dir, sizeof(f->dir), "/tmp/test_sys_peer.XXXXXX");
	*state = f;
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/sock", f->dir);
	addr = address_of(f);
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return bind(f->listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
			       listen(f->listener, 1) < 0
		       ? -1
		       : 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	fd_close(f->listener);
	unlink(f->path);
	rmdir(f->dir);
	free(f);
	return 0;
}

static int write_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));
}

static void map_us(uid_t uid)
{
	char text[64];

	snprintf(text, sizeof(text), "0 %u 1\n", uid);
	if (write_file("/proc/self/uid_map", text) < 0)
		_exit(100);
}

/* Connect, and stay until killed. */
_noreturn_ static void be_client(const struct fixture *f, unsigned ways)
{
	struct sockaddr_un addr = address_of(f);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct peer peer = PEER_NONE;
	uid_t uid = geteuid();
	char text[1];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if ((ways & DOWN) && unshare(CLONE_NEWUSER) < 0)
		_exit(101);
	if (ways & MAPPED)
		map_us(uid);
	if (ways & HIDDEN)
		prctl(PR_SET_DUMPABLE, 0);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		_exit(102);
	if (ways & OBSERVES)
		_exit(peer_open(fd, PEER_LISTENS, &peer) < 0 ? 103
							     : 10 + (int)peer_relation(&peer));
	if (ways & ENDS) {
		/* A child keeps the connection open after this process has exited; the child exits
		 * when the connection is closed. */
		if (fork() == 0)
			(void)recv(fd, text, sizeof(text), 0);
		_exit(0);
	}
	pause();
	_exit(104);
}

static pid_t start_client(const struct fixture *f, unsigned ways, int *ret_sock)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		be_client(f, ways);
	*ret_sock = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(*ret_sock >= 0);
	return pid;
}

static void end_client(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static enum peer_relation relation_of(const struct fixture *f, unsigned ways)
{
	_cleanup_peer_ struct peer peer = PEER_NONE;
	_cleanup_close_ int sock = -1;
	pid_t pid = start_client(f, ways, &sock);
	enum peer_relation relation;

	assert_int_equal(peer_open(sock, PEER_CONNECTED, &peer), 0);
	assert_int_equal(peer.process.pid, pid);
	assert_true(fcntl(peer.process.pidfd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(peer.gid, getegid());
	relation = peer_relation(&peer);
	end_client(pid);
	/* Data of a live process is not reported for a dead one. */
	assert_int_equal(peer_relation(&peer), PEER_UNKNOWN);
	return relation;
}

static void a_peer_in_our_user_namespace_is_here(void **state)
{
	assert_int_equal(relation_of(*state, 0), PEER_HERE);
	/* As for a peer with file capabilities, which an unprivileged user cannot create here: the
	 * maps decide. */
	assert_int_equal(relation_of(*state, HIDDEN), PEER_HERE);
}

static void a_peer_in_a_child_namespace_is_below(void **state)
{
	assert_int_equal(relation_of(*state, DOWN), PEER_BELOW);
	assert_int_equal(relation_of(*state, DOWN | MAPPED), PEER_BELOW);
}

/* A process below us can make itself unreadable. It must never appear to be in our namespace, or
 * above us. */
static void a_hidden_peer_is_not_trusted(void **state)
{
	for (unsigned mapped = 0; mapped < 2; mapped++) {
		enum peer_relation relation =
			relation_of(*state, DOWN | HIDDEN | (mapped ? MAPPED : 0));

		assert_int_equal(relation, geteuid() == 0 ? PEER_BELOW : PEER_UNKNOWN);
	}
}

/* Seen from below, we are above or unknown, but never in the same namespace, or below. */
static void seen_from_below_we_are_never_here(void **state)
{
	_cleanup_close_ int sock = -1;
	int status;
	pid_t pid = start_client(*state, DOWN | MAPPED | OBSERVES, &sock);

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	/* Its only id is the first of our own map: that proves nothing. */
	assert_int_equal(WEXITSTATUS(status) - 10, geteuid() == 0 ? PEER_UNKNOWN : PEER_ABOVE);
}

static void an_exited_peer_is_not_opened(void **state)
{
	_cleanup_peer_ struct peer peer = PEER_NONE;
	_cleanup_close_ int sock = -1;
	pid_t pid = start_client(*state, ENDS, &sock);
	int status, rc;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* Newer kernels return a pidfd of a reaped process. */
	rc = peer_open(sock, PEER_CONNECTED, &peer);
	assert_true(rc == 0 || rc == -ESRCH);
	assert_int_equal(peer_relation(&peer), PEER_UNKNOWN);
}

static void other_files_are_refused(void **state)
{
	struct peer peer = PEER_NONE;
	struct ucred cred;

	(void)state;
	assert_int_equal(peer_open(-1, PEER_CONNECTED, &peer), -EBADF);
	assert_int_equal(peer_credentials(-1, &cred), -EBADF);
	assert_int_equal(peer.process.pidfd, -1);
	assert_int_equal(peer_relation(&peer), PEER_UNKNOWN);
}

static void works_without_so_peerpidfd(void **state)
{
	(void)state;
	lose_so_peerpidfd();
}

/* A PID is not trusted after the connection is closed: another process may have it. */
static void a_pid_of_a_closed_connection_is_not_trusted(void **state)
{
	_cleanup_peer_ struct peer peer = PEER_NONE;
	_cleanup_close_ int sock = -1;
	pid_t pid = start_client(*state, 0, &sock);

	/* A zombie still has its PID, so it can be opened. */
	kill(pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
	assert_int_equal(peer_open(sock, PEER_CONNECTED, &peer), -ESRCH);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* A server closes a connection after the answer, and keeps running: here it is this process
 * itself. */
static void a_server_that_closed_is_still_known(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un addr = address_of(f);
	_cleanup_close_ int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_peer_ struct peer peer = PEER_NONE;

	assert_int_equal(connect(sock, (struct sockaddr *)&addr, sizeof(addr)), 0);
	fd_close(accept4(f->listener, NULL, NULL, SOCK_CLOEXEC));
	assert_int_equal(peer_open(sock, PEER_LISTENS, &peer), 0);
	assert_int_equal(peer.process.pid, getpid());
	assert_int_equal(peer_relation(&peer), PEER_HERE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_peer_in_our_user_namespace_is_here),
		TEST(a_peer_in_a_child_namespace_is_below),
		TEST(a_hidden_peer_is_not_trusted),
		TEST(seen_from_below_we_are_never_here),
		TEST(an_exited_peer_is_not_opened),
		TEST(other_files_are_refused),
		TEST(a_server_that_closed_is_still_known),
		TEST(works_without_so_peerpidfd),
		TEST(a_peer_in_our_user_namespace_is_here),
		TEST(a_peer_in_a_child_namespace_is_below),
		TEST(a_hidden_peer_is_not_trusted),
		TEST(seen_from_below_we_are_never_here),
		TEST(an_exited_peer_is_not_opened),
		TEST(a_pid_of_a_closed_connection_is_not_trusted),
		TEST(a_server_that_closed_is_still_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
