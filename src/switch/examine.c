/* SPDX-License-Identifier: Apache-2.0 */
#include "examine.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "attempt.h"
#include "carry.h"
#include "peek.h"
#include "shortwait.h"

static enum left examine_ipv4(uint32_t address)
{
	bool special = address >> 24 == 0 ||	  /* this host */
		       address >> 24 == 127 ||	  /* loopback */
		       address >> 16 == 0xa9fe || /* link-local */
		       address >> 28 >= 14;	  /* multicast, reserved, broadcast */

	return special ? LEFT_INSIDE : LEFT_NOT;
}

enum left examine_address(const struct attempt *a)
{
	const struct in6_addr *address = &a->plain.in6.sin6_addr;

	if (a->plain.sa.sa_family == AF_INET)
		return examine_ipv4(ntohl(a->plain.in.sin_addr.s_addr));
	if (IN6_IS_ADDR_UNSPECIFIED(address) || IN6_IS_ADDR_LOOPBACK(address) ||
	    IN6_IS_ADDR_LINKLOCAL(address) || IN6_IS_ADDR_MULTICAST(address))
		return LEFT_INSIDE;
	return LEFT_NOT;
}

/* Has the command bound the socket? An explicit address or port must be kept. */
static bool is_bound(int fd)
{
	union endpoint name;
	socklen_t size = sizeof(name);

	return getsockname(fd, &name.sa, &size) < 0 || endpoint_port(&name) != 0 ||
	       !endpoint_is_wildcard(&name);
}

/* TCP_CLOSE, …; -1: unknown */
static int state_of(int fd)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 ? -1 : info.tcpi_state;
}

bool examine_is_listening(int fd)
{
	return state_of(fd) == TCP_LISTEN;
}

int examine_earlier(int fd, int family)
{
	const struct sockaddr none = {.sa_family = (sa_family_t)family};
	int rc;

	short_wait_begin();
	rc = connect(fd, &none, sizeof(none.sa_family)) < 0 ? -errno : -EISCONN;
	short_wait_end();
	return rc == -EINVAL ? 0 : rc;
}

/* Has examine_earlier() taken the error away? */
static bool is_lost(int rc)
{
	return rc != -EISCONN && rc != -EALREADY && rc != -EINTR;
}

enum left examine_socket(struct attempt *a, const struct netns_ids *ids)
{
	enum socket_net net;
	struct stat st;
	int rc;

	a->family = get_int(a->old, SOL_SOCKET, SO_DOMAIN);
	if ((a->family != AF_INET && a->family != AF_INET6) || a->family != a->to.sa.sa_family)
		return LEFT_FAMILY;
	if (get_int(a->old, SOL_SOCKET, SO_PROTOCOL) != IPPROTO_TCP ||
	    state_of(a->old) != TCP_CLOSE || fstat(a->old, &st) < 0)
		return LEFT_SOCKET;
	rc = examine_earlier(a->old, a->family);
	if (rc < 0) {
		/* The kernel still has the others. */
		a->result = is_lost(rc) ? rc : 0;
		return LEFT_SOCKET;
	}
	a->inode = st.st_ino;
	a->uid = st.st_uid;
	net = netns_of(ids, a->old);
	/* Of the host's sockets only ours are bound to a device: replace it by a new one. */
	a->again = net == NET_OF_HOST && get_int(a->old, SOL_SOCKET, SO_BINDTOIFINDEX) > 0;
	if (net != NET_OF_COMMAND && !a->again)
		return LEFT_NETWORK;
	if (a->again)
		return LEFT_NOT;
	if (is_bound(a->old))
		return LEFT_BOUND;
	return carry_possible(a->old, a->family) ? LEFT_NOT : LEFT_OPTION;
}
