/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is at the other end of a UNIX socket: peers in our own user namespace, in one below it, and,
 * seen from there, above it; those that cannot be looked at, and those that have ended.
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

/* What a client process does before it connects. */
enum {
	DOWN = 1 << 0,	   /* enters a user namespace of its own */
	MAPPED = 1 << 1,   /* has our id there, as root */
	HIDDEN = 1 << 2,   /* is undumpable */
	OBSERVES = 1 << 3, /* tells where *we* are, seen from there, in its exit status */
	ENDS = 1 << 4,	   /* is reaped before we look, while the connection is open */
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

/* Connect, and stay until it is killed. */
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
		_exit(peer_open(fd, PEER_LISTENS, &peer) < 0 ? 103 : 10 + (int)peer_place(&peer));
	if (ways & ENDS) {
		/* The connection outlives this process in a child of it, which ends with it. */
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

static enum peer_place place_of(const struct fixture *f, unsigned ways)
{
	_cleanup_peer_ struct peer peer = PEER_NONE;
	_cleanup_close_ int sock = -1;
	pid_t pid = start_client(f, ways, &sock);
	enum peer_place place;

	assert_int_equal(peer_open(sock, PEER_CONNECTED, &peer), 0);
	assert_int_equal(peer.process.pid, pid);
	assert_true(fcntl(peer.process.pidfd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(peer.gid, getegid());
	place = peer_place(&peer);
	end_client(pid);
	/* What is known of the living is not said of the dead. */
	assert_int_equal(peer_place(&peer), PEER_UNKNOWN);
	return place;
}

static void sees_its_own(void **state)
{
	assert_int_equal(place_of(*state, 0), PEER_HERE);
	/* As with file capabilities, which an ordinary user cannot give it: by the maps. */
	assert_int_equal(place_of(*state, HIDDEN), PEER_HERE);
}

static void sees_what_is_below(void **state)
{
	assert_int_equal(place_of(*state, DOWN), PEER_BELOW);
	assert_int_equal(place_of(*state, DOWN | MAPPED), PEER_BELOW);
}

/* A process below us can make itself unreadable. It never passes for one of ours, or above us. */
static void believes_no_hidden_one(void **state)
{
	for (unsigned mapped = 0; mapped < 2; mapped++) {
		enum peer_place place = place_of(*state, DOWN | HIDDEN | (mapped ? MAPPED : 0));

		assert_int_equal(place, geteuid() == 0 ? PEER_BELOW : PEER_UNKNOWN);
	}
}

/* From below we are above, or cannot be seen: but never on the same side, or below. */
static void is_seen_from_below(void **state)
{
	_cleanup_close_ int sock = -1;
	int status;
	pid_t pid = start_client(*state, DOWN | MAPPED | OBSERVES, &sock);

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	/* Root's only id is all that it has, and the first of our map: that proves nothing. */
	assert_int_equal(WEXITSTATUS(status) - 10, geteuid() == 0 ? PEER_UNKNOWN : PEER_ABOVE);
}

static void holds_nobody_who_has_gone(void **state)
{
	_cleanup_peer_ struct peer peer = PEER_NONE;
	_cleanup_close_ int sock = -1;
	pid_t pid = start_client(*state, ENDS, &sock);
	int status, rc;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* Newer kernels give a pidfd of one that has been reaped. */
	rc = peer_open(sock, PEER_CONNECTED, &peer);
	assert_true(rc == 0 || rc == -ESRCH);
	assert_int_equal(peer_place(&peer), PEER_UNKNOWN);
}

static void wants_a_socket(void **state)
{
	struct peer peer = PEER_NONE;
	struct ucred cred;

	(void)state;
	assert_int_equal(peer_open(-1, PEER_CONNECTED, &peer), -EBADF);
	assert_int_equal(peer_credentials(-1, &cred), -EBADF);
	assert_int_equal(peer.process.pidfd, -1);
	assert_int_equal(peer_place(&peer), PEER_UNKNOWN);
}

static void loses_so_peerpidfd(void **state)
{
	(void)state;
	lose_so_peerpidfd();
}

/* A PID alone is not believed once the connection is closed: it may be somebody else's by now. */
static void believes_no_number_of_the_gone(void **state)
{
	_cleanup_peer_ struct peer peer = PEER_NONE;
	_cleanup_close_ int sock = -1;
	pid_t pid = start_client(*state, 0, &sock);

	/* A zombie has its PID yet, so it can be opened. */
	kill(pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
	assert_int_equal(peer_open(sock, PEER_CONNECTED, &peer), -ESRCH);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* A server closes what it has answered, and lives on: here it is this process itself. */
static void knows_a_server_that_has_hung_up(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un addr = address_of(f);
	_cleanup_close_ int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_peer_ struct peer peer = PEER_NONE;

	assert_int_equal(connect(sock, (struct sockaddr *)&addr, sizeof(addr)), 0);
	fd_close(accept4(f->listener, NULL, NULL, SOCK_CLOEXEC));
	assert_int_equal(peer_open(sock, PEER_LISTENS, &peer), 0);
	assert_int_equal(peer.process.pid, getpid());
	assert_int_equal(peer_place(&peer), PEER_HERE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sees_its_own),
		TEST(sees_what_is_below),
		TEST(believes_no_hidden_one),
		TEST(is_seen_from_below),
		TEST(holds_nobody_who_has_gone),
		TEST(wants_a_socket),
		TEST(knows_a_server_that_has_hung_up),
		TEST(loses_so_peerpidfd),
		TEST(sees_its_own),
		TEST(sees_what_is_below),
		TEST(believes_no_hidden_one),
		TEST(is_seen_from_below),
		TEST(holds_nobody_who_has_gone),
		TEST(believes_no_number_of_the_gone),
		TEST(knows_a_server_that_has_hung_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
