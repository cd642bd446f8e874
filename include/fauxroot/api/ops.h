/* SPDX-License-Identifier: Apache-2.0 */
/* What the REST server is given to answer with. */
#pragma once

#include <stdint.h>

#include "fauxroot/config/config.h"

struct api_info;
struct api_port;
struct api_ports;
struct error;
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
