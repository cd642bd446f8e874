/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The buffer of a new connection has room for all records, so the server sends them at once and
 * closes the connection: no connection stays open, so their number needs no limit. The second
 * record has the types of the namespaces in the first. A client that did not get all of them must
 * not join any: the target could reach the client's command, which would still be in a namespace of
 * the host.
 *
 * The server accepts only clients of our own user, not of root. A client that executes a command in
 * a user's namespaces exposes its descriptors, groups and terminal to that user's target. The
 * target has our user id, too, but the descriptors give it no new rights. setns(2) needs
 * capabilities in the owning user namespace (man 7 user_namespaces). The target's processes in that
 * namespace have them already, and its other processes never get them.
 */
#include "fauxroot/api/namespaces.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/sys/message.h"
#include "fauxroot/sys/nudge.h"
#include "fauxroot/sys/peer.h"
#include "socket.h"

struct ns_server {
	const struct ns_set *ns;
	char *path; /* of the state directory */
	int listener;
	struct event *pending; /* a client waits */
	struct event *retry;   /* out of descriptors: try again later */
};

static void send_namespaces(const struct ns_server *server, int client)
{
	static const char version[] = NS_RECORDS_VERSION_TEXT " " FAUXROOT_VERSION;
	struct ucred peer = {.uid = (uid_t)-1};
	char names[NS_NAMES_MAX];
	int fds[NS_KINDS], rc;
	size_t n;

	if (peer_credentials(client, &peer) < 0 || peer.uid != geteuid()) {
		log_warning("ns.sock: refused a client of user %u (PID %d)", peer.uid, peer.pid);
		return;
	}
	n = ns_set_list(server->ns, fds);
	rc = message_send(client, server->path, strlen(server->path), fds, n);
	(void)ns_set_names(server->ns, names);
	if (rc == 0)
		rc = message_send(client, names, strlen(names), NULL, 0);
	if (rc == 0)
		rc = message_send(client, version, strlen(version), NULL, 0);
	if (rc < 0)
		log_debug("ns.sock: PID %d: %s", peer.pid, strerror(-rc));
}

static void on_pending(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval second = {.tv_sec = 1};
	struct ns_server *server = arg;
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	if (client >= 0) {
		send_namespaces(server, client);
		/* The client may have sent something. */
		nudge_close(client);
		return;
	}
	if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
		return;
	log_warning("ns.sock: clients must wait: %s", strerror(errno));
	event_del(server->pending);
	evtimer_add(server->retry, &second);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct ns_server *server = arg;

	(void)fd;
	(void)what;
	event_add(server->pending, NULL);
}

static int serve(struct ns_server *server, struct event_base *base)
{
	server->pending =
		event_new(base, server->listener, EV_READ | EV_PERSIST, on_pending, server);
	server->retry = evtimer_new(base, on_retry, server);
	return server->pending && server->retry && event_add(server->pending, NULL) == 0 ? 0
											 : -ENOMEM;
}

int ns_server_start(struct event_base *base, const char *path, const struct ns_set *ns,
		    struct ns_server **ret, struct error *err)
{
	struct ns_server *server;
	int fd = -1, rc = socket_listen(path, "ns.sock", SOCK_SEQPACKET, &fd, err);

	if (rc < 0)
		return err_step(err, rc, STEP_API);
	server = calloc(1, sizeof(*server));
	if (!server) {
		fd_close(fd);
		return err_step(err, err_set(err, ENOMEM, "serving ns.sock"), STEP_API);
	}
	server->listener = fd;
	server->ns = ns;
	server->path = strdup(path);
	rc = server->path ? serve(server, base) : -ENOMEM;
	if (rc < 0) {
		ns_server_stop(server);
		return err_step(err, err_set(err, -rc, "serving ns.sock"), STEP_API);
	}
	*ret = server;
	return 0;
}

void ns_server_stop(struct ns_server *server)
{
	if (!server)
		return;
	if (server->pending)
		event_free(server->pending);
	if (server->retry)
		event_free(server->retry);
	nudge_close(server->listener);
	free(server->path);
	free(server);
}
