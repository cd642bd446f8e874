/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/port/port.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/str.h"
#include "fauxroot/config/options.h"
#include "fauxroot/port/drivers.h"
#include "slirp4netns/slirp4netns.h"
#include "work.h"

static const struct port_driver *const drivers[] = {
	&port_builtin,
	&port_slirp4netns,
	NULL,
};

int ports_open(const struct config *config, int cancel_fd, struct ports *ret, struct error *err)
{
	struct ports ports = {.config = config, .cancel_fd = cancel_fd};
	struct port_spec spec;

	ports.name = options_port_driver(config);
	for (size_t i = 0; drivers[i]; i++)
		if (drivers[i]->mode == config->port_driver)
			ports.driver = drivers[i];
	if (config_has_forwarder(config))
		ports.driver = &port_builtin;
	for (size_t i = 0; i < config->publish.n; i++)
		if (portspec_parse(config->publish.items[i], &spec, err) < 0)
			return err_step(err, -EINVAL, STEP_OPTIONS);
	*ret = ports;
	return 0;
}

void ports_open_host(const struct config *config, int cancel_fd, struct ports *ret)
{
	*ret = (struct ports){
		.config = config,
		.cancel_fd = cancel_fd,
		.driver = &port_builtin_reverse,
	};
}

static bool is_reverse(const struct ports *ports)
{
	return ports->driver && ports->driver->reverse;
}

static int publish(struct ports *ports, const char *text, struct error *err)
{
	const struct port *port;
	struct port_spec spec;
	int rc = is_reverse(ports) ? portspec_parse_host(text, &spec, err)
				   : portspec_parse(text, &spec, err);

	if (rc == 0)
		rc = ports_add(ports, &spec, &port, err);
	return rc;
}

struct port_net port_net_at(struct in_addr address, const struct in6_addr *address6)
{
	struct port_net net = {.endpoint = NULL};

	if (address.s_addr != 0)
		net.address = endpoint_of_ipv4(address);
	if (address6)
		net.address6 = endpoint_of_ipv6(address6);
	return net;
}

int ports_start(struct ports *ports, const struct ns_set *ns, const struct port_net *net,
		struct error *err)
{
	int rc;

	if (!ports->driver)
		return 0;
	ports->ns = ns;
	ports->net = *net;
	rc = ports->driver->start(ports, err);
	return err_step(err, rc, STEP_PORT);
}

int ports_publish(struct ports *ports, struct error *err)
{
	const struct strv *wanted =
		is_reverse(ports) ? &ports->config->forward_host : &ports->config->publish;
	int rc = 0;

	for (size_t i = 0; i < wanted->n && rc == 0; i++)
		rc = publish(ports, wanted->items[i], err);
	return err_step(err, rc, STEP_PORT);
}

int ports_supervise(struct ports *ports, struct event_base *base, struct children *children,
		    const struct ports_events *events, void *arg, struct error *err)
{
	ports->base = base;
	ports->children = children;
	ports->events = events;
	ports->events_arg = arg;
	/* From now on a terminating signal belongs to the target. The target may run long after it,
	 * and ports are still added and removed, so a pending signal must not cancel our waits.
	 * Each wait has its own deadline. */
	ports->cancel_fd = -1;
	return ports->driver && ports->driver->supervise ? ports->driver->supervise(ports, err) : 0;
}

int ports_network_restarted(struct ports *ports, struct error *err)
{
	int rc;

	if (!ports->driver || !ports->driver->network_restarted)
		return 0;
	work_abandon(ports);
	work_forget_unwanted(ports);
	rc = ports->driver->network_restarted(ports, err);
	if (rc == -EINPROGRESS) {
		ports->work = PORTS_RENEWING;
		return 0;
	}
	if (rc == 0)
		work_announce(ports);
	return err_step(err, rc, STEP_PORT);
}

static bool has_proto(const struct port_driver *driver, enum port_proto proto)
{
	for (size_t i = 0; driver->protos[i]; i++)
		if (streq(driver->protos[i], portspec_proto_name(proto)))
			return true;
	return false;
}

static int check_driver(const struct ports *ports, const struct port_spec *spec, struct error *err)
{
	char text[WORK_TEXT_MAX];

	if (ports->driver)
		return 0;
	work_spec_text(ports, spec, text);
	return err_step(err, err_say(err, EOPNOTSUPP, "%s: there is no port driver", text),
			STEP_PORT);
}

static bool conflict(const struct ports *ports, const struct port_spec *a,
		     const struct port_spec *b)
{
	return is_reverse(ports) ? portspec_conflict_inside(a, b) : portspec_conflict(a, b);
}

static int check_new(const struct ports *ports, const struct port_spec *spec, struct error *err)
{
	char text[WORK_TEXT_MAX];

	work_spec_text(ports, spec, text);
	if (!has_proto(ports->driver, spec->proto))
		return err_say(err, EOPNOTSUPP, "%s: the port driver %s has no %s", text,
			       ports->name, portspec_proto_name(spec->proto));
	for (size_t i = 0; i < ports->n; i++) {
		uint32_t id = ports->items[i].id;
		int rc;

		if (!conflict(ports, &ports->items[i].spec, spec))
			continue;
		rc = err_say(err, EADDRINUSE, "%s: it conflicts with port %u", text, id);
		return is_reverse(ports) ? rc : err_about(err, rc, REASON_PORT_TWICE, "%u", id);
	}
	return 0;
}

/* slirp4netns sends an answer to 127.0.0.1 to its own port, where --disable-host-loopback stops it.
 * TCP is not affected: slirp4netns accepts those connections itself. */
static bool loses_answers(const struct ports *ports, const struct port_spec *spec)
{
	union endpoint parent;

	return ports->driver == &port_slirp4netns && ports->config->disable_host_loopback &&
	       portspec_is_udp(spec->proto) &&
	       (!spec->parent_ip[0] ||
		(endpoint_of(spec->parent_ip, 0, &parent) == 0 &&
		 (endpoint_is_loopback(&parent) || endpoint_is_wildcard(&parent))));
}

static bool needs_ipv6(const struct ports *ports, const struct port_spec *spec)
{
	union endpoint child = portspec_child(spec);

	return config_has_helper(ports->config) && !ports->config->ipv6 &&
	       child.sa.sa_family == AF_INET6 && !endpoint_is_loopback(&child);
}

static void warn_about(const struct ports *ports, const struct port_spec *spec)
{
	char text[WORK_TEXT_MAX];

	if (is_reverse(ports))
		return;
	work_spec_text(ports, spec, text);
	if (loses_answers(ports, spec))
		log_warning("%s: with --disable-host-loopback, clients at 127.0.0.1 get no answer "
			    "from this port driver; --port-driver=builtin has no such limit",
			    text);
	if (needs_ipv6(ports, spec))
		log_warning("%s: the command's network has no IPv6 without --ipv6", text);
}

/* @run: port_driver.add, or port_driver.try for a trial only */
static int add(struct ports *ports, const struct port_spec *spec,
	       int (*run)(struct ports *ports, struct port *port, struct error *err),
	       struct error *err)
{
	struct port port = {.spec = *spec, .listeners = PORT_NO_LISTENERS};
	char text[WORK_TEXT_MAX];
	int rc = check_new(ports, spec, err);

	if (rc == 0)
		rc = work_make_room(ports, err);
	if (rc < 0)
		return err_step(err, rc, STEP_PORT);
	port.id = ++ports->last_id;
	rc = run(ports, &port, err);
	if (rc == 0 || rc == -EINPROGRESS)
		warn_about(ports, spec);
	if (rc == -EINPROGRESS)
		return work_begin(ports, PORTS_ADDING, &port, spec);
	if (rc < 0) {
		/* The id was never shown: use it again. */
		ports->last_id--;
		work_spec_text(ports, spec, text);
		return err_step(err, err_wrap(err, rc, "%s", text), STEP_PORT);
	}
	work_enter(ports, &port);
	return 0;
}

int ports_add(struct ports *ports, const struct port_spec *spec, const struct port **ret,
	      struct error *err)
{
	int rc = check_driver(ports, spec, err);

	if (rc == 0 && ports->outcome.work == PORTS_ADDING && portspec_equal(&ports->asked, spec)) {
		rc = work_take_outcome(ports, err);
	} else {
		/* An unwanted port may occupy the address of @spec. */
		work_remove_unwanted(ports);
		if (rc == 0)
			rc = work_check_idle(ports, err);
		if (rc == 0)
			rc = add(ports, spec, ports->driver->add, err);
	}
	if (rc == 0)
		*ret = &ports->items[ports->n - 1];
	return rc;
}

/* port_driver.try for drivers without one */
static int try_listen(struct ports *ports, struct port *port, struct error *err)
{
	int rc = listen_open(port, err);

	(void)ports;
	listen_close(port);
	return rc;
}

int ports_try(struct ports *ports, const struct port_spec *spec, struct error *err)
{
	int rc = check_driver(ports, spec, err);

	return rc < 0 ? rc
		      : add(ports, spec, ports->driver->try ? ports->driver->try : try_listen, err);
}

int ports_remove(struct ports *ports, uint32_t id, struct error *err)
{
	if (ports->outcome.work == PORTS_REMOVING && ports->current.id == id)
		return work_take_outcome(ports, err);
	return work_remove(ports, id, err);
}

bool ports_counters(const struct ports *ports, const struct port *port, struct port_counters *ret)
{
	return ports->driver && ports->driver->counters &&
	       ports->driver->counters(ports, port, ret);
}

const char *ports_source(const struct ports *ports)
{
	if (!ports->driver)
		return NULL;
	return ports->driver->keeps_source && ports->driver->keeps_source(ports) ? "client"
										 : "proxy";
}

void ports_prepare_source(struct ports *ports)
{
	if (ports->driver && ports->driver->prepare_source)
		ports->driver->prepare_source(ports);
}

void ports_stop(struct ports *ports)
{
	if (ports->driver)
		ports->driver->stop(ports);
	for (size_t i = 0; i < ports->n; i++)
		listen_close(&ports->items[i]);
	if (ports->retry)
		event_free(ports->retry);
	free(ports->items);
	*ports = PORTS_NONE;
}
