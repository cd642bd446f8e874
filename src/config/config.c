/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/config/config.h"

#include <stdlib.h>

#include "fauxroot/base/str.h"

void config_clear(struct config *config)
{
	strv_clear(&config->copy_up);
	free(config->copy_up_modes);
	config->copy_up_modes = NULL;
	strv_clear(&config->publish);
	strv_clear(&config->net_accel_except);
	strv_clear(&config->forward_host);
	strv_clear(&config->dns);
	strv_clear(&config->preset);
}

enum dns_mode config_dns(const struct config *config)
{
	if (config->dns.n == 0)
		return DNS_RELAY;
	return streq(config->dns.items[0], "none") ? DNS_NONE : DNS_GIVEN;
}

bool config_has_helper(const struct config *config)
{
	return config->net != NET_HOST && config->net != NET_NONE;
}

bool config_has_pidns(const struct config *config)
{
	return config->pidns;
}

bool config_has_netns(const struct config *config)
{
	return config->net != NET_HOST;
}

bool config_owns_net(const struct config *config)
{
	return config_has_netns(config) && !config->detach_netns;
}

bool config_detaches_net(const struct config *config)
{
	return config_has_netns(config) && config->detach_netns;
}

bool config_has_accel(const struct config *config)
{
	return config->net_accel != NET_ACCEL_NONE;
}

bool config_evacuates(const struct config *config)
{
	return config->evacuate_cgroup2;
}

bool config_copies_up(const struct config *config)
{
	return config->copy_up.n > 0;
}

bool config_has_name(const struct config *config)
{
	return config->name;
}

bool config_has_workdir(const struct config *config)
{
	return config->workdir;
}

bool config_has_command(const struct config *config)
{
	return config->command && config->command[0];
}

enum copy_up_mode config_copy_up_mode(const struct config *config, size_t i)
{
	return config->copy_up_modes ? config->copy_up_modes[i] : config->copy_up_mode;
}

bool config_chooses_helper(const struct config *config)
{
	return config->net == NET_AUTO || config->net == NET_GVISOR_TAP_VSOCK;
}

bool config_has_forwarder(const struct config *config)
{
	return config->port_driver == PORT_BUILTIN || config->port_driver == PORT_PESTO ||
	       config->port_driver == PORT_GVISOR_TAP_VSOCK;
}

enum persona persona_of(const char *argv0)
{
	const char *slash = argv0 ? strrchr(argv0, '/') : NULL;
	const char *name = slash ? slash + 1 : argv0;

	if (name && (streq(name, "rootlesskit") || streq(name, "docker-rootlesskit")))
		return PERSONA_ROOTLESSKIT;
	return PERSONA_FAUXROOT;
}

const char *persona_program(enum persona persona)
{
	return persona == PERSONA_ROOTLESSKIT ? "rootlesskit" : "fauxroot";
}

const char *persona_version(enum persona persona)
{
	return persona == PERSONA_ROOTLESSKIT ? COMPAT_VERSION : FAUXROOT_VERSION;
}
