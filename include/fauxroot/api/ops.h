/* SPDX-License-Identifier: Apache-2.0 */
/* The functions that the REST server calls to answer requests. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/config/config.h"

struct api_info;
struct api_port;
struct api_ports;
struct error;
struct port_spec;

/*
 * The functions that the routes call. Those with a result return 0 or -errno.
 *
 * The functions for ports may be NULL if there is no port driver, or return -EOPNOTSUPP. The same
 * applies to the functions for services of the host. An error becomes an HTTP status: 409 for
 * -EADDRINUSE; 400 for errors that another request can avoid (-EINVAL, -ENOENT, -EOPNOTSUPP,
 * -EACCES, -EPERM, -EADDRNOTAVAIL, -EAFNOSUPPORT); otherwise 500.
 *
 * add_port() and remove_port() may return -EINPROGRESS. Then the client waits, and
 * api_server_resume() calls the function again with the same arguments.
 */
struct api_ops {
	/* Fill @ret (empty before). */
	int (*info)(void *arg, struct api_info *ret, struct error *err);

	/* Fill @ret (empty before), ids ascending. */
	int (*list_ports)(void *arg, struct api_ports *ret, struct error *err);

	/*
	 * Publish @spec, which has passed portspec_check(). If its parent port is 0, choose a free
	 * port and return it in @ret. When the function returns, connections are accepted.
	 */
	int (*add_port)(void *arg, const struct port_spec *spec, struct api_port *ret,
			struct error *err);

	/* When the function returns, the listening socket is closed. -ENOENT: no such port. */
	int (*remove_port)(void *arg, uint32_t id, struct error *err);

	/* Remove the port @id, which no client will remove, as soon as possible. An unknown id is
	 * ignored. NULL only without .remove_port. */
	void (*abandon_port)(void *arg, uint32_t id);

	/* The same for services of the host that the command may reach. NULL: this network cannot
	 * forward them. */
	int (*list_host_ports)(void *arg, struct api_ports *ret, struct error *err);
	int (*add_host_port)(void *arg, const struct port_spec *spec, struct api_port *ret,
			     struct error *err);
	int (*remove_host_port)(void *arg, uint32_t id, struct error *err);

	/* Does the network work? For the first line of a stream of events. NULL: yes */
	bool (*network_is_up)(void *arg);

	/* The policy for clients inside. NULL: the same rights as for clients outside. */
	enum api_inside (*inside)(void *arg);
};
