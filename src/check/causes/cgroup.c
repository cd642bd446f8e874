/* SPDX-License-Identifier: Apache-2.0 */
/* The cgroup that is to be evacuated. */
#include "../cause.h"

#include <errno.h>

#include "fauxroot/base/str.h"
#include "../probes/probe.h"

#define CGROUP STEP_BIT(STEP_CGROUP)

static bool has_cgroup2(struct facts *facts, const char *arg)
{
	_cleanup_free_ char *text = machine_read(facts->machine, "/proc/self/cgroup");

	(void)arg;
	if (!text || !cgroup2_path(text, facts->value, sizeof(facts->value)))
		return false;
	str_printable(facts->value);
	return true;
}

const struct cause causes_of_cgroups[] = {
	{
		.id = "cgroup-not-ours",
		.steps = CGROUP,
		.codes = {EACCES, EPERM},
		.test = has_cgroup2,
		.cause = "our cgroup, {value} in /proc/self/cgroup, has not been delegated to this "
			 "user",
		.remedy = "systemd-run --user --scope -p Delegate=yes fauxroot …; in a unit "
			  "Delegate=yes",
	},
	{
		.id = "cgroup2-of-container",
		.steps = CGROUP,
		.codes = {ENODEV},
		.test = is_in_container,
		.cause = "this container shows no cgroup v2 of its own",
		.remedy = "docker run --cgroupns=private …, on a host that has version 2 alone",
	},
	{
		.id = "cgroup2-missing",
		.steps = CGROUP,
		.codes = {ENODEV},
		.cause = "this machine has no cgroup v2, or does not mount it",
		.remedy = "{boot systemd.unified_cgroup_hierarchy=1}",
	},
	{.cause = NULL},
};
