/* SPDX-License-Identifier: Apache-2.0 */
/*
 * escape: as the command, misuse sockets that --net-accel=switch has replaced by sockets of the
 * host: reach a service on the host's loopback, or listen in the host's network.
 *
 *	escape ADDRESS4 ADDRESS6 PORT HIDDEN
 *	escape race ADDRESS4 PORT HIDDEN SECONDS
 *	escape serve PORT WORD ADDRESS…
 *
 * A server at ADDRESS4 and ADDRESS6 outside answers at PORT. HIDDEN is a port on 127.0.0.1,
 * 127.1.2.3 and ::1 of the host whose server sends "loopback". As a control, run it in the host's
 * network without fauxroot: then most attempts must succeed.
 *
 * The third form is such a server: it sends WORD and the end of the stream to each client. It
 *closes the connection when the client has done so: a close with unread data resets a connection,
 *and the client may then see only the reset.
 *
 * Prints a line per attempt: "NAME: escaped", "NAME, REASON: held", or "NAME: impossible here".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/base/parse.h"

/* Not in Linux 6.1's header. */
#define OP_BIND	  56
#define OP_LISTEN 57

#ifndef TCP_FASTOPEN_NO_COOKIE
#define TCP_FASTOPEN_NO_COOKIE 34
#endif

#define IMPOSSIBLE (-2)

struct address {
	struct sockaddr_storage at;
	socklen_t size;
};

static struct {
	const char *outside4, *outside6;
	uint16_t port, hidden;
} world;

static struct address address_of(const char *ip, uint16_t port)
{
	struct address a = {.size = sizeof(struct sockaddr_in)};
	struct sockaddr_in *in = (struct sockaddr_in *)&a.at;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a.at;

	if (inet_pton(AF_INET, ip, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		return a;
	}
	if (inet_pton(AF_INET6, ip, &in6->sin6_addr) != 1)
		abort();
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	a.size = sizeof(*in6);
	return a;
}

static int dial(int fd, const char *ip, uint16_t port)
{
	struct address a = address_of(ip, port);

	return connect(fd, (struct sockaddr *)&a.at, a.size);
}

static void disconnect(int fd)
{
	const struct sockaddr none = {.sa_family = AF_UNSPEC};

	/* Linux 5.10 refuses it while another thread waits in connect(2). */
	if (connect(fd, &none, sizeof(none)) < 0 && errno != EBUSY)
		perror("escape: disconnecting");
}

/* How many times slower than usual the machine is, as for the tests in bash. */
static int slowness(void)
{
	const char *text = getenv("SLOW");
	uint32_t times = 1;

	return text && parse_u32(text, 100, &times) == 0 && times > 0 ? (int)times : 1;
}

/* The server waits for nothing before its greeting. */
static void set_patience(int fd)
{
	const int one = 1, ms = 400 * slowness();
	const struct timeval time = {.tv_sec = ms / 1000, .tv_usec = 1000L * (ms % 1000)};

	/* For io_uring, which knows no time limit. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, &one, sizeof(one));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
}

/* A disconnected socket of the host. @family: 4, 6; 10: an IPv6 socket that was used for IPv4 */
static int host_socket(int family)
{
	char mapped[INET6_ADDRSTRLEN + 8], greeting[64];
	int fd;

	fd = socket(family == 4 ? AF_INET : AF_INET6, SOCK_STREAM, 0);
	snprintf(mapped, sizeof(mapped), "::ffff:%s", world.outside4);
	if (fd < 0 || dial(fd,
			   family == 4	 ? world.outside4
			   : family == 6 ? world.outside6
					 : mapped,
			   world.port) < 0) {
		perror("escape: connecting to the server outside");
		exit(1);
	}
	set_patience(fd);
	if (recv(fd, greeting, sizeof(greeting), 0) <= 0) {
		perror("escape: the greeting of the server outside");
		exit(1);
	}
	disconnect(fd);
	return fd;
}

/* Does the hidden server answer on @fd? If not, errno has the reason. */
static bool hears(int fd)
{
	char greeting[64] = "";
	ssize_t n = recv(fd, greeting, sizeof(greeting) - 1, 0);

	if (n > 0 && strncmp(greeting, "loopback", 8) == 0)
		return true;
	if (n >= 0)
		errno = ENODATA;
	return false;
}

/* @rc: 0, IMPOSSIBLE, or negative with the reason in errno */
static void say(const char *name, int rc)
{
	if (rc == IMPOSSIBLE)
		printf("%s: impossible here\n", name);
	else if (rc < 0)
		printf("%s, %s: held\n", name, strerror(errno));
	else
		printf("%s: escaped\n", name);
	fflush(stdout);
}

static void report(const char *name, int fd, int rc)
{
	say(name, rc != 0 || hears(fd) ? rc : -1);
	close(fd);
}

static void try_addresses(void)
{
	static const struct {
		int family;
		const char *ip;
	} tries[] = {
		{4, "127.0.0.1"},
		{4, "127.1.2.3"},
		{4, "0.0.0.0"},
		{6, "::1"},
		{6, "::"},
		{6, "::ffff:127.0.0.1"},
		{6, "::ffff:0.0.0.0"},
		{10, "::ffff:127.0.0.1"},
		{10, "::ffff:127.1.2.3"},
		{10, "::1"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
		int fd = host_socket(tries[i].family);
		char name[96];

		snprintf(name, sizeof(name), "connect again, socket %d, %s", tries[i].family,
			 tries[i].ip);
		report(name, fd, dial(fd, tries[i].ip, world.hidden));
	}
}

/* One operation of io_uring(7). Returns 0, IMPOSSIBLE, or -1 with the reason in errno. */
static int ring(unsigned char op, int fd, const void *address, uint64_t off, uint32_t len)
{
	struct io_uring_params params = {0};
	int ring_fd = (int)syscall(SYS_io_uring_setup, 4, &params), result;
	unsigned char *sq, *cq;
	struct io_uring_sqe *entry;
	const struct io_uring_cqe *done;
	unsigned *tail;

	if (ring_fd < 0)
		return IMPOSSIBLE;
	sq = mmap(NULL, params.sq_off.array + params.sq_entries * sizeof(unsigned),
		  PROT_READ | PROT_WRITE, MAP_SHARED, ring_fd, IORING_OFF_SQ_RING);
	cq = mmap(NULL, params.cq_off.cqes + params.cq_entries * sizeof(*done),
		  PROT_READ | PROT_WRITE, MAP_SHARED, ring_fd, IORING_OFF_CQ_RING);
	entry = mmap(NULL, params.sq_entries * sizeof(*entry), PROT_READ | PROT_WRITE, MAP_SHARED,
		     ring_fd, (off_t)IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || (void *)entry == MAP_FAILED)
		abort();
	memset(entry, 0, sizeof(*entry));
	entry->opcode = op;
	entry->fd = fd;
	entry->addr = (uint64_t)(uintptr_t)address;
	entry->off = off;
	entry->len = len;
	tail = (unsigned *)(void *)(sq + params.sq_off.tail);
	((unsigned *)(void *)(sq + params.sq_off.array))[*tail & (params.sq_entries - 1)] = 0;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring_fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		abort();
	done = (const struct io_uring_cqe *)(const void *)(cq + params.cq_off.cqes);
	result = done->res;
	munmap(entry, params.sq_entries * sizeof(*entry));
	munmap(cq, params.cq_off.cqes + params.cq_entries * sizeof(*done));
	munmap(sq, params.sq_off.array + params.sq_entries * sizeof(unsigned));
	close(ring_fd);
	errno = -result;
	return result < 0 ? -1 : 0;
}

/* connect(2) as a program of the 32-bit architecture makes it: int $0x80, which this process's
 * filter does not report. */
static int dial_by_32bit(int fd, const struct address *a)
{
#ifdef __x86_64__
	uint32_t *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long rc;

	if (low == MAP_FAILED)
		return IMPOSSIBLE;
	memcpy(low + 16, &a->at, a->size);
	low[0] = (uint32_t)fd;
	low[1] = (uint32_t)(uintptr_t)(low + 16);
	low[2] = a->size;
	/* 102: socketcall(2), 3: SYS_CONNECT. */
	__asm__ volatile("int $0x80"
			 : "=a"(rc)
			 : "0"(102), "b"(3), "c"(low)
			 : "memory", "r8", "r9", "r10", "r11");
	munmap(low, 4096);
	errno = -(int)rc;
	return (int)rc == -ENOSYS ? IMPOSSIBLE : (int)rc < 0 ? -1 : 0;
#else
	(void)fd;
	(void)a;
	return IMPOSSIBLE;
#endif
}

static void try_other_ways(void)
{
	struct address to = address_of("127.0.0.1", world.hidden);
	int fd = host_socket(4), copy, on = 1, rc;

	copy = dup(fd);
	report("a duplicate", copy, dial(copy, "127.0.0.1", world.hidden));
	close(fd);
	fd = host_socket(4);
	rc = sendto(fd, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&to.at, to.size) < 0 ? -1 : 0;
	report("MSG_FASTOPEN", fd, rc);
	fd = host_socket(4);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, &on, sizeof(on));
	rc = sendto(fd, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&to.at, to.size) < 0 ? -1 : 0;
	report("MSG_FASTOPEN without a cookie", fd, rc);
	fd = host_socket(4);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on));
	rc = dial(fd, "127.0.0.1", world.hidden);
	if (rc == 0)
		rc = send(fd, "x", 1, MSG_NOSIGNAL) < 0 ? -1 : 0;
	report("TCP_FASTOPEN_CONNECT", fd, rc);
	fd = host_socket(4);
	rc = ring(IORING_OP_CONNECT, fd, &to.at, to.size, 0);
	report("io_uring connect", fd, rc);
	fd = host_socket(4);
	report("32-bit connect", fd, dial_by_32bit(fd, &to));
}

static void set(int fd, int level, int name, const void *value, socklen_t size)
{
	/* Most are refused. */
	(void)setsockopt(fd, level, name, value, size);
}

/* Undo the binding to the device, or lead the connection elsewhere. */
static void try_options(void)
{
	const int on = 1, none = 0, lo = 1, family = AF_INET;
	const uint32_t lo_in_order = htonl(1);
	const struct in6_pktinfo info = {.ipi6_ifindex = 1};
	const unsigned char source_route[12] = {0x83, 11, 4, 127, 0, 0, 1, 127, 0, 0, 1, 0};
	int fd = host_socket(4);

	set(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 0);
	set(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
	set(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &none, sizeof(none));
	set(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &lo, sizeof(lo));
	set(fd, SOL_SOCKET, SO_MARK, &on, sizeof(on));
	set(fd, SOL_SOCKET, SO_DONTROUTE, &on, sizeof(on));
	set(fd, IPPROTO_IP, IP_UNICAST_IF, &lo_in_order, sizeof(lo_in_order));
	set(fd, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof(on));
	set(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
	set(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on));
	report("options of the device", fd, dial(fd, "127.0.0.1", world.hidden));
	fd = host_socket(4);
	set(fd, IPPROTO_IP, IP_OPTIONS, source_route, sizeof(source_route));
	report("source route", fd, dial(fd, world.outside4, world.hidden));
	fd = host_socket(6);
	set(fd, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	report("IPV6_PKTINFO", fd, dial(fd, "::1", world.hidden));
	fd = host_socket(10);
	set(fd, IPPROTO_IPV6, IPV6_ADDRFORM, &family, sizeof(family));
	report("IPV6_ADDRFORM", fd, dial(fd, "::ffff:127.0.0.1", world.hidden));
}

/* Become a server in the host's network. */
static void try_listening(void)
{
	struct address free_port = address_of("0.0.0.0", 0);
	struct address taken = address_of("0.0.0.0", world.hidden);
	int fd = host_socket(4), on = 1, rc;

	say("bind", bind(fd, (struct sockaddr *)&free_port.at, free_port.size));
	close(fd);
	fd = host_socket(4);
	set(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	set(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	say("bind a port of the host", bind(fd, (struct sockaddr *)&taken.at, taken.size));
	close(fd);
	fd = host_socket(4);
	rc = ring(OP_BIND, fd, &free_port.at, free_port.size, 0);
	/* EINVAL from a kernel without the operation, too. */
	say("io_uring bind", rc);
	close(fd);
	fd = host_socket(4);
	say("listen", listen(fd, 5));
	close(fd);
}

/* ---- races ---- */

static struct {
	struct sockaddr_in to;
	atomic_bool stop;
	int slot;
	unsigned long tries, outside, escaped;
} race = {.slot = 200};

static void block_alarms(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void pause_for(unsigned turns)
{
	for (volatile unsigned i = 0; i < turns; i++)
		;
}

/* Change the address that connect(2) reads. */
static void *flip(void *arg)
{
	struct address outside = address_of(world.outside4, world.port);
	struct address hidden = address_of("127.0.0.1", world.hidden);

	(void)arg;
	block_alarms();
	while (!atomic_load(&race.stop)) {
		memcpy(&race.to, &outside.at, sizeof(race.to));
		atomic_thread_fence(memory_order_seq_cst);
		pause_for(300);
		memcpy(&race.to, &hidden.at, sizeof(race.to));
		atomic_thread_fence(memory_order_seq_cst);
		pause_for(300);
	}
	return NULL;
}

/* Exchange the descriptor: a new socket, then a disconnected socket of the host. */
static void *swap(void *arg)
{
	int host = host_socket(4);

	(void)arg;
	block_alarms();
	while (!atomic_load(&race.stop)) {
		int fresh = socket(AF_INET, SOCK_STREAM, 0);

		dup2(fresh, race.slot);
		close(fresh);
		pause_for(2000);
		dup2(host, race.slot);
		pause_for(2000);
		disconnect(host);
	}
	return NULL;
}

static void on_alarm(int signal)
{
	(void)signal;
}

/* A connection that nobody answers would wait for minutes. SO_SNDTIMEO would end that, but a socket
 * with it is not switched. So a signal interrupts connect(2). */
static void interrupt_often(void)
{
	const struct itimerval often = {{.tv_usec = 50000}, {.tv_usec = 50000}};
	const struct sigaction action = {.sa_handler = on_alarm};

	(void)sigaction(SIGALRM, &action, NULL);
	(void)setitimer(ITIMER_REAL, &often, NULL);
}

static void try_once(int fd)
{
	const struct timeval patience = {.tv_usec = 100000};
	char greeting[16] = "";

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	race.tries++;
	if (connect(fd, (struct sockaddr *)&race.to, sizeof(race.to)) < 0 ||
	    recv(fd, greeting, sizeof(greeting) - 1, 0) <= 0)
		return;
	if (strncmp(greeting, "loopback", 8) == 0)
		race.escaped++;
	else
		race.outside++;
}

/* Half of the time with sockets of its own, half of the time with the socket that is exchanged. */
static int run_race(unsigned seconds)
{
	const time_t half = time(NULL) + seconds / 2, end = half + (seconds + 1) / 2;
	struct address outside = address_of(world.outside4, world.port);
	pthread_t threads[2];

	memcpy(&race.to, &outside.at, sizeof(race.to));
	if (pthread_create(&threads[0], NULL, flip, NULL) != 0)
		return 1;
	/* After the threads' start: they must not be interrupted. */
	interrupt_often();
	while (time(NULL) < half) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		try_once(fd);
		close(fd);
	}
	if (pthread_create(&threads[1], NULL, swap, NULL) != 0)
		return 1;
	while (time(NULL) < end)
		try_once(race.slot);
	atomic_store(&race.stop, true);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	printf("%lu tries, %lu outside, %lu escaped\n", race.tries, race.outside, race.escaped);
	return 0;
}

/* ---- a server ---- */

static int listen_at(const char *ip, uint16_t port)
{
	struct address a = address_of(ip, port);
	int fd = socket(a.at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, queue = 16;

	set(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	set(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	set(fd, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue));
	if (a.at.ss_family == AF_INET6)
		set(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&a.at, a.size) < 0 || listen(fd, 1024) < 0) {
		perror("escape: listening");
		exit(1);
	}
	return fd;
}

/* Sockets that listen, then connections, the oldest first. */
struct server {
	struct pollfd fds[8 + 256];
	size_t n_listening, n;
};

static void drop(struct server *s, size_t nth)
{
	close(s->fds[nth].fd);
	s->n--;
	memmove(&s->fds[nth], &s->fds[nth + 1], (s->n - nth) * sizeof(s->fds[0]));
}

static void greet(struct server *s, int listening, const char *word)
{
	int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	(void)send(fd, word, strlen(word), MSG_NOSIGNAL);
	(void)shutdown(fd, SHUT_WR);
	if (s->n == ARRAY_SIZE(s->fds))
		drop(s, s->n_listening);
	s->fds[s->n++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

/* The client has closed the connection. What it sends is of no interest. */
static bool has_ended(int fd)
{
	char data[4096];
	ssize_t n = recv(fd, data, sizeof(data), 0);

	return n == 0 || (n < 0 && errno != EAGAIN);
}

static int serve(uint16_t port, const char *word, char **ips, size_t n)
{
	struct server s = {0};

	for (size_t i = 0; i < n && i < 8; i++)
		s.fds[s.n++] = (struct pollfd){.fd = listen_at(ips[i], port), .events = POLLIN};
	s.n_listening = s.n;
	for (;;) {
		if (poll(s.fds, s.n, -1) < 0)
			return 1;
		/* Backwards: what is dropped moves only those that were handled. */
		for (size_t i = s.n; i-- > s.n_listening;)
			if (s.fds[i].revents && has_ended(s.fds[i].fd))
				drop(&s, i);
		for (size_t i = 0; i < s.n_listening; i++)
			if (s.fds[i].revents)
				greet(&s, s.fds[i].fd, word);
	}
}

static uint16_t port_of(const char *text)
{
	uint32_t port = 0;

	(void)parse_u32(text, 65535, &port);
	return (uint16_t)port;
}

int main(int argc, char **argv)
{
	if (argc == 6 && strcmp(argv[1], "race") == 0) {
		world.outside4 = argv[2];
		world.port = port_of(argv[3]);
		world.hidden = port_of(argv[4]);
		return run_race(port_of(argv[5]));
	}
	if (argc >= 5 && strcmp(argv[1], "serve") == 0)
		return serve(port_of(argv[2]), argv[3], argv + 4, (size_t)argc - 4);
	if (argc != 5) {
		fprintf(stderr, "usage: escape ADDRESS4 ADDRESS6 PORT HIDDEN\n");
		return 2;
	}
	world.outside4 = argv[1];
	world.outside6 = argv[2];
	world.port = port_of(argv[3]);
	world.hidden = port_of(argv[4]);
	try_addresses();
	try_other_ways();
	try_options();
	try_listening();
	return 0;
}
