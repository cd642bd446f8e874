/* SPDX-License-Identifier: Apache-2.0 */
/* The agent: makes sockets in the child's network namespace for the forwarder. See agent.c. */
#pragma once

#include <stddef.h>

struct error;
struct ns_set;
struct process;

/*
 * agent_start() - fork the agent into the middle user namespace and the child's network
 * namespace
 * @ns: NULL: an agent in the launcher's own namespaces, which makes sockets towards the host
 * @n: number of workers
 * @ret_socks: the forwarder's sockets towards the agent, one per worker, non-blocking
 *
 * Returns 0 or -errno.
 */
int agent_start(const struct ns_set *ns, size_t n, struct process *ret, int *ret_socks,
		struct error *err);
