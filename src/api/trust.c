/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/api/trust.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/sys/peer.h"

/* Can we be inside an instance? There the launcher looks like root or cannot be seen. */
static bool may_be_inside(void)
{
	return geteuid() == 0 && !peer_initial_userns();
}

int api_check_server(int sock, enum api_purpose purpose, struct error *err)
{
	_cleanup_peer_ struct peer peer = PEER_NONE;
	enum peer_relation relation = PEER_UNKNOWN;

	if (peer_open(sock, PEER_LISTENS, &peer) == 0)
		relation = peer_relation(&peer);
	if (relation == PEER_HERE || relation == PEER_ABOVE)
		return 0;
	if (relation == PEER_BELOW)
		return err_say(err, EPERM,
			       "it belongs to process %d in a user namespace below ours: it is the "
			       "command of an instance, not its launcher",
			       peer.process.pid);
	if (purpose == API_TO_SHOW || may_be_inside())
		return 0;
	return err_say(err, EPERM,
		       "it may belong to the command of an instance instead of its launcher: the "
		       "user namespace of its process cannot be seen in /proc");
}
