/* SPDX-License-Identifier: Apache-2.0 */
/* The options of --net=pasta. */
#include "private.h"

const struct option_row pasta_rows[] = {
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
