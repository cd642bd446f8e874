/* SPDX-License-Identifier: Apache-2.0 */
/* The cgroup to be evacuated. */
#include "../cause.h"

#include <errno.h>

#include "fauxroot/base/str.h"
#include "fauxroot/machine/cgroup.h"

#define CGROUP STEP_BIT(STEP_CGROUP)

static bool has_cgroup2(struct facts *facts)
{
	_cleanup_free_ char *cgroup = NULL, *dir = NULL;

	return machine_cgroup2(facts->machine, &cgroup, &dir) == 0 &&
	       fact(facts, "cgroup", "%s", cgroup) && fact(facts, "dir", "%s", dir);
}

/* The root of the hierarchy has no cgroup.events (man 7 cgroups); the root of a cgroup namespace
 * has one. */
static bool cgroup_is_root(struct facts *facts)
{
	char events[PATH_MAX];

	return has_cgroup2(facts) &&
	       str_print(events, sizeof(events), "%s/cgroup.events", fact_text(facts, "dir")) ==
		       0 &&
	       machine_exists(facts->machine, fact_text(facts, "dir")) &&
	       !machine_exists(facts->machine, events);
}

const struct cause causes_of_cgroups[] = {
	{FAILURE("cgroup-is-root", CGROUP, ANY_REASON, EPERM), .test = cgroup_is_root,
	 .cause = "our cgroup, {dir}, is the root of the hierarchy, which cannot be evacuated",
	 .remedy =
		 "systemd-run --user --scope -p Delegate=yes fauxroot …\nomit --evacuate-cgroup2"},
	{FAILURE("cgroup-not-ours", CGROUP, ANY_REASON, EACCES, EPERM), .test = has_cgroup2,
	 .cause = "our cgroup, {cgroup} in /proc/self/cgroup, is not delegated to this user",
	 .remedy = "systemd-run --user --scope -p Delegate=yes fauxroot …\nin a systemd unit, set "
		   "Delegate=yes"},
	{FAILURE("cgroup2-missing", CGROUP, ANY_REASON, ENODEV),
	 .cause = "no cgroup v2 is mounted here", UNIFIED_CGROUPS},
	{.cause = NULL},
};
