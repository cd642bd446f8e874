/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name service in a launch: it gets the servers of the host's resolv.conf.
 */
#include "naming.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/str.h"
#include "fauxroot/machine/resolvconf.h"
#include "launch.h"

bool naming_wanted(const struct launch *l)
{
	return l->net.plan.configures_dns && config_dns(l->config) == DNS_RELAY;
}

/* List the name servers in @text. NULL: the servers of an empty file. */
static size_t list_servers(const char *text, size_t size, union endpoint *ret)
{
	return resolvconf_servers(text ? text : "", text ? size : 0, if_nametoindex, NAMES_PORT,
				  ret, NAMES_SERVERS_MAX);
}

void naming_learn(struct launch *l, const char *text, size_t size)
{
	l->naming.n_servers = list_servers(text, size, l->naming.servers);
}

static void log_servers(const struct naming *naming)
{
	char text[ENDPOINT_MAX];

	for (size_t i = 0; i < naming->n_servers; i++)
		log_debug("name server %zu: %s", i + 1,
			  endpoint_format(&naming->servers[i], text, sizeof(text)));
}

int naming_servers(const struct naming *naming, struct strv *ret)
{
	char ip[INET6_ADDRSTRLEN];
	int rc = 0;

	for (size_t i = 0; i < naming->n_servers && rc == 0; i++) {
		const union endpoint *e = &naming->servers[i];
		bool ipv6 = e->sa.sa_family == AF_INET6;

		inet_ntop(e->sa.sa_family, ipv6 ? (const void *)&e->in6.sin6_addr : &e->in.sin_addr,
			  ip, sizeof(ip));
		rc = strv_add(ret, ip);
	}
	return rc;
}

static int set_servers(struct launch *l, struct error *err)
{
	log_servers(&l->naming);
	return names_set_servers(l->naming.names, l->naming.servers, l->naming.n_servers, err);
}

bool naming_renew(struct launch *l, const char *text, size_t size)
{
	union endpoint servers[NAMES_SERVERS_MAX];
	size_t n = list_servers(text, size, servers), i = 0;
	struct error err;

	while (i < n && n == l->naming.n_servers &&
	       endpoint_equal(&servers[i], &l->naming.servers[i]))
		i++;
	if (!l->naming.names || (i == n && n == l->naming.n_servers))
		return false;
	naming_learn(l, text, size);
	if (set_servers(l, &err) < 0)
		log_warning("following the host's name servers: %s", err.text);
	return true;
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
		rc = names_listen(l->naming.names, &l->cloned.ns, &at, l->signals->cancel, err);
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
