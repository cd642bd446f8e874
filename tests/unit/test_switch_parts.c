/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a switch process that need no command: ports, epoll sets, options, addresses. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/base/parse.h"
#include "switch/attempt.h"
#include "switch/carry.h"
#include "switch/examine.h"
#include "switch/lines.h"
#include "switch/peek.h"
#include "switch/ports.h"
#include "switch/replace.h"
#include "switch/sets.h"
#include "switch/state.h"

static bool is_reserved(const struct ports_range *range, unsigned port)
{
	return range->reserved[port / 8] & 1U << port % 8;
}

static void reserved_ports_are_parsed(void **state)
{
	static const char *const wrong[] = {"x", "80-", "90-80", "65536", "80 81", "-80", "80,,81"};
	static struct ports_range range;

	(void)state;
	assert_int_equal(ports_reserve(&range, "\n"), 0);
	assert_int_equal(ports_reserve(&range, "80,1000-1010,65535\n"), 0);
	for (unsigned port = 0; port < 65536; port++)
		assert_int_equal(is_reserved(&range, port),
				 port == 80 || (port >= 1000 && port <= 1010) || port == 65535);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(ports_reserve(&range, wrong[i]), -EINVAL);
}

/* Only one port of the range is not reserved. */
static void a_socket_gets_a_port_that_it_keeps(void **state)
{
	static struct ports_range range;
	const struct sockaddr none = {.sa_family = AF_UNSPEC};
	union endpoint name, other;
	socklen_t size = sizeof(name);
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_close_ int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	/* A port that is free now. */
	assert_int_equal(endpoint_of("127.0.0.1", 0, &other), 0);
	assert_int_equal(bind(listener, &other.sa, endpoint_size(&other)), 0);
	assert_int_equal(getsockname(listener, &name.sa, &size), 0);
	close(listener);
	listener = -1;
	range.first = (uint16_t)(endpoint_port(&name) - 10);
	range.last = (uint16_t)MIN(endpoint_port(&name) + 10, 65535);
	for (unsigned port = range.first; port <= range.last; port++)
		if (port != endpoint_port(&name))
			range.reserved[port / 8] |= (unsigned char)(1U << port % 8);
	assert_int_equal(ports_bind(&range, fd, AF_INET), 0);
	size = sizeof(other);
	assert_int_equal(getsockname(fd, &other.sa, &size), 0);
	assert_int_equal(endpoint_port(&other), endpoint_port(&name));
	/* It cannot be bound again, not even after a disconnection. */
	endpoint_set_port(&other, 0);
	assert_int_equal(bind(fd, &other.sa, endpoint_size(&other)), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(connect(fd, &none, sizeof(none)), 0);
	assert_int_equal(bind(fd, &other.sa, endpoint_size(&other)), -1);
	assert_int_equal(errno, EINVAL);
}

static void without_a_free_port_none_is_bound(void **state)
{
	static struct ports_range range;
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	range.first = range.last = 40000;
	range.reserved[40000 / 8] = 0xff;
	assert_int_equal(ports_bind(&range, fd, AF_INET), -EADDRINUSE);
}

static void lines_of_sets_are_parsed(void **state)
{
	static const char *const others[] = {
		"",
		"pos:\t0",
		"flags:\t02",
		"tfd: x events: 19 data: 5 pos:0 ino:1c sdev:8",
		"tfd: 5 events: 1000000000 data: 5 pos:0 ino:1c",
		"tfd: 5 events: 19",
		"tfd: 99999999999 events: 19 data: 5 pos:0 ino:1c",
		"tfd: 5 events: 19 data: 12345678901234567 pos:0 ino:1c",
	};
	struct membership member;
	uint64_t inode;
	int fd;

	(void)state;
	assert_true(sets_parse(cursor_of("tfd:        5 events:       19 data: ffffffff00000005 "
					 " pos:0 ino:1c45 sdev:8"),
			       &fd, &inode, &member));
	assert_int_equal(fd, 5);
	assert_int_equal(inode, 0x1c45);
	assert_int_equal(member.events, 0x19);
	assert_true(member.data == 0xffffffff00000005);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_false(sets_parse(cursor_of(others[i]), &fd, &inode, &member));
}

static struct attempt attempt_on(int fd)
{
	struct attempt a = {.tid = getpid(), .number = fd, .thread = -1, .old = -1, .fresh = -1};
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	a.inode = st.st_ino;
	return a;
}

/* This process is the command. */
static void sets_of_a_process_are_found_and_remembered(void **state)
{
	static struct sets_memory memory;
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = 0x123456789abc};
	_cleanup_close_ int set = epoll_create1(EPOLL_CLOEXEC), later;
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct attempt a = attempt_on(fd);

	(void)state;
	later = -1;
	assert_int_equal(sets_find(&memory, 1, &a), LEFT_NOT);
	assert_int_equal(a.n_sets, 0);
	/* From memory: the kernel knows the members of a known set. */
	assert_int_equal(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), 0);
	assert_int_equal(sets_find(&memory, 1, &a), LEFT_NOT);
	assert_int_equal(a.n_sets, 1);
	assert_int_equal(a.sets[0].set, set);
	assert_int_equal(a.sets[0].events, EPOLLIN | EPOLLET | EPOLLERR | EPOLLHUP);
	assert_true(a.sets[0].data == event.data.u64);
	/* A new set is found when the count of sets has changed. */
	later = epoll_create1(EPOLL_CLOEXEC);
	assert_int_equal(epoll_ctl(later, EPOLL_CTL_ADD, fd, &event), 0);
	assert_int_equal(sets_find(&memory, 2, &a), LEFT_NOT);
	assert_int_equal(a.n_sets, 2);
	/* A set that is gone leads to a new search. */
	close(later);
	later = -1;
	assert_int_equal(sets_find(&memory, 2, &a), LEFT_NOT);
	assert_int_equal(a.n_sets, 1);
	epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL);
	assert_int_equal(sets_find(&memory, 2, &a), LEFT_NOT);
	assert_int_equal(a.n_sets, 0);
}

static void a_duplicate_is_found(void **state)
{
	static struct sets_memory memory;
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_close_ int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	struct attempt a = attempt_on(fd);

	(void)state;
	assert_int_not_equal(copy, -1);
	assert_int_equal(sets_find(&memory, 1, &a), LEFT_SHARED);
}

static void lines_may_be_longer_than_the_buffer(void **state)
{
	_cleanup_lines_ struct lines lines;
	struct cursor line;
	unsigned n = 0;

	(void)state;
	assert_int_equal(lines_open(&lines, getpid(), "maps"), 0);
	while (lines_next(&lines, &line))
		n++;
	assert_true(n > 3);
	lines_close(&lines);
	assert_int_equal(lines_open(&lines, getpid(), "nosuch"), -ENOENT);
	assert_false(lines_next(&lines, &line));
}

static void options_are_carried_over(void **state)
{
	static const struct {
		int level, name, value;
	} cases[] = {
		{IPPROTO_TCP, TCP_NODELAY, 1},	   {SOL_SOCKET, SO_KEEPALIVE, 1},
		{IPPROTO_TCP, TCP_KEEPIDLE, 33},   {IPPROTO_TCP, TCP_USER_TIMEOUT, 7777},
		{IPPROTO_IP, IP_TOS, 0x10},	   {IPPROTO_IP, IP_TTL, 9},
		{SOL_SOCKET, SO_OOBINLINE, 1},	   {IPPROTO_TCP, TCP_NOTSENT_LOWAT, 65536},
		{IPPROTO_IPV6, IPV6_TCLASS, 0x20}, {IPPROTO_IPV6, IPV6_V6ONLY, 1},
		{SOL_SOCKET, SO_RCVBUF, 50000},	   {SOL_SOCKET, SO_SNDBUF, 60000},
	};
	static struct defaults defaults;

	(void)state;
	carry_learn(&defaults);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_close_ int from = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
		_cleanup_close_ int to = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
		int level = cases[i].level, name = cases[i].name;

		if (from < 0)
			skip();
		assert_int_equal(setsockopt(from, level, name, &cases[i].value, sizeof(int)), 0);
		assert_true(carry_possible(from, AF_INET));
		assert_int_not_equal(get_int(from, level, name), get_int(to, level, name));
		carry_over(&defaults, from, to, AF_INET6);
		assert_int_equal(get_int(from, level, name), get_int(to, level, name));
	}
}

static void sockets_with_other_options_stay(void **state)
{
	static const struct {
		int level, name;
	} cases[] = {
		{SOL_SOCKET, SO_DONTROUTE},
		{SOL_SOCKET, SO_REUSEPORT},
		{IPPROTO_TCP, TCP_FASTOPEN_CONNECT},
		{SOL_SOCKET, SO_BINDTOIFINDEX},
	};
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct timeval second = {.tv_sec = 1};
	int on = 1;

	(void)state;
	assert_true(carry_possible(fd, AF_INET));
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second)), 0);
	assert_false(carry_possible(fd, AF_INET));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_close_ int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		assert_int_equal(setsockopt(other, cases[i].level, cases[i].name, &on, sizeof(on)),
				 0);
		assert_false(carry_possible(other, AF_INET));
	}
}

static void special_addresses_stay_inside(void **state)
{
	static const struct {
		const char *address;
		enum left left;
	} cases[] = {
		{"127.0.0.1", LEFT_INSIDE},
		{"127.255.0.1", LEFT_INSIDE},
		{"0.0.0.0", LEFT_INSIDE},
		{"0.1.2.3", LEFT_INSIDE},
		{"169.254.1.1", LEFT_INSIDE},
		{"224.0.0.1", LEFT_INSIDE},
		{"255.255.255.255", LEFT_INSIDE},
		{"203.0.113.1", LEFT_NOT},
		{"126.0.0.1", LEFT_NOT},
		{"223.1.1.1", LEFT_NOT},
		{"::", LEFT_INSIDE},
		{"::1", LEFT_INSIDE},
		{"fe80::1", LEFT_INSIDE},
		{"ff02::1", LEFT_INSIDE},
		{"2001:db8::1", LEFT_NOT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct attempt a = {.tid = 0};

		assert_int_equal(endpoint_of(cases[i].address, 80, &a.plain), 0);
		assert_int_equal(examine_address(&a), cases[i].left);
	}
}

static void addresses_are_read_and_unmapped(void **state)
{
	struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
	struct sockaddr_un_like {
		sa_family_t family;
		char rest[14];
	} local = {.family = AF_UNIX};
	struct attempt a = {
		.tid = getpid(),
		.pointer = (uint64_t)(uintptr_t)&mapped,
		.size = sizeof(mapped),
	};
	union endpoint wanted;

	(void)state;
	mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
	mapped.sin6_addr.s6_addr[12] = 192;
	mapped.sin6_addr.s6_addr[15] = 7;
	assert_int_equal(peek_address(&a), LEFT_NOT);
	assert_int_equal(a.to.sa.sa_family, AF_INET6);
	assert_int_equal(endpoint_of("192.0.0.7", 80, &wanted), 0);
	assert_true(endpoint_equal(&a.plain, &wanted));
	/* An address for IPv6 that is too short, one of another family, one that cannot be read. */
	a.size = sizeof(struct sockaddr_in);
	assert_int_equal(peek_address(&a), LEFT_FAMILY);
	a.pointer = (uint64_t)(uintptr_t)&local;
	assert_int_equal(peek_address(&a), LEFT_FAMILY);
	a.pointer = 0;
	assert_int_equal(peek_address(&a), LEFT_UNREADABLE);
}

static void flags_of_a_descriptor_are_read(void **state)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	_cleanup_close_ int plain = socket(AF_INET, SOCK_STREAM, 0);
	struct attempt a = attempt_on(fd), b = attempt_on(plain),
		       c = {.tid = getpid(), .number = 999};

	(void)state;
	assert_int_equal(peek_flags(&a), LEFT_NOT);
	assert_true((a.flags & O_CLOEXEC) && (a.flags & O_NONBLOCK));
	assert_int_equal(peek_flags(&b), LEFT_NOT);
	assert_false((b.flags & O_CLOEXEC) || (b.flags & O_NONBLOCK));
	assert_int_equal(peek_flags(&c), LEFT_UNREADABLE);
}

/* Another thread of the command has closed the descriptor, and its number is used again. */
static void another_file_is_not_replaced(void **state)
{
	static struct worker worker = {
		.notify = -1, .command_net = {.fd = -1}, .host_net = {.fd = -1}};
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_close_ int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct attempt a = attempt_on(fd);

	(void)state;
	/* In place: it gets as far as the kernel's call, which has no descriptor here. */
	a.old = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	assert_int_equal(replace_hand_over(&worker, &a), LEFT_FAILED);
	a.old = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	assert_int_equal(dup3(other, fd, O_CLOEXEC), fd);
	assert_int_equal(replace_hand_over(&worker, &a), LEFT_CLOSED);
	assert_int_equal(a.old, -1);
	a.old = open("/dev/null", O_RDONLY | O_CLOEXEC);
	a.number = 999;
	assert_int_equal(replace_hand_over(&worker, &a), LEFT_CLOSED);
}

static void sizes_that_the_kernel_refuses_are_left_alone(void **state)
{
	static const uint64_t wrong[] = {0, 1, 15, 129, INT32_MAX, UINT32_MAX, UINT64_MAX - 1};
	struct sockaddr_storage address = {.ss_family = AF_INET};
	struct attempt a = {.tid = getpid(), .pointer = (uint64_t)(uintptr_t)&address};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		a.size = wrong[i];
		assert_int_equal(peek_address(&a), LEFT_FAMILY);
	}
	for (a.size = 16; a.size <= 128; a.size += 112)
		assert_int_equal(peek_address(&a), LEFT_NOT);
	/* The kernel ignores the upper half of the register. */
	a.size = UINT64_C(0x500000010);
	assert_int_equal(peek_address(&a), LEFT_NOT);
	assert_int_equal(a.to_size, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reserved_ports_are_parsed),
		cmocka_unit_test(a_socket_gets_a_port_that_it_keeps),
		cmocka_unit_test(without_a_free_port_none_is_bound),
		cmocka_unit_test(lines_of_sets_are_parsed),
		cmocka_unit_test(sets_of_a_process_are_found_and_remembered),
		cmocka_unit_test(a_duplicate_is_found),
		cmocka_unit_test(lines_may_be_longer_than_the_buffer),
		cmocka_unit_test(options_are_carried_over),
		cmocka_unit_test(sockets_with_other_options_stay),
		cmocka_unit_test(special_addresses_stay_inside),
		cmocka_unit_test(addresses_are_read_and_unmapped),
		cmocka_unit_test(flags_of_a_descriptor_are_read),
		cmocka_unit_test(another_file_is_not_replaced),
		cmocka_unit_test(sizes_that_the_kernel_refuses_are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
