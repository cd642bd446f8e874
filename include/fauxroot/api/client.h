/* SPDX-License-Identifier: Apache-2.0 */
/* The REST client over libcurl: fauxrootctl and fauxroot-docker-proxy. */
#pragma once

#include <stddef.h>

struct error;

/* What a server has answered. */
struct api_reply {
	long status;  /* HTTP */
	char *body;   /* NUL-terminated, at most 1 MiB */
	size_t size;
};

void api_reply_clear(struct api_reply *reply);

/*
 * api_call() - one request over the UNIX socket @socket
 * @method: "GET", "POST", "DELETE"; @path: "/v1/info"; @body: JSON or NULL
 *
 * Ten seconds at most. Returns 0 with any HTTP status, or -errno where there was no answer.
 */
int api_call(const char *socket, const char *method, const char *path, const char *body,
	     struct api_reply *ret, struct error *err);
