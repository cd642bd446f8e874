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

static bool always(const struct preflight *p)
{
	(void)p;
	return true;
}

static bool with_mappers(const struct preflight *p)
{
	return p->outcomes->mappers;
}

static bool with_ranges(const struct preflight *p)
{
	return p->config->idmap != IDMAP_SINGLE;
}

static bool with_own_network(const struct preflight *p)
{
	return p->config->net != NET_HOST;
}

static bool with_own_sys(const struct preflight *p)
{
	return with_own_network(p) && !p->config->detach_netns;
}

static bool with_helper(const struct preflight *p)
{
	return config_has_helper(p->config);
}

static bool with_port_driver(const struct preflight *p)
{
	return p->config->port_driver != PORT_NONE && p->config->port_driver != PORT_IMPLICIT;
}

static bool with_pidns(const struct preflight *p)
{
	return p->config->pidns;
}

static bool with_evacuation(const struct preflight *p)
{
	return p->config->evacuate_cgroup2 != NULL;
}

static bool with_copy_up(const struct preflight *p)
{
	return p->config->copy_up.n > 0;
}

static bool for_daemon(const struct preflight *p)
{
	return trial_wants_storage(p->config);
}

static bool for_user_daemon(const struct preflight *p)
{
	return for_daemon(p) && machine_uid(p->machine) != 0 &&
	       machine_exists(p->machine, "/run/systemd/system");
}

static bool for_docker(const struct preflight *p)
{
	return command_is(p->config, "dockerd");
}

static bool for_user_of_run(const struct preflight *p)
{
	return for_docker(p) || command_is(p->config, "containerd");
}

static bool with_command(const struct preflight *p)
{
	return p->config->command && p->config->command[0];
}

static const struct probe probes[] = {
	{"kernel", always, probe_kernel},
	{"kernel features", always, probe_features},
	{"container", always, probe_container},
	{"outer user namespace", always, probe_outer_userns},
	{"no_new_privs", always, probe_no_new_privs},
	{"seccomp", always, probe_seccomp},
	{"AppArmor", always, probe_apparmor},
	{"SELinux", always, probe_selinux},
	{"namespaces", always, probe_namespaces},
	{"newuidmap", with_mappers, probe_newuidmap},
	{"newgidmap", with_mappers, probe_newgidmap},
	{"subordinate ids", with_ranges, probe_ranges},
	{"shared ids", with_ranges, probe_shared_ranges},
	{"id map", always, probe_idmap},
	{"mounts", always, probe_mounts},
	{"/proc", with_pidns, probe_proc},
	{"/sys", with_own_sys, probe_sysfs},
	{"evacuation", with_evacuation, probe_evacuation},
	{"copy-up", with_copy_up, probe_copy_up},
	{"/dev/net/tun", with_helper, probe_tun},
	{"network", with_own_network, probe_network},
	{"resolv.conf", with_helper, probe_resolv_conf},
	{"ping", with_helper, probe_ping},
	{"port driver", with_port_driver, probe_port_driver},
	{"port", always, NULL},
	{"runtime directory", always, probe_runtime_dir},
	{"state directory", always, probe_state_dir},
	{"open files", always, probe_descriptors},
	{"cgroup", for_daemon, probe_cgroup},
	{"lingering", for_user_daemon, probe_linger},
	{"keyrings", for_daemon, probe_keyrings},
	{"containers' /proc", for_daemon, probe_container_proc},
	{"overlayfs", for_daemon, probe_overlay},
	{"data directory", for_daemon, probe_data_dir},
	{"/run", for_user_of_run, probe_run},
	{"docker proxy", for_docker, probe_docker_proxy},
	{"command", with_command, probe_command},
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

	if (!probe->wanted(p))
		return 0;
	if (!probe->look)
		return judge_ports(p);
	f = preflight_add(p, probe->name);
	if (!f)
		return -ENOMEM;
	probe->look(p, f);
	return 0;
}

int preflight_judge(const struct config *config, const struct machine *machine,
		    const struct outcomes *outcomes, struct findings *ret)
{
	struct findings findings = {NULL, 0, 0};
	const struct preflight p = {config, machine, outcomes, &findings};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(probes) && rc == 0; i++)
		rc = judge(&p, &probes[i]);
	if (rc < 0)
		findings_clear(&findings);
	else
		*ret = findings;
	return rc;
}
