/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * One list of checks, in the order of a launch. A check that the options do not need is left out.
 * The cause of a trial's error comes from the same table as the cause of a launch's error. Warnings
 * have their own rows in the table.
 *
 * A file of the machine may be missing, unreadable or malformed. The finding is "unknown" then,
 * which is neither good nor bad.
 */
#include "fauxroot/check/preflight.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fauxroot/base/str.h"
#include "probe.h"
#include "../trial.h"

/* In the order of a launch. */
static const struct probe *const parts[] = {
	probes_of_the_kernel,  probes_of_ids,	  probes_of_mounts,	 probes_of_networks,
	probes_of_the_session, probes_of_storage, probes_of_the_command,
};

void findings_clear(struct findings *findings)
{
	free(findings->items);
	*findings = (struct findings){NULL, 0, 0};
}

/* One finding for each --publish. */
static int judge_ports(const struct preflight *p)
{
	for (size_t i = 0; i < MIN(p->config->publish.n, (size_t)OUTCOME_PORTS); i++) {
		char name[96];
		struct finding *f;

		(void)str_print(name, sizeof(name), "port %s", p->config->publish.items[i]);
		f = preflight_add(p, name);
		if (!f)
			return -ENOMEM;
		if (see_outcome(p, f, &p->outcomes->ports[i]))
			see(f, "free");
		/* Not the text of the error: it contains remedies, too. */
		else if (f->why.id)
			see(f, "%s", strerror(p->outcomes->ports[i].err.code));
	}
	return 0;
}

static int judge(const struct preflight *p, const struct probe *probe)
{
	struct finding *f;

	if (probe->wanted && !probe->wanted(p))
		return 0;
	if (!probe->seen && !probe->look)
		return judge_ports(p);
	f = preflight_add(p, probe->name);
	if (!f)
		return -ENOMEM;
	if (probe->trial != TRIAL_NONE && !see_outcome(p, f, &p->outcomes->of[probe->trial]))
		return 0;
	if (probe->seen)
		see(f, "%s", probe->seen);
	if (probe->look)
		probe->look(p, f);
	return 0;
}

int preflight_judge(const struct config *config, const struct machine *machine,
		    const struct outcomes *outcomes, struct findings *ret)
{
	struct findings findings = {NULL, 0, 0};
	const struct preflight p = {config, machine, outcomes, &findings};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(parts) && rc == 0; i++)
		for (const struct probe *probe = parts[i]; probe->name && rc == 0; probe++)
			rc = judge(&p, probe);
	if (rc < 0)
		findings_clear(&findings);
	else
		*ret = findings;
	return rc;
}
