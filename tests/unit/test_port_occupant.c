/* SPDX-License-Identifier: Apache-2.0 */
/* The owner of an address: lines of the kernel's tables, and sockets of this process and its child.
 */
#include <errno.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/base/str.h"
#include "port/occupant.h"
#include "scratch.h"

/*
 * Repeat occupant_find() until it finds the owner: its time limit may be exceeded while thousands
 * of sockets of other tests are being closed.
 */
static bool found(const union endpoint *e, bool udp, const char *want, struct occupant *who)
{
	bool known = false;

	for (int i = 0; i < 200 && !known; i++)
		known = occupant_find(e, udp, who) && str_after(who->words, want);
	return known;
}

#define REST "00000000:00000000 00:00000000 00000000"

static void lines_of_proc_net_are_parsed(void **state)
{
	static const struct {
		const char *line, *local; /* local NULL: the line is invalid */
		bool ipv6, listens;
		uint32_t uid;
		uint64_t inode;
	} rows[] = {
		{"   0: 0100007F:1F90 00000000:0000 0A " REST "  1001        0 12345 1 0 100 0 0",
		 "127.0.0.1:8080", .listens = true, .uid = 1001, .inode = 12345},
		{"4294967295: 00000000:FFFF 00000000:0000 07 " REST " 0 0 18446744073709551615\n",
		 "0.0.0.0:65535", .inode = UINT64_MAX},
		{"1: 6402000A:0050 0202000A:9C40 01 " REST " 4294967294 0 7", "10.0.2.100:80",
		 .uid = 4294967294, .inode = 7},
		{"0: 00000000000000000000000001000000:0035 00000000000000000000000000000000:0000 "
		 "0A " REST " 0 0 9 1",
		 "[::1]:53", .ipv6 = true, .listens = true, .inode = 9},
		{"0: B80D0120000000000000000002000000:0035 00000000000000000000000000000000:0000 "
		 "07 " REST " 0 0 9 1",
		 "[2001:db8::2]:53", .ipv6 = true, .inode = 9},
		{.line = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when "
			 "retrnsmt   "
			 "uid  timeout inode"},
		{.line = ""},
		{.line = "0:"},
		{.line = "0: 0100007F:1F90"},
		{.line = "0: 0100007F:1F90 00000000:0000 0A"},
		{.line = "0: 0100007F:1F9 00000000:0000 0A " REST " 1001 0 1"},
		{.line = "0: 010000G:1F90 00000000:0000 0A " REST " 1001 0 1"},
		{.line = "0: 0100007F 1F90 00000000:0000 0A " REST " 1001 0 1"},
		{.line = "0: 0100007F:1F90 00000000:0000 A " REST " 1001 0 1"},
		{.line = "0: 0100007F:1F90 00000000:0000 0A " REST " 4294967296 0 1"},
		{.line = "0: 0100007F:1F90 00000000:0000 0A " REST " 1001 0"},
		{.line = "0: 0100007F:1F90 00000000:0000 0A " REST " 1001 0 x"},
		/* Lines of the other family. */
		{.line = "0: 0100007F:1F90 00000000:0000 0A " REST " 1001 0 1", .ipv6 = true},
		{.line = "0: 00000000000000000000000001000000:0035 "
			 "00000000000000000000000000000000:0000 "
			 "0A " REST " 0 0 9 1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct socket_row row = {.inode = 77};
		char name[ENDPOINT_MAX];
		int rc = socket_row_parse(cursor_of(rows[i].line), rows[i].ipv6, &row);

		if (rc != (rows[i].local ? 0 : -EINVAL))
			fail_msg("\"%s\": %d", rows[i].line, rc);
		if (rc < 0) {
			assert_int_equal(row.inode, 77);
			continue;
		}
		assert_string_equal(endpoint_format(&row.local, name, sizeof(name)), rows[i].local);
		assert_int_equal(row.listens, rows[i].listens);
		assert_int_equal(row.uid, rows[i].uid);
		assert_true(row.inode == rows[i].inode);
	}
}

static void which_sockets_block(void **state)
{
	static const struct {
		const char *has, *wants;
		bool blocks;
	} rows[] = {
		{"127.0.0.1", "127.0.0.1", true},
		{"127.0.0.1", "127.0.0.2", false},
		{"0.0.0.0", "127.0.0.2", true},
		{"127.0.0.1", "0.0.0.0", true},
		{"::1", "::1", true},
		{"::", "::1", true},
		{"::1", "::", true},
		{"::1", "::2", false},
		{"::", "127.0.0.1", true},
		{"::1", "127.0.0.1", false},
		{"::1", "0.0.0.0", false},
		{"0.0.0.0", "::", false},
		{"127.0.0.1", "::1", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct socket_row row = {.inode = 1};
		union endpoint wanted, other;

		assert_int_equal(endpoint_of(rows[i].has, 80, &row.local), 0);
		assert_int_equal(endpoint_of(rows[i].wants, 80, &wanted), 0);
		assert_int_equal(endpoint_of(rows[i].wants, 81, &other), 0);
		if (socket_row_blocks(&row, &wanted) != rows[i].blocks)
			fail_msg("%s, %s", rows[i].has, rows[i].wants);
		assert_false(socket_row_blocks(&row, &other));
	}
}

/* An IPv4-mapped IPv6 address, which endpoint_of() does not make. */
static void mapped_addresses(void **state)
{
	struct socket_row row;
	union endpoint wanted;

	(void)state;
	assert_int_equal(socket_row_parse(cursor_of("0: 0000000000000000FFFF00000100007F:0050 "
						    "00000000000000000000000000000000:0000 0A " REST
						    " 0 0 9"),
					  true, &row),
			 0);
	assert_int_equal(endpoint_of("127.0.0.1", 80, &wanted), 0);
	assert_true(socket_row_blocks(&row, &wanted));
	assert_int_equal(endpoint_of("127.0.0.2", 80, &wanted), 0);
	assert_false(socket_row_blocks(&row, &wanted));
	assert_int_equal(endpoint_of("0.0.0.0", 80, &wanted), 0);
	assert_true(socket_row_blocks(&row, &wanted));
}

static int bound(const char *ip, int type, union endpoint *ret)
{
	socklen_t size = sizeof(*ret);
	int fd;

	assert_int_equal(endpoint_of(ip, 0, ret), 0);
	fd = socket(ret->sa.sa_family, type | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, &ret->sa, endpoint_size(ret)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, &ret->sa, &size), 0);
	return fd;
}

static void our_own_sockets_are_found(void **state)
{
	static const struct {
		const char *ip;
		int type;
	} rows[] = {
		{"127.0.0.1", SOCK_STREAM}, {"127.0.0.1", SOCK_DGRAM}, {"0.0.0.0", SOCK_STREAM},
		{"::1", SOCK_STREAM},	    {"::1", SOCK_DGRAM},
	};
	char expected[64], name[16] = "";
	struct occupant who;

	(void)state;
	/* The name of a process is printed completely, without control characters. */
	assert_int_equal(prctl(PR_SET_NAME, "a (b)\n\033[1mc"), 0);
	assert_int_equal(prctl(PR_GET_NAME, name), 0);
	(void)str_print(expected, sizeof(expected), "process %d (a (b) ?[1mc)", getpid());
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool udp = rows[i].type == SOCK_DGRAM;
		union endpoint e;
		int fd = bound(rows[i].ip, rows[i].type, &e);

		assert_true(found(&e, udp, expected, &who));
		assert_string_equal(who.words, expected);
		assert_int_equal(who.reason, REASON_PORT_OF_PROCESS);
		assert_int_equal(who.id, getpid());
		fd_close(fd);
		(void)str_print(who.words, sizeof(who.words), "as before");
		/* On a busy machine another process may use the port by now. */
		if (occupant_find(&e, udp, &who))
			assert_string_not_equal(who.words, expected);
		else
			assert_string_equal(who.words, "as before");
	}
}

/* PIDs wrap around at pid_max, so a child may have a lower PID than its parent. */
static void parent_and_child_have_it(const void *arg)
{
	static const char next[] = "/proc/sys/kernel/ns_last_pid";
	struct occupant who = {.id = 0};
	union endpoint e;
	char expected[64];
	pid_t pid = fork();
	int fd;

	(void)arg;
	if (pid > 0)
		_exit(scratch_wait(pid));
	/* This child is PID 1 of the new PID namespace. */
	check(pid == 0 && mount("proc", "/proc", "proc", 0, NULL) == 0);
	put(next, "100");
	pid = fork();
	if (pid > 0)
		_exit(scratch_wait(pid));
	check(pid == 0 && getpid() == 101);
	fd = bound("127.0.0.1", SOCK_STREAM, &e);
	put(next, "10");
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	check(pid == 11 && prctl(PR_SET_NAME, "parent") == 0);
	(void)str_print(expected, sizeof(expected), "process %d (parent)", getpid());
	check(found(&e, false, expected, &who));
	check(streq(who.words, expected) && who.id == (uint32_t)getpid());
	fd_close(fd);
}

static void the_parent_is_named(void **state)
{
	(void)state;
	assert_int_equal(scratch_run(parent_and_child_have_it, NULL, CLONE_NEWPID), 0);
}

/* An IPv6 listener that also accepts IPv4 is in the table of IPv6. */
static void an_ipv6_socket_blocks_ipv4(void **state)
{
	union endpoint e, v4;
	struct occupant who;
	int fd = bound("::", SOCK_STREAM, &e);

	(void)state;
	assert_int_equal(endpoint_of("127.0.0.1", endpoint_port(&e), &v4), 0);
	assert_true(found(&v4, false, "process ", &who));
	fd_close(fd);
}

static void raise_loopback(void)
{
	struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	check(fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &up) == 0);
	fd_close(fd);
}

/* In a network of its own: other programs of the machine may have closed more connections than can
 * be read within the limit. */
static void a_closed_connection_is_found(const void *arg)
{
	union endpoint server, client;
	socklen_t size = sizeof(client);
	int listener, fd, peer, again;
	struct occupant who;
	char byte;

	(void)arg;
	raise_loopback();
	listener = bound("127.0.0.1", SOCK_STREAM, &server);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	check(connect(fd, &server.sa, endpoint_size(&server)) == 0);
	check(getsockname(fd, &client.sa, &size) == 0);
	peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	check(peer >= 0);
	fd_close(fd);
	check(recv(peer, &byte, 1, 0) == 0);
	fd_close(peer);
	again = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	check(bind(again, &client.sa, endpoint_size(&client)) == -1);
	check(found(&client, false, "a connection that was closed recently", &who));
	check(streq(who.words, "a connection that was closed recently"));
	check(who.reason == REASON_NONE);
	fd_close(again);
	fd_close(listener);
}

/* A client was bound to the port and closed first: the port has no owner, and is still in use. */
static void a_recently_closed_connection_blocks(void **state)
{
	(void)state;
	assert_int_equal(scratch_run(a_closed_connection_is_found, NULL, CLONE_NEWNET), 0);
}

/*
 * More connections than can be read within the limit. They are closed, and stay in the table as
 * TIME_WAIT, without descriptors.
 */
static void a_listener_of_ipv6_behind_many_connections(const void *arg)
{
	union endpoint server, other, v4;
	struct occupant who = {.id = 0};
	int listener, fd, peer;

	(void)arg;
	raise_loopback();
	put("/proc/sys/net/ipv4/ip_local_port_range", "1024 65000");
	put("/proc/sys/net/ipv4/tcp_max_tw_buckets", "200000");
	listener = bound("0.0.0.0", SOCK_STREAM, &server);
	for (uint32_t i = 0; i < 80000; i++) {
		server.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK + i % 4);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		check(connect(fd, &server.sa, endpoint_size(&server)) == 0);
		peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		check(peer >= 0);
		fd_close(fd);
		fd_close(peer);
	}
	fd = bound("::", SOCK_STREAM, &other);
	check(endpoint_of("127.0.0.1", endpoint_port(&other), &v4) == 0);
	check(occupant_find(&v4, false, &who) && who.id == (uint32_t)getpid());
}

static void connections_do_not_hide_a_listener(void **state)
{
	(void)state;
	assert_int_equal(
		scratch_run(a_listener_of_ipv6_behind_many_connections, NULL, CLONE_NEWNET), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_proc_net_are_parsed),
		cmocka_unit_test(which_sockets_block),
		cmocka_unit_test(mapped_addresses),
		cmocka_unit_test(our_own_sockets_are_found),
		cmocka_unit_test(the_parent_is_named),
		cmocka_unit_test(an_ipv6_socket_blocks_ipv4),
		cmocka_unit_test(a_recently_closed_connection_blocks),
		cmocka_unit_test(connections_do_not_hide_a_listener),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
