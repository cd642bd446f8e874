/* SPDX-License-Identifier: Apache-2.0 */
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/libc.h"
#include "fauxroot/base/macro.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* Names for anonymous memory: glibc's malloc gives some with glibc.mem.decorate_maps. */
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

/*
 * What the C library needs for memory, threads and time. Here and below, what a machine of 32 bits
 * needs beside or instead is named as well; libseccomp passes over what this one does not have.
 */
static const int libc_calls[] = {
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(close),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(restart_syscall),
	/* A thread registers both for itself, maybe only when the filter is there already. */
	SCMP_SYS(rseq),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(futex_time64),
	SCMP_SYS(clock_gettime64),
	/* abort(3) and its message, so that such an end is called what it is; and tgkill(2), see
	 * allow_own(). */
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(writev),
	SCMP_SYS(rt_sigaction),
};

/* Memory, but none that could be executed. */
static const int memory_calls[] = {SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(mprotect)};

static const int forwarder_calls[] = {
	SCMP_SYS(epoll_ctl),	   SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
	SCMP_SYS(accept4),	   SCMP_SYS(connect),	 SCMP_SYS(bind),
	SCMP_SYS(setsockopt),	   SCMP_SYS(getsockopt), SCMP_SYS(recvfrom),
	SCMP_SYS(sendto),	   SCMP_SYS(recvmsg),	 SCMP_SYS(sendmsg),
	SCMP_SYS(recvmmsg),	   SCMP_SYS(sendmmsg),	 SCMP_SYS(splice),
	SCMP_SYS(pipe2),	   SCMP_SYS(shutdown),	 SCMP_SYS(read),
	SCMP_SYS(write),	   SCMP_SYS(recv),	 SCMP_SYS(send),
	SCMP_SYS(recvmmsg_time64),
};

static const int agent_calls[] = {
	SCMP_SYS(poll),	      SCMP_SYS(ppoll),	 SCMP_SYS(ppoll_time64),
	SCMP_SYS(setsockopt), SCMP_SYS(sendmsg), SCMP_SYS(recvmsg),
};

/* The sanitizers' runtimes map shadow memory, start no thread of ours and end with a report. */
#if SANITIZED
static const int sanitizer_calls[] = {
	SCMP_SYS(getrandom),
	SCMP_SYS(write),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(openat),
	SCMP_SYS(read),
	SCMP_SYS(clone),
	SCMP_SYS(sched_yield),
	SCMP_SYS(prctl),
	SCMP_SYS(ptrace),
	SCMP_SYS(wait4),
	SCMP_SYS(readlink),
	SCMP_SYS(getrusage),
	SCMP_SYS(sched_getaffinity),
};
#define N_SANITIZER_CALLS ARRAY_SIZE(sanitizer_calls)
#else
#define sanitizer_calls	  NULL
#define N_SANITIZER_CALLS 0
#endif

static int allow(scmp_filter_ctx filter, const int *calls, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	return rc;
}

static int allow_memory(scmp_filter_ctx filter)
{
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(memory_calls) && rc == 0; i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, memory_calls[i], 1,
				      SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return rc;
}

/* Allow @call where its argument number @arg is @value. */
static int allow_when(scmp_filter_ctx filter, int call, unsigned arg, uint64_t value)
{
	struct scmp_arg_cmp is = {.arg = arg, .op = SCMP_CMP_EQ, .datum_a = value};

	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &is);
}

/* Signals to itself; of prctl(2), to name memory. */
static int allow_own(scmp_filter_ctx filter)
{
	int rc = allow_when(filter, SCMP_SYS(tgkill), 0, (uint64_t)getpid());

	return rc < 0 ? rc : allow_when(filter, SCMP_SYS(prctl), 0, PR_SET_VMA);
}

/* Pipes' sizes, and a thread's own scheduling policy. */
static int allow_adjusting(scmp_filter_ctx filter)
{
	static const int fcntls[] = {SCMP_SYS(fcntl), SCMP_SYS(fcntl64)};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fcntls) && rc == 0; i++) {
		rc = allow_when(filter, fcntls[i], 1, F_SETPIPE_SZ);
		if (rc == 0)
			rc = allow_when(filter, fcntls[i], 1, F_GETPIPE_SZ);
	}
	return rc < 0 ? rc : allow_when(filter, SCMP_SYS(sched_setscheduler), 0, 0);
}

static int allow_inet_socket(scmp_filter_ctx filter)
{
	int rc = allow_when(filter, SCMP_SYS(socket), 0, AF_INET);

	return rc < 0 ? rc : allow_when(filter, SCMP_SYS(socket), 0, AF_INET6);
}

static void release(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

static int build_and_load(const int *calls, size_t n, int (*more)(scmp_filter_ctx),
			  struct error *err)
{
	_cleanup_(release) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int rc;

	if (!filter)
		return err_set(err, ENOMEM, "making a seccomp filter");
	rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	/* A binary tree instead of a list, for kernels without a cache of verdicts (before 5.11).
	 */
	if (rc == 0)
		rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (rc == 0)
		rc = allow_memory(filter);
	if (rc == 0)
		rc = allow(filter, libc_calls, ARRAY_SIZE(libc_calls));
	if (rc == 0)
		rc = allow(filter, sanitizer_calls, N_SANITIZER_CALLS);
	if (rc == 0)
		rc = allow_own(filter);
	if (rc == 0)
		rc = allow(filter, calls, n);
	if (rc == 0)
		rc = more(filter);
	/* Sets no_new_privs first (SCMP_FLTATR_CTL_NNP is on by default). */
	if (rc == 0)
		rc = seccomp_load(filter);
	return rc < 0 ? err_set(err, -rc, "loading a seccomp filter") : 0;
}

static int load_filter(const int *calls, size_t n, int (*more)(scmp_filter_ctx), struct error *err)
{
	int rc = build_and_load(calls, n, more, err);

	/* What the filter was made in, and what was inherited, is not needed again. */
	libc_heap_trim();
	return rc;
}

static void free_caps(cap_t *caps)
{
	if (*caps)
		cap_free(*caps);
}

int confine_caps(int kept, struct error *err)
{
	_cleanup_(free_caps) cap_t caps = cap_init();
	cap_value_t value = kept;

	if (!caps)
		return err_set(err, ENOMEM, "dropping capabilities");
	if (kept >= 0 && (cap_set_flag(caps, CAP_PERMITTED, 1, &value, CAP_SET) < 0 ||
			  cap_set_flag(caps, CAP_EFFECTIVE, 1, &value, CAP_SET) < 0))
		return err_set(err, errno, "dropping capabilities");
	if (cap_set_proc(caps) < 0)
		return err_set(err, errno, "dropping capabilities");
	return 0;
}

int confine_stdio(struct error *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return err_set(err, errno, "opening /dev/null");
	for (int fd = 0; fd < 3; fd++)
		if (fd != null && (fd != STDERR_FILENO || !SANITIZED) && dup2(null, fd) < 0)
			return err_set(err, errno, "putting /dev/null on descriptor %d", fd);
	if (null > 2)
		fd_close(null);
	return 0;
}

int confine_forwarder(struct error *err)
{
	return load_filter(forwarder_calls, ARRAY_SIZE(forwarder_calls), allow_adjusting, err);
}

int confine_agent(struct error *err)
{
	return load_filter(agent_calls, ARRAY_SIZE(agent_calls), allow_inet_socket, err);
}
