/* SPDX-License-Identifier: Apache-2.0 */
#include "confine.h"

#include <linux/filter.h>

#include "fauxroot/proc/confine.h"
#include "fauxroot/sys/seccomp.h"

EMBED_FILTER(names);

int confine_names(struct error *err)
{
	return confine_calls(names_filter, names_filter_end, err);
}
