/* SPDX-License-Identifier: Apache-2.0 */
/* Published ports. */
#include "../cause.h"

#include <errno.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/config/portspec.h"

#define PORT STEP_BIT(STEP_PORT)

/* Split the subject of REASON_LISTEN: "[::1]:80/tcp". */
static bool tried(const struct facts *facts, struct cursor *ret_address, uint32_t *ret_port)
{
	const char *about = facts->err->about, *port = strrchr(about, ':');
	struct cursor c = cursor_of(port ? port + 1 : "");

	if (cursor_u32(&c, UINT16_MAX, ret_port) < 0 || !cursor_char(&c, '/'))
		return false;
	*ret_address = cursor_of_n(about, (size_t)(port - about));
	return true;
}

/* The lowest of several ports: a setting that allows it allows all. */
static uint32_t lowest_port(const struct facts *facts, uint32_t tried)
{
	const struct strv *publish = &facts->config->publish;
	struct port_spec spec;

	for (size_t i = 0; i < publish->n; i++)
		if (portspec_parse(publish->items[i], &spec, NULL) == 0)
			tried = MIN(tried, (uint32_t)spec.parent_port);
	return tried;
}

bool port_is_privileged(struct facts *facts)
{
	struct cursor address;
	uint32_t port, start;

	return fact_file(facts, "start", "/proc/sys/net/ipv4/ip_unprivileged_port_start") &&
	       parse_u32(fact_text(facts, "start"), UINT16_MAX, &start) == 0 &&
	       tried(facts, &address, &port) && port < start &&
	       fact(facts, "lowest", "%u", lowest_port(facts, port));
}

static bool error_names_address(struct facts *facts)
{
	struct cursor address;
	uint32_t port;

	return tried(facts, &address, &port) &&
	       fact(facts, "address", "%.*s", (int)cursor_left(&address), address.at);
}

static bool is_ipv6(const struct facts *facts)
{
	return *facts->err->about == '[';
}

/* man 5 proc: the file exists if the kernel has IPv6, whether or not an interface uses it. */
static bool kernel_has_no_ipv6(struct facts *facts)
{
	return is_ipv6(facts) && !machine_exists(facts->machine, "/proc/net/if_inet6");
}

static bool filter_refuses_ipv6(struct facts *facts)
{
	return is_ipv6(facts) && has_filter(facts);
}

#define DISABLE_IPV6(interface) "/proc/sys/net/ipv6/conf/" interface "/disable_ipv6"

/* Sets {interface}: whose setting disables IPv6. The loopback device has a setting of its own. */
static bool interface_has_no_ipv6(struct facts *facts)
{
	if (setting_is(facts, DISABLE_IPV6("all"), "1"))
		return fact(facts, "interface", "all");
	return strncmp(facts->err->about, "[::1]", 5) == 0 &&
	       setting_is(facts, DISABLE_IPV6("lo"), "1") && fact(facts, "interface", "lo");
}

static bool ipv6_is_disabled(struct facts *facts)
{
	return is_ipv6(facts) && interface_has_no_ipv6(facts);
}

static bool is_by_slirp(struct facts *facts)
{
	return facts->config->port_driver == PORT_SLIRP4NETNS;
}

#define IPV4_INSTEAD "use an IPv4 address"

const struct cause causes_of_ports[] = {
	{FAILURE("port-privileged", PORT, REASON_LISTEN, EACCES), .test = port_is_privileged,
	 .cause = "/proc/sys/net/ipv4/ip_unprivileged_port_start is {start}: lower ports need "
		  "CAP_NET_BIND_SERVICE",
	 .remedy = "sudo sysctl -w net.ipv4.ip_unprivileged_port_start={lowest}\nsudo setcap "
		   "cap_net_bind_service=ep {self}\nuse a parent port from {start} up"},
	{FAILURE("port-in-use", PORT, REASON_PORT_OF_PROCESS, EADDRINUSE),
	 .cause = "process {pid} already uses this address and port",
	 .remedy = "use another parent port\nkill {pid}"},
	{FAILURE("port-in-use-by-somebody", PORT, REASON_PORT_OF_USER, EADDRINUSE),
	 .cause = "uid {owner} already uses this address and port",
	 .remedy = "use another parent port\nsudo ss -Hnlptu # lists the processes"},
	{FAILURE("port-doubled", PORT, REASON_PORT_TWICE, EADDRINUSE),
	 .cause = "another --publish uses this address, port and protocol",
	 .remedy = "remove one of the two\nuse another parent port"},
	{FAILURE("ipv6-missing", PORT, REASON_LISTEN, EAFNOSUPPORT), .test = kernel_has_no_ipv6,
	 .cause = "this kernel has no IPv6, or it was booted with ipv6.disable=1: there is no "
		  "/proc/net/if_inet6",
	 .remedy = IPV4_INSTEAD "\nboot without ipv6.disable=1"},
	{FAILURE("ipv6-filtered", PORT, REASON_LISTEN, EAFNOSUPPORT), .test = filter_refuses_ipv6,
	 .cause = "a seccomp filter refuses IPv6 sockets (/proc/self/status: Seccomp: {seccomp})",
	 .remedy = "in a systemd unit, add AF_INET6 to RestrictAddressFamilies\n" IPV4_INSTEAD},
	{FAILURE("ipv6-disabled", PORT, REASON_LISTEN, EADDRNOTAVAIL), .test = ipv6_is_disabled,
	 .cause = DISABLE_IPV6("{interface}") " is 1: IPv6 is off",
	 .remedy = "sudo sysctl -w net.ipv6.conf.{interface}.disable_ipv6=0\n" IPV4_INSTEAD},
	{FAILURE("port-address", PORT, REASON_LISTEN, EADDRNOTAVAIL), .test = error_names_address,
	 .cause = "no interface of this network has the address {address}",
	 .remedy = "ip -brief address # lists the addresses to use\nomit the address to listen on "
		   "all addresses"},
	/* Warnings. */
	{.id = "port-udp-loopback",
	 .test = is_by_slirp,
	 .cause = "{warning}",
	 .remedy = "use --port-driver=builtin"},
	{.id = "port-needs-ipv6", .cause = "{warning}", .remedy = "use --ipv6"},
	{.id = "port-ipv6-off",
	 .test = interface_has_no_ipv6,
	 .cause = DISABLE_IPV6("{interface}") " is 1: no client can connect over IPv6",
	 .remedy = "sudo sysctl -w net.ipv6.conf.{interface}.disable_ipv6=0\n" IPV4_INSTEAD},
	{.cause = NULL},
};
