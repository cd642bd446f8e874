/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seccomp filter of the name service: a call that is not on its list kills it, and an attacker
 * who has taken it over reaches the name servers alone. Each attack is run without the filter, too,
 * and must succeed there.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/config/portspec.h"
#include "fauxroot/proc/destinations.h"
#include "fauxroot/sys/seccomp.h"
#include "names/confine.h"

/* The name server, and another service of the host, each over UDP and TCP. */
struct host {
	int server[2], stranger[2];
	union endpoint server_at[2], stranger_at[2];
	struct destinations d;
};

enum { UDP, TCP };

static struct host host;

static int serve(int type, union endpoint *ret)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t size = sizeof(*ret);

	assert_int_equal(endpoint_of("127.0.0.1", 0, ret), 0);
	assert_int_equal(bind(fd, &ret->sa, endpoint_size(ret)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, &ret->sa, &size), 0);
	return fd;
}

static int set_up(void **state)
{
	static const int types[] = {SOCK_DGRAM, SOCK_STREAM};
	uint32_t slot;

	(void)state;
	assert_int_equal(destinations_open(&host.d, NULL), 0);
	for (int i = UDP; i <= TCP; i++) {
		host.server[i] = serve(types[i], &host.server_at[i]);
		host.stranger[i] = serve(types[i], &host.stranger_at[i]);
		assert_int_equal(destinations_add(&host.d, &host.server_at[i], &slot, NULL), 0);
		assert_int_equal(slot, i);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = UDP; i <= TCP; i++) {
		fd_close(host.server[i]);
		fd_close(host.stranger[i]);
	}
	destinations_close(&host.d);
	return 0;
}

/* Has a datagram or a connection arrived? Takes all of them. */
static bool was_reached(const int fds[2])
{
	bool reached = false;
	char buffer[16];
	int fd;

	while (recv(fds[UDP], buffer, sizeof(buffer), 0) >= 0)
		reached = true;
	while ((fd = accept4(fds[TCP], NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		reached = true;
		fd_close(fd);
	}
	return reached;
}

/* All descriptors below NAMES_FD_FREE are in use, as in relay.c. They reach nothing: the real ones
 * are in the child's network. */
static void number_descriptors(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 3; i < NAMES_FD_FREE; i++)
		if (dup2(null, i) < 0)
			_exit(98);
}

/* Run @act in a process with the filter, or without. Returns the wait status; 42: @act has
 * returned. */
static int run(bool confined, void (*act)(void))
{
	struct rlimit none = {0, 0};
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &none);
		/* Out of the way of the numbers, where the descriptors of @host are. */
		host.d.fd = fcntl(host.d.fd, F_DUPFD_CLOEXEC, 2 * NAMES_FD_FREE);
		number_descriptors();
		if (destinations_map(host.d.fd, NULL) < 0 || (confined && confine_names(NULL) < 0))
			_exit(99);
		act();
		_exit(42);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* ---- attacks ---- */

static const struct sockaddr *stranger(int i)
{
	return &host.stranger_at[i].sa;
}

static void send_to(void)
{
	(void)!sendto(socket(AF_INET, SOCK_DGRAM, 0), "x", 1, 0, stranger(UDP), 16);
}

static void connect_datagram(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	(void)!connect(fd, stranger(UDP), 16);
	(void)!send(fd, "x", 1, 0);
}

static void connect_stream(void)
{
	(void)!connect(socket(AF_INET, SOCK_STREAM, 0), stranger(TCP), 16);
}

static struct msghdr message_for(struct iovec *part)
{
	static struct sockaddr_in to;

	to = host.stranger_at[UDP].in;
	*part = (struct iovec){.iov_base = (char[]){'x'}, .iov_len = 1};
	return (struct msghdr){
		.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = part, .msg_iovlen = 1};
}

static void send_message(void)
{
	struct iovec part;
	struct msghdr message = message_for(&part);

	(void)!sendmsg(socket(AF_INET, SOCK_DGRAM, 0), &message, 0);
}

static void send_messages(void)
{
	struct iovec part;
	struct mmsghdr messages[] = {{.msg_hdr = message_for(&part)}};

	(void)!sendmmsg(socket(AF_INET, SOCK_DGRAM, 0), messages, 1, 0);
}

static void fast_open(void)
{
	(void)!sendto(socket(AF_INET, SOCK_STREAM, 0), "x", 1, MSG_FASTOPEN, stranger(TCP), 16);
}

/* A socket of the host gets the number of one in the child's network. */
static void take_number_by_dup(void)
{
	(void)!dup2(socket(AF_INET, SOCK_DGRAM, 0), NAMES_FD_UDP);
	(void)!sendto(NAMES_FD_UDP, "x", 1, 0, stranger(UDP), 16);
}

static void take_number_by_closing(void)
{
	close(NAMES_FD_UDP);
	(void)!sendto(socket(AF_INET, SOCK_DGRAM, 0), "x", 1, 0, stranger(UDP), 16);
}

static void take_number_by_receiving(void)
{
	int pair[2];

	(void)!socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	send_to();
}

/* The upper half of the register is not part of the number. */
static void deceive_number(void)
{
	long fd = syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0);

	syscall(SYS_sendto, (unsigned long)fd | (unsigned long)NAMES_FD_UDP << 32, "x", 1, 0,
		stranger(UDP), 16);
}

static void deceive_number_of_messages(void)
{
	long fd = syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0);
	struct iovec part;
	struct mmsghdr messages[] = {{.msg_hdr = message_for(&part)}};

	syscall(SYS_sendmmsg, (unsigned long)fd | (unsigned long)NAMES_FD_UDP << 32, messages, 1,
		0);
}

static void map_over_slots(void)
{
	void *base = (void *)(uintptr_t)DESTINATIONS_BASE;
	char *at = mmap(base, DESTINATIONS_BYTES, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	memcpy(at, stranger(UDP), 16);
	(void)!connect(fd, (struct sockaddr *)(void *)at, 16);
	(void)!send(fd, "x", 1, 0);
}

static void read_file(void)
{
	int fd = open("/etc/passwd", O_RDONLY);
	char byte;

	if (read(fd, &byte, 1) == 1)
		send_to();
	close(fd);
}

__attribute__((unused)) static void an_attacker_reaches_the_name_servers_alone(void **state)
{
	static void (*const attacks[])(void) = {
		send_to,
		connect_datagram,
		connect_stream,
		send_message,
		send_messages,
		fast_open,
		take_number_by_dup,
		take_number_by_closing,
		take_number_by_receiving,
#if UINTPTR_MAX > UINT32_MAX
		deceive_number,
		deceive_number_of_messages,
#endif
		map_over_slots,
		read_file,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(attacks); i++) {
		int status = run(false, attacks[i]);

		if (status != 42 << 8 || !was_reached(host.stranger))
			fail_msg("attack %zu fails without the filter: %#x", i, (unsigned)status);
		status = run(true, attacks[i]);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("attack %zu was not killed: %#x", i, (unsigned)status);
		if (was_reached(host.stranger))
			fail_msg("attack %zu has reached the stranger", i);
	}
}

/* ---- its work ---- */

static void ask(void)
{
	struct iovec part;
	struct mmsghdr messages[] = {{.msg_hdr = message_for(&part)}};

	for (uint32_t slot = UDP; slot <= TCP; slot++) {
		const union endpoint *e = destination_at(slot);
		int fd = socket(AF_INET, slot == UDP ? SOCK_DGRAM : SOCK_STREAM, 0);
		struct epoll_event event = {.events = EPOLLOUT};
		uint16_t id;

		if (getrandom(&id, sizeof(id), GRND_NONBLOCK) != sizeof(id) ||
		    connect(fd, &e->sa, endpoint_size(e)) < 0 ||
		    send(fd, "x", 1, MSG_NOSIGNAL) != 1)
			_exit(1);
		(void)epoll_ctl(-1, EPOLL_CTL_ADD, fd, &event);
		(void)recv(fd, &id, sizeof(id), MSG_DONTWAIT);
		close(fd);
	}
	/* Sends to clients, at the sockets in the child's network. */
	(void)!sendto(NAMES_FD_UDP, "x", 1, MSG_NOSIGNAL, stranger(UDP), 16);
	(void)!sendmmsg(NAMES_FD_UDP, messages, 1, MSG_NOSIGNAL);
	/* musl's sendmmsg(2) calls it. */
	(void)!sendmsg(NAMES_FD_UDP, &messages[0].msg_hdr, MSG_NOSIGNAL);
	(void)recvmmsg(NAMES_FD_UDP6, messages, 1, MSG_DONTWAIT, NULL);
	(void)!sendmsg(NAMES_FD_CONTROL, &(struct msghdr){0}, MSG_NOSIGNAL);
	(void)accept4(NAMES_FD_TCP, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

static void its_work_is_allowed(void **state)
{
	(void)state;
	assert_int_equal(run(true, ask), 42 << 8);
	assert_true(was_reached(host.server));
	assert_false(was_reached(host.stranger));
}

/* ---- other calls ---- */

static void kill_all(void)
{
	syscall(SYS_kill, -1, 0);
}

static void execute(void)
{
	execl("/bin/true", "true", NULL);
}

static void listen_here(void)
{
	syscall(SYS_listen, -1, 1);
}

static void bind_here(void)
{
	syscall(SYS_bind, -1, NULL, 0);
}

static void join(void)
{
	syscall(SYS_setns, -1, 0);
}

static void trace(void)
{
	syscall(SYS_ptrace, 0, 0, 0, 0);
}

static void fork_process(void)
{
	/* As fork(3) does it; arm64 has no other system call for it. */
	syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static void set_option(void)
{
	syscall(SYS_setsockopt, -1, 0, 0, NULL, 0);
}

static void use_ring(void)
{
	syscall(SYS_io_uring_setup, 0, NULL);
}

static void make_unix(void)
{
	syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
}

static void make_packet(void)
{
	syscall(SYS_socket, AF_PACKET, SOCK_RAW, 0);
}

static void make_netlink(void)
{
	syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 0);
}

static void map_code(void)
{
	syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void write_control(void)
{
	syscall(SYS_write, NAMES_FD_CONTROL, "x", 1);
}

__attribute__((unused)) static void calls_off_the_list_kill(void **state)
{
	static void (*const calls[])(void) = {
		kill_all,     execute,	    listen_here, bind_here,	join,
		trace,	      set_option,   use_ring,	 make_unix,	make_packet,
		fork_process, make_netlink, map_code,	 write_control,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		int status = run(true, calls[i]);

		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("call %zu was not killed: %#x", i, (unsigned)status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifndef __SANITIZE_ADDRESS__ /* with ASan, the calls of its runtime are allowed, too */
		cmocka_unit_test(an_attacker_reaches_the_name_servers_alone),
		cmocka_unit_test(calls_off_the_list_kill),
#endif
		cmocka_unit_test(its_work_is_allowed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
