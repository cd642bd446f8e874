/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * slirp4netns forwards ports itself, told over its API socket: one JSON request a connection, the
 * end of the request marked by shutdown(2), one JSON answer (man 1 slirp4netns, "API SOCKET"). It
 * listens on IPv4 only, reaches the child at its interface's address, and crashes on requests that
 * lack a member, so ours are always whole. Its answers are those of a helper: bounded, awaited with
 * a deadline, their types checked.
 *
 * When slirp4netns has been started again it knows no port: all of the table are added once more.
 */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/str.h"
#include "fauxroot/port/drivers.h"
#include "fauxroot/sys/caps.h"

#define ANSWER_MS    5000
#define ANSWER_BYTES 4096

static void release_json(json_t **json)
{
	json_decref(*json);
}

#define _cleanup_json_ _cleanup_(release_json)

/* A connection to the API socket, or -errno: -ECONNREFUSED where slirp4netns has died. */
static int dial(struct ports *ports, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;

	if (!ports->net.slirp_socket || str_print(address.sun_path, sizeof(address.sun_path), "%s",
						  ports->net.slirp_socket) < 0)
		return err_say(err, ENAMETOOLONG, "slirp4netns has no API socket that fits");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, errno, "making a socket");
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return TAKE_FD(fd);
	if (errno == ENOENT || errno == ECONNREFUSED)
		return err_say(err, ECONNREFUSED, "slirp4netns is not there: connecting to %s: %s",
			       address.sun_path, strerror(errno));
	return err_set(err, errno, "connecting to %s", address.sun_path);
}

/* Read to the end of file, within @deadline and ANSWER_BYTES. */
static int receive(struct ports *ports, int fd, const struct deadline *deadline, char *data,
		   size_t *ret_size, struct error *err)
{
	size_t size = 0;

	for (;;) {
		ssize_t n;
		int rc = fd_wait(fd, POLLIN, deadline, ports->cancel_fd);

		if (rc < 0)
			return err_set(err, -rc, "waiting for the answer of slirp4netns");
		n = recv(fd, data + size, ANSWER_BYTES - size, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return err_set(err, errno, "reading the answer of slirp4netns");
		if (n == 0)
			break;
		size += (size_t)n;
		if (size == ANSWER_BYTES)
			return err_say(err, EMSGSIZE, "the answer of slirp4netns is too long");
	}
	*ret_size = size;
	return 0;
}

/* The error member of an answer: what slirp4netns says, as our sentence. */
static int refused(const json_t *answer, struct error *err)
{
	const json_t *desc = json_object_get(json_object_get(answer, "error"), "desc");
	const char *text = json_string_value(desc);

	return err_say(err, EIO, "slirp4netns refused: %s", text ? text : "no reason given");
}

/* One request, whose reference is taken. @ret: the member "return" of the answer, or NULL. */
static int call(struct ports *ports, json_t *request, json_t **ret, struct error *err)
{
	_cleanup_json_ json_t *owned = request, *answer = NULL;
	_cleanup_free_ char *text = owned ? json_dumps(owned, JSON_COMPACT) : NULL;
	char data[ANSWER_BYTES];
	struct deadline deadline = deadline_in(ANSWER_MS);
	_cleanup_close_ int fd = -1;
	json_t *result;
	size_t size = 0;
	int rc;

	if (!text)
		return err_set(err, ENOMEM, "asking slirp4netns");
	fd = dial(ports, err);
	if (fd < 0)
		return fd;
	/* A request of a few hundred bytes always fits the socket's buffer. */
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text) ||
	    shutdown(fd, SHUT_WR) < 0)
		return err_set(err, errno, "asking slirp4netns");
	rc = receive(ports, fd, &deadline, data, &size, err);
	if (rc < 0)
		return rc;
	answer = json_loadb(data, size, JSON_REJECT_DUPLICATES, NULL);
	if (json_object_get(answer, "error"))
		return refused(answer, err);
	result = json_object_get(answer, "return");
	if (!json_is_object(result))
		return err_say(err, EPROTO, "the answer of slirp4netns is not one");
	if (ret)
		*ret = json_incref(result);
	return 0;
}

static int ask_to_add(struct ports *ports, struct port *port, struct error *err)
{
	const struct port_spec *spec = &port->spec;
	_cleanup_json_ json_t *result = NULL;
	char child[INET6_ADDRSTRLEN + 9];
	json_t *arguments, *id;
	int rc;

	if (spec->child_ip[0])
		(void)str_print(child, sizeof(child), "%s", spec->child_ip);
	else
		endpoint_format(&ports->net.address, child, sizeof(child));
	/* Without its port. */
	*strchrnul(child, ':') = '\0';
	arguments =
		json_pack("{s:s, s:s, s:i, s:s, s:i}", "proto",
			  portspec_is_udp(spec->proto) ? "udp" : "tcp", "host_addr",
			  spec->parent_ip[0] ? spec->parent_ip : "0.0.0.0", "host_port",
			  spec->parent_port, "guest_addr", child, "guest_port", spec->child_port);
	rc = call(ports, json_pack("{s:s, s:o}", "execute", "add_hostfwd", "arguments", arguments),
		  &result, err);
	if (rc < 0)
		return rc;
	id = json_object_get(result, "id");
	if (!json_is_integer(id) || json_integer_value(id) < 0 ||
	    json_integer_value(id) > UINT32_MAX)
		return err_say(err, EPROTO, "slirp4netns gave the port no id");
	port->driver_id = (uint32_t)json_integer_value(id);
	return 0;
}

static bool is_ipv4(const char *ip)
{
	union endpoint e;

	return !ip[0] || (endpoint_of(ip, 0, &e) == 0 && e.sa.sa_family == AF_INET);
}

/*
 * slirp4netns says neither why it could not listen nor which free port it got: see first, with the
 * rights that it has: root's where we are root, but not our file capability.
 */
static int slirp_try(struct ports *ports, struct port *port, struct error *err)
{
	const struct port_spec *spec = &port->spec;
	struct port probe = *port;
	union endpoint child;
	bool may_bind;
	int rc;

	(void)ports;
	if (!is_ipv4(spec->parent_ip) || !is_ipv4(spec->child_ip))
		return err_say(err, EINVAL, "slirp4netns forwards IPv4 only");
	if (spec->child_ip[0] && endpoint_of(spec->child_ip, 0, &child) == 0 &&
	    endpoint_is_loopback(&child))
		return err_say(err, EINVAL, "slirp4netns cannot reach the loopback address %s",
			       spec->child_ip);
	probe.spec.proto = portspec_is_udp(spec->proto) ? PROTO_UDP4 : PROTO_TCP4;
	may_bind = geteuid() != 0 && caps_use_bind(false);
	rc = listen_open(&probe, err);
	if (may_bind)
		(void)caps_use_bind(true);
	listen_close(&probe);
	if (rc == 0)
		port->spec.parent_port = probe.spec.parent_port;
	return rc;
}

static int slirp_add(struct ports *ports, struct port *port, struct error *err)
{
	int rc = slirp_try(ports, port, err);

	return rc < 0 ? rc : ask_to_add(ports, port, err);
}

static int slirp_remove(struct ports *ports, struct port *port, struct error *err)
{
	json_t *arguments = json_pack("{s:I}", "id", (json_int_t)port->driver_id);
	int rc = call(ports,
		      json_pack("{s:s, s:o}", "execute", "remove_hostfwd", "arguments", arguments),
		      NULL, err);

	/* It is dead, and its ports with it; the next one is told of those in the table only. */
	return rc == -ECONNREFUSED ? 0 : rc;
}

static int slirp_start(struct ports *ports, struct error *err)
{
	if (!ports->net.slirp_socket)
		return err_say(err, EINVAL,
			       "the port driver slirp4netns needs the network slirp4netns");
	return 0;
}

static int slirp_restarted(struct ports *ports, struct error *err)
{
	for (size_t i = 0; i < ports->n; i++) {
		struct port *port = &ports->items[i];
		char text[PORTSPEC_MAX];
		int rc = ask_to_add(ports, port, err);

		if (rc < 0)
			return err_wrap(err, rc, "publishing %s again",
					portspec_format(&port->spec, text, sizeof(text)));
	}
	return 0;
}

static void slirp_stop(struct ports *ports)
{
	(void)ports; /* slirp4netns takes its ports with it */
}

static const char *const protos[] = {"tcp", "tcp4", "udp", "udp4", NULL};

const struct port_driver port_slirp4netns = {
	.mode = PORT_SLIRP4NETNS,
	.name = "slirp4netns",
	.protos = protos,
	.disallow_loopback_child_ip = true,
	.start = slirp_start,
	.add = slirp_add,
	.try = slirp_try,
	.remove = slirp_remove,
	.network_restarted = slirp_restarted,
	.stop = slirp_stop,
};
