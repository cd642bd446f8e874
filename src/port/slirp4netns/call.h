/* SPDX-License-Identifier: Apache-2.0 */
/* One request to the API socket of slirp4netns, and its answer. */
#pragma once

#include <event2/event.h>
#include <jansson.h>
#include <stddef.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"

#define SLIRPCALL_BYTES 4096

/* A pending request in the event loop; all zero if there is none. */
struct slirpcall {
	struct event *on_answer; /* NULL: no request is pending */
	int fd;
	struct deadline deadline;
	char answer[SLIRPCALL_BYTES];
	size_t size;
	struct error unsent; /* of slirpcall_fail_later() */

	/* @result: the member "return" of the answer, or NULL with @err. The call is finished:
	 * done() may start the next one. */
	void (*done)(void *arg, const json_t *result, const struct error *err);
	/* Called at the deadline, before done() with -ETIMEDOUT. May be NULL; it may call
	 * slirpcall_move(). */
	void (*expired)(void *arg);
	void *arg;
};

/*
 * slirpcall_wait() - send a request and wait for the answer, during a launch
 * @socket: path of the API socket, absolute and canonical
 * @request: the function takes over this reference; NULL: out of memory
 * @ret: the member "return" of the answer, a new reference; NULL: not wanted
 *
 * Waits for five seconds at most. Returns 0, or -ECONNREFUSED (slirp4netns is not running),
 * -ETIMEDOUT, -ECANCELED, -EPROTO, -EMSGSIZE, -EIO (slirp4netns refused; @err has its reason), or
 * another -errno.
 */
int slirpcall_wait(const char *socket, json_t *request, int cancel_fd, json_t **ret,
		   struct error *err);

/*
 * slirpcall_start() - send a request; the event loop @base calls @call->done with the answer
 * @call: done and arg are set, and no request is pending
 *
 * As slirpcall_wait(), but does not wait. If it returns -errno, done is not called.
 */
int slirpcall_start(struct slirpcall *call, struct event_base *base, const char *socket,
		    json_t *request, struct error *err);

/*
 * slirpcall_fail_later() - let the event loop @base call @call->done with @err after five seconds
 * @call: as slirpcall_start(); @call->expired is not called
 * @err: why there is no connection; copied
 *
 * Returns 0 or -ENOMEM.
 */
int slirpcall_fail_later(struct slirpcall *call, struct event_base *base, const struct error *err);

/*
 * slirpcall_move() - let @to wait for the answer of @from, for another @ms milliseconds
 * @to: done and arg are set, and no request is pending
 *
 * On success no request of @from is pending. Returns 0 or -ENOMEM.
 */
int slirpcall_move(struct slirpcall *from, struct event_base *base, int64_t ms,
		   struct slirpcall *to);

/* slirpcall_clear() - drop the pending request, if there is one */
void slirpcall_clear(struct slirpcall *call);
