/* SPDX-License-Identifier: Apache-2.0 */
#include "filters.h"

#include <linux/filter.h>

#include "fauxroot/proc/confine.h"
#include "fauxroot/sys/seccomp.h"

EMBED_FILTER(command);
EMBED_FILTER(switch);

int filters_notify(int *ret, struct error *err)
{
	return filter_notify(command_filter, command_filter_end, ret, err);
}

int filters_confine(struct error *err)
{
	int rc = confine_stdio(err);

	if (rc == 0)
		rc = confine_caps(-1, err);
	return rc < 0 ? rc : confine_calls(switch_filter, switch_filter_end, err);
}
