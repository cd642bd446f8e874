/* SPDX-License-Identifier: Apache-2.0 */
#include "confine.h"

#include <linux/filter.h>

#include "fauxroot/proc/confine.h"
#include "fauxroot/sys/seccomp.h"

EMBED_FILTER(forwarder);
EMBED_FILTER(agent);

int confine_forwarder(struct error *err)
{
	return confine_calls(forwarder_filter, forwarder_filter_end, err);
}

int confine_agent(struct error *err)
{
	return confine_calls(agent_filter, agent_filter_end, err);
}
