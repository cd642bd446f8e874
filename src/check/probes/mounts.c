/* SPDX-License-Identifier: Apache-2.0 */
/* The mounts of a launch, as tried by the child of the rehearsal. */
#include "probe.h"

#include "fauxroot/base/str.h"

static void probe_evacuation(const struct preflight *p, struct finding *f)
{
	if (see_outcome(p, f, &p->outcomes->of[TRIAL_CGROUPFS]))
		see(f, "%s, to its child %s", p->outcomes->of[TRIAL_CGROUP].note,
		    p->config->evacuate_cgroup2);
}

static void probe_copy_up(const struct preflight *p, struct finding *f)
{
	const struct outcome *outcome = &p->outcomes->of[TRIAL_COPY_UP];
	_cleanup_strv_ struct strv dirs = {NULL, 0};
	_cleanup_free_ char *list = NULL;

	for (size_t i = 0; i < p->config->copy_up.n; i++)
		(void)strv_addf(&dirs, "%s%s", p->config->copy_up.items[i],
				config_copy_up_mode(p->config, i) == COPY_UP_COPY ? " as a copy"
										  : "");
	list = strv_join(&dirs, ", ");
	if (see_outcome(p, f, outcome))
		see(f, "%s%s%s", list ? list : "done", *outcome->note ? "; " : "", outcome->note);
}

const struct probe probes_of_mounts[] = {
	{"mounts", .trial = TRIAL_MOUNT, .seen = "changed only in the mount namespace"},
	{"/proc", config_has_pidns, TRIAL_PROC, .seen = "mounted"},
	{"/sys", config_owns_net, TRIAL_SYSFS, .seen = "mounted", .degraded = "{note}",
	 .warning = "sys-masked"},
	{"evacuation", config_evacuates, TRIAL_CGROUP, .look = probe_evacuation},
	{"copy-up", config_copies_up, TRIAL_COPY_UP, .look = probe_copy_up},
	{.name = NULL},
};
