/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The REST server on the state directory's api.sock, over evhttp, in the launcher's event loop.
 *
 * Bounds: 16 KiB of headers, 64 KiB of body, ten seconds a request, 256 connections, of which the
 * longest idle makes room, and one that has not said anything yet after a second. Peers are our own
 * user and root (SO_PEERCRED). Which of them are inside the instance the user namespace tells; what
 * they ask beyond api_ops.inside is answered with 403.
 *
 * A port whose POST has the member "owner": "peer" is taken back when the process at the other end
 * of that connection ends.
 */
#pragma once

#include "fauxroot/api/ops.h"

struct api_server;
struct error;
struct event_base;

/*
 * api_server_start() - bind, listen, serve
 * @path: of the state directory; the socket is @path/api.sock, mode 0600
 * @ops, @arg: must outlive the server
 *
 * Returns 0 or -errno at step STEP_API.
 */
int api_server_start(struct event_base *base, const char *path, const struct api_ops *ops,
		     void *arg, struct api_server **ret, struct error *err);

/* api_server_resume() - ask again what was -EINPROGRESS, in the order of the requests; accepts NULL
 */
void api_server_resume(struct api_server *server);

/* api_server_stop() - close all connections; accepts NULL */
void api_server_stop(struct api_server *server);
