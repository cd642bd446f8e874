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
	{FAILURE("port-address", PORT, REASON_LISTEN, EADDRNOTAVAIL), .test = error_names_address,
	 .cause = "no interface of this network has the address {address}",
	 .remedy = "ip -brief address # lists the addresses to use\nomit the address to listen on "
		   "all addresses"},
	{.cause = NULL},
};
