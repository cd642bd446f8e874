/* SPDX-License-Identifier: Apache-2.0 */
#include "target.h"

#include <errno.h>
#include <sys/socket.h>

enum source target_bind(const struct target *target, int fd, const union endpoint *client)
{
	union endpoint source = *client;

	if (endpoint_is_loopback(client))
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

	return connect(fd, &to->sa, endpoint_size(&target->child)) < 0 ? -errno : 0;
}
