/* SPDX-License-Identifier: Apache-2.0 */
/* The switch process does not wait long in calls on a socket that it shares with the command. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"
#include "switch/examine.h"
#include "switch/shortwait.h"

/* Without the signal the calls wait for minutes. */
#define DEADLINE_MS 30000

/* A listener on 127.0.0.1 that accepts no connection. Returns its address. */
static struct sockaddr_in listen_at(int *ret)
{
	struct sockaddr_in name = {.sin_family = AF_INET};
	socklen_t size = sizeof(name);

	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*ret = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(*ret, (struct sockaddr *)&name, size), 0);
	assert_int_equal(listen(*ret, 0), 0);
	assert_int_equal(getsockname(*ret, (struct sockaddr *)&name, &size), 0);
	return name;
}

static int connect_to(const struct sockaddr_in *name)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)name, sizeof(*name)), 0);
	return fd;
}

static int state_of(int fd)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
	return info.tcpi_state;
}

struct attempt_of_thread {
	int fd, rc;
	struct sockaddr_in to;
};

static void *connect_in_thread(void *arg)
{
	struct attempt_of_thread *a = arg;

	a->rc = connect(a->fd, (struct sockaddr *)&a->to, sizeof(a->to)) < 0 ? -errno : 0;
	return NULL;
}

/* The backlog is full, so the second connection waits. */
static void a_socket_that_another_thread_connects_is_left_soon(void **state)
{
	struct attempt_of_thread a;
	int listener, first;
	int64_t since_ms;
	pthread_t thread;

	(void)state;
	a.to = listen_at(&listener);
	first = connect_to(&a.to);
	a.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(examine_earlier(a.fd, AF_INET), 0);
	assert_int_equal(pthread_create(&thread, NULL, connect_in_thread, &a), 0);
	while (state_of(a.fd) != TCP_SYN_SENT)
		usleep(1000);
	since_ms = clock_ms();
	assert_int_equal(examine_earlier(a.fd, AF_INET), -EINTR);
	assert_true(clock_ms() - since_ms < DEADLINE_MS);
	assert_int_equal(fcntl(a.fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(examine_earlier(a.fd, AF_INET), -EALREADY);
	assert_int_equal(state_of(a.fd), TCP_SYN_SENT);
	/* The thread's call was not disturbed: it waits until the server accepts. */
	fd_close(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
	pthread_join(thread, NULL);
	assert_int_equal(a.rc, 0);
	assert_int_equal(examine_earlier(a.fd, AF_INET), -EISCONN);
	fd_close(a.fd);
	fd_close(first);
	fd_close(listener);
}

static void the_error_of_an_earlier_connect_is_returned_once(void **state)
{
	struct sockaddr_in to;
	int listener, fd;

	(void)state;
	to = listen_at(&listener);
	fd_close(listener);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0);
	assert_int_equal(errno, EINPROGRESS);
	while (state_of(fd) != TCP_CLOSE)
		usleep(1000);
	assert_int_equal(examine_earlier(fd, AF_INET), -ECONNREFUSED);
	assert_int_equal(examine_earlier(fd, AF_INET), 0);
	fd_close(fd);
}

/* The receiver reads nothing, so bytes stay unsent, and close(2) waits for them. */
static void a_close_that_lingers_is_ended_soon(void **state)
{
	static const char bytes[65536];
	const struct linger linger = {.l_onoff = 1, .l_linger = 3600};
	struct sockaddr_in to;
	int listener, fd, none = -1;
	int64_t since_ms;

	(void)state;
	to = listen_at(&listener);
	fd = connect_to(&to);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	assert_int_equal(errno, EAGAIN);
	since_ms = clock_ms();
	short_wait_close((int *const[]){&none, &fd}, 2);
	assert_true(clock_ms() - since_ms < DEADLINE_MS);
	assert_int_equal(fd, -1);
	fd_close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_socket_that_another_thread_connects_is_left_soon),
		cmocka_unit_test(the_error_of_an_earlier_connect_is_returned_once),
		cmocka_unit_test(a_close_that_lingers_is_ended_soon),
	};

	sigset_t set;

	/* The launcher's processes inherit its mask. */
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || short_wait_prepare() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
