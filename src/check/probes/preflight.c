/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * One list of checks, in the order of a launch. A check that the options do not need is left out.
 * The cause of a trial's error comes from the same table as the cause of a launch's error. Warnings
 * have their own rows in the table.
 *
 * A file of the machine may be missing, unreadable or malformed. Then the finding is "unknown",
 * which is neither an obstacle nor a warning.
 */
#include "fauxroot/check/preflight.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fauxroot/base/str.h"
#include "fauxroot/config/portspec.h"
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
	*findings = (struct findings){NULL, 0};
}

static const struct error no_error = {.code = 0};

/* The warnings about a port that can be published. */
static void look_at_port(const struct preflight *p, struct finding *f, const char *text,
			 const char *warning)
{
	union endpoint parents[2];
	struct port_spec spec;

	see(f, "free");
	(void)fact(p->facts, "warning", "%s", warning);
	if (*warning)
		warn(p, f, "port-udp-loopback");
	if (*warning && !f->why.id)
		warn(p, f, "port-needs-ipv6");
	if (!f->why.id && portspec_parse(text, &spec, NULL) == 0 &&
	    portspec_parent(&spec, parents) > 0 && parents[0].sa.sa_family == AF_INET6)
		warn(p, f, "port-ipv6-off");
}

/* One finding for each --publish. */
static void judge_ports(const struct preflight *p)
{
	for (size_t i = 0; i < MIN(p->config->publish.n, (size_t)OUTCOME_PORTS); i++) {
		struct finding *f = preflight_add(p, "port");

		(void)str_print(f->name, sizeof(f->name), "port %s", p->config->publish.items[i]);
		if (see_outcome(p, f, &p->outcomes->ports[i]))
			look_at_port(p, f, p->config->publish.items[i], p->outcomes->ports[i].note);
		/* Not the text of the error: it contains remedies, too. */
		else if (f->why.id)
			see(f, "%s", strerror(p->outcomes->ports[i].err.code));
	}
}

/* @text may have {names} of facts. */
static void see_facts(const struct preflight *p, struct finding *f, const char *text)
{
	char seen[sizeof(f->seen)];

	if (facts_expand(text, p->facts, seen, sizeof(seen)))
		see(f, "%s", seen);
}

static void judge(const struct preflight *p, const struct probe *probe)
{
	const struct outcome *outcome = &p->outcomes->of[probe->trial];
	struct finding *f;

	if ((probe->option && !probe->option(p->config)) || (probe->wanted && !probe->wanted(p)))
		return;
	*p->facts = (struct facts){.machine = p->machine, .config = p->config, .err = &no_error};
	if (!probe->seen && !probe->look) {
		judge_ports(p);
		return;
	}
	f = preflight_add(p, probe->name);
	if (probe->trial != TRIAL_NONE && !see_outcome(p, f, outcome))
		return;
	(void)fact(p->facts, "note", "%s", outcome->note);
	(void)fact(p->facts, "helper", "%s", p->outcomes->helper);
	if (probe->seen)
		see_facts(p, f, probe->seen);
	if (probe->look)
		probe->look(p, f);
	if (probe->degraded && *outcome->note) {
		(void)fact(p->facts, "warning", "%s", outcome->note);
		see_facts(p, f, probe->degraded);
	}
	if (probe->warning && (!probe->degraded || *outcome->note))
		warn(p, f, probe->warning);
}

int preflight_judge(const struct config *config, const struct machine *machine,
		    const struct outcomes *outcomes, struct findings *ret)
{
	struct facts facts;
	const struct preflight p = {config, machine, outcomes, ret, &facts};
	size_t room = OUTCOME_PORTS;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		for (const struct probe *probe = parts[i]; probe->name; probe++)
			room++;
	*ret = (struct findings){calloc(room, sizeof(*ret->items)), 0};
	if (!ret->items)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		for (const struct probe *probe = parts[i]; probe->name; probe++)
			judge(&p, probe);
	return 0;
}
