/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * systemd trusts a message by the PID of its sender (SCM_CREDENTIALS, man 7 unix). With
 * NotifyAccess=main it accepts only the unit's main process: the launcher. So the target sends to
 * the launcher, and the launcher sends to the manager. The launcher's socket has a file. Unlike an
 * abstract address, a file can be reached from another network namespace and from copied-up
 * directories. A process that can open the file can send in the launcher's name. The mode of the
 * state directory allows only the launcher's own user, which is root in the target. A process of
 * the target that has changed its uid cannot reach the socket; it must send its messages before.
 *
 * The launcher reads one message at a time. While the manager's queue is full, it keeps the message
 * and reads no others. So the target's queue fills, and the target blocks as it would without us.
 * The socket to the manager is connected, because only then poll(2) reports the state of the other
 * side's queue. If the manager is gone, messages are dropped, and each one tries to reach it again.
 *
 * Messages keep their order, and descriptors are closed after sending. BARRIER=1 needs this: its
 * sender waits until the last copy of a pipe's end is closed. Descriptors whose closing could block
 * until the target acts are not received: see notify_fds.c.
 *
 * The target often sends its last messages just before it exits (STOPPING=1, FDSTORE=1). They are
 * forwarded before the launcher exits.
 */
#include "fauxroot/supervise/notify.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/str.h"
#include "fauxroot/sys/message.h"
#include "fauxroot/sys/nudge.h"
#include "fauxroot/sys/unix.h"
#include "notify_fds.h"
#include "notify_message.h"

/* The most messages that are read in one turn of the event loop. */
#define TURN 16

/* At the end: the most messages that are forwarded (net.unix.max_dgram_qlen is 10 to 512). */
#define LAST_MESSAGES 1024
#define LAST_MS	      1000

/* Closing the target's descriptors may take so long: see sys/nudge.h. */
#define NUDGE_MS 10

/* The shortest time between two log lines about lost messages. */
#define WARN_MS 10000

struct notify {
	char *path; /* of our socket */
	int sock;
	char *manager_path; /* canonical; NULL for an abstract address */
	struct sockaddr_un manager_addr;
	socklen_t manager_addr_size;
	int manager; /* socket that is connected to the manager; -1: the manager is not reachable */
	bool gone;   /* it was logged that the manager is not reachable */
	int64_t warned_ms;
	bool distrusted; /* the target has sent descriptors that are not received */
	struct event_base *base;
	struct event *on_message;
	struct event *on_room; /* while the manager's queue is full */

	/* The message that we keep; size 0: none. */
	char text[NOTIFY_TEXT_MAX];
	size_t size;
	int fds[MESSAGE_MAX_FDS];
	size_t n_fds;
};

/* The target has sent the descriptors: their close(2) must not wait. */
static void drop(struct notify *notify)
{
	struct nudge nudge = NUDGE_NONE;

	if (notify->n_fds > 0)
		nudge_begin(&nudge, NUDGE_MS);
	while (notify->n_fds > 0)
		fd_close(notify->fds[--notify->n_fds]);
	nudge_end(&nudge);
	notify->size = 0;
}

static void warn_lost(struct notify *notify, const char *what, int errnum)
{
	int64_t now = clock_ms();

	if (notify->warned_ms != 0 && now - notify->warned_ms < WARN_MS)
		return;
	notify->warned_ms = now;
	log_warning("a message to the service manager is lost: %s: %s", what, strerror(errnum));
}

/* 0, or -EAFNOSUPPORT if @text is not the address of a UNIX socket. */
static int parse_address(const char *text, struct sockaddr_un *ret, socklen_t *ret_size)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	size_t n = strlen(text);

	if ((text[0] != '/' && text[0] != '@') || n < 2 || n >= sizeof(addr.sun_path))
		return -EAFNOSUPPORT;
	memcpy(addr.sun_path, text, n);
	if (text[0] == '@')
		addr.sun_path[0] = '\0';
	/* An abstract address has exactly the given bytes; a path ends with a NUL. */
	*ret_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (text[0] == '/'));
	*ret = addr;
	return 0;
}

/*
 * The path @address with the links of its directory resolved. This is done once, before the target
 * runs: the target may be able to replace the links, so that they lead to a file system that hangs.
 * NULL if there is no memory.
 */
static char *canonical(const char *address)
{
	const char *name = strrchr(address, '/') + 1;
	_cleanup_free_ char *dir = str_format("%.*s", (int)(name - address), address);
	_cleanup_free_ char *real = NULL;

	if (dir)
		real = realpath(dir, NULL);
	return real ? str_format("%s/%s", streq(real, "/") ? "" : real, name) : strdup(address);
}

static int reach_manager(struct notify *notify)
{
	_cleanup_close_ int fd = -1;

	if (notify->manager_path)
		return unix_connect(notify->manager_path, SOCK_DGRAM, &notify->manager);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&notify->manager_addr,
			      notify->manager_addr_size) < 0)
		return -errno;
	notify->manager = TAKE_FD(fd);
	return 0;
}

static void manager_gone(struct notify *notify, int rc)
{
	notify->manager = fd_close(notify->manager);
	if (!notify->gone)
		log_warning("the service manager's socket \"%s\" cannot be reached: %s; "
			    "dropping messages until it can",
			    getenv("NOTIFY_SOCKET"), strerror(-rc));
	notify->gone = true;
}

static bool is_gone(int rc)
{
	return rc == -ECONNREFUSED || rc == -ECONNRESET || rc == -ENOTCONN || rc == -EPIPE;
}

/* Send the message that we keep, or drop it. Returns 0; or -EAGAIN if we still keep it. */
static int send_message(struct notify *notify)
{
	int rc = -ENOTCONN;

	if (notify->manager >= 0)
		rc = message_send(notify->manager, notify->text, notify->size, notify->fds,
				  notify->n_fds);
	if (is_gone(rc)) {
		/* Another manager may listen there now. */
		notify->manager = fd_close(notify->manager);
		rc = reach_manager(notify);
		if (rc == 0)
			rc = message_send(notify->manager, notify->text, notify->size, notify->fds,
					  notify->n_fds);
		else
			manager_gone(notify, rc);
	}
	if (rc == -EAGAIN)
		return rc;
	if (rc == 0)
		notify->gone = false;
	else if (!notify->gone)
		warn_lost(notify, "sending", -rc);
	drop(notify);
	return 0;
}

/* Read one message; we must not keep one. Returns 1; 0 if nothing is to be sent; or -EAGAIN. */
static int take_message(struct notify *notify)
{
	struct nudge nudge = NUDGE_NONE;
	char raw[NOTIFY_TEXT_MAX];
	bool has_fds;
	ssize_t n;
	int rc;

	/* The check needs a process, and may need a second. After one failure do not repeat it. */
	rc = message_has_fds(notify->sock);
	if (rc == -EAGAIN)
		return rc;
	has_fds = rc > 0;
	if (has_fds && !notify->distrusted)
		rc = notify_fds_check(notify->sock);
	notify->n_fds = rc == 0 ? MESSAGE_MAX_FDS : 0;
	/* Those that we do not receive are closed, too. */
	if (has_fds)
		nudge_begin(&nudge, NUDGE_MS);
	n = message_recv(notify->sock, raw, sizeof(raw), notify->fds, &notify->n_fds);
	nudge_end(&nudge);
	if (rc != 0) {
		notify->distrusted |= rc == -EPERM || rc == -ETIMEDOUT;
		warn_lost(notify, "its descriptors may belong to a file system that hangs",
			  rc > 0 ? EPERM : -rc);
		return 0;
	}
	if (n < 0) {
		notify->n_fds = 0;
		if (n != -EAGAIN)
			warn_lost(notify, "receiving", (int)-n);
		return n == -EAGAIN ? -EAGAIN : 0;
	}
	rc = notify_rewrite(raw, (size_t)n, getpid(), notify->text, &notify->size);
	if (rc < 0)
		warn_lost(notify, "parsing", -rc);
	if (rc < 0 || notify->size == 0)
		drop(notify);
	return notify->size > 0;
}

static void on_room(evutil_socket_t fd, short what, void *arg);

/* Call on_room() when the manager's queue has room, and read no message until then. */
static void wait_for_room(struct notify *notify)
{
	static const struct timeval second = {.tv_sec = 1};

	notify->on_room = event_new(notify->base, notify->manager, EV_WRITE, on_room, notify);
	if (!notify->on_room || event_add(notify->on_room, &second) < 0) {
		warn_lost(notify, "waiting to send", ENOMEM);
		if (notify->on_room)
			event_free(notify->on_room);
		notify->on_room = NULL;
		drop(notify);
		return;
	}
	event_del(notify->on_message);
}

static void on_room(evutil_socket_t fd, short what, void *arg)
{
	struct notify *notify = arg;

	(void)fd;
	(void)what;
	/* Free the event first: sending may replace the descriptor that it watches. */
	event_free(notify->on_room);
	notify->on_room = NULL;
	if (send_message(notify) == -EAGAIN)
		wait_for_room(notify);
	if (!notify->on_room)
		event_add(notify->on_message, NULL);
}

static void on_message(evutil_socket_t fd, short what, void *arg)
{
	struct notify *notify = arg;

	(void)fd;
	(void)what;
	for (int i = 0; i < TURN; i++) {
		int rc = take_message(notify);

		if (rc == -EAGAIN)
			return;
		if (rc > 0 && send_message(notify) == -EAGAIN) {
			wait_for_room(notify);
			return;
		}
	}
}

int notify_open(const char *dir, struct notify **ret, struct error *err)
{
	const char *address = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr;
	struct notify *notify;
	socklen_t size;
	int rc;

	*ret = NULL;
	if (!address || !*address)
		return 0;
	if (parse_address(address, &addr, &size) < 0) {
		log_warning("NOTIFY_SOCKET=%s is not a UNIX socket; messages are not forwarded, "
			    "and the command gets the variable unchanged",
			    address);
		return 0;
	}
	notify = calloc(1, sizeof(*notify));
	if (!notify)
		return err_set(err, ENOMEM, "forwarding messages to the service manager");
	notify->manager = notify->sock = -1;
	notify->manager_addr = addr;
	notify->manager_addr_size = size;
	notify->path = str_format("%s/notify", dir);
	if (address[0] == '/')
		notify->manager_path = canonical(address);
	rc = notify->path && (notify->manager_path || address[0] != '/')
		     ? unix_bind(dir, "notify", SOCK_DGRAM, &notify->sock, err)
		     : err_set(err, ENOMEM, "forwarding messages to the service manager");
	if (rc < 0) {
		notify_close(notify);
		return rc;
	}
	rc = reach_manager(notify);
	if (rc < 0)
		manager_gone(notify, rc);
	*ret = notify;
	return 0;
}

const char *notify_path(const struct notify *notify)
{
	return notify ? notify->path : NULL;
}

int notify_serve(struct notify *notify, struct event_base *base, struct error *err)
{
	if (!notify)
		return 0;
	notify->base = base;
	notify->on_message =
		event_new(base, notify->sock, EV_READ | EV_PERSIST, on_message, notify);
	if (!notify->on_message || event_add(notify->on_message, NULL) < 0)
		return err_set(err, ENOMEM, "forwarding messages to the service manager");
	return 0;
}

static void forward_last(struct notify *notify)
{
	struct deadline deadline = deadline_in(LAST_MS);

	for (int i = 0; i < LAST_MESSAGES; i++) {
		if (notify->size == 0 && take_message(notify) == -EAGAIN)
			return;
		while (notify->size > 0 && send_message(notify) == -EAGAIN)
			if (deadline_left(&deadline) == 0 ||
			    fd_wait(notify->manager, POLLOUT, &deadline, -1) < 0) {
				warn_lost(notify, "the manager does not read", ETIMEDOUT);
				return;
			}
	}
}

void notify_close(struct notify *notify)
{
	if (!notify)
		return;
	if (notify->sock >= 0)
		forward_last(notify);
	if (notify->on_message)
		event_free(notify->on_message);
	if (notify->on_room)
		event_free(notify->on_room);
	drop(notify);
	nudge_close(notify->sock);
	fd_close(notify->manager);
	free(notify->path);
	free(notify->manager_path);
	free(notify);
}
