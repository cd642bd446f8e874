/* SPDX-License-Identifier: Apache-2.0 */
/* The REST client of fauxrootctl and fauxroot-docker-proxy: HTTP/1.0 over a UNIX socket. */
#pragma once

#include <stddef.h>

#include "fauxroot/base/macro.h"

struct error;
struct peer;

/* The answer of a server. */
struct api_reply {
	long status; /* HTTP */
	char *body;  /* NUL-terminated, at most 1 MiB */
	size_t size;
};

/* api_reply_clear() - free the contents of @reply */
void api_reply_clear(struct api_reply *reply);

#define _cleanup_api_reply_ _cleanup_(api_reply_clear)

/*
 * api_call() - send one request over the UNIX socket @socket
 * @method: "GET", "POST", "DELETE"
 * @path: "/v1/info"
 * @body: JSON, or NULL
 *
 * The call takes ten seconds at most and ignores the environment. It sends nothing to a server that
 * api_check_server() refuses. Returns 0 with any HTTP status, or -errno if there was no answer:
 * connect(2)'s, -EPERM, -ETIMEDOUT, -EFBIG (more than 1 MiB of body or 16 KiB of headers), -EPROTO,
 * -ENOMEM.
 */
int api_call(const char *socket, const char *method, const char *path, const char *body,
	     struct api_reply *ret, struct error *err);

/* api_call_within() - api_call() with a limit of @ms milliseconds */
int api_call_within(unsigned ms, const char *socket, const char *method, const char *path,
		    const char *body, struct api_reply *ret, struct error *err);

/* Gets the next @n bytes of a body. Returns 0, or -errno to end api_follow(). */
typedef int api_sink(void *arg, const char *data, size_t n, struct error *err);

/*
 * api_follow() - GET @path, and pass the body to @sink until the server closes the connection
 * @ms: milliseconds until the head of the answer has arrived; the body may take any time
 * @out: the descriptor that @sink writes to, or -1; if it has no reader any more, the function
 * returns -EPIPE
 * @arg: for @sink
 *
 * Returns 0, or -errno as api_call(), api_reply_expect() or @sink.
 */
int api_follow(unsigned ms, const char *socket, const char *path, int out, api_sink *sink,
	       void *arg, struct error *err);

/*
 * api_reply_expect() - is @reply the answer @status?
 *
 * Returns 0, or -EPROTO with the server's {"message": …} as reason.
 */
int api_reply_expect(const struct api_reply *reply, long status, struct error *err);

/*
 * api_launcher() - find the process that serves the UNIX socket @socket, to signal it or wait for
 * it
 * @ret: to be closed with peer_close()
 *
 * Nothing is sent. Returns 0; connect(2)'s -errno; -EPERM if api_check_server() does not trust the
 * server enough to act; -ESRCH if the process has exited.
 */
int api_launcher(const char *socket, struct peer *ret, struct error *err);
