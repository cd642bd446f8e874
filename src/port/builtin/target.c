/* SPDX-License-Identifier: Apache-2.0 */
#include "target.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "fauxroot/base/log.h"
#include "scarce.h"

enum source target_bind(const struct target *target, int fd, const union endpoint *client)
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
	if (target->proxy.sa.sa_family != AF_UNSPEC &&
	    bind(fd, &target->proxy.sa, endpoint_size(&target->proxy)) == 0)
		return SOURCE_PROXY;
	return SOURCE_REFUSED;
}

int target_connect(const struct target *target, int fd)
{
	const union endpoint *to = target->destination;
	socklen_t size =
		target->child.sa.sa_family == AF_UNIX
			? (socklen_t)(offsetof(struct sockaddr_un, sun_path) + target->path_size)
			: endpoint_size(&target->child);

	return connect(fd, &to->sa, size) < 0 ? -errno : 0;
}

void target_complain(const struct target *target, int rc, int64_t now_ms)
{
	const char *address = (const char *)target->destination;

	if (target->child.sa.sa_family == AF_UNIX && scarce_may_log(target->complaints, now_ms))
		log_warning("connecting to the host's %.*s: %s; its clients are disconnected",
			    (int)target->path_size,
			    address + offsetof(struct sockaddr_un, sun_path), strerror(-rc));
}
