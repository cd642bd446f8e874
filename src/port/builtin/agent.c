/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A socket always belongs to the network namespace in which it was made. The agent runs in the
 * child's network namespace. It makes unconnected sockets there and passes them to the forwarder,
 * which connects them itself. So a connection needs no round trip to the agent, and no socket of
 * the host is ever within reach of the target.
 *
 * The agent is in the middle user namespace: the target can neither ptrace it nor take its
 * descriptors. But the target can signal it; if the agent dies, the launcher restarts it.
 */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/socket.h>
#include <unistd.h>

#include "confine.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/proc/confine.h"
#include "fauxroot/sys/memory.h"
#include "fauxroot/sys/message.h"
#include "fauxroot/sys/ns.h"
#include "protocol.h"
#include "source.h"

#ifndef IPV6_TRANSPARENT
#define IPV6_TRANSPARENT 75
#endif

/* After this long without a request the agent is idle. */
#define CALM_MS 1000

static void set(int fd, int level, int option, int value)
{
	/* Ignore failures: each option is optional. bind() fails later if a required one is unset.
	 */
	(void)setsockopt(fd, level, option, &value, sizeof(value));
}

static void set_tcp(int fd, enum socket_kind kind)
{
	static const struct linger reset = {.l_onoff = 1, .l_linger = 0};

	set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	/* The same options as for client sockets: see port/listen.c. */
	set(fd, SOL_SOCKET, SO_OOBINLINE, 1);
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	socket_stays_here(fd);
	/* Let connect() choose the port of a bound address: it can use one port for several
	 * destinations (man 7 ip). */
	set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	if (kind_family(kind) == AF_INET6)
		set(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, 1);
	else
		set(fd, IPPROTO_IP, IP_TRANSPARENT, 1);
}

/* Bind @fd to an abstract name that the kernel chooses (man 7 unix: autobind). The forwarder may
 * call bind(2), and could otherwise make files with the socket. */
static int autobind(int fd)
{
	static const struct sockaddr none = {.sa_family = AF_UNIX};

	return bind(fd, &none, sizeof(none.sa_family));
}

static int make_socket(enum socket_kind kind)
{
	int fd = socket(kind_family(kind), kind_type(kind) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (kind == KIND_UNIX && autobind(fd) < 0) {
		int rc = -errno;

		fd_close(fd);
		return rc;
	}
	if (kind != KIND_UNIX && kind_type(kind) == SOCK_STREAM)
		set_tcp(fd, kind);
	if (kind_marked(kind))
		set(fd, SOL_SOCKET, SO_MARK, SOURCE_SOCKET_MARK);
	return fd;
}

static int answer(int sock, const struct supply_request *request)
{
	struct supply_answer reply = {.kind = request->kind};
	int fds[MAX_BATCH], rc;

	while (reply.count < request->count) {
		int fd = make_socket((enum socket_kind)request->kind);

		if (fd < 0) {
			reply.error = reply.count > 0 ? 0 : fd;
			break;
		}
		fds[reply.count++] = fd;
	}
	rc = message_send(sock, &reply, sizeof(reply), fds, reply.count);
	for (size_t i = 0; i < reply.count; i++)
		fd_close(fds[i]);
	if (rc != -ETOOMANYREFS)
		return rc;
	/* Other processes of the user are passing too many descriptors (man 7 unix): a shortage. */
	reply.error = rc;
	reply.count = 0;
	return message_send(sock, &reply, sizeof(reply), NULL, 0);
}

/* Serve one request. Returns false when the connection is closed or broken. */
static bool serve(int sock)
{
	struct supply_request request;
	ssize_t n = message_recv(sock, &request, sizeof(request), NULL, NULL);

	return n > 0 && supply_check_request(&request, (size_t)n) == 0 &&
	       answer(sock, &request) == 0;
}

_noreturn_ static void agent_main(const struct ns_set *ns, const int *socks, size_t n)
{
	struct pollfd fds[MAX_WORKERS];

	if (ns) {
		struct ns_set own = ns_select(ns, NS_JOIN_NET);

		if (ns_join(&own, NS_JOIN_NET, NULL) < 0)
			_exit(1);
		ns_set_close(&own);
	}
	if (confine_stdio(NULL) < 0 || confine_caps(ns ? CAP_NET_ADMIN : -1, NULL) < 0 ||
	    confine_agent(NULL) < 0)
		_exit(1);
	for (size_t i = 0; i < n; i++)
		fds[i] = (struct pollfd){.fd = socks[i], .events = POLLIN};
	for (;;) {
		int ready = poll(fds, n, CALM_MS);

		if (ready == 0)
			ready = memory_sleep(fds, n);
		if (ready < 0 && errno != EINTR)
			_exit(1);
		/* A worker has exited or closed its socket: exit. The launcher restarts the agent
		 * for all workers. */
		for (size_t i = 0; i < n; i++)
			if (fds[i].revents && !serve(fds[i].fd))
				_exit(0);
	}
}

static void close_all(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fds[i] = fd_close(fds[i]);
}

int agent_start(const struct ns_set *ns, size_t n, struct process *ret, int *ret_socks,
		struct error *err)
{
	const struct ns_set joined = ns ? ns_select(ns, NS_JOIN_NET) : NS_SET_NONE;
	int ours[MAX_WORKERS], theirs[MAX_WORKERS], keep[MAX_WORKERS + NS_KINDS];
	size_t made, kept = ns_set_list(&joined, keep);
	int rc = 0;

	for (made = 0; made < n; made++) {
		int pair[2];

		rc = message_pair(pair);
		if (rc < 0)
			break;
		ours[made] = pair[0];
		theirs[made] = keep[kept + made] = pair[1];
		(void)fcntl(pair[0], F_SETFL, O_NONBLOCK);
	}
	if (rc < 0)
		rc = err_set(err, -rc, "making socket pairs for the port agent");
	else
		rc = fork_clean("fauxroot: agent", keep, kept + n, ret, err);
	if (rc == 0)
		agent_main(ns, theirs, n);
	close_all(theirs, made);
	if (rc < 0) {
		close_all(ours, made);
		return rc;
	}
	memcpy(ret_socks, ours, n * sizeof(ours[0]));
	return 0;
}
