/* SPDX-License-Identifier: Apache-2.0 */
/* The options of --net=slirp4netns. */
#include <errno.h>

#include "private.h"
#include "fauxroot/base/err.h"

static const char group[] = "Network with slirp4netns";

const struct option_row slirp4netns_rows[] = {
	{
		.name = "slirp4netns-binary",
		.kind = OPTION_STRING,
		OPTION_AT(slirp4netns.binary),
		.preset = "slirp4netns",
		.argument = "FILE",
		.group = group,
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
		.group = group,
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
		.group = group,
		.help = "run slirp4netns under its system call filter; auto: retry "
			"without if it fails to start",
		.available = true,
		.nets = OPTION_NET(NET_SLIRP4NETNS) | NETS_AUTOMATIC,
	},
	{.name = NULL},
};

int slirp4netns_refuse_conflicts(const struct config *config, struct error *err)
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
