/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The helper keeps the state of each TCP connection to the outside. When it dies, the command's end
 * of such a connection is left over. If the command sends something, the next helper resets it (or,
 * an old pasta, drops it). If the command only receives, a download for example, no packet is ever
 * sent, and the command would wait forever. So the sockets are found and aborted by sock_diag (man
 * 7 sock_diag, SOCK_DESTROY): their next call returns ECONNABORTED.
 *
 * These sockets have the address of the network's device. A connection between two processes within
 * the network may have that address, too: then both of its ends are in the list, and it is left
 * alone. The connections of published ports are of this kind: the client's address is outside, but
 * the relay's socket is in this network. Connections that are not established yet are left alone:
 * their next SYN reaches the next helper.
 */
#include "fauxroot/net/connections.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/net/net.h"
#include "fauxroot/sys/netlink.h"

/* The next start of the helper waits for this work. */
#define ANSWER_MS  500
#define DESTROY_MS 500

#define CONNECTIONS_MAX 65536

/* The states of an established connection, and of one that is being closed. */
#define STATES                                                               \
	(1U << TCP_ESTABLISHED | 1U << TCP_FIN_WAIT1 | 1U << TCP_FIN_WAIT2 | \
	 1U << TCP_CLOSE_WAIT | 1U << TCP_LAST_ACK | 1U << TCP_CLOSING)

/* Ports and addresses in network byte order. IPv4 addresses are mapped ones: a socket of IPv6 may
 * have a connection of IPv4. */
struct ends {
	struct in6_addr local, remote;
	uint16_t local_port, remote_port;
};

struct connection {
	struct ends ends;
	unsigned char family; /* of the socket */
	struct inet_diag_sockid id;
};

struct connections {
	struct connection *items;
	size_t n, room;
};

static struct in6_addr mapped(struct in_addr address)
{
	struct in6_addr ret = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

	memcpy(&ret.s6_addr[12], &address, sizeof(address));
	return ret;
}

static struct in6_addr address_of(unsigned char family, const void *bytes)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (family == AF_INET) {
		memcpy(&v4, bytes, sizeof(v4));
		return mapped(v4);
	}
	memcpy(&v6, bytes, sizeof(v6));
	return v6;
}

static int make_room(struct connections *all)
{
	size_t room = all->room ? all->room * 2 : 64;
	struct connection *items;

	if (all->n < all->room)
		return 0;
	if (room > CONNECTIONS_MAX)
		return -E2BIG;
	items = realloc(all->items, room * sizeof(*items));
	if (!items)
		return -ENOMEM;
	all->items = items;
	all->room = room;
	return 0;
}

/* Called with each socket of a dump. */
static int take_socket(const struct nlmsghdr *message, void *arg)
{
	struct connections *all = arg;
	struct connection *new;
	struct inet_diag_msg m;
	int rc;

	if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    message->nlmsg_len < NLMSG_LENGTH(sizeof(m)))
		return -EPROTO;
	memcpy(&m, NLMSG_DATA(message), sizeof(m));
	rc = make_room(all);
	if (rc < 0)
		return rc;
	new = &all->items[all->n++];
	*new = (struct connection){
		.ends.local = address_of(m.idiag_family, m.id.idiag_src),
		.ends.remote = address_of(m.idiag_family, m.id.idiag_dst),
		.ends.local_port = m.id.idiag_sport,
		.ends.remote_port = m.id.idiag_dport,
		.family = m.idiag_family,
		.id = m.id,
	};
	return 0;
}

static int list(struct netlink *nl, unsigned char family, struct connections *all,
		struct error *err)
{
	const struct inet_diag_req_v2 request = {
		.sdiag_family = family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = STATES,
	};
	struct netlink_request r;

	netlink_clear(&r);
	netlink_begin(&r, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &request, sizeof(request));
	return netlink_query(nl, &r, take_socket, all, "listing connections", err);
}

/* -ENOENT: it has ended meanwhile. -EOPNOTSUPP: the kernel is built without this. */
static int destroy(struct netlink *nl, const struct connection *connection, struct error *err)
{
	const struct inet_diag_req_v2 request = {
		.sdiag_family = connection->family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = STATES,
		.id = connection->id,
	};
	struct netlink_request r;

	netlink_clear(&r);
	netlink_begin(&r, SOCK_DESTROY, NLM_F_ACK, &request, sizeof(request));
	return netlink_transact(nl, &r, "ending a connection", err);
}

/* Compare by the first member of struct connection. */
static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct ends));
}

static bool both_ends_here(const struct connections *all, const struct ends *ends)
{
	const struct ends other = {
		.local = ends->remote,
		.remote = ends->local,
		.local_port = ends->remote_port,
		.remote_port = ends->local_port,
	};

	return bsearch(&other, all->items, all->n, sizeof(all->items[0]), compare);
}

static int destroy_all(struct netlink *nl, const struct net_plan *plan,
		       const struct connections *all, struct error *err)
{
	struct deadline deadline = deadline_in(DESTROY_MS);
	struct in6_addr own = mapped(plan->address);
	int n = 0, rc;

	for (size_t i = 0; i < all->n && deadline_left(&deadline) > 0; i++) {
		const struct ends *ends = &all->items[i].ends;

		if (!IN6_ARE_ADDR_EQUAL(&ends->local, &own) &&
		    !(plan->ipv6 && IN6_ARE_ADDR_EQUAL(&ends->local, &plan->address6)))
			continue;
		if (both_ends_here(all, ends))
			continue;
		rc = destroy(nl, &all->items[i], err);
		if (rc < 0 && rc != -ENOENT)
			return rc;
		n += rc == 0;
	}
	return n;
}

int connections_end(const struct net_plan *plan, struct error *err)
{
	_cleanup_netlink_ struct netlink nl = NETLINK_NONE;
	struct connections all = {NULL, 0, 0};
	int rc = netlink_open(NETLINK_SOCK_DIAG, ANSWER_MS, &nl, err);

	if (rc == 0)
		rc = list(&nl, AF_INET, &all, err);
	if (rc == 0)
		rc = list(&nl, AF_INET6, &all, err);
	if (rc == 0 && all.n > 0)
		qsort(all.items, all.n, sizeof(all.items[0]), compare);
	if (rc == 0)
		rc = destroy_all(&nl, plan, &all, err);
	free(all.items);
	return rc;
}
