/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The networks and port drivers of the command line. No other file of this room lists them.
 *
 * To add a network driver: add a word here. Add a file with the table of the driver's own options
 * and the check of conflicts between them, and add both to the lists below.
 */
#include <assert.h>

#include "private.h"

const struct option_row *const driver_tables[] = {slirp4netns_rows, pasta_rows, unserved_rows,
						  NULL};

int network_refuse_conflicts(const struct config *config, struct error *err)
{
	static int (*const checks[NET_MODE_COUNT_])(const struct config *config,
						    struct error *err) = {
		[NET_AUTO] = slirp4netns_refuse_conflicts,
		[NET_SLIRP4NETNS] = slirp4netns_refuse_conflicts,
		[NET_GVISOR_TAP_VSOCK] = slirp4netns_refuse_conflicts,
	};

	return checks[config->net] ? checks[config->net](config, err) : 0;
}

const char suggested_network[] = "--net=auto";

const struct option_word net_words[] = {
	[NET_HOST] = {"host", true},
	[NET_NONE] = {"none", true},
	[NET_AUTO] = {"auto", true},
	[NET_SLIRP4NETNS] = {"slirp4netns", true},
	[NET_PASTA] = {"pasta", true},
	[NET_LXC_USER_NIC] = {"lxc-user-nic", false},
	[NET_GVISOR_TAP_VSOCK] = {"gvisor-tap-vsock", true},
	[NET_VPNKIT] = {"vpnkit", false},
	{NULL, false},
};
static_assert(ARRAY_SIZE(net_words) == NET_MODE_COUNT_ + 1, "every network has a word");

const char *const net_instead[NET_MODE_COUNT_] = {
	[NET_LXC_USER_NIC] = "use --net=auto, which needs no bridge",
	[NET_VPNKIT] = "use --net=auto with slirp4netns or pasta (package passt)",
};

const struct option_word port_words[] = {
	[PORT_NONE] = {"none", true},
	[PORT_BUILTIN] = {"builtin", true},
	[PORT_SLIRP4NETNS] = {"slirp4netns", true},
	[PORT_IMPLICIT] = {"implicit", true},
	[PORT_PESTO] = {"pesto", true},
	[PORT_GVISOR_TAP_VSOCK] = {"gvisor-tap-vsock", true},
	{NULL, false},
};
static_assert(ARRAY_SIZE(port_words) == PORT_MODE_COUNT_ + 1, "every port driver has a word");

const struct port_needs port_needs[PORT_MODE_COUNT_] = {
	[PORT_NONE] = {~0U, ""},
	[PORT_BUILTIN] = {~OPTION_NET(NET_HOST), "a private network: --net other than host"},
	[PORT_SLIRP4NETNS] = {OPTION_NET(NET_SLIRP4NETNS), "--net=slirp4netns"},
	[PORT_IMPLICIT] = {OPTION_NET(NET_PASTA), "--net=pasta"},
	[PORT_PESTO] = {OPTION_NET(NET_PASTA) | OPTION_NET(NET_AUTO), "--net=pasta"},
	[PORT_GVISOR_TAP_VSOCK] = {OPTION_NET(NET_GVISOR_TAP_VSOCK), "--net=gvisor-tap-vsock"},
};

const char *options_port_driver(const struct config *config)
{
	return port_words[config->port_driver].name;
}

const char *options_net(const struct config *config)
{
	return net_words[config->net].name;
}
