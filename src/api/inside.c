/* SPDX-License-Identifier: Apache-2.0 */
#include "inside.h"

#include <unistd.h>

#include "fauxroot/config/portspec.h"
#include "fauxroot/sys/peer.h"
#include "fauxroot/sys/portstart.h"

bool client_is_inside(int sock)
{
	_cleanup_peer_ struct peer peer = PEER_NONE;
	enum peer_relation relation;

	if (peer_open(sock, PEER_CONNECTED, &peer) < 0)
		return true;
	if (peer.uid == 0 && geteuid() != 0)
		return false;
	relation = peer_relation(&peer);
	return relation != PEER_HERE && relation != PEER_ABOVE;
}

bool inside_may_publish(enum api_inside policy, const struct port_spec *spec)
{
	switch (policy) {
	case API_INSIDE_FULL:
		return true;
	case API_INSIDE_UNPRIVILEGED:
		/* For port 0 the kernel chooses one of ip_local_port_range, which is unprivileged.
		 */
		return spec->parent_port == 0 || spec->parent_port >= unprivileged_port_start();
	default:
		return false;
	}
}
