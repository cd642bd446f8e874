/* SPDX-License-Identifier: Apache-2.0 */
/* The table of causes: publishing ports. */
#include "cause.h"

#include <errno.h>

#define PORT STEP_BIT(STEP_PORT)

const struct cause causes_of_ports[] = {
	{
		.id = "port-privileged",
		.steps = PORT,
		.codes = {EACCES},
		.test = port_is_privileged,
		.cause = "{path} is {value}, and port {point} is below that",
		.remedy = "echo net.ipv4.ip_unprivileged_port_start={point} | sudo tee "
			  "/etc/sysctl.d/60-fauxroot-ports.conf && sudo sysctl --system; or sudo "
			  "setcap cap_net_bind_service=ep {self}; or a port from {value} on; for a "
			  "container docker run --sysctl "
			  "net.ipv4.ip_unprivileged_port_start={point} …",
	},
	{
		.id = "port-in-use",
		.steps = PORT,
		.codes = {EADDRINUSE},
		.test = port_holder_is_known,
		.cause = "process {value} has it",
		.remedy = "another port; or end that process: kill {point}",
	},
	{
		.id = "port-in-use-by-user",
		.steps = PORT,
		.codes = {EADDRINUSE},
		.test = port_holder_has_uid,
		.cause = "{value} listens there ({path})",
		.remedy =
			"another port; sudo ss -lptun 'sport = :{point}' shows which process it is",
	},
	{.cause = NULL},
};
