/* SPDX-License-Identifier: Apache-2.0 */
/* The API's limits. Times and numbers are parameters, so that tests need not wait ten seconds. */
#pragma once

#define API_HEADER_SIZE (16 << 10)
#define API_BODY_SIZE	(64 << 10)

struct api_limits {
	unsigned request_ms; /* from a request's first byte to the end of its answer; also the limit
				for the first byte, and for the last line of a client of events that
				reads too slowly */
	unsigned connections; /* open at once */
	unsigned fresh_ms;    /* time for the first byte before the gate may close a connection */
};

#define API_LIMITS ((struct api_limits){.request_ms = 10000, .connections = 256, .fresh_ms = 1000})

struct api_ops;
struct api_server;
struct error;
struct event_base;

/* api_server_start_limited() - api_server_start() with other limits than API_LIMITS */
int api_server_start_limited(struct event_base *base, const char *path,
			     const struct api_limits *limits, const struct api_ops *ops, void *arg,
			     struct api_server **ret, struct error *err);

#define API_CALL_MS 10000
