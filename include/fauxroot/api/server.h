/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The REST server on the state directory's api.sock, over evhttp, in the launcher's event loop.
 *
 * Limits: 16 KiB of headers, 64 KiB of body, ten seconds for a request, 256 connections. For a
 * further connection, the server closes the connection that has been idle for longest, or one that
 * has sent nothing for a second. Clients must be of our own user or root (SO_PEERCRED). A client's
 * user namespace decides whether it is inside the instance; requests of such clients that
 * api_ops.inside does not allow are answered with 403.
 *
 * GET /v1/events is answered with a stream of lines, one for each event, to 16 clients at once. A
 * client that is late by more than 64 KiB is dropped.
 *
 * A port whose POST has the member "owner": "peer" is removed when the client process exits.
 */
#pragma once

#include "fauxroot/api/ops.h"

struct api_event;
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

/* api_server_emit() - report @event to the clients of /v1/events; accepts a server that is NULL */
void api_server_emit(struct api_server *server, const struct api_event *event);

/* api_server_resume() - retry all requests that were -EINPROGRESS, in their order; accepts NULL */
void api_server_resume(struct api_server *server);

/* api_server_stop() - close all connections; accepts NULL. Some are closed when the event loop is
 * freed: as sys/nudge.h describes, that can wait. */
void api_server_stop(struct api_server *server);
