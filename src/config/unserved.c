/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of networks for which this build has no driver. Scripts use these options, so they parse.
 * They are absent from --help and have no effect with another network.
 */
#include "private.h"

static const char lxc[] = "Network with lxc-user-nic", vpnkit[] = "Network with vpnkit";

const struct option_row unserved_rows[] = {
	{
		.name = "lxc-user-nic-binary",
		.kind = OPTION_STRING,
		OPTION_AT(unserved[0]),
		.argument = "FILE",
		.group = lxc,
		.help = "lxc-user-nic executable",
		.nets = OPTION_NET(NET_LXC_USER_NIC),
		.idle = OPTION_IDLE_WARN,
	},
	{
		.name = "lxc-user-nic-bridge",
		.kind = OPTION_STRING,
		OPTION_AT(unserved[1]),
		.preset = "lxcbr0",
		.argument = "NAME",
		.group = lxc,
		.help = "bridge that lxc-user-nic connects to",
		.nets = OPTION_NET(NET_LXC_USER_NIC),
		.idle = OPTION_IDLE_WARN,
	},
	{
		.name = "vpnkit-binary",
		.kind = OPTION_STRING,
		OPTION_AT(unserved[2]),
		.preset = "vpnkit",
		.argument = "FILE",
		.group = vpnkit,
		.help = "vpnkit executable, searched in PATH unless it has a slash",
		.nets = OPTION_NET(NET_VPNKIT),
		.idle = OPTION_IDLE_WARN,
	},
	{.name = NULL},
};
