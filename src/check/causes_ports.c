/* SPDX-License-Identifier: Apache-2.0 */
/* The table of causes: published ports. */
#include "cause.h"

#include <errno.h>

#define PORT STEP_BIT(STEP_PORT)

const struct cause causes_of_ports[] = {
	{
		/* slirp4netns binds it, and a capability of ours does not help it. */
		.id = "port-privileged-slirp4netns",
		.steps = PORT,
		.codes = {EACCES},
		.test = port_of_slirp_is_privileged,
		.arg = "net/ipv4/ip_unprivileged_port_start",
		.cause = "{path} is {value}: lower ports take CAP_NET_BIND_SERVICE, and "
			 "slirp4netns has none",
		.remedy = "sudo sysctl -w net.ipv4.ip_unprivileged_port_start={point}; or "
			  "--port-driver=builtin and sudo setcap cap_net_bind_service=ep {self}; "
			  "or a parent port from {value} up",
	},
	{
		.id = "port-privileged",
		.steps = PORT,
		.codes = {EACCES},
		.test = port_is_privileged,
		.arg = "net/ipv4/ip_unprivileged_port_start",
		.cause = "{path} is {value}: lower ports take CAP_NET_BIND_SERVICE",
		.remedy = "sudo sysctl -w net.ipv4.ip_unprivileged_port_start={point}; or sudo "
			  "setcap cap_net_bind_service=ep {self}; or a parent port from {value} up",
	},
	{
		.id = "port-in-use",
		.steps = PORT,
		.codes = {EADDRINUSE},
		.test = listener_is_known,
		.arg = "already in use by process ",
		.cause = "an address and port belong to one socket at a time, and process {value} "
			 "has this one",
		.remedy = "another parent port, or end that process: kill {value}",
	},
	{
		.id = "port-in-use-by-somebody",
		.steps = PORT,
		.codes = {EADDRINUSE},
		.test = listener_is_known,
		.arg = "already in use by a socket of uid ",
		.cause = "an address and port belong to one socket at a time, and uid {value} has "
			 "this one",
		.remedy = "another parent port; sudo ss -Hnlptu shows whose it is",
	},
	{
		.id = "port-doubled",
		.steps = PORT,
		.codes = {EADDRINUSE},
		.says = "it conflicts with port",
		.cause = "another --publish has this address, port and protocol",
		.remedy = "one of the two, or another parent port",
	},
	{
		.id = "port-address",
		.steps = PORT,
		.codes = {EADDRNOTAVAIL},
		.test = error_names_address,
		.cause = "no interface of this network has the address {value}",
		.remedy =
			"one of those that ip -brief address shows, or none, which is all of them",
	},
	{.cause = NULL},
};
