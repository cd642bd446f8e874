/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published ports: the builtin driver is started on the trial's network and publishes each, so that
 * one that is refused does not hide the next. Where that cannot be (no network came up, or the
 * driver is slirp4netns, which wants a socket in a state directory), each is listened on for a
 * moment.
 */
#include "trial.h"

#include <errno.h>
#include <sys/resource.h>

#include "fauxroot/config/config.h"
#include "fauxroot/config/portspec.h"
#include "fauxroot/net/net.h"
#include "fauxroot/port/drivers.h"

static size_t count(const struct config *config)
{
	return MIN(config->publish.n, (size_t)OUTCOME_PORTS);
}

void trial_listen(const struct config *config, struct outcomes *to)
{
	struct config without = *config;
	struct ports ports = PORTS_NONE;

	without.publish = (struct strv){NULL, 0};
	if (ports_open(&without, -1, &ports, NULL) < 0)
		return;
	for (size_t i = 0; i < count(config); i++) {
		struct port_spec spec;
		struct error err = {0};
		int rc;

		if (to->ports[i].tried)
			continue;
		log_redirect(trial_note, &to->ports[i]);
		rc = portspec_parse(config->publish.items[i], &spec, &err);
		if (rc < 0)
			(void)err_step(&err, rc, STEP_OPTIONS);
		else
			rc = ports_try(&ports, &spec, &err);
		(void)trial_end(&to->ports[i], rc, &err);
	}
	ports_stop(&ports);
}

static int publish(struct ports *ports, const char *text, struct error *err)
{
	const struct port *port;
	struct port_spec spec;
	int rc = portspec_parse(text, &spec, err);

	return rc < 0 ? err_step(err, rc, STEP_OPTIONS) : ports_add(ports, &spec, &port, err);
}

int trial_port_driver(const struct config *config, int cancel_fd, const struct ns_set *ns,
		      const struct net_plan *plan, struct outcomes *to)
{
	const struct port_net net = port_net_at(plan->address, plan->ipv6 ? &plan->address6 : NULL);
	struct config without = *config;
	struct ports ports = PORTS_NONE;
	struct rlimit limit = {0};
	struct error err = {0};
	int rc;

	if (config->port_driver != PORT_BUILTIN)
		return 0;
	/* The driver raises it; what is said of this machine later is about the one that was given.
	 */
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	log_redirect(trial_note, &to->of[TRIAL_PORT_DRIVER]);
	without.publish = (struct strv){NULL, 0};
	rc = ports_open(&without, cancel_fd, &ports, &err);
	if (rc == 0)
		rc = ports_start(&ports, ns, &net, &err);
	if (rc == 0)
		ports_prepare_source(&ports);
	(void)trial_end(&to->of[TRIAL_PORT_DRIVER], rc, &err);
	for (size_t i = 0; i < count(config) && rc == 0; i++) {
		log_redirect(trial_note, &to->ports[i]);
		(void)trial_end(&to->ports[i], publish(&ports, config->publish.items[i], &err),
				&err);
	}
	ports_stop(&ports);
	if (limit.rlim_max > 0)
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	return rc;
}
