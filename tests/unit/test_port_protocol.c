/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "fauxroot/base/log.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/port/table.h"
#include "port/builtin/counters.h"
#include "port/builtin/protocol.h"

static struct control_message good_add(void)
{
	struct control_message m;

	memset(&m, 0, sizeof(m));
	m.type = CONTROL_ADD;
	m.id = 7;
	assert_int_equal(endpoint_of("127.0.0.1", 80, &m.add.child), 0);
	return m;
}

static void orders_to_add_are_checked(void **state)
{
	struct control_message m = good_add(), bad;

	(void)state;
	assert_int_equal(control_check_order(&m, sizeof(m), 1), 0);
	assert_int_equal(control_check_order(&m, sizeof(m), 2), 0);
	assert_int_equal(control_check_order(&m, sizeof(m), 0), -EPROTO);
	assert_int_equal(control_check_order(&m, sizeof(m), PORT_LISTENERS_MAX + 1), -EPROTO);
	assert_int_equal(control_check_order(&m, sizeof(m) - 1, 1), -EPROTO);
	assert_int_equal(control_check_order(&m, 0, 1), -EPROTO);
	assert_int_equal(control_check_reply(&m, sizeof(m), 0), -EPROTO);
	bad = m, bad.id = 0;
	assert_int_equal(control_check_order(&bad, sizeof(bad), 1), -EPROTO);
	bad = m, bad.result = 1;
	assert_int_equal(control_check_order(&bad, sizeof(bad), 1), -EPROTO);
	bad = m, bad.add.udp = 2;
	assert_int_equal(control_check_order(&bad, sizeof(bad), 1), -EPROTO);
	bad = m, bad.add.wildcard = 2;
	assert_int_equal(control_check_order(&bad, sizeof(bad), 1), -EPROTO);
	bad = m, bad.add.counter = COUNTERS_SLOTS;
	assert_int_equal(control_check_order(&bad, sizeof(bad), 1), -EPROTO);
	bad = m, bad.add.path_size = 1;
	assert_int_equal(control_check_order(&bad, sizeof(bad), 1), -EPROTO);
	bad = m, bad.add.child.sa.sa_family = AF_UNIX, bad.add.proxy.sa.sa_family = AF_UNSPEC;
	bad.add.marked = bad.add.transparent = bad.add.udp = 0;
	for (uint32_t size = 0; size <= 108; size++) {
		bad.add.path_size = size;
		assert_int_equal(control_check_order(&bad, sizeof(bad), 1),
				 size > 0 && size < 108 ? 0 : -EPROTO);
	}
	bad.add.path_size = 1, bad.add.udp = 1;
	assert_int_equal(control_check_order(&bad, sizeof(bad), 1), -EPROTO);
	bad = m, bad.add.child.sa.sa_family = AF_UNIX;
	assert_int_equal(control_check_order(&bad, sizeof(bad), 1), -EPROTO);
	bad = m, bad.add.child.in.sin_port = 0;
	assert_int_equal(control_check_order(&bad, sizeof(bad), 1), -EPROTO);
	bad = m, bad.add.child.in.sin_addr.s_addr = 0;
	assert_int_equal(control_check_order(&bad, sizeof(bad), 1), -EPROTO);
	bad = m, bad.add.proxy.sa.sa_family = AF_INET6;
	assert_int_equal(control_check_order(&bad, sizeof(bad), 1), -EPROTO);
	bad = m, bad.type = 99;
	assert_int_equal(control_check_order(&bad, sizeof(bad), 1), -EPROTO);
}

static void other_orders_are_checked(void **state)
{
	struct control_message m = {.type = CONTROL_REMOVE, .id = 1};

	(void)state;
	assert_int_equal(control_check_order(&m, sizeof(m), 0), 0);
	assert_int_equal(control_check_order(&m, sizeof(m), 1), -EPROTO);
	m = (struct control_message){.type = CONTROL_SUPPLY};
	assert_int_equal(control_check_order(&m, sizeof(m), MAX_WORKERS), 0);
	assert_int_equal(control_check_order(&m, sizeof(m), MAX_WORKERS + 1), -EPROTO);
	assert_int_equal(control_check_order(&m, sizeof(m), 0), -EPROTO);
	m.type = CONTROL_DONE;
	assert_int_equal(control_check_order(&m, sizeof(m), 0), -EPROTO);
}

static void replies_are_checked(void **state)
{
	struct control_message m = {.type = CONTROL_DONE, .id = 1, .result = -EADDRINUSE};

	(void)state;
	assert_int_equal(control_check_reply(&m, sizeof(m), 0), 0);
	assert_int_equal(control_check_reply(&m, sizeof(m), 1), -EPROTO);
	m.result = 1;
	assert_int_equal(control_check_reply(&m, sizeof(m), 0), -EPROTO);
	m.result = -4096;
	assert_int_equal(control_check_reply(&m, sizeof(m), 0), -EPROTO);
	m = (struct control_message){.type = CONTROL_FAILED, .result = -EPERM};
	assert_int_equal(control_check_reply(&m, sizeof(m), 0), 0);
	assert_int_equal(control_check_order(&m, sizeof(m), 0), -EPROTO);
	m.result = 0;
	assert_int_equal(control_check_reply(&m, sizeof(m), 0), -EPROTO);
	m = (struct control_message){.type = CONTROL_LOG, .log.level = LOG_LEVEL_WARNING};
	assert_int_equal(control_check_reply(&m, sizeof(m), 0), 0);
	m.log.level = LOG_LEVEL_DEBUG + 1;
	assert_int_equal(control_check_reply(&m, sizeof(m), 0), -EPROTO);
	m.log.level = LOG_LEVEL_INFO;
	memset(m.log.text, 'x', sizeof(m.log.text));
	assert_int_equal(control_check_reply(&m, sizeof(m), 0), -EPROTO);
}

static void supply_messages_are_checked(void **state)
{
	struct supply_request request = {.kind = KIND_UDP6, .count = MAX_BATCH};
	struct supply_answer answer = {.kind = KIND_TCP4, .count = 3};

	(void)state;
	assert_int_equal(supply_check_request(&request, sizeof(request)), 0);
	assert_int_equal(supply_check_request(&request, sizeof(request) + 1), -EPROTO);
	request.count = 0;
	assert_int_equal(supply_check_request(&request, sizeof(request)), -EPROTO);
	request.count = MAX_BATCH + 1;
	assert_int_equal(supply_check_request(&request, sizeof(request)), -EPROTO);
	request = (struct supply_request){.kind = KIND_COUNT_, .count = 1};
	assert_int_equal(supply_check_request(&request, sizeof(request)), -EPROTO);

	assert_int_equal(supply_check_answer(&answer, sizeof(answer), 3), 0);
	assert_int_equal(supply_check_answer(&answer, sizeof(answer), 2), -EPROTO);
	assert_int_equal(supply_check_answer(&answer, sizeof(answer), 4), -EPROTO);
	answer.error = -EMFILE;
	assert_int_equal(supply_check_answer(&answer, sizeof(answer), 3), -EPROTO);
	answer.count = 0;
	assert_int_equal(supply_check_answer(&answer, sizeof(answer), 0), 0);
	answer.error = 0;
	assert_int_equal(supply_check_answer(&answer, sizeof(answer), 0), -EPROTO);
}

/* Descriptors that a compromised agent may send instead of a socket of the child's network. */
static void sockets_of_the_agent_are_checked(void **state)
{
	int fds[] = {
		socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
		socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0),
		socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0),
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
		dup(STDERR_FILENO),
	};
	uint64_t here = socket_netns_cookie(fds[0]);

	(void)state;
	assert_int_equal(supply_check_socket(fds[0], KIND_TCP4, here), 0);
	assert_int_equal(supply_check_socket(fds[0], KIND_TCP4_MARKED, here), 0);
	assert_int_equal(supply_check_socket(fds[2], KIND_UDP4, here), 0);
	for (size_t i = 1; i < ARRAY_SIZE(fds); i++)
		assert_int_equal(supply_check_socket(fds[i], KIND_TCP4, here), -EPROTO);
	/* Linux before 5.14 has no cookies. */
	if (here != 0)
		assert_int_equal(supply_check_socket(fds[0], KIND_TCP4, here + 1), -EPROTO);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

static void reno_is_chosen(void **state)
{
	static const char other[] = "cubic";
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char name[16] = "";
	socklen_t size = sizeof(name);

	(void)state;
	/* Make sure that Reno is not the default here; a kernel without Cubic has only Reno. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, other, sizeof(other) - 1);
	socket_stays_here(fd);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &size), 0);
	assert_string_equal(name, "reno");
	close(fd);
}

static void kinds_have_their_properties(void **state)
{
	(void)state;
	for (int kind = 0; kind < KIND_COUNT_; kind++)
		assert_int_equal(kind_of(kind_family((enum socket_kind)kind),
					 kind_type((enum socket_kind)kind) == SOCK_DGRAM,
					 kind_marked((enum socket_kind)kind)),
				 kind);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders_to_add_are_checked),
		cmocka_unit_test(other_orders_are_checked),
		cmocka_unit_test(replies_are_checked),
		cmocka_unit_test(supply_messages_are_checked),
		cmocka_unit_test(sockets_of_the_agent_are_checked),
		cmocka_unit_test(reno_is_chosen),
		cmocka_unit_test(kinds_have_their_properties),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
