/* SPDX-License-Identifier: Apache-2.0 */
#include "target.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "fauxroot/base/log.h"
#include "loglimit.h"

int target_bind(const struct target *target, int fd, const union endpoint *client)
{
	union endpoint source = *client;

	if (endpoint_is_loopback(client) || target->child.sa.sa_family == AF_UNIX)
		return SOURCE_PLAIN;
	if (target->transparent && client->sa.sa_family == target->child.sa.sa_family) {
		endpoint_set_port(&source, 0);
		if (bind(fd, &source.sa, endpoint_size(&source)) == 0)
			return SOURCE_PLAIN;
	}
	/* Routing chooses a loopback source for loopback destinations only. */
	if (!endpoint_is_loopback(&target->child))
		return SOURCE_PLAIN;
	if (target->proxy.sa.sa_family == AF_UNSPEC)
		return -EACCES;
	return bind(fd, &target->proxy.sa, endpoint_size(&target->proxy)) < 0 ? -errno
									      : SOURCE_PROXY;
}

int target_connect(const struct target *target, int fd)
{
	socklen_t size = endpoint_size(&target->child);

	if (target->child.sa.sa_family == AF_UNIX)
		return 0;
	return connect(fd, &target->destination->sa, size) < 0 ? -errno : 0;
}

int target_connect_path(const struct target *target, int fd)
{
	size_t size = offsetof(struct sockaddr_un, sun_path) + target->path_size;

	return connect(fd, &target->destination->sa, (socklen_t)size) < 0 ? -errno : 0;
}

static void complain_unix(const struct target *target, int rc)
{
	const char *address = (const char *)target->destination;

	log_warning("connecting to the host's %.*s: %s; its clients are disconnected",
		    (int)target->path_size, address + offsetof(struct sockaddr_un, sun_path),
		    strerror(-rc));
}

void target_complain(const struct target *target, int rc, int64_t now_ms)
{
	/* man 7 ip, ip_local_port_range: TCP and UDP have different errno values. */
	bool used_up = rc == -EADDRNOTAVAIL || rc == -EADDRINUSE || rc == -EAGAIN;
	const char *family6 = target->child.sa.sa_family == AF_INET6
				      ? "; or that network has no IPv6 address"
				      : "";
	char name[ENDPOINT_MAX];

	if ((target->child.sa.sa_family != AF_UNIX && !used_up && rc != -ENETUNREACH) ||
	    !log_limit_allows(target->complaints, now_ms))
		return;
	if (target->child.sa.sa_family == AF_UNIX) {
		complain_unix(target, rc);
		return;
	}
	endpoint_format(&target->child, name, sizeof(name));
	log_warning("connecting to %s: %s; its clients are disconnected%s%s", name, strerror(-rc),
		    used_up ? ": all local ports are in use (in that network, run sysctl -w "
			      "net.ipv4.ip_local_port_range='1024 65535')"
			    : "",
		    used_up ? family6 : "");
}
