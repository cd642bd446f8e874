/* SPDX-License-Identifier: Apache-2.0 */
/* The bounds of the REST server as parameters, so that tests need not wait for ten seconds. */
#pragma once

struct api_limits {
	unsigned request_ms;  /* from its first byte to the end of its answer; also for the first
				 byte */
	unsigned connections; /* open at once */
};

#define API_REQUEST_MS	10000
#define API_CONNECTIONS 256
#define API_HEADER_SIZE (16 << 10)
#define API_BODY_SIZE	(64 << 10)

struct api_ops;
struct api_server;
struct error;
struct event_base;

/* api_server_start_limited() - api_server_start() with other bounds than its own */
int api_server_start_limited(struct event_base *base, const char *path,
			     const struct api_limits *limits, const struct api_ops *ops, void *arg,
			     struct api_server **ret, struct error *err);
