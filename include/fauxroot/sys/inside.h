/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening sockets in the child's network, made from outside.
 *
 * A socket stays in the network namespace in which it was made. So a runner (ns.h) joins the
 * child's network namespace, binds sockets there and passes them to the launcher. The launcher
 * keeps them and passes copies to the process that serves them: when that process is restarted, no
 * client in the child's network is refused meanwhile.
 */
#pragma once

#include <stddef.h>

#include "fauxroot/config/portspec.h"

struct deadline;
struct error;
struct ns_set;

/* The most sockets of one inside_listen(). */
#define INSIDE_MAX 8

struct inside_socket {
	union endpoint address; /* of the child's network, with a port other than 0 */
	int type;		/* SOCK_STREAM: the socket listens; SOCK_DGRAM */
};

/*
 * inside_bind() - in a process that has joined the child's network: make one socket
 * @ret: close-on-exec and non-blocking; IPv6 sockets take IPv6 only
 *
 * A stream socket has the options of clients' sockets on this machine: SO_REUSEADDR, Reno. Returns
 * 0 or -errno (EADDRINUSE; EADDRNOTAVAIL: no interface has the address).
 */
int inside_bind(const struct inside_socket *wanted, int *ret, struct error *err);

/*
 * inside_listen() - make @n sockets in the network of @ns
 * @ret_fds: @n descriptors
 * @deadline, @cancel_fd: as in fd_wait()
 *
 * Takes about a millisecond: it forks. Returns 0, or -errno as inside_bind() with no socket open.
 */
int inside_listen(const struct ns_set *ns, const struct inside_socket *wanted, size_t n,
		  int *ret_fds, const struct deadline *deadline, int cancel_fd, struct error *err);
