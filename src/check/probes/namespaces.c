/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces and mounts of a launch, as tried by the child of the rehearsal. */
#include "probe.h"

#include "fauxroot/base/str.h"

void probe_namespaces(const struct preflight *p, struct finding *f)
{
	const struct config *config = p->config;

	if (see_outcome(p, f, &p->outcomes->of[TRIAL_CLONE]))
		see(f, "user, mount%s%s%s%s%s: made", config->net != NET_HOST ? ", network" : "",
		    config->pidns ? ", PID" : "", config->cgroupns ? ", cgroup" : "",
		    config->utsns ? ", UTS" : "", config->ipcns ? ", IPC" : "");
}

void probe_mounts(const struct preflight *p, struct finding *f)
{
	if (see_outcome(p, f, &p->outcomes->of[TRIAL_MOUNT]))
		see(f, "changed only in the mount namespace");
}

void probe_evacuation(const struct preflight *p, struct finding *f)
{
	const struct outcome *outcome = &p->outcomes->of[TRIAL_CGROUP];

	if (see_outcome(p, f, outcome) && see_outcome(p, f, &p->outcomes->of[TRIAL_CGROUPFS]))
		see(f, "%s, to its child %s", outcome->note, p->config->evacuate_cgroup2);
}

void probe_sysfs(const struct preflight *p, struct finding *f)
{
	const struct outcome *outcome = &p->outcomes->of[TRIAL_SYSFS];
	struct facts facts = facts_of(p);

	if (!see_outcome(p, f, outcome))
		return;
	see(f, "mounted");
	if (!*outcome->note)
		return;
	see(f, "%s", outcome->note);
	advise(f, FINDING_WARNING, "sys-masked", &facts);
}

void probe_proc(const struct preflight *p, struct finding *f)
{
	if (see_outcome(p, f, &p->outcomes->of[TRIAL_PROC]))
		see(f, "mounted");
}

/* A launch works without it; the first container does not. */
void probe_container_proc(const struct preflight *p, struct finding *f)
{
	const struct outcome *outcome = &p->outcomes->of[TRIAL_CONTAINER_PROC];
	struct facts facts = facts_of(p);

	if (!outcome->tried || outcome->rc == 0) {
		if (see_outcome(p, f, outcome))
			see(f, "can be mounted");
		return;
	}
	see(f, "%s", outcome->err.text);
	(void)fact(&facts, "obstacle", "%s",
		   proc_is_masked(&facts) ? fact_text(&facts, "masks")
					  : strerror(outcome->err.code));
	advise(f, FINDING_WARNING, "containers-proc", &facts);
}

void probe_copy_up(const struct preflight *p, struct finding *f)
{
	_cleanup_free_ char *dirs = strv_join(&p->config->copy_up, ", ");

	if (see_outcome(p, f, &p->outcomes->of[TRIAL_COPY_UP]))
		see(f, "%s", dirs ? dirs : "done");
}
