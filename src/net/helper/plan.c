/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of a helper-based network: the same addresses as RootlessKit's. */
#include <arpa/inet.h>
#include <errno.h>

#include "fauxroot/base/err.h"
#include "fauxroot/config/cidr.h"
#include "helper.h"

#define DEFAULT_MTU 65520
#define MIN_MTU	    68	 /* minimum of a TAP device, and of IPv4: RFC 791 */
#define MIN_MTU6    1280 /* RFC 8200, section 5 */

/* Constants: not every helper has options for these addresses. */
#define ADDRESS6 "fd00::100"
#define GATEWAY6 "fd00::2"
#define DNS6	 "fd00::3"
#define HOST6	 "fd00::4"

int net_helper_plan(const struct config *config, struct net_plan *ret, struct error *err)
{
	struct cidr cidr = cidr_of(config);
	struct net_plan plan = {
		.own_netns = true,
		.configures_dns = true,
		.mtu = config->mtu > 0 ? config->mtu : DEFAULT_MTU,
		.prefix = cidr.prefix,
		.address = cidr_host(&cidr, 100),
		.gateway = cidr_host(&cidr, 2),
		.dns = cidr_host(&cidr, 3),
		.has_host = !config->detach_netns,
		.host = cidr_host(&cidr, 4),
		.ipv6 = config->ipv6,
	};
	unsigned min_mtu = config->ipv6 ? MIN_MTU6 : MIN_MTU;

	if (plan.mtu < min_mtu)
		return err_say(err, EINVAL, "--mtu: %u is too small: at least %u%s", plan.mtu,
			       min_mtu, config->ipv6 ? " with --ipv6" : "");
	if (str_print(plan.ifname, sizeof(plan.ifname), "%s",
		      config->ifname ? config->ifname : "tap0") < 0)
		return err_say(err, EINVAL, "--ifname: %s is too long", config->ifname);
	if (plan.ipv6) {
		inet_pton(AF_INET6, ADDRESS6, &plan.address6);
		inet_pton(AF_INET6, GATEWAY6, &plan.gateway6);
		inet_pton(AF_INET6, DNS6, &plan.dns6);
		inet_pton(AF_INET6, HOST6, &plan.host6);
	}
	*ret = plan;
	return 0;
}
