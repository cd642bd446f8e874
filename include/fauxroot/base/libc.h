/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What glibc has and musl has not. `scripts/lint` compiles everything with musl's headers.
 */
#pragma once

#include <malloc.h>
#include <stdlib.h>
#include <sys/wait.h>

/* man 2 wait reads these apart; to put one together is glibc's own. */
#ifndef W_EXITCODE
#define W_EXITCODE(status, sig) ((status) << 8 | (sig))
#define W_STOPCODE(sig)		((sig) << 8 | 0x7f)
#endif
#ifndef WCOREFLAG
#define WCOREFLAG 0x80
#endif

/* libc_heap_trim() - give the kernel back what free(3) keeps (man 3 malloc_trim); musl keeps little
 */
static inline void libc_heap_trim(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

/* libc_heap_one_arena() - one heap for all threads (man 3 mallopt), as musl has it anyway */
static inline void libc_heap_one_arena(void)
{
#ifdef __GLIBC__
	(void)mallopt(M_ARENA_MAX, 1);
#endif
}
