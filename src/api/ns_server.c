/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A fresh connection's buffer takes both records at once, so each client is served and forgotten
 * between two turns of the event loop: there are no connections to bound. The second record names
 * the kinds of namespaces that came with the first. A client that lacks one of them must not join
 * the others: its command would be within the target's reach, and have the host's in hand.
 *
 * Only our own user is served, not root: who executes a command in namespaces of a user hands that
 * user's target its descriptors, groups and terminal. To the target, which has our user id too, the
 * descriptors are worth nothing: setns(2) wants capabilities in the namespace that owns them, which
 * its processes have in there already or not at all (man 7 user_namespaces).
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
#include "fauxroot/sys/peer.h"
#include "socket.h"

struct ns_server {
	const struct ns_set *ns;
	char *path; /* of the state directory */
	int listener;
	struct event *knock; /* a client waits */
	struct event *pause; /* out of descriptors: look again later */
};

static void hand_out(const struct ns_server *server, int client)
{
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
	if (rc < 0)
		log_debug("ns.sock: PID %d: %s", peer.pid, strerror(-rc));
}

static void on_knock(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval second = {.tv_sec = 1};
	struct ns_server *server = arg;
	_cleanup_close_ int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	if (client >= 0) {
		hand_out(server, client);
		return;
	}
	if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
		return;
	log_warning("ns.sock: clients have to wait: %s", strerror(errno));
	event_del(server->knock);
	evtimer_add(server->pause, &second);
}

static void on_pause_end(evutil_socket_t fd, short what, void *arg)
{
	struct ns_server *server = arg;

	(void)fd;
	(void)what;
	event_add(server->knock, NULL);
}

static int serve(struct ns_server *server, struct event_base *base)
{
	server->knock = event_new(base, server->listener, EV_READ | EV_PERSIST, on_knock, server);
	server->pause = evtimer_new(base, on_pause_end, server);
	return server->knock && server->pause && event_add(server->knock, NULL) == 0 ? 0 : -ENOMEM;
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
	if (server->knock)
		event_free(server->knock);
	if (server->pause)
		event_free(server->pause);
	fd_close(server->listener);
	free(server->path);
	free(server);
}
