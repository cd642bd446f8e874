/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name service in a launch: it gets the servers of the host's resolv.conf.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/machine/resolvconf.h"
#include "launch.h"

/* A resolv.conf has a few hundred bytes. */
#define RESOLV_CONF_MAX (64U << 10)

bool naming_wanted(const struct launch *l)
{
	return l->net.plan.configures_dns;
}

/* The servers of the host's resolv.conf; those of an empty file if it cannot be read. */
static int set_servers(const struct launch *l, struct error *err)
{
	union endpoint servers[NAMES_SERVERS_MAX];
	_cleanup_free_ char *text = NULL;
	size_t size = 0, n;
	int rc = file_read_lines(AT_FDCWD, "/etc/resolv.conf", RESOLV_CONF_MAX, &text, &size);

	if (rc < 0)
		log_debug("reading /etc/resolv.conf: %s", strerror(-rc));
	n = resolvconf_servers(text ? text : "", size, if_nametoindex, NAMES_PORT, servers,
			       ARRAY_SIZE(servers));
	return names_set_servers(l->naming.names, servers, n, err);
}

int naming_start(struct launch *l, struct error *err)
{
	const struct net_plan *plan = &l->net.plan;
	const struct names_at at = {
		.address = plan->dns,
		.ipv6 = plan->ipv6,
		.address6 = plan->dns6,
	};
	int rc = names_open(&l->naming.names, err);

	if (rc == 0)
		rc = set_servers(l, err);
	if (rc == 0)
		rc = names_listen(l->naming.names, &l->ns, &at, l->signals->cancel, err);
	return rc;
}

int naming_supervise(struct launch *l, const struct names_events *events, struct error *err)
{
	return l->naming.names ? names_supervise(l->naming.names, l->serve.base, &l->children,
						 events, l, err)
			       : 0;
}

void naming_stop(struct launch *l)
{
	names_stop(TAKE_PTR(l->naming.names));
}
