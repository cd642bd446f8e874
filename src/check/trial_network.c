/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network of a trial: its driver looks for its helper before the clone and is started on the
 * child, as in a launch. A TAP device is made by itself first, so that /dev/net/tun and the helper
 * have findings of their own.
 */
#include "trial.h"

#include <string.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"
#include "fauxroot/net/link.h"

static int open_tap(void *arg, struct error *err)
{
	_cleanup_close_ int tap = -1;
	bool created;
	int rc = tap_open(arg, &tap, &created, err);

	if (rc == 0)
		tap_discard(tap);
	return rc;
}

static int try_tun(struct trials *t)
{
	struct outcome *outcome = trial_begin(t, TRIAL_TUN);
	const struct ns_job job = {
		.name = "fauxroot: tun",
		.which = NS_JOIN_NET,
		.run = open_tap,
		.arg = t->net.plan.ifname,
	};
	struct deadline deadline = deadline_in(TRIAL_MS);
	struct error err = {0};
	int rc = ns_run(&t->ns, &job, &deadline, t->cancel_fd, &err);

	return trial_end(outcome, err_step(&err, rc, STEP_NET), &err);
}

/* Look for the network's helper, as a launch begins. */
void trial_open_network(struct trials *t)
{
	struct outcome *outcome = trial_begin(t, TRIAL_NET);
	struct error err = {0};
	int rc = net_open(t->config, t->cancel_fd, &t->net, &err);

	t->net_opened = rc == 0;
	if (rc < 0)
		(void)trial_end(outcome, rc, &err);
}

/* What helper is it; and would it do, where there was nothing to start it on? */
void trial_settle_network(struct trials *t)
{
	struct error err = {0};
	int rc;

	if (!t->net_opened)
		return;
	rc = net_settle(&t->net, &err);
	if (rc < 0 && !t->to->of[TRIAL_NET].tried)
		(void)trial_end(trial_begin(t, TRIAL_NET), rc, &err);
	(void)str_print(t->to->helper, sizeof(t->to->helper), "%s%s%s", t->net.driver->name,
			*t->net.version ? " " : "", t->net.version);
}

/* The driver's own start, up to "ready", while the child mounts. */
int trial_network(struct trials *t)
{
	struct deadline deadline = deadline_in(TRIAL_MS);
	struct error err = {0};
	int rc = 0;

	if (!t->net_opened)
		return 0;
	if (t->net.plan.detached)
		rc = ns_make_net(&t->target_ns, &t->ns.net, &deadline, t->cancel_fd, &err);
	if (rc < 0)
		return trial_end(trial_begin(t, TRIAL_NET), err_step(&err, rc, STEP_CLONE), &err);
	if (t->net.plan.ifname[0] != '\0' && t->config->net != NET_LXC_USER_NIC)
		rc = try_tun(t);
	/* Without a device every driver fails in the same way: trial_settle_network() */
	if (rc < 0)
		return rc;
	(void)trial_begin(t, TRIAL_NET);
	rc = net_prepare(&t->net, &err);
	if (rc == 0)
		rc = net_start(&t->net, &t->ns, NS_HOLDER_NONE, &err);
	if (rc == 0)
		rc = net_wait_ready(&t->net, &err);
	(void)trial_end(&t->to->of[TRIAL_NET], rc, &err);
	if (rc == 0)
		rc = trial_port_driver(t->config, t->cancel_fd, &t->ns, &t->net.plan, t->to);
	return rc;
}
