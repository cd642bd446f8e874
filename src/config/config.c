/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/config/config.h"

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/config/options.h"

/* Seconds; as docker stop has it. */
#define KILL_TIMEOUT 10

void config_init(struct config *config)
{
	*config = (struct config){
		.source_ip_transparent = true,
		.kill_timeout = KILL_TIMEOUT,
	};
	for (const struct option_row *row = options_next(NULL); row; row = options_next(row))
		if (row->preset)
			memcpy((char *)config + row->offset, &row->preset, sizeof(row->preset));
}

void config_clear(struct config *config)
{
	strv_clear(&config->copy_up);
	strv_clear(&config->publish);
}

/* What a launch has open at most, beside what it begins with. A few are for what differs from
 * machine to machine. */
static size_t descriptors(const struct config *config)
{
	/* Sockets to the middle process and to the child, two user namespaces and a mount
	 * namespace, pidfds, the state directory and its lock, the API, the pipes of newuidmap and
	 * newgidmap. */
	size_t n = 24;

	if (config->net != NET_HOST)
		n += 1; /* its namespace */
	if (config->net != NET_HOST && config->net != NET_NONE)
		n += 8; /* its helper, and the watch on /etc */
	if (config->detach_netns)
		n += 2;
	if (config->pidns)
		n += 3; /* init's reports */
	if (config->evacuate_cgroup2)
		n += 3;
	return n + config->cgroupns + config->utsns + config->ipcns;
}

int config_find_room(const struct config *config, struct error *err)
{
	size_t n = descriptors(config);
	int rc = fd_room(n);

	return rc < 0 ? err_set(err, -rc, "opening %zu descriptors at once", n) : 0;
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
