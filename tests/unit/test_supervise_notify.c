/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <sys/mman.h>
#include <cmocka.h>
#include <event2/event.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/forks.h"
#include "fauxroot/base/str.h"
#include "fauxroot/supervise/notify.h"
#include "fauxroot/sys/message.h"
#include "fauxroot/sys/unix.h"
#include "lingering.h"
#include "supervise/notify_message.h"

/* ---- The text ---- */

static void messages_are_rewritten(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{"READY=1", "READY=1"},
		{"READY=1\n", "READY=1"},
		{"READY=1\nSTATUS=up and = well\n", "READY=1\nSTATUS=up and = well"},
		{"MAINPID=1", "MAINPID=4711"},
		{"READY=1\nMAINPID=1\nX_ANY=1", "READY=1\nMAINPID=4711\nX_ANY=1"},
		{"MAINPID=\nMAINPID=x\nMAINPID=3", "MAINPID=4711"},
		/* systemd also splits there, so no assignment can hide. */
		{"X=1\rMAINPID=1\r\nREADY=1", "X=1\nMAINPID=4711\nREADY=1"},
		{"MAINPIDFDID=77\nMAINPID=1", "MAINPID=4711"},
		{"MAINPIDFD=1", ""},
		{"MAINPIDX=1\nMAINPI\nMAINPID", "MAINPIDX=1\nMAINPI\nMAINPID"},
		{"XMAINPID=1\n MAINPID=1", "XMAINPID=1\n MAINPID=1"},
		{"BARRIER=1", "BARRIER=1"},
		{"RELOADING=1\nMONOTONIC_USEC=123", "RELOADING=1\nMONOTONIC_USEC=123"},
		{"FDSTORE=1\nFDNAME=a\nFDPOLL=0", "FDSTORE=1\nFDNAME=a\nFDPOLL=0"},
		{"FDSTOREREMOVE=1\nFDNAME=a", "FDSTOREREMOVE=1\nFDNAME=a"},
		{"WATCHDOG=1", "WATCHDOG=1"},
		{"WATCHDOG=trigger", "WATCHDOG=trigger"},
		{"WATCHDOG_USEC=20000000", "WATCHDOG_USEC=20000000"},
		{"EXTEND_TIMEOUT_USEC=5000000", "EXTEND_TIMEOUT_USEC=5000000"},
		{"STOPPING=1\nERRNO=2\nBUSERROR=a.b", "STOPPING=1\nERRNO=2\nBUSERROR=a.b"},
		{"\n\n\r", ""},
		{"", ""},
	};
	char text[NOTIFY_TEXT_MAX];
	size_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(
			notify_rewrite(cases[i].text, strlen(cases[i].text), 4711, text, &n), 0);
		assert_int_equal(n, strlen(cases[i].wanted));
		assert_memory_equal(text, cases[i].wanted, n);
	}
}

static void a_nul_is_allowed_only_at_the_end(void **state)
{
	char text[NOTIFY_TEXT_MAX];
	size_t n;

	(void)state;
	assert_int_equal(notify_rewrite("READY=1\0", 8, 1, text, &n), 0);
	assert_int_equal(n, 7);
	assert_int_equal(notify_rewrite("READY=1\0\0", 9, 1, text, &n), -EBADMSG);
	assert_int_equal(notify_rewrite("X=1\0MAINPID=2", 13, 1, text, &n), -EBADMSG);
	assert_int_equal(notify_rewrite("\0", 1, 1, text, &n), 0);
	assert_int_equal(n, 0);
}

static void a_message_may_grow_to_systemds_limit(void **state)
{
	static const char head[] = "MAINPID=1\nX=";
	char in[NOTIFY_TEXT_MAX], text[NOTIFY_TEXT_MAX];
	size_t n;

	(void)state;
	memset(in, 'x', sizeof(in));
	assert_int_equal(notify_rewrite(in, sizeof(in), 4711, text, &n), 0);
	assert_int_equal(n, sizeof(in));
	memcpy(in, head, strlen(head));
	assert_int_equal(notify_rewrite(in, sizeof(in) - 3, 4711, text, &n), 0);
	assert_int_equal(n, sizeof(in));
	assert_int_equal(notify_rewrite(in, sizeof(in) - 2, 4711, text, &n), -EMSGSIZE);
}

/* ---- The proxy between a target's and a manager's socket ---- */

struct fixture {
	char dir[64];
	char manager_path[96];
	int manager;
	struct notify *notify;
	struct event_base *base;
	int target; /* connected to the proxy */
};

static int connect_to(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_int_equal(str_print(addr.sun_path, sizeof(addr.sun_path), "%s", path), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static void start_proxy(struct fixture *f)
{
	struct error err;

	assert_int_equal(notify_open(f->dir, &f->notify, &err), 0);
	assert_non_null(f->notify);
	assert_int_equal(notify_serve(f->notify, f->base, &err), 0);
	f->target = connect_to(notify_path(f->notify));
}

static void start_manager(struct fixture *f)
{
	struct error err;

	unlink(f->manager_path);
	assert_int_equal(unix_bind(f->dir, "manager", SOCK_DGRAM, &f->manager, &err), 0);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	str_print(f->dir, sizeof(f->dir), "/tmp/fauxroot-unit.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->target = -1;
	f->base = event_base_new();
	snprintf(f->manager_path, sizeof(f->manager_path), "%s/manager", f->dir);
	setenv("NOTIFY_SOCKET", f->manager_path, 1);
	start_manager(f);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char path[96];

	notify_close(f->notify);
	event_base_free(f->base);
	fd_close(f->target);
	fd_close(f->manager);
	unlink(f->manager_path);
	snprintf(path, sizeof(path), "%s/notify", f->dir);
	unlink(path);
	rmdir(f->dir);
	free(f);
	return 0;
}

static void turn(struct fixture *f)
{
	event_base_loop(f->base, EVLOOP_NONBLOCK);
}

static int say(struct fixture *f, const char *text)
{
	return message_send(f->target, text, strlen(text), NULL, 0);
}

/* The next message at the manager equals @want; NULL: there is none. */
static void assert_heard(struct fixture *f, const char *text)
{
	char got[4096] = "";
	ssize_t n = message_recv(f->manager, got, sizeof(got) - 1, NULL, NULL);

	if (!text) {
		assert_int_equal(n, -EAGAIN);
		return;
	}
	assert_string_equal(got, text);
	assert_int_equal(n, strlen(text));
}

static void messages_and_descriptors_are_forwarded(void **state)
{
	struct fixture *f = *state;
	char own[32], got[64], c;
	int ends[2], fds[3];
	size_t n = ARRAY_SIZE(fds);
	struct stat st;

	start_proxy(f);
	assert_int_equal(stat(notify_path(f->notify), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(say(f, "READY=1\nMAINPID=1"), 0);
	turn(f);
	snprintf(own, sizeof(own), "READY=1\nMAINPID=%d", getpid());
	assert_heard(f, own);

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(message_send(f->target, "BARRIER=1", 9, &ends[1], 1), 0);
	fd_close(ends[1]);
	turn(f);
	assert_int_equal(message_recv(f->manager, got, sizeof(got), fds, &n), 9);
	assert_int_equal(n, 1);
	/* The manager has the last copy of that end. */
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(read(ends[0], &c, 1), -1);
	fd_close(fds[0]);
	assert_int_equal(read(ends[0], &c, 1), 0);
	fd_close(ends[0]);
}

static int refuse_fork(void *arg)
{
	(void)arg;
	return -EAGAIN;
}

/* The check of descriptors needs a process. Without one the message is lost, but not the next. */
static void a_message_that_cannot_be_checked_is_dropped(void **state)
{
	const struct fork_observer observer = {.expect = refuse_fork};
	struct fixture *f = *state;

	start_proxy(f);
	assert_int_equal(message_send(f->target, "FDSTORE=1", 9, &f->target, 1), 0);
	assert_int_equal(say(f, "READY=1"), 0);
	forks_observe(&observer);
	turn(f);
	forks_observe(NULL);
	assert_heard(f, "READY=1");
}

/* memfds, directories, sockets. */
static void files_are_forwarded(void **state)
{
	struct fixture *f = *state;
	int memory = memfd_create("state", MFD_CLOEXEC);
	int directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fds[4];
	size_t n = ARRAY_SIZE(fds);
	char got[64];
	struct stat st;

	start_proxy(f);
	assert_true(memory >= 0 && directory >= 0);
	assert_int_equal(message_send(f->target, "FDSTORE=1", 9,
				      (int[]){memory, directory, f->target}, 3),
			 0);
	turn(f);
	assert_int_equal(message_recv(f->manager, got, sizeof(got), fds, &n), 9);
	assert_int_equal(n, 3);
	assert_int_equal(fstat(fds[1], &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	while (n > 0)
		fd_close(fds[--n]);
	fd_close(memory);
	fd_close(directory);
}

static void an_invalid_message_is_dropped(void **state)
{
	struct fixture *f = *state;
	char big[8192];
	int ends[2], fds[MESSAGE_MAX_FDS];
	char c;

	start_proxy(f);
	memset(big, 'x', sizeof(big));
	assert_int_equal(message_send(f->target, big, sizeof(big), NULL, 0), 0);
	assert_int_equal(message_send(f->target, "A\0B", 3, NULL, 0), 0);
	assert_int_equal(message_send(f->target, "", 0, NULL, 0), 0);
	assert_int_equal(pipe(ends), 0);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = ends[1];
	assert_int_equal(message_send(f->target, "MAINPIDFD=1", 11, fds, ARRAY_SIZE(fds)), 0);
	assert_int_equal(say(f, "STATUS=still here"), 0);
	turn(f);
	assert_heard(f, "STATUS=still here");
	assert_heard(f, NULL);
	/* The proxy has kept no descriptor. */
	fd_close(ends[1]);
	assert_int_equal(read(ends[0], &c, 1), 0);
	fd_close(ends[0]);
}

/* The launcher gets the last copy of a socket: of a message that it does not pass on, that it does
 * not receive, or that nobody can get. */
static void a_socket_that_lingers_does_not_keep_the_launcher(void **state)
{
	const struct fork_observer observer = {.expect = refuse_fork};
	struct fixture *f = *state;
	struct lingering l[] = {lingering_open(), lingering_open(), lingering_open()};
	int64_t since = clock_ms();

	start_proxy(f);
	for (size_t i = 0; i < ARRAY_SIZE(l); i++) {
		const char *text = i == 0 ? "MAINPIDFD=1" : "FDSTORE=1";

		assert_int_equal(message_send(f->target, text, strlen(text), &l[i].fd, 1), 0);
		fd_close(l[i].fd);
		forks_observe(i == 1 ? &observer : NULL);
		if (i == 2) {
			f->manager = fd_close(f->manager);
			unlink(f->manager_path);
		}
		turn(f);
	}
	assert_true(clock_ms() - since < LINGER_S * 1000 / 3);
	for (size_t i = 0; i < ARRAY_SIZE(l); i++)
		lingering_close(&l[i]);
	start_manager(f);
	assert_int_equal(say(f, "READY=1"), 0);
	turn(f);
	assert_heard(f, "READY=1");
}

static void a_manager_that_does_not_read_blocks_the_target(void **state)
{
	struct fixture *f = *state;
	char text[32];
	int said = 0, heard = 0, rc;

	start_proxy(f);
	/* Both queues fill, and the proxy holds a message. The bound is generous. */
	for (int quiet = 0; quiet < 3;) {
		snprintf(text, sizeof(text), "X=%d", said);
		rc = say(f, text);
		if (rc == 0)
			said++;
		quiet = rc == 0 ? 0 : quiet + 1;
		assert_true(rc == 0 || rc == -EAGAIN);
		assert_true(said < 100000);
		turn(f);
	}
	assert_true(said > 2);
	/* When the manager reads, all arrive in order. */
	while (heard < said) {
		snprintf(text, sizeof(text), "X=%d", heard++);
		assert_heard(f, text);
		turn(f);
		turn(f);
	}
	assert_heard(f, NULL);
	assert_int_equal(say(f, "STATUS=again"), 0);
	turn(f);
	assert_heard(f, "STATUS=again");
}

static void a_restarted_manager_is_found(void **state)
{
	struct fixture *f = *state;

	start_proxy(f);
	f->manager = fd_close(f->manager);
	assert_int_equal(say(f, "STATUS=lost"), 0);
	turn(f);
	start_manager(f);
	assert_int_equal(say(f, "STATUS=found"), 0);
	turn(f);
	assert_heard(f, "STATUS=found");
	assert_heard(f, NULL);
	/* If a manager listens already, the message arrives at once. */
	fd_close(f->manager);
	start_manager(f);
	assert_int_equal(say(f, "STATUS=third"), 0);
	turn(f);
	assert_heard(f, "STATUS=third");
}

static void a_manager_may_start_later(void **state)
{
	struct fixture *f = *state;

	f->manager = fd_close(f->manager);
	unlink(f->manager_path);
	start_proxy(f);
	start_manager(f);
	assert_int_equal(say(f, "READY=1"), 0);
	turn(f);
	assert_heard(f, "READY=1");
}

static void the_last_messages_are_forwarded(void **state)
{
	struct fixture *f = *state;

	start_proxy(f);
	assert_int_equal(say(f, "STATUS=bye"), 0);
	assert_int_equal(say(f, "STOPPING=1"), 0);
	notify_close(TAKE_PTR(f->notify));
	assert_heard(f, "STATUS=bye");
	assert_heard(f, "STOPPING=1");
}

static void the_wait_for_a_manager_that_does_not_read_ends(void **state)
{
	struct fixture *f = *state;

	start_proxy(f);
	while (say(f, "X=1") == 0)
		turn(f);
	notify_close(TAKE_PTR(f->notify));
	assert_heard(f, "X=1");
}

static void abstract_addresses_are_reached(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	socklen_t size = sizeof(addr);

	f->manager = fd_close(f->manager);
	f->manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Autobind: a free abstract name (man 7 unix). */
	assert_int_equal(bind(f->manager, (struct sockaddr *)&addr, sizeof(sa_family_t)), 0);
	assert_int_equal(getsockname(f->manager, (struct sockaddr *)&addr, &size), 0);
	addr.sun_path[0] = '@';
	setenv("NOTIFY_SOCKET", addr.sun_path, 1);
	start_proxy(f);
	assert_int_equal(notify_path(f->notify)[0], '/');
	assert_int_equal(say(f, "READY=1"), 0);
	turn(f);
	assert_heard(f, "READY=1");
}

static void other_addresses_are_unchanged(void **state)
{
	static const char *const addresses[] = {
		"", "/", "@", "vsock:2:1234", "relative/path", "x",
	};
	struct fixture *f = *state;
	char longest[110];
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		setenv("NOTIFY_SOCKET", addresses[i], 1);
		assert_int_equal(notify_open(f->dir, &f->notify, &err), 0);
		assert_null(f->notify);
		assert_null(notify_path(f->notify));
	}
	memset(longest, '/', sizeof(longest));
	longest[108] = '\0';
	setenv("NOTIFY_SOCKET", longest, 1);
	assert_int_equal(notify_open(f->dir, &f->notify, &err), 0);
	assert_null(f->notify);
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(notify_open(f->dir, &f->notify, &err), 0);
	assert_null(f->notify);
	/* With a UNIX socket address the directory fails. */
	setenv("NOTIFY_SOCKET", f->manager_path, 1);
	assert_int_equal(notify_open("/nowhere", &f->notify, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nowhere/notify"));
	assert_null(f->notify);
}

#define with_fixture(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_rewritten),
		cmocka_unit_test(a_nul_is_allowed_only_at_the_end),
		cmocka_unit_test(a_message_may_grow_to_systemds_limit),
		with_fixture(messages_and_descriptors_are_forwarded),
		with_fixture(files_are_forwarded),
		with_fixture(a_message_that_cannot_be_checked_is_dropped),
		with_fixture(a_socket_that_lingers_does_not_keep_the_launcher),
		with_fixture(an_invalid_message_is_dropped),
		with_fixture(a_manager_that_does_not_read_blocks_the_target),
		with_fixture(a_restarted_manager_is_found),
		with_fixture(a_manager_may_start_later),
		with_fixture(the_last_messages_are_forwarded),
		with_fixture(the_wait_for_a_manager_that_does_not_read_ends),
		with_fixture(abstract_addresses_are_reached),
		with_fixture(other_addresses_are_unchanged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
