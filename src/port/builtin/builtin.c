/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The launcher's side of the builtin driver. The launcher binds the listeners and keeps them. It
 * prepares the child's network for real client addresses (addresses.c). It runs two processes: the
 * forwarder, which relays, and the agent, which makes sockets of the child's network namespace for
 * the forwarder (forwarder.c and agent.c).
 *
 * The forwarder answers orders at once, so the launcher waits for each answer. If it is unknown
 * whether an ADD took effect, the launcher sends a REMOVE (-ENOENT: there is no such port). If the
 * REMOVE fails as well, a new forwarder gets the ports of the table.
 *
 * Both processes are restarted when they die (proc/kept.h: when, and how often). A new agent joins
 * the pinned namespaces, even if the target has left them, and connections continue. A new
 * forwarder uses the same listeners, so only the connections of the old one are lost. A process
 * that does not answer is killed. A process that is stopped is continued, and killed if it is
 * stopped again (the target may signal the agent). While there is no forwarder, ports are added and
 * removed in the table only, and clients wait in the backlogs of the listeners.
 *
 * The reverse driver makes services of the host reachable for the command. It has the same two
 * processes, with the sockets exchanged. A runner makes the listeners in the child's network. The
 * agent is in the host's network, and makes the sockets that the forwarder connects. This forwarder
 * may connect to these services only. A forwarder for both directions could connect a socket of the
 * host to an address that is meant for the child's network.
 */
#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "addresses.h"
#include "agent.h"
#include "counters.h"
#include "fauxroot/proc/destinations.h"
#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/port/drivers.h"
#include "fauxroot/proc/kept.h"
#include "fauxroot/sys/message.h"
#include "forwarder.h"
#include "gateway.h"
#include "protocol.h"
#include "reverse.h"

#define ANSWER_MS 5000

struct builtin {
	bool reverse;		/* services of the host for the command: see above */
	bool started;		/* with .reverse: the processes were started once */
	struct gateway gateway; /* with .reverse */
	struct process forwarder, agent;
	int control;	 /* socket towards the forwarder */
	uint32_t serial; /* of the last order */
	struct event *event;
	struct destinations destinations; /* of all ports; port.driver_id is the slot */
	struct addresses addresses;	  /* of remote clients */
	struct counters counters;	  /* of all ports; port.counter is the slot */
	struct kept kept_forwarder;	  /* a restart also restarts the agent */
	struct kept kept_agent;
};

static const char *forwarder_name(const struct builtin *b)
{
	return b->kept_forwarder.ops->name;
}

static unsigned count_processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return (unsigned)MAX(1, MIN(CPU_COUNT(&set), MAX_WORKERS));
}

/* Receive one message of the forwarder; a LOG line is logged. Returns 1 for DONE, 0 if there is
 * more to receive, or -errno: after FAILED, the error with which the forwarder could not start. */
static int receive_reply(struct builtin *b, struct control_message *ret, struct error *err)
{
	ssize_t n = message_recv(b->control, ret, sizeof(*ret), NULL, NULL);

	/* The forwarder exited without reading an order. Its last messages come after this
	 * error. */
	if (n == -ECONNRESET)
		return 0;
	if (n <= 0)
		return err_say(err, EPIPE, "%s exited", forwarder_name(b));
	if (control_check_reply(ret, (size_t)n, 0) < 0)
		return err_say(err, EPROTO, "protocol error from %s", forwarder_name(b));
	if (ret->type == CONTROL_DONE)
		return 1;
	if (ret->type == CONTROL_FAILED)
		return err_set(err, -ret->result, "starting %s", forwarder_name(b));
	log_as("forwarder", (enum log_level)ret->log.level, ret->log.text);
	return 0;
}

/* The forwarder has closed its socket, so no order can be sent. Read its last messages: one of them
 * may be FAILED. Returns its error, or -EPIPE. */
static int receive_last(struct builtin *b, struct error *err)
{
	struct deadline now = deadline_in(0);
	struct control_message m;
	int rc = 0;

	for (int i = 0; i < 1000 && rc >= 0 && fd_wait(b->control, POLLIN, &now, -1) == 0; i++)
		rc = receive_reply(b, &m, err);
	return rc < 0 ? rc : err_say(err, EPIPE, "%s exited", forwarder_name(b));
}

/* Send an order and wait for its answer. */
static int send_order(struct ports *ports, struct control_message *m, const int *fds, size_t n,
		      struct error *err)
{
	struct builtin *b = ports->state;
	struct deadline deadline = deadline_in(ANSWER_MS);
	struct control_message reply;
	int rc;

	m->serial = ++b->serial;
	rc = message_send(b->control, m, sizeof(*m), fds, n);
	if (rc == -EPIPE || rc == -ECONNRESET)
		return receive_last(b, err);
	if (rc < 0)
		return err_set(err, -rc, "sending an order to %s", forwarder_name(b));
	do {
		rc = fd_wait(b->control, POLLIN, &deadline, ports->cancel_fd);
		/* Log lines do not extend the deadline. */
		if (rc == 0 && deadline_left(&deadline) == 0)
			rc = -ETIMEDOUT;
		if (rc < 0)
			return err_set(err, -rc, "waiting for %s", forwarder_name(b));
		rc = receive_reply(b, &reply, err);
	} while (rc == 0 || (rc > 0 && reply.serial != m->serial));
	if (rc < 0)
		return rc;
	if (reply.result == -ENOSPC)
		return err_say(err, ENOSPC, "%s cannot watch more descriptors (sysctl %s)",
			       forwarder_name(b), "fs.epoll.max_user_watches");
	return reply.result < 0 ? err_set(err, -reply.result, "%s refused", forwarder_name(b)) : 0;
}

/* The cookie of the launcher's own network namespace; 0: not known */
static uint64_t own_netns_cookie(void)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd < 0 ? 0 : socket_netns_cookie(fd);
}

static int start_agent(struct ports *ports, struct error *err)
{
	struct builtin *b = ports->state;
	struct control_message m = {.type = CONTROL_SUPPLY};
	int socks[MAX_WORKERS];
	int rc = agent_start(b->reverse ? NULL : ports->ns, b->counters.threads, &b->agent, socks,
			     err);

	if (rc < 0)
		return rc;
	kept_watch(&b->kept_agent, &b->agent);
	m.supply.netns_cookie = b->reverse ? own_netns_cookie() : b->addresses.setup.netns_cookie;
	rc = send_order(ports, &m, socks, b->counters.threads, err);
	for (unsigned i = 0; i < b->counters.threads; i++)
		fd_close(socks[i]);
	if (rc < 0)
		process_kill(&b->agent);
	return rc;
}

static int send_add(struct ports *ports, const struct port *port, struct error *err)
{
	struct builtin *b = ports->state;
	struct control_message m = {.type = CONTROL_ADD, .id = port->id};
	size_t n_listeners = listen_count(port);
	union endpoint parents[2];
	int rc;

	m.add.udp = portspec_is_udp(port->spec.proto);
	m.add.destination = port->driver_id;
	m.add.counter = port->counter;
	if (b->reverse) {
		reverse_describe(port, &m.add);
		return send_order(ports, &m, port->listeners, n_listeners, err);
	}
	(void)portspec_parent(&port->spec, parents);
	m.add.child = portspec_child(&port->spec);
	m.add.proxy = *addresses_proxy(&b->addresses, m.add.child.sa.sa_family);
	m.add.wildcard = endpoint_is_wildcard(&parents[0]);
	m.add.transparent = addresses_kept(&b->addresses, ports, port);
	m.add.marked = m.add.transparent && addresses_marked(&b->addresses);
	rc = addresses_route(&b->addresses, ports, port, err);
	if (rc < 0)
		return rc;
	return send_order(ports, &m, port->listeners, n_listeners, err);
}

static void stop_processes(struct builtin *b)
{
	process_kill(&b->forwarder);
	process_kill(&b->agent);
	if (b->event)
		event_free(TAKE_PTR(b->event));
	b->control = fd_close(b->control);
}

static void on_control(evutil_socket_t fd, short events, void *arg)
{
	struct builtin *b = arg;
	struct control_message m;

	(void)fd;
	(void)events;
	/* On an error only stop watching: the process table reports the forwarder's exit. */
	if (receive_reply(b, &m, NULL) < 0)
		event_del(b->event);
}

static int watch_control(struct ports *ports, struct error *err)
{
	struct builtin *b = ports->state;

	if (!ports->base)
		return 0;
	b->event = event_new(ports->base, b->control, EV_READ | EV_PERSIST, on_control, b);
	if (!b->event || event_add(b->event, NULL) < 0)
		return err_set(err, ENOMEM, "watching the port forwarder");
	return 0;
}

/* Start both processes, with the ports of the table. */
static int start_processes(struct ports *ports, struct error *err)
{
	struct builtin *b = ports->state;
	int rc = forwarder_start(b->reverse ? "fauxroot: host" : "fauxroot: ports", &b->counters,
				 b->reverse, b->destinations.fd, &b->forwarder, &b->control, err);

	kept_watch(&b->kept_forwarder, &b->forwarder);
	if (rc == 0)
		rc = start_agent(ports, err);
	/* A port without a listener is being removed. */
	for (size_t i = 0; i < ports->n && rc == 0; i++)
		if (ports->items[i].listeners[0] >= 0)
			rc = send_add(ports, &ports->items[i], err);
	if (rc == 0)
		rc = watch_control(ports, err);
	if (rc < 0)
		stop_processes(b);
	else
		kept_restarted(&b->kept_agent);
	return rc;
}

/*
 * The forwarder has died or does not work any more, with the error @err. Start a new one with the
 * ports of the table: during a launch at once, in the event loop some time later. Returns 0 or
 * -errno.
 */
static int replace_forwarder(struct ports *ports, struct error *err)
{
	struct builtin *b = ports->state;

	log_warning("%s; restarting it", err->text);
	stop_processes(b);
	if (!ports->base)
		return start_processes(ports, err);
	kept_died(&b->kept_forwarder, err->text);
	return 0;
}

/* kept_ops.start */
static int restart_forwarder(void *arg, struct error *err)
{
	return start_processes(arg, err);
}

/* kept_ops.start */
static int restart_agent(void *arg, struct error *err)
{
	struct ports *ports = arg;
	struct builtin *b = ports->state;
	int rc;

	/* The next forwarder starts the agent, too. */
	if (b->control < 0)
		return 0;
	rc = start_agent(ports, err);
	return kept_is_gone(rc) ? replace_forwarder(ports, err) : rc;
}

/* kept_ops.ended: without a forwarder, stop the agent, too. */
static void on_forwarder_ended(void *arg, int status, char *why, size_t size)
{
	const struct ports *ports = arg;

	(void)status;
	(void)why;
	(void)size;
	stop_processes(ports->state);
}

/* kept_ops.lost */
static void on_lost(void *arg, const struct error *err)
{
	struct ports *ports = arg;

	stop_processes(ports->state);
	ports->events->lost(ports->events_arg, err);
}

static const struct kept_ops forwarder_ops = {
	.name = "the port forwarder",
	.step = STEP_PORT,
	.start = restart_forwarder,
	.ended = on_forwarder_ended,
	.lost = on_lost,
};

static const struct kept_ops agent_ops = {
	.name = "the port agent",
	.step = STEP_PORT,
	.start = restart_agent,
	.lost = on_lost,
};

static const struct kept_ops host_forwarder_ops = {
	.name = "the forwarder to the host",
	.step = STEP_PORT,
	.persistent = true,
	.start = restart_forwarder,
	.ended = on_forwarder_ended,
	.lost = on_lost,
};

static const struct kept_ops host_agent_ops = {
	.name = "the host agent",
	.step = STEP_PORT,
	.persistent = true,
	.start = restart_agent,
	.lost = on_lost,
};

/* Prepare what both directions need. Starts no process. */
static int prepare(struct ports *ports, struct error *err)
{
	bool reverse = ports->driver->reverse;
	struct builtin *b = calloc(1, sizeof(*b));
	int rc;

	if (!b)
		return err_set(err, ENOMEM, "starting the port forwarder");
	ports->state = b;
	b->reverse = reverse;
	b->forwarder = b->agent = PROCESS_NONE;
	kept_init(&b->kept_forwarder, reverse ? &host_forwarder_ops : &forwarder_ops, ports);
	kept_init(&b->kept_agent, reverse ? &host_agent_ops : &agent_ops, ports);
	kept_follow(&b->kept_agent, &b->forwarder);
	b->gateway = GATEWAY_NONE;
	b->control = b->destinations.fd = -1;
	b->addresses = ADDRESSES_NONE;
	/* Each port has up to PORT_LISTENERS_MAX listeners. The target exists already, so it keeps
	 * the old limit. */
	(void)fd_raise_limit();
	rc = counters_open(&b->counters, count_processors(), err);
	return rc < 0 ? rc : destinations_open(&b->destinations, err);
}

static int builtin_start(struct ports *ports, struct error *err)
{
	int rc = prepare(ports, err);
	struct builtin *b = ports->state;

	if (rc < 0)
		return rc;
	rc = addresses_prepare(&b->addresses, ports, err);
	return rc < 0 ? rc : start_processes(ports, err);
}

/* Start the processes with the first service. */
static int start_first(struct ports *ports, struct error *err)
{
	struct builtin *b = ports->state;
	struct error why = {0};

	if (b->started)
		return 0;
	b->started = start_processes(ports, err) == 0;
	if (!b->started)
		return -err->code;
	if (ports->net.gateway.sa.sa_family != AF_UNSPEC &&
	    gateway_open(&b->gateway, ports, &why) < 0)
		log_debug("no service of the host at the gateway's address: %s", why.text);
	return 0;
}

static int builtin_supervise(struct ports *ports, struct error *err)
{
	struct builtin *b = ports->state;
	int rc = b->control >= 0 ? watch_control(ports, err) : 0;

	kept_supervise(&b->kept_forwarder, ports->base, ports->children);
	kept_supervise(&b->kept_agent, ports->base, ports->children);
	kept_watch(&b->kept_forwarder, &b->forwarder);
	kept_watch(&b->kept_agent, &b->agent);
	if (rc == 0)
		rc = b->reverse ? gateway_supervise(&b->gateway, ports->base, err)
				: addresses_supervise(&b->addresses, ports, err);
	return rc;
}

/*
 * Make sure that the forwarder does not serve the port @id, whose listeners are closed. If its
 * answer is no clear result, send the order again; if that fails as well, restart the
 * forwarder. Returns 0, or -errno if the restart fails.
 */
static int send_remove(struct ports *ports, uint32_t id, struct error *err)
{
	const struct builtin *b = ports->state;
	struct control_message m = {.type = CONTROL_REMOVE, .id = id};
	int rc = b->control < 0 ? -ENOENT : send_order(ports, &m, NULL, 0, err);

	if (rc < 0 && rc != -ENOENT && !kept_is_gone(rc)) {
		log_debug("%s; retrying", err->text);
		rc = send_order(ports, &m, NULL, 0, err);
	}
	return rc == 0 || rc == -ENOENT ? 0 : replace_forwarder(ports, err);
}

/* Release what @port uses. No forwarder serves it any more. */
static void forget(struct ports *ports, const struct port *port)
{
	struct builtin *b = ports->state;

	if (!b->reverse)
		addresses_unroute(&b->addresses, ports, port);
	destinations_drop(&b->destinations, port->driver_id);
	counters_drop(&b->counters, port->counter);
}

/* Let the forwarder connect to the target of @port. */
static int permit(struct builtin *b, struct port *port, struct error *err)
{
	const struct port_spec *spec = &port->spec;
	union endpoint target;

	if (spec->host_path[0])
		return destinations_add_path(&b->destinations, spec->host_path, &port->driver_id,
					     err);
	target = b->reverse ? portspec_host(spec) : portspec_child(spec);
	return destinations_add(&b->destinations, &target, &port->driver_id, err);
}

static int builtin_add(struct ports *ports, struct port *port, struct error *err)
{
	struct builtin *b = ports->state;
	struct error lost;
	int rc = b->reverse ? start_first(ports, err) : 0, gone = 0;

	if (rc == 0)
		rc = b->reverse ? reverse_listen(ports, port, err) : listen_open(port, err);
	if (rc < 0)
		return rc;
	if (!b->reverse && addresses_wanted(&b->addresses, ports, port))
		rc = addresses_track(&b->addresses, ports, err);
	if (rc == 0)
		rc = permit(b, port, err);
	if (rc < 0) {
		listen_close(port);
		return rc;
	}
	port->counter = counters_take(&b->counters);
	/* If there is no forwarder, the next one gets this port with the rest of the table. */
	if (b->control >= 0)
		rc = send_add(ports, port, err);
	if (kept_is_gone(rc)) {
		rc = replace_forwarder(ports, err);
		if (rc == 0 && b->control >= 0)
			rc = send_add(ports, port, err);
	}
	if (rc < 0) {
		listen_close(port);
		/* A forwarder that refused does not serve the port. After other failures it may. */
		gone = send_remove(ports, port->id, &lost);
		if (gone < 0)
			*err = lost;
		forget(ports, port);
	} else if (b->reverse) {
		gateway_redirect(&b->gateway, ports, port);
	}
	return gone < 0 ? gone : rc;
}

static int builtin_remove(struct ports *ports, struct port *port, struct error *err)
{
	struct builtin *b = ports->state;

	listen_close(port);
	/* If this fails, there is no forwarder, so nothing serves the port. */
	if (send_remove(ports, port->id, err) < 0)
		log_warning("%s", err->text);
	forget(ports, port);
	if (b->reverse)
		gateway_redirect(&b->gateway, ports, NULL);
	return 0;
}

static bool builtin_counters(const struct ports *ports, const struct port *port,
			     struct port_counters *ret)
{
	const struct builtin *b = ports->state;

	if (port->counter == 0)
		return false;
	counters_read(&b->counters, port->counter, ret);
	/* The forwarder counts "from the client" and "from the target". Here the client is the
	 * command. */
	if (b->reverse) {
		uint64_t to_host = ret->bytes_to_child;

		ret->bytes_to_child = ret->bytes_from_child;
		ret->bytes_from_child = to_host;
	}
	return true;
}

static bool builtin_keeps_source(const struct ports *ports)
{
	const struct builtin *b = ports->state;

	return b && addresses_possible(&b->addresses, ports);
}

static void builtin_prepare_source(struct ports *ports)
{
	struct builtin *b = ports->state;
	struct error err = {0};

	if (builtin_keeps_source(ports) && addresses_track(&b->addresses, ports, &err) < 0)
		log_warning("%s", err.text);
}

static void builtin_stop(struct ports *ports)
{
	struct builtin *b = ports->state;

	if (!b)
		return;
	kept_clear(&b->kept_forwarder);
	kept_clear(&b->kept_agent);
	stop_processes(b);
	addresses_clear(&b->addresses);
	destinations_close(&b->destinations);
	counters_close(&b->counters);
	gateway_close(&b->gateway);
	free(b);
	ports->state = NULL;
}

static const char *const protos[] = {"tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", NULL};

const struct port_driver port_builtin = {
	.mode = PORT_BUILTIN,
	.name = "builtin",
	.protos = protos,
	.start = builtin_start,
	.add = builtin_add,
	.remove = builtin_remove,
	.supervise = builtin_supervise,
	.counters = builtin_counters,
	.keeps_source = builtin_keeps_source,
	.prepare_source = builtin_prepare_source,
	.stop = builtin_stop,
};

static const char *const host_protos[] = {"tcp", "udp", NULL};

const struct port_driver port_builtin_reverse = {
	.mode = PORT_BUILTIN,
	.name = "builtin",
	.protos = host_protos,
	.reverse = true,
	.start = prepare,
	.add = builtin_add,
	.remove = builtin_remove,
	.supervise = builtin_supervise,
	.counters = builtin_counters,
	.stop = builtin_stop,
};
