/* SPDX-License-Identifier: Apache-2.0 */
/* A close that another process has made to wait ends soon, whoever closes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/sys/message.h"
#include "fauxroot/sys/nudge.h"
#include "fauxroot/sys/unix.h"
#include "lingering.h"

/* Without the signal each of these calls takes LINGER_S seconds. */
#define LIMIT_MS INT64_C(20000)

static void closing_a_lingering_socket_ends_soon(void **state)
{
	struct lingering l = lingering_open();
	int64_t since = clock_ms();

	(void)state;
	assert_int_equal(nudge_close(l.fd), -1);
	assert_true(clock_ms() - since < LIMIT_MS);
	lingering_close(&l);
	assert_int_equal(nudge_close(-1), -1);
}

/* The kernel closes the sockets within these calls: reading the message, closing its socket. */
static void descriptors_that_are_not_received_are_closed_soon(void **state)
{
	for (int reads = 0; reads < 2; reads++) {
		struct lingering l[2] = {lingering_open(), lingering_open()};
		int pair[2], fds[] = {l[0].fd, l[1].fd};
		struct nudge nudge;
		int64_t since;
		char byte;

		(void)state;
		assert_int_equal(message_pair(pair), 0);
		assert_int_equal(message_send(pair[0], "x", 1, fds, 2), 0);
		fd_close(fds[0]);
		fd_close(fds[1]);
		since = clock_ms();
		nudge_begin(&nudge, 10);
		if (reads)
			assert_int_equal(message_recv(pair[1], &byte, 1, NULL, NULL), 1);
		pair[1] = fd_close(pair[1]);
		nudge_end(&nudge);
		assert_true(clock_ms() - since < LIMIT_MS);
		fd_close(pair[0]);
		lingering_close(&l[0]);
		lingering_close(&l[1]);
	}
}

/* Also if others are begun meanwhile. */
static void the_signal_is_as_before(void **state)
{
	struct sigaction before, after;
	struct nudge outer, inner;
	sigset_t all, mask;

	(void)state;
	sigfillset(&all);
	assert_int_equal(sigprocmask(SIG_BLOCK, &all, &mask), 0);
	assert_int_equal(sigaction(SIGSTKFLT, NULL, &before), 0);
	nudge_begin(&outer, 60000);
	nudge_begin(&inner, 1);
	nudge_end(&inner);
	assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &all), 0);
	assert_int_equal(sigismember(&all, SIGSTKFLT), 0);
	nudge_again(&outer, 1);
	pause();
	nudge_end(&outer);
	assert_int_equal(sigprocmask(SIG_SETMASK, &mask, &all), 0);
	assert_int_equal(sigismember(&all, SIGSTKFLT), 1);
	assert_int_equal(sigaction(SIGSTKFLT, NULL, &after), 0);
	assert_true(after.sa_handler == before.sa_handler);
	inner = NUDGE_NONE;
	nudge_again(&inner, 1);
	nudge_end(&inner);
}

/* Since Linux 6.16. */
static void a_socket_can_refuse_descriptors(void **state)
{
	int pair[2];

	(void)state;
	assert_int_equal(message_pair(pair), 0);
	assert_true(unix_takes_fds(pair[1]));
	unix_refuse_fds(pair[1]);
	if (!unix_takes_fds(pair[1]))
		assert_int_equal(message_send(pair[0], "x", 1, &pair[0], 1), -EPERM);
	assert_int_equal(message_send(pair[0], "x", 1, NULL, 0), 0);
	fd_close(pair[0]);
	fd_close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closing_a_lingering_socket_ends_soon),
		cmocka_unit_test(descriptors_that_are_not_received_are_closed_soon),
		cmocka_unit_test(the_signal_is_as_before),
		cmocka_unit_test(a_socket_can_refuse_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
