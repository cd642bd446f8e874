/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose answers a client believes. The sockets of an instance stand in its state directory, where
 * the instance's command can put sockets of its own in their place. It runs as the same user, so
 * the user id tells nothing; the user namespace does.
 */
#pragma once

struct error;

/* What the answer is wanted for. */
enum api_belief {
	API_BELIEVE_TO_SHOW = 0, /* it is shown to the user */
	API_BELIEVE_TO_ACT,	 /* we join namespaces on its word */
};

/*
 * api_believe() - is the server at the other end of @sock a launcher's, as far as can be known?
 * @sock: connected
 *
 * In the host's namespaces a launcher is in our own user namespace, and its command in one below:
 * peer_place(). A server below ours is never believed. One whose place cannot be seen is believed
 * to show, not to act.
 *
 * Inside an instance its launcher is above us, and often cannot be seen. There a server is believed
 * whatever it is: the command and all that we could do on a false word are within each other's
 * reach anyway. So root of a user namespace that is not the initial one believes a server whose
 * place cannot be seen. (In a container that has a user namespace, its root cannot be told from
 * that.)
 *
 * Returns 0, or -EPERM with the reason.
 */
int api_believe(int sock, enum api_belief belief, struct error *err);
