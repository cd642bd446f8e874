/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The REST server on the state directory's api.sock, over evhttp, in the launcher's event loop.
 *
 * Bounds: 16 KiB of headers, 64 KiB of body, ten seconds a request, 256 connections, of which the
 * longest idle makes room. Peers are our own user and root (SO_PEERCRED).
 */
#pragma once

#include <sys/types.h>

struct api_info;
struct api_server;
struct error;
struct event_base;

/* What the routes ask of the rest of the program. */
struct api_ops {
	/* Fill @ret (empty before). 0 or -errno. */
	int (*info)(void *arg, struct api_info *ret, struct error *err);
};

/*
 * api_server_start() - bind, listen, serve
 * @path: of the state directory; the socket is @path/api.sock, mode 0600
 * @ops, @arg: must outlive the server
 *
 * Returns 0 or -errno at step STEP_API.
 */
int api_server_start(struct event_base *base, const char *path, const struct api_ops *ops,
		     void *arg, struct api_server **ret, struct error *err);

/* api_server_stop() - close all connections; accepts NULL */
void api_server_stop(struct api_server *server);
