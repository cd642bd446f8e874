/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * slirp4netns forwards ports itself, on request (call.c). It listens on IPv4 only and reaches the
 * child at the address of its interface.
 *
 * During a launch the driver waits for each answer. In the event loop it does not wait: there is
 * one request at a time, and port.c returns -EINPROGRESS to other callers until the answer has
 * arrived. If slirp4netns does not answer within the deadline, the request fails. The requests that
 * waited for their turn meanwhile fail as well, because each of them would wait as long.
 *
 * An answer to such a request may still arrive, although its caller has got an error. So the
 * connection stays open. If the answer reports a published port, that port is removed; if it
 * reports a removed port, the port leaves the table.
 *
 * A removal that cannot connect waits five seconds for the restart of slirp4netns. If there is no
 * restart, the removal fails: slirp4netns is alive and serves the port, and the command has removed
 * the socket.
 *
 * A restarted slirp4netns knows no port. The driver then adds all ports of the table again, one
 * after the other.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/json.h"
#include "fauxroot/base/list.h"
#include "fauxroot/base/str.h"
#include "fauxroot/port/drivers.h"
#include "fauxroot/sys/caps.h"
#include "slirp4netns.h"

/* How long to wait for a late answer. A port that is published after this time is not noticed. */
#define LATE_MS 600000

/* The number of such answers to wait for. Each one keeps a descriptor open. */
#define LATE_MAX 16

/* A request that was not answered in time; its caller got an error. */
struct late {
	struct list link;
	struct slirpcall call;
	struct ports *ports;
	bool removal;
	struct port port;
};

struct slirp_ports {
	struct slirpcall call; /* the request of ports->work */
	struct list overdue;
	unsigned n_overdue;
	struct port port; /* PORTS_ADDING: the port, with its final parent port */
	size_t renewed;	  /* PORTS_RENEWING: number of ports that were added again */
	bool timed_out;	  /* the previous request timed out: see above */
};

/* The request that publishes @port; NULL when out of memory. */
static json_t *add_request(const struct ports *ports, const struct port *port)
{
	const struct port_spec *spec = &port->spec;
	char child[INET6_ADDRSTRLEN + 9];

	if (spec->child_ip[0])
		(void)str_print(child, sizeof(child), "%s", spec->child_ip);
	else
		endpoint_format(&ports->net.address, child, sizeof(child));
	/* Remove the port. */
	*strchrnul(child, ':') = '\0';
	return json_pack("{s:s, s:{s:s, s:s, s:i, s:s, s:i}}", "execute", "add_hostfwd",
			 "arguments", "proto", portspec_is_udp(spec->proto) ? "udp" : "tcp",
			 "host_addr", spec->parent_ip[0] ? spec->parent_ip : "0.0.0.0", "host_port",
			 spec->parent_port, "guest_addr", child, "guest_port", spec->child_port);
}

/* Read slirp4netns's own id of the port. */
static int take_id(const json_t *result, struct port *port, struct error *err)
{
	const json_t *id = json_object_get(result, "id");

	if (!json_is_integer(id) || json_integer_value(id) < 0 ||
	    json_integer_value(id) > UINT32_MAX)
		return err_say(err, EPROTO, "slirp4netns returned no valid id for the port");
	port->driver_id = (uint32_t)json_integer_value(id);
	return 0;
}

/* Start a request in the event loop. Returns -EINPROGRESS, or -errno. */
static int start_request(struct ports *ports, json_t *request, struct error *err)
{
	struct slirp_ports *s = ports->state;
	int rc;

	if (s->timed_out) {
		json_decref(request);
		return err_say(err, ETIMEDOUT, "slirp4netns does not answer");
	}
	rc = slirpcall_start(&s->call, ports->base, ports->net.endpoint, request, err);
	return rc < 0 ? rc : -EINPROGRESS;
}

static int request_add(struct ports *ports, struct port *port, struct error *err)
{
	struct slirp_ports *s = ports->state;
	_cleanup_json_ json_t *result = NULL;
	json_t *request = add_request(ports, port);
	int rc;

	if (ports->base) {
		s->port = *port;
		return start_request(ports, request, err);
	}
	rc = slirpcall_wait(ports->net.endpoint, request, ports->cancel_fd, &result, err);
	return rc < 0 ? rc : take_id(result, port, err);
}

static bool is_ipv4(const char *ip)
{
	union endpoint e;

	return !ip[0] || (endpoint_of(ip, 0, &e) == 0 && e.sa.sa_family == AF_INET);
}

/*
 * slirp4netns reports neither why it could not listen nor which free port it chose. So try to
 * listen here first, with the rights of slirp4netns: it runs as root if we are root, but it does
 * not have our file capability.
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

	return rc < 0 ? rc : request_add(ports, port, err);
}

/*
 * Is the port gone although the request to remove it has failed? slirp4netns refuses the request
 * only if it does not forward the port: then it has carried out an earlier request, whose answer
 * came too late.
 */
static bool is_gone(int rc)
{
	return rc == -EIO;
}

static int slirp_remove(struct ports *ports, struct port *port, struct error *err)
{
	json_t *request = json_pack("{s:s, s:{s:I}}", "execute", "remove_hostfwd", "arguments",
				    "id", (json_int_t)port->driver_id);
	struct slirp_ports *s = ports->state;
	int rc = ports->base ? start_request(ports, request, err)
			     : slirpcall_wait(ports->net.endpoint, request, ports->cancel_fd, NULL,
					      err);

	/* After a restart the new slirp4netns does not have the port: see work_abandon(). */
	if (rc == -ECONNREFUSED && ports->base)
		return slirpcall_fail_later(&s->call, ports->base, err) < 0 ? rc : -EINPROGRESS;
	return is_gone(rc) ? 0 : rc;
}

/* Add the next port of the table again. Returns -EINPROGRESS, 0 if none is left, or -errno. */
static int renew_next(struct ports *ports, struct error *err)
{
	struct slirp_ports *s = ports->state;
	struct port *port = &ports->items[s->renewed];
	char text[PORTSPEC_MAX];
	int rc;

	if (s->renewed >= ports->n)
		return 0;
	rc = start_request(ports, add_request(ports, port), err);
	return rc == -EINPROGRESS ? rc
				  : err_wrap(err, rc, "publishing %s again",
					     portspec_format(&port->spec, text, sizeof(text)));
}

static void on_renewed(struct ports *ports, const json_t *result, const struct error *err)
{
	struct slirp_ports *s = ports->state;
	struct port *port = &ports->items[s->renewed];
	struct error failure;
	char text[PORTSPEC_MAX];
	int rc;

	if (err) {
		failure = *err;
		rc = -err->code;
	} else {
		rc = take_id(result, port, &failure);
	}
	if (rc < 0) {
		(void)err_wrap(&failure, rc, "publishing %s again",
			       portspec_format(&port->spec, text, sizeof(text)));
	} else {
		s->renewed++;
		rc = renew_next(ports, &failure);
		if (rc == -EINPROGRESS)
			return;
	}
	ports_finish(ports, NULL, rc < 0 ? &failure : NULL);
	if (rc < 0) {
		(void)err_step(&failure, rc, STEP_PORT);
		ports->events->lost(ports->events_arg, &failure);
	}
}

static void late_drop(struct slirp_ports *s, struct late *late)
{
	slirpcall_clear(&late->call);
	list_remove(&late->link);
	s->n_overdue--;
	free(late);
}

static void overdue_clear(struct slirp_ports *s)
{
	struct late *late;

	while ((late = LIST_FIRST(&s->overdue, struct late, link)))
		late_drop(s, late);
}

/* slirpcall.done of a late answer */
static void on_late_answer(void *arg, const json_t *result, const struct error *err)
{
	struct late *late = arg;
	struct ports *ports = late->ports;
	struct port port = late->port;
	bool removal = late->removal;

	late_drop(ports->state, late);
	if (removal && (!err || is_gone(-err->code)))
		ports_removed_late(ports, port.id);
	if (!removal && !err && take_id(result, &port, NULL) == 0)
		ports_adopt_late(ports, &port);
}

/* slirpcall.expired: if memory is short, a late answer is not noticed. */
static void on_expired(void *arg)
{
	struct ports *ports = arg;
	struct slirp_ports *s = ports->state;
	struct late *late;

	if (ports->work == PORTS_RENEWING || s->n_overdue == LATE_MAX)
		return;
	late = calloc(1, sizeof(*late));
	if (!late)
		return;
	late->ports = ports;
	late->removal = ports->work == PORTS_REMOVING;
	late->port = late->removal ? ports->current : s->port;
	late->call.fd = -1;
	late->call.done = on_late_answer;
	late->call.arg = late;
	if (slirpcall_move(&s->call, ports->base, LATE_MS, &late->call) < 0) {
		free(late);
		return;
	}
	list_append(&s->overdue, &late->link);
	s->n_overdue++;
}

/* slirpcall.done */
static void on_answer(void *arg, const json_t *result, const struct error *err)
{
	struct ports *ports = arg;
	struct slirp_ports *s = ports->state;
	struct error failure;

	if (ports->work == PORTS_RENEWING) {
		on_renewed(ports, result, err);
		return;
	}
	if (ports->work == PORTS_ADDING && !err && take_id(result, &s->port, &failure) < 0)
		err = &failure;
	if (ports->work == PORTS_REMOVING && err && is_gone(-err->code))
		err = NULL;
	s->timed_out = err && err->code == ETIMEDOUT;
	ports_finish(ports, &s->port, err);
	s->timed_out = false;
}

static int slirp_start(struct ports *ports, struct error *err)
{
	struct slirp_ports *s;

	if (!ports->net.endpoint)
		return err_say(err, EINVAL,
			       "the port driver slirp4netns needs the network slirp4netns");
	s = calloc(1, sizeof(*s));
	if (!s)
		return err_set(err, ENOMEM, "starting the port driver");
	s->call.fd = -1;
	s->call.done = on_answer;
	s->call.expired = on_expired;
	list_init(&s->overdue);
	s->call.arg = ports;
	ports->state = s;
	return 0;
}

static int slirp_restarted(struct ports *ports, struct error *err)
{
	struct slirp_ports *s = ports->state;

	slirpcall_clear(&s->call);
	overdue_clear(s);
	s->renewed = 0;
	return renew_next(ports, err);
}

static void slirp_stop(struct ports *ports)
{
	struct slirp_ports *s = ports->state;

	if (!s)
		return;
	/* The ports disappear together with slirp4netns. */
	slirpcall_clear(&s->call);
	overdue_clear(s);
	free(s);
	ports->state = NULL;
}

static const char *const protos[] = {"tcp", "tcp4", "udp", "udp4", NULL};

const struct port_driver port_slirp4netns = {
	.mode = PORT_SLIRP4NETNS,
	.name = "slirp4netns",
	.protos = protos,
	.disallow_loopback_child_ip = true,
	.by_network = true,
	.start = slirp_start,
	.add = slirp_add,
	.try = slirp_try,
	.remove = slirp_remove,
	.network_restarted = slirp_restarted,
	.stop = slirp_stop,
};
