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

#include <stdint.h>
#include <sys/types.h>

#include "fauxroot/config/config.h"

struct api_info;
struct api_port;
struct api_ports;
struct api_server;
struct error;
struct event_base;
struct port_spec;

/*
 * What the routes ask of the rest of the program. All return 0 or -errno.
 *
 * Those of ports may be NULL where there is no port driver, or return -EOPNOTSUPP. Their errors
 * become an HTTP status: 409 for -EADDRINUSE, 400 for what another request could mend (-EINVAL,
 * -ENOENT, -EOPNOTSUPP, -EACCES, -EPERM, -EADDRNOTAVAIL, -EAFNOSUPPORT), else 500.
 *
 * add_port() and remove_port() may return -EINPROGRESS: the client waits, and they are called
 * again, with the same words, from within api_server_resume().
 */
struct api_ops {
	/* Fill @ret (empty before). */
	int (*info)(void *arg, struct api_info *ret, struct error *err);

	/* Fill @ret (empty before), ids ascending. */
	int (*list_ports)(void *arg, struct api_ports *ret, struct error *err);

	/*
	 * Publish @spec, which has passed portspec_check(); where its parent port is 0, a free one
	 * that @ret names. From the return on connections are accepted.
	 */
	int (*add_port)(void *arg, const struct port_spec *spec, struct api_port *ret,
			struct error *err);

	/* Nobody listens any more at the return. -ENOENT: no such port. */
	int (*remove_port)(void *arg, uint32_t id, struct error *err);

	/* What clients inside may do. May be NULL: all that those outside may. */
	enum api_inside (*inside)(void *arg);
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

/* api_server_resume() - ask again what was -EINPROGRESS, in the order of the requests; accepts NULL
 */
void api_server_resume(struct api_server *server);

/* api_server_stop() - close all connections; accepts NULL */
void api_server_stop(struct api_server *server);
