/* SPDX-License-Identifier: Apache-2.0 */
#include "reverse.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/port/drivers.h"
#include "fauxroot/sys/inside.h"
#include "protocol.h"

#define LISTEN_MS 5000

void reverse_describe(const struct port *port, struct control_add *add)
{
	if (port->spec.host_path[0]) {
		memset(&add->child, 0, sizeof(add->child));
		add->child.sa.sa_family = AF_UNIX;
		add->path_size = (uint32_t)strlen(port->spec.host_path);
		return;
	}
	add->child = portspec_host(&port->spec);
	(void)endpoint_of(add->child.sa.sa_family == AF_INET6 ? "::1" : "127.0.0.1", 0,
			  &add->proxy);
}

/* Append the addresses @ip and @other to @wanted, which has @n; returns the new number.
 * @other: NULL or AF_UNSPEC: none */
static size_t want(struct inside_socket *wanted, size_t n, const char *ip,
		   const union endpoint *other, const struct port_spec *spec)
{
	int type = portspec_is_udp(spec->proto) ? SOCK_DGRAM : SOCK_STREAM;

	(void)endpoint_of(ip, spec->child_port, &wanted[n].address);
	wanted[n++].type = type;
	if (!other || other->sa.sa_family == AF_UNSPEC)
		return n;
	wanted[n].address = *other;
	endpoint_set_port(&wanted[n].address, spec->child_port);
	wanted[n++].type = type;
	return n;
}

int reverse_listen(struct ports *ports, struct port *port, struct error *err)
{
	struct deadline deadline = deadline_in(LISTEN_MS);
	struct inside_socket wanted[PORT_LISTENERS_MAX];
	bool udp = portspec_is_udp(port->spec.proto);
	size_t n, n4;
	int rc;

	if (port->spec.child_ip[0])
		n = n4 = want(wanted, 0, port->spec.child_ip, NULL, &port->spec);
	else
		n = n4 = want(wanted, 0, "127.0.0.1", &ports->net.host, &port->spec);
	if (!port->spec.child_ip[0] && ports->net.host6.sa.sa_family != AF_UNSPEC)
		n = want(wanted, n, "::1", &ports->net.host6, &port->spec);
	rc = inside_listen(ports->ns, wanted, n, port->listeners, &deadline, ports->cancel_fd, err);
	/* The command has disabled IPv6. */
	if (rc == -EADDRNOTAVAIL && n > n4)
		rc = inside_listen(ports->ns, wanted, n = n4, port->listeners, &deadline,
				   ports->cancel_fd, err);
	for (size_t i = 0; i < n && rc == 0 && !udp; i++)
		listen_set_tcp(port->listeners[i]);
	return rc;
}
