/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The launcher binds the listeners. It has the file capability, if there is one, and its sockets
 * survive the death of the forwarder. Each address has one socket. SO_REUSEPORT is not set: it
 * would let two instances of one user share a port without an error. IPv4 and IPv6 have separate
 * sockets, so tcp4 and tcp6 never conflict.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/port/drivers.h"
#include "fauxroot/sys/portstart.h"
#include "occupant.h"

/* A client that vanished is detected within five minutes, so that it does not keep descriptors. */
#define KEEPALIVE_IDLE_S     180
#define KEEPALIVE_INTERVAL_S 30
#define KEEPALIVE_PROBES     4

/* Datagrams wait in this buffer while a thread is busy; net.core.rmem_max limits its size. */
#define UDP_BUFFER_BYTES (4 << 20)

/* For parent port 0: the free port of IPv4 may be in use with IPv6. */
#define FREE_PORT_TRIES 16

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* Accepted connections inherit these options. */
void listen_set_tcp(int fd)
{
	static const struct linger reset = {.l_onoff = 1, .l_linger = 0};

	set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	/* If the forwarder dies, its connections are reset, not closed in order: see relay.c. */
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	/* Read urgent data as a part of the stream (RFC 6093). */
	set(fd, SOL_SOCKET, SO_OOBINLINE, 1);
	set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
	set(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
	set(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
}

static void set_udp_options(int fd, const union endpoint *e)
{
	set(fd, SOL_SOCKET, SO_RCVBUF, UDP_BUFFER_BYTES);
	/* On a wildcard address, answers must leave from the address that the client has sent to.
	 */
	if (endpoint_is_wildcard(e) && e->sa.sa_family == AF_INET6)
		set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	else if (endpoint_is_wildcard(e))
		set(fd, IPPROTO_IP, IP_PKTINFO, 1);
}

/* Clients of the API see only this text, so it includes the remedies for a privileged port. */
static int listen_error(int errnum, const union endpoint *e, bool udp, struct error *err)
{
	char name[ENDPOINT_MAX];
	const char *proto = udp ? "udp" : "tcp";
	unsigned start = unprivileged_port_start();
	struct occupant who;
	int rc;

	endpoint_format(e, name, sizeof(name));
	if (errnum == EADDRINUSE && occupant_find(e, udp, &who)) {
		rc = err_say(err, errnum, "listening on %s/%s: Address already in use by %s", name,
			     proto, who.words);
		if (who.reason != REASON_NONE)
			return err_about(err, rc, who.reason, "%u", who.id);
	} else if (errnum == EACCES && endpoint_port(e) < start) {
		rc = err_say(
			err, errnum,
			"listening on %s/%s: Permission denied: ports below %u are "
			"privileged (remedies: sysctl "
			"net.ipv4.ip_unprivileged_port_start=%u; with the builtin driver, setcap "
			"cap_net_bind_service=ep on fauxroot; a higher port)",
			name, proto, start, endpoint_port(e));
	} else {
		rc = err_set(err, errnum, "listening on %s/%s", name, proto);
	}
	return err_about(err, rc, REASON_LISTEN, "%s/%s", name, proto);
}

/* Returns a listening socket at @e, or -errno. */
static int listen_at(const union endpoint *e, bool udp)
{
	int type = (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
	_cleanup_close_ int fd = socket(e->sa.sa_family, type, 0);

	if (fd < 0)
		return -errno;
	if (e->sa.sa_family == AF_INET6)
		set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (udp)
		set_udp_options(fd, e);
	else
		listen_set_tcp(fd);
	if (bind(fd, &e->sa, endpoint_size(e)) < 0 || (!udp && listen(fd, SOMAXCONN) < 0))
		return -errno;
	return TAKE_FD(fd);
}

static uint16_t bound_port(int fd)
{
	union endpoint e;
	socklen_t size = sizeof(e);

	return getsockname(fd, &e.sa, &size) < 0 ? 0 : endpoint_port(&e);
}

/* The host has no IPv6, or IPv6 is disabled. */
static bool no_ipv6(int rc)
{
	return rc == -EAFNOSUPPORT || rc == -EADDRNOTAVAIL;
}

static int open_once(struct port *port, struct error *err)
{
	bool udp = portspec_is_udp(port->spec.proto);
	union endpoint parents[2];
	size_t n = portspec_parent(&port->spec, parents);

	for (size_t i = 0; i < n; i++) {
		int fd;

		if (i > 0)
			endpoint_set_port(&parents[i], bound_port(port->listeners[0]));
		fd = listen_at(&parents[i], udp);
		if (fd < 0 && i > 0 && no_ipv6(fd))
			break;
		if (fd < 0) {
			listen_close(port);
			return listen_error(-fd, &parents[i], udp, err);
		}
		port->listeners[i] = fd;
	}
	port->spec.parent_port = bound_port(port->listeners[0]);
	return 0;
}

int listen_open(struct port *port, struct error *err)
{
	bool any = port->spec.parent_port == 0;
	int rc;

	for (int i = 0; i < FREE_PORT_TRIES; i++) {
		rc = open_once(port, err);
		if (rc != -EADDRINUSE || !any)
			break;
	}
	return rc;
}

size_t listen_count(const struct port *port)
{
	size_t n = 0;

	while (n < ARRAY_SIZE(port->listeners) && port->listeners[n] >= 0)
		n++;
	return n;
}

void listen_close(struct port *port)
{
	for (size_t i = 0; i < ARRAY_SIZE(port->listeners); i++)
		port->listeners[i] = fd_close(port->listeners[i]);
}
