/* SPDX-License-Identifier: Apache-2.0 */
/* The command's own network: device, helper, name servers, pings. */
#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <unistd.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/config/cidr.h"
#include "fauxroot/machine/resolvconf.h"
#include "fauxroot/machine/routes.h"
#include "fauxroot/names/at.h"

/* Name servers in the row "names". */
#define NAMES_SHOWN 4

static void probe_port_driver(const struct preflight *p, struct finding *f)
{
	see(f, "%s: started", config_has_forwarder(p->config) ? "builtin" : "of the network");
}

static void probe_addresses(const struct preflight *p, struct finding *f)
{
	struct in_addr address = cidr_of(p->config).address;
	char text[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &address, text, sizeof(text));
	see(f, "%s/%u%s", text, cidr_of(p->config).prefix,
	    routes_virtual(p->machine)
		    ? "; this virtual machine's own 10.0.2.0/24 has no neighbours"
		    : "");
	warn(p, f, "network-overlap");
}

static bool names_server(const char *text)
{
	struct cursor c = cursor_of(text), line;

	while (cursor_line(&c, &line))
		if (cursor_word(&line, "nameserver") && cursor_blanks(&line) > 0 &&
		    !cursor_at_end(&line))
			return true;
	return false;
}

/* Follow the links of /etc/resolv.conf under the root of the machine; false if there are too many.
 */
static bool follow(const struct preflight *p, char *path, size_t size, struct finding *f)
{
	for (int links = 0; links < 8; links++) {
		char place[PATH_MAX], to[PATH_MAX], next[PATH_MAX];
		ssize_t n = -1;

		if (machine_path(p->machine, path, place, sizeof(place)))
			n = readlink(place, to, sizeof(to) - 1);
		if (n < 0)
			return true;
		to[n] = '\0';
		if (to[0] == '/')
			(void)str_print(next, sizeof(next), "%s", to);
		else
			(void)str_print(next, sizeof(next), "%.*s/%s",
					(int)(strrchr(path, '/') - path), path, to);
		if (str_print(path, size, "%s", next) < 0)
			return false;
		see(f, "%s → %s", f->seen, next);
	}
	return false;
}

static void probe_resolv_conf(const struct preflight *p, struct finding *f)
{
	_cleanup_free_ char *text = NULL;
	char path[PATH_MAX] = "/etc/resolv.conf";

	see(f, "%s", path);
	if (follow(p, path, sizeof(path), f))
		text = machine_read(p->machine, path);
	if (text && names_server(text))
		return;
	(void)fact(p->facts, "file", "%s", path);
	(void)fact(p->facts, "fault",
		   !text ? "is missing, or a broken link: names cannot be resolved"
			 : "names no server: names cannot be resolved");
	warn(p, f, "no-name-server");
}

/* The servers that the name service asks. Sets {servers}. */
static void probe_names(const struct preflight *p, struct finding *f)
{
	_cleanup_free_ char *text = machine_read(p->machine, "/etc/resolv.conf");
	union endpoint servers[NAMES_SHOWN];
	size_t n = resolvconf_servers(text ? text : "", text ? strlen(text) : 0, if_nametoindex,
				      NAMES_PORT, servers, ARRAY_SIZE(servers));
	char one[ENDPOINT_MAX];

	f->seen[0] = '\0';
	for (size_t i = 0; i < n; i++)
		see(f, "%s%s%s", f->seen, i > 0 ? ", " : "",
		    endpoint_format(&servers[i], one, sizeof(one)));
	(void)fact(p->facts, "servers", "%s", f->seen);
	see(f, "relayed to %s; port 53 is free for the command", f->seen);
}

/* The setting is no proof: outside of our user namespace its range has other numbers. */
static void probe_ping(const struct preflight *p, struct finding *f)
{
	const struct outcome *outcome = &p->outcomes->of[TRIAL_PING];
	char range[64];

	if (outcome_works(outcome)) {
		see(f, "allowed");
		return;
	}
	if (outcome->rc != -EACCES) {
		see_unknown(f, "%s", outcome->tried ? outcome->err.text : "not tried");
		return;
	}
	if (!machine_first_line(p->machine, "/proc/sys/net/ipv4/ping_group_range", range,
				sizeof(range)))
		(void)str_print(range, sizeof(range), "unknown");
	if (strchr(range, '\t'))
		*strchr(range, '\t') = ' ';
	(void)fact(p->facts, "setting", "%s", range);
	see(f, "not allowed");
	warn(p, f, "ping-range");
}

static bool with_names(const struct config *config)
{
	return config_has_helper(config) && config_dns(config) == DNS_RELAY;
}

static bool with_services(const struct config *config)
{
	return config->forward_host.n > 0;
}

static bool with_port_driver(const struct config *config)
{
	return config->port_driver != PORT_NONE && config->port_driver != PORT_IMPLICIT;
}

static bool with_implicit_ports(const struct config *config)
{
	return config->port_driver == PORT_IMPLICIT;
}

const struct probe probes_of_networks[] = {
	{"/dev/net/tun", config_has_helper, TRIAL_TUN, .seen = "a TAP device: made"},
	{"network", config_has_netns, TRIAL_NET, .seen = "{helper}: started, ready",
	 .degraded = "ready, but degraded", .warning = "network-degraded"},
	{"addresses", config_has_helper, .look = probe_addresses},
	{"resolv.conf", config_has_helper, .look = probe_resolv_conf},
	{"names", with_names, TRIAL_NAMES, .look = probe_names,
	 .degraded = "relayed to {servers}; port 53 is taken from the command",
	 .warning = "port-53-taken"},
	{"ping", config_has_helper, .look = probe_ping},
	{"acceleration", config_has_accel, TRIAL_ACCEL, .seen = "switch: started",
	 .degraded = "switch: started, without effect", .warning = "accel-without-effect"},
	{"port driver", with_port_driver, TRIAL_PORT_DRIVER, .look = probe_port_driver,
	 .degraded = "builtin: started, without the addresses of remote clients",
	 .warning = "source-addresses"},
	/* A consequence of the option, not of the machine. */
	{"implicit ports", with_implicit_ports,
	 .seen = "pasta forwards every port on which the command listens",
	 .warning = "implicit-ports"},
	{.name = "port"},
	{"services of the host", with_services, TRIAL_HOST_PORTS,
	 .seen = "listening in the command's network, and relayed"},
	{.name = NULL},
};
