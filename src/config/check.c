/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks of several options together. A row of the option table lists the networks with which the
 * option has an effect. All other conflicts are here, in one function for each subject.
 */
#include <arpa/inet.h>
#include <errno.h>

#include "private.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/log.h"
#include "fauxroot/config/portspec.h"

/* Does this option have an effect with the chosen network? */
static bool has_effect(const struct option_row *row, const struct config *config)
{
	return row->nets == 0 || (row->nets & OPTION_NET(config->net));
}

int options_refuse_unavailable(const struct config *config, struct error *err)
{
	for (const struct option_row *row = options_next(NULL); row; row = options_next(row)) {
		const char *value = NULL, *instead = NULL;

		if (row->kind == OPTION_CHOICE) {
			if (option_word(row, config)->available)
				continue;
			value = option_word(row, config)->name;
			instead = row->words == net_words ? net_instead[config->net] : NULL;
		} else if (row->available || option_is_default(row, config) ||
			   !has_effect(row, config)) {
			continue;
		} else if (row->kind == OPTION_BOOL && !option_bool(row, config)) {
			value = "false";
		}
		return err_say(err, EOPNOTSUPP, "--%s%s%s is not available in this build%s%s",
			       row->name, value ? "=" : "", value ? value : "", instead ? "; " : "",
			       instead ? instead : "");
	}
	return 0;
}

static int refuse_idle(const struct config *config, struct error *err)
{
	for (const struct option_row *row = options_next(NULL); row; row = options_next(row))
		if (row->idle == OPTION_IDLE_REFUSE && !has_effect(row, config) &&
		    !option_is_default(row, config))
			return err_say(err, EINVAL, "--%s cannot be used with --net=%s", row->name,
				       net_words[config->net].name);
	return 0;
}

static int check_dns(const struct config *config, struct error *err)
{
	for (size_t i = 0; i < config->dns.n; i++)
		if (config->dns.n > 1 && streq(config->dns.items[i], "none"))
			return err_say(err, EINVAL, "--dns=none cannot be used with other --dns");
	return 0;
}

static int check_network(const struct config *config, struct error *err)
{
	const in_addr_t network = ntohl(config->cidr.address.s_addr);

	if (config->cidr.prefix > 0 && (network >> 24 == IN_LOOPBACKNET || IN_MULTICAST(network)))
		return err_say(
			err, EINVAL,
			"--cidr cannot be a network of 127.0.0.0/8 (loopback) or 224.0.0.0/4 "
			"(multicast)");
	/* Linux disables IPv6 on a link with an MTU below the minimum of RFC 8200 (man 7 ipv6). */
	if (config->ipv6 && config->mtu > 0 && config->mtu < 1280 &&
	    (OPTION_NET(config->net) & NETS_WITH_IPV6))
		return err_say(err, EINVAL, "--ipv6 needs an --mtu of at least 1280, not %u",
			       config->mtu);
	if (config->net_accel != NET_ACCEL_NONE && config->detach_netns)
		return err_say(err, EINVAL,
			       "--net-accel cannot be used with --detach-netns: the command runs "
			       "in the host's network");
	if (config->net_accel_except.n > 0 && config->net_accel == NET_ACCEL_NONE)
		return err_say(err, EINVAL, "--net-accel-except needs --net-accel=switch");
	return network_refuse_conflicts(config, err);
}

static int check_files(const struct config *config, struct error *err)
{
	if (config->persona != PERSONA_FAUXROOT && config->copy_up_mode != COPY_UP_TMPFS_SYMLINK)
		return err_say(err, EINVAL, "--copy-up-mode takes tmpfs+symlink, not \"%s\"",
			       copy_up_mode_words[config->copy_up_mode].name);
	if (config->copy_up.n > 0 && (config->propagation == PROPAGATION_SHARED ||
				      config->propagation == PROPAGATION_RSHARED))
		return err_say(err, EINVAL,
			       "--propagation=%s would spread --copy-up=%s to the host; use a "
			       "private or slave mode",
			       propagation_words[config->propagation].name,
			       config->copy_up.items[0]);
	return 0;
}

static int check_ports(const struct config *config, struct error *err)
{
	const struct port_needs *needs = &port_needs[config->port_driver];
	const char *word = port_words[config->port_driver].name;

	if (!(needs->nets & OPTION_NET(config->net)))
		return err_say(err, EINVAL, "--port-driver=%s needs %s", word, needs->words);
	if (config->publish.n > 0 &&
	    (config->port_driver == PORT_NONE || config->port_driver == PORT_IMPLICIT))
		return err_say(err, EINVAL,
			       "--publish=%s needs a port driver that forwards single ports, not "
			       "--port-driver=%s; add %s%s--port-driver=builtin",
			       config->publish.items[0], word,
			       config->net == NET_HOST ? suggested_network : "",
			       config->net == NET_HOST ? " " : "");
	return 0;
}

static int check_host_services(const struct config *config, struct error *err)
{
	struct port_spec spec;

	if (config->forward_host.n > 0 && config->detach_netns)
		return err_say(
			err, EINVAL,
			"--forward-host cannot be used with --detach-netns: the command runs in "
			"the host's network");
	for (size_t i = 0; i < config->forward_host.n; i++)
		if (portspec_parse_host(config->forward_host.items[i], &spec, err) < 0)
			return err_wrap(err, -EINVAL, "--forward-host");
	return 0;
}

static int check_processes(const struct config *config, struct error *err)
{
	if (config->reaper == TRI_TRUE && !config->pidns)
		return err_say(err, EINVAL, "--reaper=true needs --pidns");
	if (config->evacuate_cgroup2 && !(config->pidns && config->cgroupns))
		return err_say(err, EINVAL, "--evacuate-cgroup2 needs --pidns and --cgroupns");
	return 0;
}

static int check_output(const struct config *config, struct error *err)
{
	if (config->json && config->check == CHECK_NONE)
		return err_say(err, EINVAL, "--json needs --check");
	return 0;
}

int options_refuse_conflicts(const struct config *config, struct error *err)
{
	static int (*const checks[])(const struct config *config, struct error *err) = {
		refuse_idle, check_network,	  check_dns,	   check_files,
		check_ports, check_host_services, check_processes, check_output,
	};

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		int rc = checks[i](config, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/*
 * Warn a user who requests protection and does not get it. RootlessKit's scripts always request it,
 * so do not warn under its name.
 */
static enum log_level idle_level(const struct option_row *row, const struct config *config)
{
	bool unprotected = row->offset == offsetof(struct config, disable_host_loopback) &&
			   config->net == NET_HOST && config->persona == PERSONA_FAUXROOT;

	return unprotected || row->idle == OPTION_IDLE_WARN ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG;
}

void options_warn(const struct config *config)
{
	struct config defaults;

	for (const struct option_row *row = options_next(NULL); row; row = options_next(row))
		if (!has_effect(row, config) && !option_is_default(row, config))
			log_write(idle_level(row, config), "--%s has no effect with --net=%s",
				  row->name, net_words[config->net].name);
	config_init(&defaults);
	if (config->kill_timeout != defaults.kill_timeout && !config->kill_orphans)
		log_warning("--kill-timeout has no effect without --kill-orphans");
}
