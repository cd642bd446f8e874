/* SPDX-License-Identifier: Apache-2.0 */
/* One request to the API socket of slirp4netns, and its answer. */
#pragma once

#include <event2/event.h>
#include <jansson.h>
#include <stddef.h>

#include "fauxroot/base/clock.h"

struct error;

#define SLIRPCALL_BYTES 4096

/* A request on its way in the event loop; all zero where there is none. */
struct slirpcall {
	struct event *on_answer; /* NULL: none is on its way */
	int fd;
	struct deadline deadline;
	char answer[SLIRPCALL_BYTES];
	size_t size;

	/* @result: the member "return" of the answer, or NULL with @err. The call is over: another
	 * may be made from within. */
	void (*done)(void *arg, const json_t *result, const struct error *err);
	void *arg;
};

/*
 * slirpcall_wait() - ask, and wait for the answer: for a launch
 * @socket: path of the API socket, absolute and canonical
 * @request: a reference that is taken; NULL: out of memory
 * @ret: the member "return" of the answer, a new reference; NULL: not wanted
 *
 * Five seconds at most. Returns 0; -ECONNREFUSED where slirp4netns is not there; -ETIMEDOUT,
 * -ECANCELED, -EPROTO, -EMSGSIZE, -EIO (it refuses, and says why), -errno.
 */
int slirpcall_wait(const char *socket, json_t *request, int cancel_fd, json_t **ret,
		   struct error *err);

/*
 * slirpcall_start() - ask, and have @call->done called with the answer from the loop of @base
 * @call: done and arg are set, and no request is on its way
 *
 * As slirpcall_wait(), without any wait. Where it returns -errno, done is not called.
 */
int slirpcall_start(struct slirpcall *call, struct event_base *base, const char *socket,
		    json_t *request, struct error *err);

/* slirpcall_clear() - forget the request that is on its way, if there is one */
void slirpcall_clear(struct slirpcall *call);
