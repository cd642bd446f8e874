/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The networks and port drivers of the command line, and the options that only one network driver
 * has. No other file of this room lists them.
 *
 * To add a network driver: add its word, the table of its own options and the check of conflicts
 * between them, and add all three to the lists below.
 */
#include <assert.h>
#include <errno.h>

#include "private.h"
#include "fauxroot/base/err.h"

static const struct option_row slirp4netns_rows[] = {
	{
		.name = "slirp4netns-binary",
		.kind = OPTION_STRING,
		OPTION_AT(slirp4netns.binary),
		.preset = "slirp4netns",
		.argument = "FILE",
		.group = "Network with slirp4netns",
		.help = "slirp4netns executable, searched in PATH unless it has a slash",
		.available = true,
		.nets = OPTION_NET(NET_SLIRP4NETNS) | NETS_AUTOMATIC,
		.idle = OPTION_IDLE_WARN,
	},
	{
		.name = "slirp4netns-sandbox",
		.kind = OPTION_CHOICE,
		OPTION_AT(slirp4netns.sandbox),
		.words = tristate_words,
		.argument = "WHEN",
		.group = "Network with slirp4netns",
		.help = "run slirp4netns in an almost empty mount namespace; auto: "
			"retry without if it fails to start",
		.available = true,
		.nets = OPTION_NET(NET_SLIRP4NETNS) | NETS_AUTOMATIC,
	},
	{
		.name = "slirp4netns-seccomp",
		.kind = OPTION_CHOICE,
		OPTION_AT(slirp4netns.seccomp),
		.words = tristate_words,
		.argument = "WHEN",
		.group = "Network with slirp4netns",
		.help = "run slirp4netns under its system call filter; auto: retry "
			"without if it fails to start",
		.available = true,
		.nets = OPTION_NET(NET_SLIRP4NETNS) | NETS_AUTOMATIC,
	},
	{.name = NULL},
};

static int slirp4netns_refuse_conflicts(const struct config *config, struct error *err)
{
	if (!config->detach_netns)
		return 0;
	if (config->slirp4netns.sandbox == TRI_TRUE)
		return err_say(err, EINVAL,
			       "--slirp4netns-sandbox=true does not work with --detach-netns");
	if (config->slirp4netns.seccomp == TRI_TRUE)
		return err_say(err, EINVAL,
			       "--slirp4netns-seccomp=true does not work with --detach-netns");
	return 0;
}

static const struct option_row pasta_rows[] = {
	{
		.name = "pasta-binary",
		.kind = OPTION_STRING,
		OPTION_AT(pasta.binary),
		.preset = "pasta",
		.argument = "FILE",
		.group = "Network with pasta",
		.help = "pasta executable, searched in PATH unless it has a slash",
		.available = true,
		.nets = OPTION_NET(NET_PASTA) | NETS_AUTOMATIC,
		.idle = OPTION_IDLE_WARN,
	},
	{.name = NULL},
};

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
