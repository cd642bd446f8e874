/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Features of a current glibc that musl or the glibc of Debian 11 lacks. `scripts/lint` compiles
 * everything with musl's headers, `make lab` on Debian 11.
 */
#pragma once

#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* System calls since Linux 5.6. All architectures have the same number. */
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

/* man 2 wait has macros that decode a status; the macros that build one are glibc extensions. */
#ifndef W_EXITCODE
#define W_EXITCODE(status, sig) ((status) << 8 | (sig))
#define W_STOPCODE(sig)		((sig) << 8 | 0x7f)
#endif
#ifndef WCOREFLAG
#define WCOREFLAG 0x80
#endif

/* The first real-time signal of glibc. musl uses it itself, and its SIGRTMIN is 35. But programs
 * and service managers count from 34: "RTMIN+3" is 37. */
#define FIRST_REALTIME_SIGNAL 34

/* libc_all_signals() - sigfillset(3), and the signal that musl leaves out: it is blocked and
 * received like the others. musl only uses it to change the ids of all threads, and we never do. */
static inline void libc_all_signals(sigset_t *set)
{
	sigfillset(set);
#ifndef __GLIBC__
	const unsigned bits = CHAR_BIT * sizeof(unsigned long), n = FIRST_REALTIME_SIGNAL - 1;

	((unsigned long *)set)[n / bits] |= 1UL << n % bits;
#endif
}

/* libc_heap_trim() - give the memory that free(3) keeps back to the kernel (man 3 malloc_trim);
 * musl keeps little */
static inline void libc_heap_trim(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

/* libc_heap_one_arena() - use one heap for all threads (man 3 mallopt); musl always does */
static inline void libc_heap_one_arena(void)
{
#ifdef __GLIBC__
	(void)mallopt(M_ARENA_MAX, 1);
#endif
}
