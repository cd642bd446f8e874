/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A relay borrows a pipe only while bytes are in flight, so an idle connection has none. A pipe has
 * 1 MiB, the maximum for an ordinary user: with small pipes splice(2) is slower than copying. All
 * pipes of a user share one limit, /proc/sys/fs/pipe-user-pages-soft (man 7 pipe: 64 MiB). We use
 * at most a part of it. When it is used up, relays copy instead.
 */
#include "pipes.h"

#include <fcntl.h>
#include <unistd.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"

/* Other programs of the user may close pipes and so free pages: try again after this time. */
#define SHORT_MS 1000

static struct pipe make_pipe(void)
{
	struct pipe pipe = {-1, -1};
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return pipe;
	/* Beyond the soft limit this fails with EPERM, or the kernel makes the pipe smaller. */
	if (fcntl(fds[1], F_SETPIPE_SZ, PIPE_BYTES) < PIPE_BYTES) {
		fd_close(fds[0]);
		fd_close(fds[1]);
		return pipe;
	}
	pipe.out = fds[0];
	pipe.in = fds[1];
	return pipe;
}

bool pipes_borrow(struct pipe_pool *pool, int64_t now_ms, struct pipe *ret)
{
	struct pipe pipe;

	if (pool->n_free > 0) {
		*ret = pool->free[--pool->n_free];
		pool->n_lent++;
		return true;
	}
	if (pool->n_lent >= pool->max || now_ms < pool->short_until_ms)
		return false;
	pipe = make_pipe();
	if (pipe.in < 0) {
		pool->short_until_ms = now_ms + SHORT_MS;
		return false;
	}
	pool->n_lent++;
	*ret = pipe;
	return true;
}

void pipes_return(struct pipe_pool *pool, struct pipe pipe, bool empty)
{
	pool->n_lent--;
	if (empty && pool->n_free < ARRAY_SIZE(pool->free)) {
		pool->free[pool->n_free++] = pipe;
		return;
	}
	fd_close(pipe.in);
	fd_close(pipe.out);
}

unsigned pipes_trim(struct pipe_pool *pool)
{
	unsigned n = pool->n_free;

	while (pool->n_free > 0) {
		struct pipe pipe = pool->free[--pool->n_free];

		fd_close(pipe.in);
		fd_close(pipe.out);
	}
	return n;
}
