/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filters: generate the seccomp filters that fauxroot embeds, when it is built.
 *
 *	filters forwarder|agent|names|runner|command|switch [ARCHITECTURE] >FILE
 *
 * Their rules are known then. So the launcher contains only the finished filters (../load.c,
 * confine.c of port/builtin and names), not the library that generates them. The library would be a
 * seventh of the launcher: its code and tables of names would be in memory three times, and each
 * filter would take half a millisecond. The output is an array of struct sock_filter in the
 * machine's byte order. ARCHITECTURE is another machine's, as libseccomp names it: then fauxroot is
 * cross-built.
 *
 * Forwarder, agent, name service and switch have lists of allowed calls. The filter of the command
 * allows everything, and reports calls to the switch processes (--net-accel=switch). A runner has
 * a list of refused calls: any code of ours may run in one, and the list is short.
 *
 * A comment after each call names the code that needs it, and scripts/check-filters checks that.
 * Remove a call that no code needs.
 *
 *	FILE FUNCTION(): CALL()  a function of ours, in FILE below src/, that calls CALL
 *	libc: CALL()             the C library needs it for a function that we call
 *	kernel: WHEN             the kernel makes a process call it
 *	sanitizer: WHAT          only in builds with a sanitizer
 *	refused: WHY             the call is refused, not allowed
 *	reported: WHY            another process handles the call
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/base/str.h"
#include "fauxroot/sys/seccomp.h"
#include "filters.h"

/* Not in libseccomp 2.5.1. */
#ifndef __SNR_landlock_restrict_self
#define __SNR_landlock_restrict_self 446
#endif

/*
 * The C library's calls for memory, threads and time. Here and below, the lists include the calls
 * of 32-bit machines; libseccomp ignores calls that this machine lacks.
 */
static const int libc_calls[] = {
	SCMP_SYS(brk),		   /* libc: malloc() */
	SCMP_SYS(futex),	   /* libc: pthread_mutex_lock() */
	SCMP_SYS(futex_time64),	   /* libc: pthread_mutex_lock() */
	SCMP_SYS(clock_gettime),   /* base/clock.c clock_us(): clock_gettime() */
	SCMP_SYS(clock_gettime64), /* base/clock.c clock_us(): clock_gettime() */
	SCMP_SYS(exit),		   /* libc: _exit() */
	SCMP_SYS(exit_group),	   /* libc: _exit() */
	SCMP_SYS(restart_syscall), /* kernel: after SIGCONT, where a call has a timeout */
	SCMP_SYS(rt_sigreturn),	   /* kernel: at the end of a signal handler */
	/* Each new thread registers both, maybe only after the filter is loaded. */
	SCMP_SYS(rseq),		   /* libc: pthread_create() */
	SCMP_SYS(set_robust_list), /* libc: pthread_create() */
	/* For abort(3) and its message, so that the log shows the right reason. It also needs
	 * tgkill(2), see allow_own(). */
	SCMP_SYS(rt_sigprocmask), /* libc: abort() */
	SCMP_SYS(rt_sigaction),	  /* libc: abort() */
	SCMP_SYS(getpid),	  /* libc: abort() */
	SCMP_SYS(gettid),	  /* libc: abort() */
	SCMP_SYS(writev),	  /* libc: free(), which reports a damaged heap */
};

/* Memory below this address cannot be changed: the forwarder's destinations. */
#define MEMORY_BEGIN ((uint64_t)DESTINATIONS_BASE + DESTINATIONS_BYTES)

static const int forwarder_calls[] = {
	SCMP_SYS(close),	   /* base/fd.c fd_close(): close() */
	SCMP_SYS(epoll_ctl),	   /* port/builtin/loop.c control(): epoll_ctl() */
	SCMP_SYS(epoll_wait),	   /* port/builtin/loop.c loop_turn(): epoll_wait() */
	SCMP_SYS(epoll_pwait),	   /* port/builtin/loop.c loop_turn(): epoll_wait() */
	SCMP_SYS(accept4),	   /* port/builtin/listener.c accept_one(): accept4() */
	SCMP_SYS(bind),		   /* port/builtin/target.c target_bind(): bind() */
	SCMP_SYS(setsockopt),	   /* port/builtin/relay.c set_orderly(): setsockopt() */
	SCMP_SYS(getsockopt),	   /* port/builtin/protocol.c option_is(): getsockopt() */
	SCMP_SYS(recvfrom),	   /* port/builtin/stream.c copy(): recv() */
	SCMP_SYS(recv),		   /* port/builtin/stream.c copy(): recv() */
	SCMP_SYS(recvmsg),	   /* sys/message.c receive(): recvmsg() */
	SCMP_SYS(recvmmsg),	   /* port/builtin/batch.c batch_receive(): recvmmsg() */
	SCMP_SYS(recvmmsg_time64), /* port/builtin/batch.c batch_receive(): recvmmsg() */
	SCMP_SYS(splice),	   /* port/builtin/stream.c fill_pipe(): splice() */
	SCMP_SYS(pipe2),	   /* port/builtin/pipes.c make_pipe(): pipe2() */
	SCMP_SYS(read),		   /* port/builtin/mail.c mail_read(): read() */
	SCMP_SYS(write),	   /* port/builtin/mail.c mail_wake(): write() */
	SCMP_SYS(sched_yield),	   /* port/builtin/loop.c loop_turn(): sched_yield() */
};

static const int agent_calls[] = {
	SCMP_SYS(close),	/* base/fd.c fd_close(): close() */
	SCMP_SYS(poll),		/* port/builtin/agent.c agent_main(): poll() */
	SCMP_SYS(ppoll),	/* port/builtin/agent.c agent_main(): poll() */
	SCMP_SYS(ppoll_time64), /* port/builtin/agent.c agent_main(): poll() */
	SCMP_SYS(setsockopt),	/* port/builtin/agent.c set(): setsockopt() */
	SCMP_SYS(sendmsg),	/* sys/message.c message_send(): sendmsg() */
	SCMP_SYS(recvmsg),	/* sys/message.c receive(): recvmsg() */
};

static const int names_calls[] = {
	SCMP_SYS(epoll_ctl),	   /* names/loop.c control(): epoll_ctl() */
	SCMP_SYS(epoll_wait),	   /* names/loop.c names_loop_turn(): epoll_wait() */
	SCMP_SYS(epoll_pwait),	   /* names/loop.c names_loop_turn(): epoll_wait() */
	SCMP_SYS(accept4),	   /* names/streams.c on_client(): accept4() */
	SCMP_SYS(recvmmsg),	   /* names/datagrams.c receive(): recvmmsg() */
	SCMP_SYS(recvmmsg_time64), /* names/datagrams.c receive(): recvmmsg() */
	SCMP_SYS(recvfrom),	   /* names/attempts.c on_datagram(): recv() */
	SCMP_SYS(recv),		   /* names/attempts.c on_datagram(): recv() */
	SCMP_SYS(recvmsg),	   /* sys/message.c receive(): recvmsg() */
	SCMP_SYS(getrandom),	   /* names/sources.c sources_random(): getrandom() */
};

static const int switch_calls[] = {
	SCMP_SYS(poll),		    /* switch/worker.c await(): poll() */
	SCMP_SYS(ppoll),	    /* switch/worker.c await(): poll() */
	SCMP_SYS(ppoll_time64),	    /* switch/worker.c await(): poll() */
	SCMP_SYS(close),	    /* base/fd.c fd_close(): close() */
	SCMP_SYS(pidfd_open),	    /* switch/peek.c open_thread(): syscall() */
	SCMP_SYS(pidfd_getfd),	    /* switch/peek.c peek_fd(): syscall() */
	SCMP_SYS(process_vm_readv), /* switch/peek.c peek_address(): process_vm_readv() */
	SCMP_SYS(kcmp),		    /* switch/sets.c has_member(): syscall() */
	SCMP_SYS(read),		    /* switch/lines.c fill(): read() */
	SCMP_SYS(getdents64),	    /* libc: readdir() */
	SCMP_SYS(fstat),	    /* libc: opendir(), fstat() */
	SCMP_SYS(newfstatat),	    /* libc: opendir(), fstat() */
	SCMP_SYS(statx),	    /* libc: opendir(), fstat() */
	SCMP_SYS(getrandom),	    /* switch/ports.c ports_random(): getrandom() */
	SCMP_SYS(setsockopt),	    /* switch/carry.c carry_int(): setsockopt() */
	SCMP_SYS(getsockopt),	    /* switch/carry.c get_int(): getsockopt() */
	SCMP_SYS(setitimer),	    /* switch/shortwait.c set_timer(): setitimer() */
	SCMP_SYS(getsockname),	    /* switch/examine.c is_bound(): getsockname() */
	SCMP_SYS(bind),		    /* switch/ports.c ports_bind(): bind() */
	SCMP_SYS(connect),	    /* switch/replace.c connect_out(): connect() */
	SCMP_SYS(listen),	    /* switch/worker.c serve_listen(): listen() */
	SCMP_SYS(dup3),		    /* switch/replace.c join_sets(): dup3() */
	SCMP_SYS(epoll_ctl),	    /* switch/sets.c sets_join(): epoll_ctl() */
	SCMP_SYS(epoll_create1),    /* switch/worker.c give_set(): epoll_create1() */
	SCMP_SYS(sendto),	    /* sys/netlink.c send_request(): sendto() */
	SCMP_SYS(recvmsg),	    /* sys/netlink.c netlink_receive(): recvmsg() */
};

/* The runtime of a sanitizer maps shadow memory, starts a thread of its own, and reports at
 * exit. */
#if SANITIZED
static const int sanitizer_calls[] = {
	SCMP_SYS(getrandom),	     /* sanitizer: its allocator's seed */
	SCMP_SYS(write),	     /* sanitizer: its report */
	SCMP_SYS(sigaltstack),	     /* sanitizer: a stack for its handlers */
	SCMP_SYS(openat),	     /* sanitizer: /proc/self/maps */
	SCMP_SYS(read),		     /* sanitizer: /proc/self/maps */
	SCMP_SYS(clone),	     /* sanitizer: the thread that looks for leaks */
	SCMP_SYS(sched_yield),	     /* sanitizer: its spin locks */
	SCMP_SYS(prctl),	     /* sanitizer: leaks: to be traced */
	SCMP_SYS(ptrace),	     /* sanitizer: leaks: registers */
	SCMP_SYS(wait4),	     /* sanitizer: leaks: the tracing thread */
	SCMP_SYS(readlink),	     /* sanitizer: names of files for its report */
	SCMP_SYS(getrusage),	     /* sanitizer: how much memory is in use */
	SCMP_SYS(sched_getaffinity), /* sanitizer: how many processors there are */
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

/* Allow @call if all @n comparisons are true. */
static int allow_if(scmp_filter_ctx filter, int call, const struct scmp_arg_cmp *cmp, unsigned n)
{
	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, n, cmp);
}

/*
 * Allow memory calls, but no executable memory, and no change of the destinations' memory. New
 * memory is at an address that the kernel chooses, or above the destinations.
 */
static int allow_memory(scmp_filter_ctx filter)
{
	static const int mmaps[] = {
		SCMP_SYS(mmap),	 /* port/builtin/batch.c batch_new(): mmap() */
		SCMP_SYS(mmap2), /* port/builtin/batch.c batch_new(): mmap() */
	};
	static const int others[] = {
		SCMP_SYS(munmap),  /* libc: free() */
		SCMP_SYS(madvise), /* port/builtin/stream.c mover_trim(): madvise() */
	};
	const struct scmp_arg_cmp above = SCMP_A0_64(SCMP_CMP_GE, MEMORY_BEGIN, 0);
	const struct scmp_arg_cmp no_code = SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	const struct scmp_arg_cmp anywhere[] = {
		SCMP_A0_64(SCMP_CMP_EQ, 0, 0),
		no_code,
		SCMP_A3_64(SCMP_CMP_MASKED_EQ, MAP_FIXED, 0),
	};
	const struct scmp_arg_cmp there[] = {above, no_code};
	const struct scmp_arg_cmp moved[] = {
		above,
		SCMP_A3_64(SCMP_CMP_MASKED_EQ, MREMAP_FIXED, 0),
	};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(mmaps) && rc == 0; i++) {
		rc = allow_if(filter, mmaps[i], anywhere, ARRAY_SIZE(anywhere));
		if (rc == 0)
			rc = allow_if(filter, mmaps[i], there, ARRAY_SIZE(there));
	}
	for (size_t i = 0; i < ARRAY_SIZE(others) && rc == 0; i++)
		rc = allow_if(filter, others[i], &above, 1);
	if (rc == 0)
		rc = allow_if(filter, SCMP_SYS(mprotect), /* libc: malloc() */
			      there, ARRAY_SIZE(there));
	if (rc == 0)
		rc = allow_if(filter, SCMP_SYS(mremap), /* libc: realloc() */
			      moved, ARRAY_SIZE(moved));
	return rc;
}

/* Allow @call if its argument number @arg is @value. */
static int allow_when(scmp_filter_ctx filter, int call, unsigned arg, uint64_t value)
{
	struct scmp_arg_cmp is = {.arg = arg, .op = SCMP_CMP_EQ, .datum_a = value};

	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &is);
}

/* Names for anonymous memory: glibc's malloc sets them with glibc.mem.decorate_maps. */
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

/* Allow signals to itself, and prctl(2) only to name memory. */
static int allow_own(scmp_filter_ctx filter)
{
	int rc = allow_when(filter, SCMP_SYS(tgkill), /* libc: abort() */
			    0, FILTER_OWN_PID);

	if (rc == 0)
		rc = allow_when(filter, SCMP_SYS(prctl), /* libc: malloc() */
				0, PR_SET_VMA);
	return rc;
}

/*
 * Allow connect(2) only to an address in a slot of the destinations, and block other ways to
 * connect. send(2) may only have the flags that we use, because MSG_FASTOPEN connects. shutdown(2)
 * of the receiving side is refused: it turns a listener into a socket that can connect.
 */
static int allow_connecting(scmp_filter_ctx filter)
{
	static const int sends[][2] = {
		{SCMP_SYS(sendto), 3},	 /* port/builtin/stream.c copy(): send() */
		{SCMP_SYS(send), 3},	 /* port/builtin/stream.c copy(): send() */
		{SCMP_SYS(sendmsg), 2},	 /* sys/message.c message_send(): sendmsg() */
		{SCMP_SYS(sendmmsg), 3}, /* port/builtin/batch.c batch_send(): sendmmsg() */
	};
	const uint64_t mask = ~(uint64_t)(DESTINATIONS_BYTES - 1) | (DESTINATION_BYTES - 1);
	const struct scmp_arg_cmp slot = SCMP_A1_64(SCMP_CMP_MASKED_EQ, mask, DESTINATIONS_BASE);
	int shutdown_call = SCMP_SYS(shutdown); /* port/builtin/stream.c move_once(): shutdown() */
	int connect_call =
		SCMP_SYS(connect); /* port/builtin/target.c target_connect(): connect() */
	int rc = allow_if(filter, connect_call, &slot, 1);

	for (size_t i = 0; i < ARRAY_SIZE(sends) && rc == 0; i++) {
		const struct scmp_arg_cmp flags = {
			.arg = (unsigned)sends[i][1],
			.op = SCMP_CMP_MASKED_EQ,
			.datum_a = UINT32_MAX & ~(uint64_t)(MSG_NOSIGNAL | MSG_DONTWAIT),
			.datum_b = 0,
		};

		rc = allow_if(filter, sends[i][0], &flags, 1);
	}
	return rc < 0 ? rc : allow_when(filter, shutdown_call, 1, SHUT_WR);
}

/* Pipes' sizes, a thread's own scheduling policy and processors, and connections. */
static int allow_forwarding(scmp_filter_ctx filter)
{
	static const int fcntls[] = {
		SCMP_SYS(fcntl),   /* port/builtin/pipes.c make_pipe(): fcntl() */
		SCMP_SYS(fcntl64), /* port/builtin/pipes.c make_pipe(): fcntl() */
	};
	static const int own[] = {
		SCMP_SYS(sched_setscheduler), /* port/builtin/policy.c set_policy(): syscall() */
		SCMP_SYS(sched_setaffinity),  /* port/builtin/policy.c follow(): syscall() */
	};
	int rc = allow_connecting(filter);

	for (size_t i = 0; i < ARRAY_SIZE(fcntls) && rc == 0; i++) {
		rc = allow_when(filter, fcntls[i], 1, F_SETPIPE_SZ);
		/* message_recv() uses it to check whether descriptors have run out. */
		if (rc == 0)
			rc = allow_when(filter, fcntls[i], 1, F_DUPFD_CLOEXEC);
	}
	for (size_t i = 0; i < ARRAY_SIZE(own) && rc == 0; i++)
		rc = allow_when(filter, own[i], 0, 0);
	return rc;
}

static int allow_inet_socket(scmp_filter_ctx filter)
{
	int socket_call = SCMP_SYS(socket); /* port/builtin/agent.c make_socket(): socket() */
	int rc = allow_when(filter, socket_call, 0, AF_INET);

	return rc < 0 ? rc : allow_when(filter, socket_call, 0, AF_INET6);
}

/*
 * For the kernel a descriptor has 32 bits. The filter must ignore the other half of the argument as
 * well, so it compares only these bits.
 */
static int allow_fd(scmp_filter_ctx filter, int call, uint32_t fd)
{
	const struct scmp_arg_cmp is = SCMP_A0_64(SCMP_CMP_MASKED_EQ, UINT32_MAX, fd);

	return allow_if(filter, call, &is, 1);
}

/* The most descriptors that the name service can close: 2 to the power of this. */
#define FD_BITS 21

/* Allow to close descriptors from NAMES_FD_FREE on: one of the upper bits is set. */
static int allow_closing(scmp_filter_ctx filter)
{
	int rc = 0;

	for (int bit = __builtin_ctz(NAMES_FD_FREE); bit < FD_BITS && rc == 0; bit++) {
		const struct scmp_arg_cmp set =
			SCMP_A0_64(SCMP_CMP_MASKED_EQ, 1ULL << bit, 1ULL << bit);

		rc = allow_if(filter, SCMP_SYS(close), /* base/fd.c fd_close(): close() */
			      &set, 1);
	}
	return rc;
}

/*
 * Allow to send only over a connection, and from the sockets in the child's network: sendto(2)
 * without an address, or at these descriptors. sendmmsg(2) and sendmsg(2), which can have an
 * address in memory, are for these descriptors and for the launcher's socket.
 */
static int allow_sending(scmp_filter_ctx filter)
{
	const uint64_t not_these = UINT32_MAX & ~(uint64_t)MSG_NOSIGNAL;
	const struct scmp_arg_cmp flags = SCMP_A3_64(SCMP_CMP_MASKED_EQ, not_these, 0);
	const struct scmp_arg_cmp connected[] = {flags, SCMP_A4_64(SCMP_CMP_EQ, 0, 0)};
	static const uint32_t inside[] = {NAMES_FD_UDP, NAMES_FD_UDP6};
	static const int calls[] = {
		SCMP_SYS(sendto),   /* names/datagrams.c send_to(): sendto() */
		SCMP_SYS(sendmmsg), /* names/datagrams.c datagrams_flush(): sendmmsg() */
		SCMP_SYS(sendmsg),  /* libc: sendmmsg(), that of musl on 64 bits */
	};
	int rc = allow_if(filter, SCMP_SYS(sendto), /* names/attempts.c send_datagram(): send() */
			  connected, ARRAY_SIZE(connected));

	if (rc == 0)
		rc = allow_if(filter, SCMP_SYS(send), /* names/attempts.c send_datagram(): send() */
			      &flags, 1);
	for (size_t i = 0; i < ARRAY_SIZE(inside) * ARRAY_SIZE(calls) && rc == 0; i++)
		rc = allow_fd(filter, calls[i / ARRAY_SIZE(inside)],
			      inside[i % ARRAY_SIZE(inside)]);
	if (rc == 0)
		rc = allow_fd(filter,
			      SCMP_SYS(sendmsg), /* sys/message.c message_send(): sendmsg() */
			      NAMES_FD_CONTROL);
	return rc;
}

static int allow_names(scmp_filter_ctx filter)
{
	const uint64_t mask = ~(uint64_t)(DESTINATIONS_BYTES - 1) | (DESTINATION_BYTES - 1);
	const struct scmp_arg_cmp slot = SCMP_A1_64(SCMP_CMP_MASKED_EQ, mask, DESTINATIONS_BASE);
	int connect_call = SCMP_SYS(connect); /* names/sources.c server_connect(): connect() */
	int rc = allow_if(filter, connect_call, &slot, 1);

	if (rc == 0)
		rc = allow_inet_socket(filter); /* names/sources.c server_connect(): socket() */
	if (rc == 0)
		rc = allow_sending(filter);
	return rc < 0 ? rc : allow_closing(filter);
}

/* New sockets, notifications, and files of /proc for reading. */
static int allow_switching(scmp_filter_ctx filter)
{
	static const unsigned long requests[] = {SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND,
						 SECCOMP_IOCTL_NOTIF_ADDFD,
						 SECCOMP_IOCTL_NOTIF_ID_VALID, SIOCGSKNS};
	static const int commands[] = {F_DUPFD_CLOEXEC, F_SETFL, F_GETOWN_EX};
	static const int fcntls[] = {
		SCMP_SYS(fcntl),   /* switch/replace.c move_away(): fcntl() */
		SCMP_SYS(fcntl64), /* switch/replace.c move_away(): fcntl() */
	};
	const struct scmp_arg_cmp reading =
		SCMP_A2_64(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY);
	int rc = allow_inet_socket(filter); /* switch/replace.c new_socket(): socket() */

	for (size_t i = 0; i < ARRAY_SIZE(requests) && rc == 0; i++)
		rc = allow_when(filter, SCMP_SYS(ioctl), /* switch/worker.c receive(): ioctl() */
				1, requests[i]);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(commands) && rc == 0; i++)
		rc = allow_when(filter, fcntls[i % 2], 1, (uint64_t)commands[i / 2]);
	if (rc == 0)
		rc = allow_if(filter, SCMP_SYS(openat), /* switch/lines.c lines_open(): open() */
			      &reading, 1);
	return rc;
}

static void release(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

/* Allow the calls that each of our processes needs, and @calls. */
static int allow_listed(scmp_filter_ctx filter, const int *calls, size_t n)
{
	/* A binary tree instead of a list, for kernels before 5.11, which do not cache verdicts. */
	int rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);

	if (rc == 0)
		rc = allow_memory(filter);
	if (rc == 0)
		rc = allow(filter, libc_calls, ARRAY_SIZE(libc_calls));
	if (rc == 0)
		rc = allow(filter, sanitizer_calls, N_SANITIZER_CALLS);
	if (rc == 0)
		rc = allow_own(filter);
	return rc < 0 ? rc : allow(filter, calls, n);
}

/* UNIX sockets, for services of the host, can only be bound to a name that the kernel chooses. */
static int allow_agent(scmp_filter_ctx filter)
{
	int socket_call = SCMP_SYS(socket); /* port/builtin/agent.c make_socket(): socket() */
	int bind_call = SCMP_SYS(bind);	    /* port/builtin/agent.c autobind(): bind() */
	int rc = allow_inet_socket(filter);

	if (rc == 0)
		rc = allow_when(filter, socket_call, 0, AF_UNIX);
	return rc < 0 ? rc : allow_when(filter, bind_call, 2, sizeof(sa_family_t));
}

/*
 * Report connect(2) with the address sizes of IPv4, of IPv6 and of sockaddr_storage, and the calls
 * that concern the new sockets. System calls of other architectures (32-bit programs) are not
 * reported.
 */
static int fill_command(scmp_filter_ctx filter)
{
	static const unsigned sizes[] = {16, 28, 128}; /* struct sockaddr_in, _in6, _storage */
	static const int calls[] = {
		SCMP_SYS(listen),		  /* reported: a switched socket must not listen */
		SCMP_SYS(epoll_create),		  /* reported: a set may contain the socket */
		SCMP_SYS(epoll_create1),	  /* reported: a set may contain the socket */
		SCMP_SYS(landlock_restrict_self), /* reported: the process is left alone then */
	};
	int rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);

	for (size_t i = 0; i < ARRAY_SIZE(sizes) && rc == 0; i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_NOTIFY,
				      SCMP_SYS(connect), /* reported: to be switched */
				      1, SCMP_A2_64(SCMP_CMP_EQ, sizes[i], 0));
	for (size_t i = 0; i < ARRAY_SIZE(calls) && rc == 0; i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_NOTIFY, calls[i], 0);
	return rc;
}

/* Refuse @call if its argument number 2 has all bits of @mask. */
static int refuse_when(scmp_filter_ctx filter, int call, uint64_t mask)
{
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 1,
				SCMP_A2(SCMP_CMP_MASKED_EQ, mask, mask));
}

/* No memory can become executable, and no program can be executed. The result is EPERM, not death:
 * a sanitizer tries to execute a program that finds symbol names, and can report without it. */
static int fill_runner(scmp_filter_ctx filter)
{
	static const int programs[] = {
		SCMP_SYS(execve),   /* refused: another program's code */
		SCMP_SYS(execveat), /* refused: another program's code */
	};
	static const int memory[] = {
		SCMP_SYS(mmap),		 /* refused: a file's code */
		SCMP_SYS(mmap2),	 /* refused: a file's code */
		SCMP_SYS(mprotect),	 /* refused: data that becomes code */
		SCMP_SYS(pkey_mprotect), /* refused: data that becomes code */
	};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(programs) && rc == 0; i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), programs[i], 0);
	for (size_t i = 0; i < ARRAY_SIZE(memory) && rc == 0; i++)
		rc = refuse_when(filter, memory[i], PROT_EXEC);
	if (rc == 0)
		rc = refuse_when(filter, SCMP_SYS(shmat), /* refused: shared memory as code */
				 SHM_EXEC);
	return rc;
}

static const struct {
	const char *name;
	const int *calls; /* the allowed calls, beside the rules of @fill; NULL: allow all calls */
	size_t n;
	int (*fill)(scmp_filter_ctx filter);
} kinds[] = {
	{"forwarder", forwarder_calls, ARRAY_SIZE(forwarder_calls), allow_forwarding},
	{"agent", agent_calls, ARRAY_SIZE(agent_calls), allow_agent},
	{"names", names_calls, ARRAY_SIZE(names_calls), allow_names},
	{"runner", NULL, 0, fill_runner},
	{"command", NULL, 0, fill_command},
	{"switch", switch_calls, ARRAY_SIZE(switch_calls), allow_switching},
};

/*
 * Machines with the same numbers of flags, options and address families, which the rules contain.
 * On mips, alpha, parisc and sparc many of these numbers differ: filters for such a machine can
 * only be generated on it.
 */
static const char *const alike[] = {"x86_64",  "x86",	"aarch64", "arm",
				    "riscv64", "s390x", "ppc64le", "loongarch64"};

/* Make @filter for the machine @name instead of this one, in that machine's byte order. */
static int set_architecture(scmp_filter_ctx filter, const char *name)
{
	uint32_t architecture = 0;
	int rc;

	for (size_t i = 0; i < ARRAY_SIZE(alike); i++)
		if (streq(name, alike[i]))
			architecture = seccomp_arch_resolve_name(name);
	if (!architecture)
		return -EOPNOTSUPP;
	if (architecture == seccomp_arch_native())
		return 0;
	/* In this order: one filter cannot have two byte orders. */
	rc = seccomp_arch_remove(filter, SCMP_ARCH_NATIVE);
	return rc < 0 ? rc : seccomp_arch_add(filter, architecture);
}

static int make(const char *name, const char *architecture)
{
	_cleanup_(release) scmp_filter_ctx filter = NULL;
	int rc;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!streq(name, kinds[i].name))
			continue;
		filter = seccomp_init(kinds[i].calls ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ALLOW);
		rc = filter ? 0 : -ENOMEM;
		if (rc == 0 && architecture)
			rc = set_architecture(filter, architecture);
		if (rc == 0 && kinds[i].calls)
			rc = allow_listed(filter, kinds[i].calls, kinds[i].n);
		if (rc == 0)
			rc = kinds[i].fill(filter);
		return rc < 0 ? rc : seccomp_export_bpf(filter, STDOUT_FILENO);
	}
	return -EINVAL;
}

int main(int argc, char **argv)
{
	int rc;

	if (argc != 2 && argc != 3) {
		fprintf(stderr,
			"usage: filters "
			"forwarder|agent|names|runner|command|switch [ARCHITECTURE] >FILE\n");
		return 2;
	}
	/* Use all features of the library, whatever kernel this build runs on. */
	(void)seccomp_api_set(5);
	rc = make(argv[1], argv[2]);
	if (rc < 0)
		fprintf(stderr, "filters: %s: %s\n", argv[1], strerror(-rc));
	return rc < 0;
}
