/* SPDX-License-Identifier: Apache-2.0 */
/* The end of TCP connections through a helper that has died. */
#pragma once

struct error;
struct net_plan;

/*
 * connections_end() - end the TCP connections through the network's device, whose helper has died
 * @plan: of that network; the calling process is in its network namespace
 *
 * The sockets report ECONNABORTED. Connections within the network stay, and so do connections that
 * are not established yet. Containers behind a bridge have sockets of their own, which stay, too.
 * Needs CAP_NET_ADMIN in the user namespace of the network, and CONFIG_INET_DIAG_DESTROY. It takes
 * a second at most. Returns the number of connections that it has ended, or -errno (-EOPNOTSUPP:
 * the kernel cannot do it; -E2BIG: too many sockets).
 */
int connections_end(const struct net_plan *plan, struct error *err);
