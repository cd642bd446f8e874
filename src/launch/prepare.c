/* SPDX-License-Identifier: Apache-2.0 */
#include "prepare.h"

#include <errno.h>
#include <string.h>

#include "etc.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/launch/hooks.h"
#include "fauxroot/mounts/mounts.h"
#include "fauxroot/supervise/notify.h"
#include "launch.h"

/* getsubids may query slow name services. */
#define RANGES_MS 10000

int prepare_ranges(struct launch *l, struct error *err)
{
	struct deadline deadline = deadline_in(RANGES_MS);
	int rc = idmap_prepare(l->config, &deadline, l->signals->cancel, &l->prepared.map, err);

	if (rc == 0 && !l->prepared.map.single && l->hooks)
		l->hooks->ids_planned(idmap_count(&l->prepared.map.uid),
				      idmap_count(&l->prepared.map.gid));
	return rc;
}

int prepare_helper(struct launch *l, struct error *err)
{
	return net_open(l->config, l->signals->cancel, &l->net, err);
}

int prepare_port_options(struct launch *l, struct error *err)
{
	/* The network of "auto" is not chosen yet, but each candidate can forward services of the
	 * host. */
	if (l->config->net != NET_HOST && l->config->net != NET_NONE && !l->config->detach_netns)
		ports_open_host(l->config, l->signals->cancel, &l->host_ports);
	return ports_open(l->config, l->signals->cancel, &l->ports, err);
}

/* If the network's helper forwards the ports, the port driver talks to it over a socket in the
 * state directory. */
static int plan_endpoint(struct launch *l, struct error *err)
{
	const struct port_driver *driver = l->ports.driver;

	if (!l->net.driver || !driver || !driver->by_network)
		return 0;
	return net_offer_ports(&l->net, l->prepared.state.path, err);
}

int prepare_statedir_at(struct launch *l, const char *wanted, struct error *err)
{
	int rc = statedir_open(wanted, l->signals->cancel, &l->prepared.state, err);

	if (rc < 0)
		return rc;
	log_debug("state directory: %s", l->prepared.state.path);
	return plan_endpoint(l, err);
}

/* If the name is in use, the launch fails, so reserve it before anything is started. */
int prepare_name(struct launch *l, struct error *err)
{
	const char *name = l->config->name;
	int rc = instance_announce(&l->prepared.state, name, l->signals->cancel, &l->prepared.link,
				   err);

	return rc < 0 ? err_wrap(err, rc, "--name=%s", name) : 0;
}

int prepare_rehearse_name(struct launch *l, struct error *err)
{
	const char *name = l->config->name;
	int rc = instance_name_check(name, err);

	return rc < 0 ? err_wrap(err, rc, "--name=%s", name) : 0;
}

int prepare_statedir(struct launch *l, struct error *err)
{
	return prepare_statedir_at(l, l->config->state_dir, err);
}

int prepare_cgroup(struct launch *l, struct error *err)
{
	return cgroup2_open(l->config->evacuate_cgroup2, &l->prepared.cgroup, err);
}

int prepare_notify(struct launch *l, struct error *err)
{
	return notify_open(l->prepared.state.path, &l->prepared.notify, err);
}

/* Before the child needs the files. With a detached network they are for processes that enter it.
 */
int prepare_etc_files(struct launch *l, struct error *err)
{
	if (l->net.plan.detached &&
	    statedir_write(&l->prepared.state, NETNS_FILE, "", 0, 0444, err) < 0)
		return -err->code;
	return l->net.plan.configures_dns ? etc_write(l, err) : 0;
}

/* Remove the link last: if we are killed before, the next launcher finds our leftovers by it. */
void prepare_undo_statedir(struct launch *l)
{
	statedir_remove(&l->prepared.state);
	instance_withdraw(&l->prepared.link);
}

void prepare_undo_cgroup(struct launch *l)
{
	cgroup2_return(&l->prepared.cgroup);
}
