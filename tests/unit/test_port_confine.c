/* SPDX-License-Identifier: Apache-2.0 */
/* The seccomp filters: each process is killed by a call that is not on its list, and only then. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/sys/seccomp.h"
#include "port/builtin/confine.h"
#include "fauxroot/proc/confine.h"
#include "fauxroot/proc/destinations.h"

/* Run @act in a child with the filter of @confine. Returns the wait status. */
static int run_confined(int (*confine)(struct error *), void (*act)(void))
{
	struct rlimit none = {0, 0};
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &none);
		if (confine(NULL) < 0)
			_exit(99);
		act();
		_exit(42);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void do_open(void)
{
	syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static void do_exec(void)
{
	execl("/bin/true", "true", NULL);
}

static void do_inet(void)
{
	syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}

static void do_unix(void)
{
	syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
}

static void do_kill(void)
{
	syscall(SYS_kill, 1, 0);
}

static void do_move_to_processor(void)
{
	const unsigned long none = 0;

	/* Fails with EINVAL: no processor. */
	syscall(SYS_sched_setaffinity, 0, sizeof(none), &none);
}

static void do_move_another(void)
{
	const unsigned long none = 0;

	syscall(SYS_sched_setaffinity, getppid(), sizeof(none), &none);
}

static void do_kill_another(void)
{
	syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static void do_kill_own(void)
{
	syscall(SYS_tgkill, getpid(), gettid(), 0);
}

static void do_name_process(void)
{
	syscall(SYS_prctl, PR_SET_NAME, "x", 0, 0, 0);
}

static void do_name_memory(void)
{
	syscall(SYS_prctl, 0x53564d41 /* PR_SET_VMA */, 0, 0, 0, 0);
}

static void do_setns(void)
{
	syscall(SYS_setns, -1, 0);
}

static void do_ptrace(void)
{
	syscall(SYS_ptrace, 0, 0, 0, 0);
}

static void do_bind(void)
{
	syscall(SYS_bind, -1, NULL, 0);
}

/* A name that the kernel chooses. */
static void do_autobind(void)
{
	syscall(SYS_bind, -1, NULL, sizeof(sa_family_t));
}

static void do_accept(void)
{
	syscall(SYS_accept4, -1, NULL, NULL, 0);
}

static void do_cloexec(void)
{
	syscall(SYS_fcntl, 0, F_DUPFD, 100);
}

static void do_pipe_size(void)
{
	syscall(SYS_fcntl, 0, F_SETPIPE_SZ, 4096);
}

static void do_get_pipe_size(void)
{
	syscall(SYS_fcntl, 0, F_GETPIPE_SZ);
}

static void do_executable(void)
{
	syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Addresses at the limits of the destinations, which are not mapped here. */
#define BELOW ((void *)(uintptr_t)DESTINATIONS_BASE)
#define LAST  ((void *)(uintptr_t)(DESTINATIONS_BASE + DESTINATIONS_BYTES - DESTINATION_BYTES))
#define ABOVE ((void *)(uintptr_t)(DESTINATIONS_BASE + DESTINATIONS_BYTES))

static void do_connect_anywhere(void)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};

	syscall(SYS_connect, -1, &none, sizeof(none));
}

static void do_connect(void)
{
	syscall(SYS_connect, -1, BELOW, 16);
	syscall(SYS_connect, -1, LAST, 16);
}

static void do_connect_between(void)
{
	syscall(SYS_connect, -1, (char *)BELOW + 8, 16);
}

static void do_connect_above(void)
{
	syscall(SYS_connect, -1, ABOVE, 16);
}

static void do_connect_below(void)
{
	syscall(SYS_connect, -1, (char *)BELOW - DESTINATION_BYTES, 16);
}

#if UINTPTR_MAX > UINT32_MAX
/* Only the lower half of the pointer is valid. */
static void do_connect_far(void)
{
	syscall(SYS_connect, -1, (void *)((uintptr_t)BELOW | (uintptr_t)1 << 32), 16);
}
#endif

static void do_unmap_low(void)
{
	syscall(SYS_munmap, (char *)BELOW - 4096, 2 * 4096);
}

static void do_unmap(void)
{
	syscall(SYS_munmap, ABOVE, 4096);
}

static void do_map_over(void)
{
	syscall(SYS_mmap, BELOW, 4096, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void do_map_from_zero(void)
{
	syscall(SYS_mmap, NULL, 2 << 20, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void do_map_hint(void)
{
	syscall(SYS_mmap, BELOW, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void do_protect_low(void)
{
	syscall(SYS_mprotect, BELOW, 4096, PROT_READ | PROT_WRITE);
}

static void do_move_there(void)
{
	syscall(SYS_mremap, ABOVE, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, BELOW);
}

static void do_move_away(void)
{
	syscall(SYS_mremap, BELOW, 4096, 4096, MREMAP_MAYMOVE, 0);
}

static void do_drop_low(void)
{
	syscall(SYS_madvise, BELOW, 4096, MADV_DONTNEED);
}

static void do_unlisten(void)
{
	syscall(SYS_shutdown, -1, SHUT_RD);
}

static void do_unlisten_both(void)
{
	syscall(SYS_shutdown, -1, SHUT_RDWR);
}

static void do_half_close(void)
{
	syscall(SYS_shutdown, -1, SHUT_WR);
}

static void do_fast_open(void)
{
	syscall(SYS_sendto, -1, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, BELOW, 16);
}

static void do_fast_open_message(void)
{
	syscall(SYS_sendmsg, -1, NULL, MSG_FASTOPEN);
}

static void do_fast_open_messages(void)
{
	syscall(SYS_sendmmsg, -1, NULL, 0, MSG_FASTOPEN);
}

static void do_send(void)
{
	syscall(SYS_sendto, -1, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0);
	syscall(SYS_sendmmsg, -1, NULL, 0, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void do_memory(void)
{
	syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

__attribute__((unused)) static void calls_off_the_list_kill(void **state)
{
	static const struct {
		const char *name;
		void (*act)(void);
		bool forwarder, agent; /* allowed */
	} rows[] = {
		{"open", do_open, false, false},
		{"exec", do_exec, false, false},
		{"inet", do_inet, false, true},
		{"unix", do_unix, false, true},
		{"kill", do_kill, false, false},
		{"setns", do_setns, false, false},
		{"ptrace", do_ptrace, false, false},
		{"bind", do_bind, true, false},
		{"autobind", do_autobind, true, true},
		{"accept", do_accept, true, false},
		{"dup", do_cloexec, false, false},
		{"pipe", do_pipe_size, true, false},
		{"size of a pipe", do_get_pipe_size, false, false},
		{"code", do_executable, false, false},
		{"memory", do_memory, true, true},
		{"connect anywhere", do_connect_anywhere, false, false},
		{"connect", do_connect, true, false},
		{"connect between slots", do_connect_between, false, false},
		{"connect above", do_connect_above, false, false},
		{"connect below", do_connect_below, false, false},
#if UINTPTR_MAX > UINT32_MAX
		{"connect far", do_connect_far, false, false},
#endif
		{"unmap low", do_unmap_low, false, false},
		{"unmap", do_unmap, true, true},
		{"map over", do_map_over, false, false},
		{"map from zero", do_map_from_zero, false, false},
		{"map with a low hint", do_map_hint, false, false},
		{"protect low", do_protect_low, false, false},
		{"move there", do_move_there, false, false},
		{"move away", do_move_away, false, false},
		{"drop low", do_drop_low, false, false},
		{"unlisten", do_unlisten, false, false},
		{"unlisten both", do_unlisten_both, false, false},
		{"half-close", do_half_close, true, false},
		{"fast open", do_fast_open, false, false},
		{"fast open by message", do_fast_open_message, false, true},
		{"fast open by messages", do_fast_open_messages, false, false},
		{"send", do_send, true, false},
		{"choose a processor", do_move_to_processor, true, false},
		{"choose another's processor", do_move_another, false, false},
		{"kill another", do_kill_another, false, false},
		{"kill own", do_kill_own, true, true},
		{"name process", do_name_process, false, false},
		{"name memory", do_name_memory, true, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (int agent = 0; agent < 2; agent++) {
			int status = run_confined(agent ? confine_agent : confine_forwarder,
						  rows[i].act);
			bool allowed = agent ? rows[i].agent : rows[i].forwarder;
			bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
			bool ran = WIFEXITED(status) && WEXITSTATUS(status) == 42;

			if (allowed ? !ran : !killed)
				fail_msg("%s in the %s: status %#x", rows[i].name,
					 agent ? "agent" : "forwarder", (unsigned)status);
		}
}

/*
 * An attacker has taken over the forwarder, and tries to connect a client's socket to a service on
 * the host's loopback. No allowed call disconnects the socket or connects it to another address.
 */
static int accepted = -1;

static void connect_elsewhere(void)
{
	const union endpoint *e = destination_at(0);

	/* The socket stays connected: no slot has AF_UNSPEC, used or free, in the file or beyond.
	 */
	if (e->sa.sa_family != AF_INET || connect(accepted, &e->sa, 16) == 0 || errno != EISCONN)
		_exit(1);
	for (uint32_t slot = 1; slot < DESTINATIONS_BYTES / DESTINATION_BYTES; slot++)
		if (connect(accepted, &destination_at(slot)->sa, 16) == 0 ||
		    (errno != EISCONN && errno != EFAULT && errno != EAFNOSUPPORT))
			_exit(2);
	/* A system call cannot write to a slot either. */
	if (recv(accepted, (void *)(uintptr_t)e, 2, 0) >= 0 || errno != EFAULT)
		_exit(3);
}

static void a_client_socket_cannot_be_reconnected(void **state)
{
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), status;
	union endpoint e, service;
	socklen_t size = sizeof(e);
	struct destinations d;
	uint32_t slot;
	pid_t pid;

	(void)state;
	assert_int_equal(endpoint_of("127.0.0.1", 0, &e), 0);
	assert_int_equal(endpoint_of("127.0.0.1", 80, &service), 0);
	assert_int_equal(bind(listener, &e.sa, endpoint_size(&e)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, &e.sa, &size), 0);
	assert_int_equal(connect(client, &e.sa, size), 0);
	accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(accepted >= 0);
	assert_int_equal(send(client, "xx", 2, 0), 2);
	assert_int_equal(destinations_open(&d, NULL), 0);
	assert_int_equal(destinations_add(&d, &service, &slot, NULL), 0);
	assert_int_equal(slot, 0);
	pid = fork();
	if (pid == 0) {
		if (destinations_map(d.fd, NULL) < 0 || confine_forwarder(NULL) < 0)
			_exit(99);
		connect_elsewhere();
		_exit(42);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 42 << 8);
	destinations_close(&d);
	close(accepted);
	close(client);
	close(listener);
}

/* Abort with all signals blocked, as in the forwarder. */
static void do_abort(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	abort();
}

/* So the log reports "Aborted", and not "Bad system call". */
static void an_abort_is_reported_as_an_abort(void **state)
{
	(void)state;
	assert_int_equal(WTERMSIG(run_confined(confine_forwarder, do_abort)), SIGABRT);
	assert_int_equal(WTERMSIG(run_confined(confine_agent, do_abort)), SIGABRT);
}

/* Sleep forever, with an allowed call. */
static void sleep_forever(void)
{
	static int word;

	for (;;)
		syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static void no_new_privs_is_set(void **state)
{
	char path[64], text[4096], *found = NULL;
	int fd, status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		if (confine_forwarder(NULL) == 0)
			sleep_forever();
		_exit(99);
	}
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	/* Wait for the filter: the flag is set before it. */
	for (int i = 0; i < 5000 && !found; i++) {
		ssize_t n;

		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
		text[n > 0 ? n : 0] = '\0';
		found = strstr(text, "Seccomp:\t2");
		if (!found)
			poll(NULL, 0, 1);
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_non_null(found);
	assert_non_null(strstr(text, "NoNewPrivs:\t1"));
}

static void no_capability_is_left(void **state)
{
	cap_t none = cap_init();
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		cap_t now;

		if (confine_caps(-1, NULL) < 0)
			_exit(99);
		now = cap_get_proc();
		_exit(now && cap_compare(now, none) == 0 ? 42 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 42);
	cap_free(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifndef __SANITIZE_ADDRESS__ /* with ASan, the calls of its runtime are allowed, too */
		cmocka_unit_test(calls_off_the_list_kill),
#endif
		cmocka_unit_test(a_client_socket_cannot_be_reconnected),
		cmocka_unit_test(an_abort_is_reported_as_an_abort),
		cmocka_unit_test(no_new_privs_is_set),
		cmocka_unit_test(no_capability_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
