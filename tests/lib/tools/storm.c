/* SPDX-License-Identifier: Apache-2.0 */
/*
 * storm: as the command, connect descriptors that other threads change all the time.
 *
 *	storm ADDRESS4 PORT HIDDEN SECONDS [SEED]
 *
 * A server at ADDRESS4 outside answers at PORT. HIDDEN is a port on 127.0.0.1 of the host whose
 * server sends "loopback". Threads do random things with a few numbers of descriptors: new sockets
 * of all kinds, duplicates, epoll sets, options, close(2), connect(2) with good and bad addresses,
 * threads with descriptor tables of their own, children that share the table. --net-accel=switch
 * must survive, and nobody may hear the hidden server.
 *
 * Prints the seed, and the number of calls of connect(2), of greetings and of escapes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/base/parse.h"

enum { FIRST = 100, NUMBERS = 6, THREADS = 6 };

static struct {
	struct sockaddr_in outside, hidden;
	atomic_bool stop;
	atomic_ulong calls, greetings, escapes;
} storm;

/* A random number below @n. */
static unsigned pick(uint64_t *state, unsigned n)
{
	*state = *state * 6364136223846793005U + 1442695040888963407U;
	return (unsigned)(*state >> 33) % n;
}

static int new_socket(uint64_t *state)
{
	static const struct {
		int family, type, protocol;
	} kinds[] = {
		{AF_INET, SOCK_STREAM, 0},   {AF_INET, SOCK_STREAM, 0}, {AF_INET6, SOCK_STREAM, 0},
		{AF_INET, SOCK_STREAM, 262}, {AF_INET, SOCK_DGRAM, 0},	{AF_UNIX, SOCK_STREAM, 0},
	};
	unsigned i = pick(state, ARRAY_SIZE(kinds));
	int flags = (pick(state, 2) ? SOCK_NONBLOCK : 0) | (pick(state, 2) ? SOCK_CLOEXEC : 0);

	return socket(kinds[i].family, kinds[i].type | flags, kinds[i].protocol);
}

static int listener(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)listen(fd, 1);
	return fd;
}

/* Put another file at the number. */
static void exchange(uint64_t *state, int number)
{
	int fd;

	switch (pick(state, 8)) {
	case 0:
		fd = epoll_create1(0);
		break;
	case 1:
		fd = listener();
		break;
	case 2:
		fd = memfd_create("storm", 0);
		break;
	case 3:
		fd = open("/", O_PATH | O_CLOEXEC);
		break;
	default:
		fd = new_socket(state);
	}
	if (fd < 0)
		return;
	if (fd != number)
		(void)dup2(fd, number);
	close(fd);
}

static void set_option(uint64_t *state, int fd)
{
	static const struct {
		int level, name;
	} options[] = {
		{SOL_SOCKET, SO_RCVBUF},
		{SOL_SOCKET, SO_KEEPALIVE},
		{SOL_SOCKET, SO_REUSEPORT},
		{IPPROTO_TCP, TCP_NODELAY},
		{IPPROTO_TCP, TCP_MAXSEG},
		{IPPROTO_IPV6, IPV6_V6ONLY},
		{IPPROTO_TCP, TCP_FASTOPEN_CONNECT},
	};
	const struct linger linger = {.l_onoff = 1, .l_linger = (int)pick(state, 3600)};
	unsigned i = pick(state, ARRAY_SIZE(options) + 1);
	int value = (int)pick(state, 3000);

	if (i == ARRAY_SIZE(options))
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	else
		(void)setsockopt(fd, options[i].level, options[i].name, &value, sizeof(value));
}

static void watch(uint64_t *state, int set, int fd)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET};

	event.data.u64 = pick(state, 1U << 30);
	(void)epoll_ctl(set, pick(state, 3) ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, fd, &event);
}

static void dial(uint64_t *state, int fd)
{
	struct sockaddr_in to = pick(state, 4) ? storm.outside : storm.hidden;
	socklen_t size = pick(state, 8) ? sizeof(to) : (socklen_t)pick(state, 200);
	struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
	char greeting[16] = "";

	memcpy(&address, &to, sizeof(to));
	if (pick(state, 10) == 0)
		address.ss_family = (sa_family_t)pick(state, 20);
	atomic_fetch_add(&storm.calls, 1);
	(void)connect(fd, (struct sockaddr *)&address, MIN(size, (socklen_t)sizeof(address)));
	if (pick(state, 2) || recv(fd, greeting, sizeof(greeting) - 1, MSG_DONTWAIT) <= 0)
		return;
	atomic_fetch_add(strncmp(greeting, "loopback", 8) == 0 ? &storm.escapes : &storm.greetings,
			 1);
}

/* A child that shares the descriptors, or has a copy of them, and connects one. */
static void spawn(uint64_t *state, int fd)
{
	unsigned long flags = pick(state, 2) ? CLONE_FILES : 0;
	pid_t pid = (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0) {
		(void)alarm(1);
		(void)connect(fd, (const struct sockaddr *)&storm.outside, sizeof(storm.outside));
		_exit(0);
	}
	if (pid > 0 && pick(state, 2))
		kill(pid, SIGKILL);
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
}

static void act(uint64_t *state)
{
	int fd = FIRST + (int)pick(state, NUMBERS), other = FIRST + (int)pick(state, NUMBERS);
	unsigned what = pick(state, 100);

	if (what < 45)
		dial(state, fd);
	else if (what < 65)
		exchange(state, fd);
	else if (what < 75)
		watch(state, other, fd);
	else if (what < 85)
		set_option(state, fd);
	else if (what < 90)
		(void)dup2(fd, other);
	else if (what < 95)
		close(fd);
	else if (what < 97)
		(void)fcntl(fd, F_SETFL, pick(state, 2) ? O_NONBLOCK : 0);
	else if (what < 99)
		(void)listen(fd, 1);
	else
		spawn(state, fd);
}

static void *run(void *arg)
{
	uint64_t state = (uint64_t)(uintptr_t)arg;

	/* One thread has descriptors of its own. */
	if (state % THREADS == 0)
		(void)unshare(CLONE_FILES);
	while (!atomic_load(&storm.stop))
		act(&state);
	return NULL;
}

static void on_signal(int signal)
{
	(void)signal;
}

/* Many calls wait for nobody: all threads are interrupted often. */
static void interrupt_until(pthread_t *threads, int64_t end)
{
	const struct timespec pause = {.tv_nsec = 5000000};

	while (time(NULL) < end) {
		(void)nanosleep(&pause, NULL);
		for (int i = 0; i < THREADS; i++)
			(void)pthread_kill(threads[i], SIGUSR1);
	}
	atomic_store(&storm.stop, true);
}

static struct sockaddr_in address_of(const char *ip, const char *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	uint32_t number = 0;

	if (inet_pton(AF_INET, ip, &a.sin_addr) != 1 || parse_u32(port, UINT16_MAX, &number) < 0)
		exit(2);
	a.sin_port = htons((uint16_t)number);
	return a;
}

int main(int argc, char **argv)
{
	const struct sigaction action = {.sa_handler = on_signal};
	uint32_t seconds = 0, seed = (uint32_t)time(NULL);
	pthread_t threads[THREADS];

	if (argc < 5 || parse_u32(argv[4], 3600, &seconds) < 0 ||
	    (argc > 5 && parse_u32(argv[5], UINT32_MAX, &seed) < 0)) {
		fprintf(stderr, "usage: storm ADDRESS4 PORT HIDDEN SECONDS [SEED]\n");
		return 2;
	}
	storm.outside = address_of(argv[1], argv[2]);
	storm.hidden = address_of("127.0.0.1", argv[3]);
	(void)sigaction(SIGUSR1, &action, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	printf("seed %u\n", seed);
	for (unsigned i = 0; i < THREADS; i++) {
		uintptr_t start = ((uintptr_t)seed + i + 1) * THREADS + i;

		if (pthread_create(&threads[i], NULL, run, (void *)start) != 0)
			return 1;
	}
	interrupt_until(threads, time(NULL) + seconds);
	for (int i = 0; i < THREADS; i++) {
		/* It may have begun to wait after the last interruption. */
		while (pthread_tryjoin_np(threads[i], NULL) == EBUSY) {
			(void)pthread_kill(threads[i], SIGUSR1);
			(void)usleep(1000);
		}
	}
	printf("%lu calls, %lu greetings, %lu escaped\n", storm.calls, storm.greetings,
	       storm.escapes);
	return 0;
}
