/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trust of a client in a server. The instance's command can replace the sockets in the state
 * directory with its own sockets. The command has the same user id as the launcher, but another
 * user namespace.
 */
#pragma once

struct error;

/* The use of the answer. */
enum api_purpose {
	API_TO_SHOW = 0, /* show it to the user */
	API_TO_ACT,	 /* join the namespaces in it, or signal the server */
};

/*
 * api_check_server() - check that the server at the other end of @sock can be trusted as a launcher
 * @sock: connected
 *
 * On the host, a launcher is in our own user namespace, and its command is in a descendant of it:
 * peer_relation(). A server in a descendant is never trusted. A server whose user namespace cannot
 * be read is trusted to show its answer, but not to act on it.
 *
 * Inside an instance, the launcher is in an ancestor of our user namespace and often cannot be
 * seen. Any server is trusted there, because the command can do to us directly what a forged answer
 * could make us do. So root of a user namespace other than the initial one also trusts a server
 * whose user namespace cannot be read. (Root of a container with a user namespace looks the same.)
 *
 * Returns 0, or -EPERM with the reason.
 */
int api_check_server(int sock, enum api_purpose purpose, struct error *err);
