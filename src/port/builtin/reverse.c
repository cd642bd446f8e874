/* SPDX-License-Identifier: Apache-2.0 */
#include "reverse.h"

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

int reverse_listen(struct ports *ports, struct port *port, struct error *err)
{
	struct deadline deadline = deadline_in(LISTEN_MS);
	bool udp = portspec_is_udp(port->spec.proto);
	const char *ip = port->spec.child_ip[0] ? port->spec.child_ip : "127.0.0.1";
	struct inside_socket wanted[2];
	size_t n = 1;
	int rc;

	(void)endpoint_of(ip, port->spec.child_port, &wanted[0].address);
	if (!port->spec.child_ip[0] && ports->net.host.sa.sa_family != AF_UNSPEC) {
		wanted[n].address = ports->net.host;
		endpoint_set_port(&wanted[n++].address, port->spec.child_port);
	}
	for (size_t i = 0; i < n; i++)
		wanted[i].type = udp ? SOCK_DGRAM : SOCK_STREAM;
	rc = inside_listen(ports->ns, wanted, n, port->listeners, &deadline, ports->cancel_fd, err);
	for (size_t i = 0; i < n && rc == 0 && !udp; i++)
		listen_set_tcp(port->listeners[i]);
	return rc;
}
