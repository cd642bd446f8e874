/* SPDX-License-Identifier: Apache-2.0 */
/* The pipes of a thread. Relays borrow one while bytes are in flight. See pipes.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PIPE_BYTES (1 << 20)
#define PIPES_FREE 4

/* The pipes of all threads use at most half of the user's 64 MiB of pipe pages
 * (pipe-user-pages-soft), and one in sixteen of the descriptors. */
#define PIPES_ALL  32U
#define PIPES_PART 32U

struct pipe {
	int in, out;
};

struct pipe_pool {
	struct pipe free[PIPES_FREE];
	unsigned n_free, n_lent, max;
	int64_t short_until_ms; /* the user's pipe pages are used up: make no pipe before this */
};

/*
 * pipes_borrow() - get an empty pipe of PIPE_BYTES (man 2 fcntl: F_SETPIPE_SZ)
 * @now_ms: on the monotonic clock
 *
 * Returns false if no pipe is available: the caller copies instead.
 */
bool pipes_borrow(struct pipe_pool *pool, int64_t now_ms, struct pipe *ret);

/*
 * pipes_return() - return a borrowed pipe
 * @empty: if false, the pipe still contains bytes, and is closed
 */
void pipes_return(struct pipe_pool *pool, struct pipe pipe, bool empty);

/* pipes_trim() - close the free pipes; returns how many there were */
unsigned pipes_trim(struct pipe_pool *pool);
