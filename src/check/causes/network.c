/* SPDX-License-Identifier: Apache-2.0 */
/* /dev/net/tun, and the helper programs of networks. */
#include "../cause.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/stat.h>

#include "fauxroot/base/str.h"
#include "fauxroot/config/cidr.h"
#include "fauxroot/machine/routes.h"

#define NET STEP_BIT(STEP_NET)

#define DEVICE "/dev/net/tun"

static bool device_is_missing(struct facts *facts)
{
	return !machine_exists(facts->machine, DEVICE);
}

static bool device_is_something_else(struct facts *facts)
{
	struct stat st;

	return machine_stat(facts->machine, DEVICE, &st) && !S_ISCHR(st.st_mode) &&
	       fact(facts, "type", "%s",
		    S_ISDIR(st.st_mode)	  ? "a directory"
		    : S_ISREG(st.st_mode) ? "a file"
					  : "something else");
}

/* man 8 mount, nodev: opening a device there fails, whatever its mode is. */
static bool device_is_on_nodev(struct facts *facts)
{
	struct stat st;

	return machine_stat(facts->machine, DEVICE, &st) && is_mounted_with(facts, DEVICE, "nodev");
}

static bool device_is_closed(struct facts *facts)
{
	struct stat st;

	return machine_stat(facts->machine, DEVICE, &st) && (st.st_mode & 0006) != 0006 &&
	       fact(facts, "mode", "%04o", st.st_mode & 07777);
}

static bool is_in_container(struct facts *facts)
{
	struct container container;

	return machine_container(facts->machine, &container);
}

static bool is_slirp(struct facts *facts)
{
	return facts->config->net != NET_PASTA &&
	       streq(facts->err->about, facts->config->slirp4netns.binary);
}

static bool is_pasta(struct facts *facts)
{
	return facts->config->net != NET_SLIRP4NETNS &&
	       streq(facts->err->about, facts->config->pasta.binary);
}

/* Is the failure about a helper program? Sets {helper}: its usual name, {binary}: the option for
 * its file, {get helper}: how to install it. */
static bool is_helper(struct facts *facts)
{
	static const struct {
		bool (*test)(struct facts *facts);
		const char *name, *binary, *install;
	} helpers[] = {
		{is_slirp, "slirp4netns", "--slirp4netns-binary", "{install slirp4netns}"},
		{is_pasta, "pasta", "--pasta-binary", "{install passt}"},
	};
	char install[256];

	for (size_t i = 0; i < ARRAY_SIZE(helpers); i++)
		if (helpers[i].test(facts))
			return fact(facts, "helper", "%s", helpers[i].name) &&
			       fact(facts, "binary", "%s", helpers[i].binary) &&
			       facts_expand(helpers[i].install, facts, install, sizeof(install)) &&
			       fact(facts, "get helper", "%s", install);
	return false;
}

/* pasta has rows of its own for features that old versions lack. */
static bool slirp_is_old(struct facts *facts)
{
	return is_slirp(facts) && is_helper(facts);
}

static bool has_no_helper(struct facts *facts)
{
	return config_chooses_helper(facts->config) && is_slirp(facts);
}

static bool pasta_leaks_loopback(struct facts *facts)
{
	return is_pasta(facts) && facts->config->disable_host_loopback;
}

static bool pasta_leaks_loopback6(struct facts *facts)
{
	return pasta_leaks_loopback(facts) && facts->config->ipv6;
}

static bool pasta_forwards_nothing(struct facts *facts)
{
	return is_pasta(facts) && facts->config->port_driver == PORT_IMPLICIT;
}

/* passt's own profile allows what pasta needs. Ubuntu 23.10 and 24.04 do not have it. */
static bool pasta_has_no_profile(struct facts *facts)
{
	return is_pasta(facts) &&
	       setting_is(facts, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1");
}

static void add_shield(struct facts *facts, const char *option)
{
	(void)fact_add(facts, "required", " ", "%s=true", option);
	(void)fact_add(facts, "options", " ", "%s=auto", option);
}

static bool shield_was_required(struct facts *facts)
{
	if (!is_helper(facts))
		return false;
	if (facts->config->slirp4netns.sandbox == TRI_TRUE)
		add_shield(facts, "--slirp4netns-sandbox");
	if (facts->config->slirp4netns.seccomp == TRI_TRUE)
		add_shield(facts, "--slirp4netns-seccomp");
	return *fact_text(facts, "required") != '\0';
}

/* slirp4netns binds the port itself; a capability of ours does not help. */
static bool port_of_slirp_is_privileged(struct facts *facts)
{
	return facts->config->port_driver == PORT_SLIRP4NETNS && port_is_privileged(facts);
}

static bool print_network(struct facts *facts, const char *name, const struct cidr *network)
{
	char text[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &network->address, text, sizeof(text));
	return fact(facts, name, "%s/%u", text, network->prefix);
}

/* Sets {network}: the command's, {route}: the host's, {free network}: one to use instead. */
static bool host_has_our_network(struct facts *facts)
{
	struct cidr ours = cidr_of(facts->config), other;
	char route[32];

	if (!routes_overlap(facts->machine, &ours, route, sizeof(route)) ||
	    !routes_free(facts->machine, &other))
		return false;
	return fact(facts, "route", "%s", route) && print_network(facts, "network", &ours) &&
	       print_network(facts, "free network", &other);
}

#define HAND_OVER_TUN                      \
	.docker = "--device /dev/net/tun", \
	.lxd = "config device add NAME tun unix-char path=/dev/net/tun"

#define OTHER_NET "use --net=slirp4netns\n{install slirp4netns} # if it is missing"

#define LOAD_TUN "sudo modprobe tun && echo tun | sudo tee /etc/modules-load.d/tun.conf"

const struct cause causes_of_networks[] = {
	{FAILURE("tun-missing", NET, REASON_DEVICE, ENOENT), .test = device_is_missing,
	 .cause = "there is no /dev/net/tun", HAND_OVER_TUN,
	 .kubernetes = "mount a hostPath volume of /dev/net/tun", .remedy = "use --net=host",
	 .outside = LOAD_TUN},
	{FAILURE("tun-driver-missing", NET, REASON_DEVICE, ENODEV, ENXIO),
	 .cause = "/dev/net/tun exists, but the kernel has not loaded the tun driver",
	 .remedy = LOAD_TUN},
	{FAILURE("tun-is-something-else", NET, REASON_DEVICE, ENOTTY, EINVAL, EISDIR),
	 .test = device_is_something_else,
	 .cause = "/dev/net/tun is not a character device: {type}",
	 .docker = "--device /dev/net/tun",
	 .remedy = "sudo rm -r /dev/net/tun && sudo mknod -m 0666 /dev/net/tun c 10 200"},
	{FAILURE("tun-nodev", NET, REASON_DEVICE, EACCES), .test = device_is_on_nodev,
	 .cause = "/dev/net/tun is on {mount}, which is mounted nodev",
	 .docker = "--device /dev/net/tun", .remedy = "sudo mount -o remount,dev {mount}"},
	{FAILURE("tun-closed", NET, REASON_DEVICE, EACCES, EPERM), .test = device_is_closed,
	 .cause = "the mode of /dev/net/tun is {mode}, but every user must be able to open it: the "
		  "kernel checks rights by the network namespace",
	 .remedy = "sudo chmod 0666 /dev/net/tun"},
	{FAILURE("tun-device-rules", NET, REASON_DEVICE, EACCES, EPERM), .test = is_in_container,
	 .cause = "this container's device rules do not allow /dev/net/tun", HAND_OVER_TUN,
	 .kubernetes = "use a device plugin that provides it\nin Kubernetes, set "
		       "privileged: true",
	 .remedy = "use --net=host"},
	{FAILURE("network-helpers-missing", NET, REASON_EXEC, ENOENT), .test = has_no_helper,
	 .cause = "neither slirp4netns nor pasta is installed, or PATH does not lead to them",
	 .remedy = "{install slirp4netns}\n{install passt} # contains pasta"},
	{FAILURE("pasta-missing", NET, REASON_EXEC, ENOENT), .test = is_pasta,
	 .cause = "pasta is not installed, or neither --pasta-binary nor PATH leads to it",
	 .remedy = "{install passt} # contains pasta\nuse --net=auto # uses slirp4netns if that is "
		   "installed"},
	{FAILURE("helper-missing", NET, REASON_EXEC, ENOENT), .test = is_helper,
	 .cause = "{helper} is not installed, or neither {binary} nor PATH leads to it",
	 .remedy = "{get helper}"},
	{FAILURE("helper-old", NET, REASON_TOO_OLD, EOPNOTSUPP), .test = slirp_is_old,
	 .cause = "the {helper} that PATH or {binary} leads to is too old",
	 .remedy = "{get helper}\nuse a newer one: {binary}=FILE"},
	{FAILURE("helper-not-executable", NET, REASON_EXEC, EACCES, ENOEXEC), .test = is_helper,
	 .cause = "{binary} or PATH leads to a file that this machine cannot execute",
	 .remedy = "use another file: {binary}=FILE\n{get helper}"},
	{FAILURE("helper-impostor", NET, REASON_OTHER_PROGRAM, EPROTO), .test = is_helper,
	 .cause = "{binary} or PATH leads to a program other than {helper}",
	 .remedy = "use another file: {binary}=FILE\n{get helper}"},
	{FAILURE("helper-shields", NET, REASON_DIED, ECHILD), .test = shield_was_required,
	 .cause = "{required} is requested, and {helper} does not start with it on this machine",
	 .remedy = "use {options} # continues without it"},
	{FAILURE("pasta-ipv6-loopback", NET, REASON_TOO_OLD, EOPNOTSUPP),
	 .test = pasta_leaks_loopback6,
	 .cause = "with --ipv6 the command can reach the host's loopback through all "
		  "known versions of pasta: it writes a datagram to ::ffff:127.0.0.1 to "
		  "its network device",
	 .remedy = OTHER_NET "\nomit --ipv6"},
	{FAILURE("pasta-old-loopback", NET, REASON_TOO_OLD, EOPNOTSUPP),
	 .test = pasta_leaks_loopback,
	 .cause = "this pasta is too old for --disable-host-loopback: frames that the command "
		  "writes to its network device reach the host's loopback",
	 .remedy = OTHER_NET
	 "\nuse a pasta of 2024-09 or later, as in Debian 13: --pasta-binary=FILE"},
	{FAILURE("pasta-old-implicit", NET, REASON_TOO_OLD, EOPNOTSUPP),
	 .test = pasta_forwards_nothing,
	 .cause = "this pasta is too old for --port-driver=implicit: it forwards ports only if the "
		  "command may reach the host's loopback, too",
	 .remedy = "use --port-driver=builtin\nuse a pasta of 2024-12 or later, as in Debian 13: "
		   "--pasta-binary=FILE"},
	{FAILURE("pasta-no-route", NET, REASON_NO_ROUTE, ECHILD), .test = is_pasta,
	 .cause = "this machine has no default route, and pasta before 2024 does not start without "
		  "one",
	 .remedy = OTHER_NET
	 "\nconnect this "
	 "machine to a network\nuse a pasta of 2024 or later: --pasta-binary=FILE"},
	{FAILURE("pasta-apparmor", NET, REASON_CONFINED, ECHILD), .test = pasta_has_no_profile,
	 .cause =
		 "AppArmor does not let pasta enter user namespaces, and the package passt of this "
		 "release has no profile for it",
	 .remedy = OTHER_NET "\nsudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"},
	{FAILURE("pasta-confined", NET, REASON_CONFINED, ECHILD), .test = is_pasta,
	 .cause =
		 "pasta is not permitted to enter the command's namespaces: a security module or a "
		 "container forbids it",
	 .remedy = "use --net=slirp4netns\nsudo dmesg | grep -e apparmor -e avc # shows what was "
		   "refused"},
	{FAILURE("port-privileged-slirp4netns", STEP_BIT(STEP_PORT), REASON_LISTEN, EACCES),
	 .test = port_of_slirp_is_privileged,
	 .cause = "/proc/sys/net/ipv4/ip_unprivileged_port_start is {start}: lower ports need "
		  "CAP_NET_BIND_SERVICE, which slirp4netns does not have",
	 .remedy = "sudo sysctl -w net.ipv4.ip_unprivileged_port_start={lowest}\nsudo setcap "
		   "cap_net_bind_service=ep {self} # then use --port-driver=builtin\nuse a parent "
		   "port from {start} up"},
	/* Warnings. */
	{.id = "network-overlap",
	 .test = host_has_our_network,
	 .cause = "the host has a route to {route}, which overlaps {network}, the command's "
		  "network: the command cannot reach these addresses of the host's network",
	 .remedy = "use --cidr={free network}"},
	{.id = "network-degraded",
	 .cause = "{warning}",
	 .remedy = "use --slirp4netns-sandbox=false --slirp4netns-seccomp=false # if this is "
		   "intended"},
	{.cause = NULL},
};
