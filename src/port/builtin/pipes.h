/* SPDX-License-Identifier: Apache-2.0 */
/* A thread's pipes, which relays borrow while bytes are in flight. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PIPE_BYTES (1 << 20)
#define PIPES_FREE 4

/* Of the user's 64 MiB of pipe pages (pipe-user-pages-soft), all threads together take half; and of
 * the descriptors one in sixteen. */
#define PIPES_ALL  32U
#define PIPES_PART 32U

struct pipe {
	int in, out;
};

struct pipe_pool {
	struct pipe free[PIPES_FREE];
	unsigned n_free, n_lent, max;
	int64_t short_until_ms; /* the user's pipe pages are used up: do not even try before */
};

/*
 * pipes_borrow() - an empty pipe of PIPE_BYTES (man 2 fcntl: F_SETPIPE_SZ)
 * @now_ms: of the monotonic clock
 *
 * Returns false where none can be had: go on without.
 */
bool pipes_borrow(struct pipe_pool *pool, int64_t now_ms, struct pipe *ret);

/* pipes_return() - @empty: as it was lent; else it is closed with what is in it */
void pipes_return(struct pipe_pool *pool, struct pipe pipe, bool empty);

/* pipes_trim() - close the free ones; returns how many there were */
unsigned pipes_trim(struct pipe_pool *pool);
