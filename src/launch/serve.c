/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher's servers: the API, with its view of a launch, and the server of the namespaces. */
#include "serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "fauxroot/api/info.h"
#include "fauxroot/api/ports.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/sys/nudge.h"
#include "launch.h"

/* Closing a connection may take so long at the end: see sys/nudge.h. */
#define STOP_MS 10

static int copy_string(char **to, const char *from)
{
	*to = strdup(from);
	return *to ? 0 : -ENOMEM;
}

static int fill_accel(const struct launch *l, struct api_info *ret)
{
	struct accel_counts counts;

	if (!l->accel.running)
		return 0;
	accel_count(l->accel.running, &counts);
	ret->accel_on = counts.on;
	ret->accel_switched = counts.switched;
	ret->accel_left = counts.left;
	ret->accel_failed = counts.failed;
	ret->accel_restarts = counts.restarts;
	return copy_string(&ret->accel_mode, "switch");
}

static int fill_network(const struct launch *l, struct api_info *ret)
{
	char address[INET_ADDRSTRLEN];
	int rc = 0;

	if (l->net.driver->mode == NET_HOST)
		return 0;
	rc = copy_string(&ret->net_driver, l->net.driver->name);
	if (rc < 0 || !l->net.plan.configures_dns)
		return rc;
	inet_ntop(AF_INET, &l->net.plan.address, address, sizeof(address));
	rc = copy_string(&ret->net_child_ip, address);
	if (rc == 0)
		rc = fill_accel(l, ret);
	return rc < 0 ? rc : net_dns(&l->net, &ret->net_dns);
}

static int fill_ports(const struct launch *l, struct api_info *ret)
{
	const struct port_driver *driver = l->ports.driver;
	int rc;

	if (!driver)
		return 0;
	rc = copy_string(&ret->port_driver, l->ports.name);
	if (rc == 0)
		rc = copy_string(&ret->port_source_ip, ports_source(&l->ports));
	for (size_t i = 0; driver->protos[i] && rc == 0; i++)
		rc = strv_add(&ret->port_protos, driver->protos[i]);
	ret->port_disallow_loopback_child_ip = driver->disallow_loopback_child_ip;
	return rc;
}

/* api_ops.info */
static int fill_info(void *arg, struct api_info *ret, struct error *err)
{
	struct launch *l = arg;
	int rc = copy_string(&ret->version, persona_version(l->config->persona));

	ret->child_pid = l->cloned.child.pid;
	if (rc == 0)
		rc = copy_string(&ret->state_dir, l->prepared.state.path);
	if (rc == 0 && l->config->name)
		rc = copy_string(&ret->name, l->config->name);
	if (rc == 0)
		rc = fill_network(l, ret);
	if (rc == 0)
		rc = fill_ports(l, ret);
	return rc < 0 ? err_set(err, -rc, "describing this instance") : 0;
}

struct api_port serve_port(const struct ports *ports, const struct port *port)
{
	struct api_port ret = {.id = port->id, .spec = port->spec};
	struct port_counters counters;

	ret.counted = ports_counters(ports, port, &counters);
	if (ret.counted)
		ret.counters = (struct api_counters){
			.since = port->since,
			.connections = counters.connections,
			.bytes_to_child = counters.bytes_to_child,
			.bytes_from_child = counters.bytes_from_child,
		};
	return ret;
}

/* The three operations on published ports, and on services of the host. */

static int check_driver(const struct ports *ports, struct error *err)
{
	if (ports->driver)
		return 0;
	return err_say(err, EOPNOTSUPP, "no port driver is available");
}

static int list(const struct ports *ports, struct api_ports *ret, struct error *err)
{
	int rc = check_driver(ports, err);

	for (size_t i = 0; i < ports->n && rc == 0; i++) {
		const struct api_port port = serve_port(ports, &ports->items[i]);

		if (api_ports_add(ret, &port) < 0)
			rc = err_set(err, ENOMEM, "listing the ports");
	}
	return rc;
}

static int add(struct ports *ports, const struct port_spec *spec, struct api_port *ret,
	       struct error *err)
{
	const struct port *port;
	int rc = ports_add(ports, spec, &port, err);

	if (rc < 0)
		return rc;
	*ret = (struct api_port){.id = port->id, .spec = port->spec};
	return 0;
}

static int discard(struct ports *ports, uint32_t id, struct error *err)
{
	int rc = check_driver(ports, err);

	return rc < 0 ? rc : ports_remove(ports, id, err);
}

/* api_ops.list_ports */
static int list_ports(void *arg, struct api_ports *ret, struct error *err)
{
	return list(&((struct launch *)arg)->ports, ret, err);
}

/* api_ops.add_port */
static int add_port(void *arg, const struct port_spec *spec, struct api_port *ret,
		    struct error *err)
{
	return add(&((struct launch *)arg)->ports, spec, ret, err);
}

/* api_ops.remove_port */
static int remove_port(void *arg, uint32_t id, struct error *err)
{
	return discard(&((struct launch *)arg)->ports, id, err);
}

/* api_ops.abandon_port */
static void abandon_port(void *arg, uint32_t id)
{
	ports_abandon(&((struct launch *)arg)->ports, id);
}

static int check_host(const struct launch *l, struct error *err)
{
	if (l->host_ports.driver)
		return 0;
	return err_say(err, EOPNOTSUPP,
		       "services of the host need a network of the command's own with a helper: "
		       "--net=auto, without --detach-netns");
}

/* api_ops.list_host_ports */
static int list_host_ports(void *arg, struct api_ports *ret, struct error *err)
{
	const struct launch *l = arg;
	int rc = check_host(l, err);

	return rc < 0 ? rc : list(&l->host_ports, ret, err);
}

/* api_ops.add_host_port */
static int add_host_port(void *arg, const struct port_spec *spec, struct api_port *ret,
			 struct error *err)
{
	struct launch *l = arg;
	int rc = check_host(l, err);

	return rc < 0 ? rc : add(&l->host_ports, spec, ret, err);
}

/* api_ops.remove_host_port */
static int remove_host_port(void *arg, uint32_t id, struct error *err)
{
	struct launch *l = arg;
	int rc = check_host(l, err);

	return rc < 0 ? rc : discard(&l->host_ports, id, err);
}

/* api_ops.network_is_up */
static bool network_is_up(void *arg)
{
	const struct launch *l = arg;

	return !l->events.network_down;
}

/* api_ops.inside */
static enum api_inside inside(void *arg)
{
	const struct launch *l = arg;

	return l->config->api_inside;
}

static const struct api_ops api_ops = {
	.info = fill_info,
	.list_ports = list_ports,
	.add_port = add_port,
	.remove_port = remove_port,
	.abandon_port = abandon_port,
	.list_host_ports = list_host_ports,
	.add_host_port = add_host_port,
	.remove_host_port = remove_host_port,
	.network_is_up = network_is_up,
	.inside = inside,
};

/* For event_set_log_callback(): without it the library writes to stderr in its own format. */
static void log_libevent(int severity, const char *text)
{
	static const enum log_level levels[] = {
		[EVENT_LOG_DEBUG] = LOG_LEVEL_DEBUG,
		[EVENT_LOG_MSG] = LOG_LEVEL_INFO,
		[EVENT_LOG_WARN] = LOG_LEVEL_WARNING,
		[EVENT_LOG_ERR] = LOG_LEVEL_ERROR,
	};

	log_write(levels[severity], "libevent: %s", text);
}

/*
 * The number of descriptors that event_base_new(3) opens: an epoll instance, and a pipe for
 * signals. Without descriptors for the pipe it calls exit(3), and nothing would be cleaned up.
 */
#define LOOP_FDS 3

int serve_start(struct launch *l, struct error *err)
{
	int rc = fd_room(LOOP_FDS);

	if (rc < 0)
		return err_step(err, err_set(err, -rc, "making an event loop"), STEP_API);
	event_set_log_callback(log_libevent);
	l->serve.base = event_base_new();
	if (!l->serve.base)
		return err_step(err, err_set(err, ENOMEM, "making an event loop"), STEP_API);
	rc = api_server_start(l->serve.base, l->prepared.state.path, &api_ops, l, &l->serve.api,
			      err);
	if (rc == 0)
		rc = ns_server_start(l->serve.base, l->prepared.state.path, &l->cloned.target_ns,
				     &l->serve.ns_server, err);
	return rc;
}

void serve_stop(struct launch *l)
{
	struct nudge nudge;

	ns_server_stop(l->serve.ns_server);
	api_server_stop(l->serve.api);
	/* It closes the last connections. */
	nudge_begin(&nudge, STOP_MS);
	if (l->serve.base)
		event_base_free(l->serve.base);
	nudge_end(&nudge);
}
