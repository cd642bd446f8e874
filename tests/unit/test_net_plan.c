/* SPDX-License-Identifier: Apache-2.0 */
/* The registry of drivers and their plans. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "fauxroot/base/err.h"
#include "fauxroot/config/cidr.h"
#include "fauxroot/net/net.h"
#include "net/pasta/pasta.h"
#include "net/slirp4netns/slirp4netns.h"

static void each_mode_has_one_driver(void **state)
{
	const struct net_driver *const *driver = net_drivers();
	unsigned seen = 0;

	(void)state;
	for (; *driver; driver++) {
		assert_int_equal(seen & 1U << (*driver)->mode, 0);
		seen |= 1U << (*driver)->mode;
		assert_non_null((*driver)->name);
		assert_non_null((*driver)->plan);
		assert_non_null((*driver)->start);
	}
	assert_int_equal(seen,
			 1U << NET_HOST | 1U << NET_NONE | 1U << NET_SLIRP4NETNS | 1U << NET_PASTA);
}

static void without_driver(void **state)
{
	struct config config = {.net = NET_VPNKIT};
	struct error err = {0};
	struct net net;

	(void)state;
	assert_int_equal(net_open(&config, -1, &net, &err), -EOPNOTSUPP);
	assert_int_equal(err.step, STEP_OPTIONS);
	net_stop(&net);
}

struct plan_case {
	const char *cidr; /* NULL: not given */
	unsigned mtu;
	char *ifname;
	bool ipv6;

	int rc;
	const char *address, *gateway, *dns;
	unsigned ret_prefix, ret_mtu;
	const char *ret_ifname;
};

static const struct plan_case plan_cases[] = {
	{NULL, 0, NULL, false, 0, "10.0.2.100", "10.0.2.2", "10.0.2.3", 24, 65520, "tap0"},
	{NULL, 1500, (char *)"eth7", true, 0, "10.0.2.100", "10.0.2.2", "10.0.2.3", 24, 1500,
	 "eth7"},
	{"192.168.128.0/25", 65521, NULL, false, 0, "192.168.128.100", "192.168.128.2",
	 "192.168.128.3", 25, 65521, "tap0"},
	{"172.16.0.0/12", 0, NULL, false, 0, "172.16.0.100", "172.16.0.2", "172.16.0.3", 12, 65520,
	 "tap0"},
	{"10.0.0.128/25", 0, NULL, false, 0, "10.0.0.228", "10.0.0.130", "10.0.0.131", 25, 65520,
	 "tap0"},
	{NULL, 0, (char *)"fifteen-bytes-x", false, 0, "10.0.2.100", "10.0.2.2", "10.0.2.3", 24,
	 65520, "fifteen-bytes-x"},
	{NULL, 0, (char *)"sixteen-bytes-xx", false, -EINVAL, NULL, NULL, NULL, 0, 0, NULL},
	{NULL, 68, NULL, false, 0, "10.0.2.100", "10.0.2.2", "10.0.2.3", 24, 68, "tap0"},
	{NULL, 67, NULL, false, -EINVAL, NULL, NULL, NULL, 0, 0, NULL},
	{NULL, 1280, NULL, true, 0, "10.0.2.100", "10.0.2.2", "10.0.2.3", 24, 1280, "tap0"},
	{NULL, 1279, NULL, true, -EINVAL, NULL, NULL, NULL, 0, 0, NULL},
};

static void assert_address(int family, const void *address, const char *expected)
{
	char text[INET6_ADDRSTRLEN];

	assert_string_equal(inet_ntop(family, address, text, sizeof(text)), expected);
}

static void check_dns(const struct net_plan *plan, const char *dns)
{
	static char *given[] = {"192.0.2.1", NULL}, *none[] = {"none", NULL};
	const struct config relay = {.mtu = 0}, other = {.dns = {given, 1}},
			    alone = {.dns = {none, 1}};
	struct net net = {.plan = *plan, .config = &other};
	_cleanup_strv_ struct strv servers = {0}, others = {0};

	/* --dns takes the place of the network's own server. */
	assert_int_equal(net_dns(&net, &others), 0);
	assert_int_equal(others.n, 1);
	assert_string_equal(others.items[0], "192.0.2.1");
	net.config = &alone;
	assert_int_equal(net_dns(&net, &servers), 0);
	assert_int_equal(servers.n, 0);
	net.config = &relay;

	assert_int_equal(net_dns(&net, &servers), 0);
	assert_int_equal(servers.n, plan->ipv6 ? 2 : 1);
	assert_string_equal(servers.items[0], dns);
	if (plan->ipv6)
		assert_string_equal(servers.items[1], "fd00::3");
}

static void check_plans(const struct net_driver *driver)
{
	for (size_t i = 0; i < ARRAY_SIZE(plan_cases); i++) {
		const struct plan_case *c = &plan_cases[i];
		struct config config = {.mtu = c->mtu, .ifname = c->ifname, .ipv6 = c->ipv6};
		struct error err = {0};
		struct net_plan plan;

		if (c->cidr)
			assert_int_equal(cidr_parse(c->cidr, &config.cidr), 0);
		assert_int_equal(driver->plan(&config, &plan, &err), c->rc);
		if (c->rc < 0) {
			/* The message names the option. */
			assert_int_equal(strncmp(err.text, "--", 2), 0);
			continue;
		}
		assert_true(plan.own_netns && plan.configures_dns);
		assert_address(AF_INET, &plan.address, c->address);
		assert_address(AF_INET, &plan.gateway, c->gateway);
		assert_int_equal(plan.prefix, c->ret_prefix);
		assert_int_equal(plan.mtu, c->ret_mtu);
		assert_string_equal(plan.ifname, c->ret_ifname);
		check_dns(&plan, c->dns);
		if (!c->ipv6)
			continue;
		assert_address(AF_INET6, &plan.address6, "fd00::100");
		assert_address(AF_INET6, &plan.gateway6, "fd00::2");
	}
}

static void plans_of_helpers(void **state)
{
	(void)state;
	check_plans(&net_driver_slirp4netns);
	check_plans(&net_driver_pasta);
}

static void plain_plans(void **state)
{
	const struct config config = {.mtu = 1500, .ipv6 = true};
	_cleanup_strv_ struct strv servers = {0};
	struct net net = {.config = &config};

	(void)state;
	assert_int_equal(net_driver_host.plan(&config, &net.plan, NULL), 0);
	assert_false(net.plan.own_netns || net.plan.configures_dns);
	assert_int_equal(net_driver_none.plan(&config, &net.plan, NULL), 0);
	assert_true(net.plan.own_netns);
	assert_false(net.plan.configures_dns);
	assert_int_equal(net_dns(&net, &servers), 0);
	assert_int_equal(servers.n, 0);
}

/* --detach-netns has an effect only if a namespace is made. */
static void only_a_network_of_its_own_is_detached(void **state)
{
	static const struct {
		enum net_mode net;
		bool asked, detached;
	} table[] = {
		{NET_HOST, true, false},
		{NET_NONE, true, true},
		{NET_NONE, false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const struct config config = {
			.net = table[i].net,
			.detach_netns = table[i].asked,
		};
		struct error err = {0};
		struct net net;

		assert_int_equal(net_open(&config, -1, &net, &err), 0);
		assert_int_equal(net.plan.detached, table[i].detached);
		net_stop(&net);
	}
}

static void missing_helper(void **state)
{
	struct config config = {.net = NET_SLIRP4NETNS,
				.slirp4netns.binary = (char *)"/nonexistent/slirp4netns"};
	struct error err = {0};
	struct net net;

	(void)state;
	assert_int_equal(net_open(&config, -1, &net, &err), -ENOENT);
	assert_int_equal(err.step, STEP_NET);
	assert_int_equal(err.reason, REASON_EXEC);
	assert_string_equal(err.about, "/nonexistent/slirp4netns");
	net_stop(&net);
}

/* The helper's socket is in the given directory; a network without such a socket is an error. */
static void offers_ports(void **state)
{
	struct net net = {.driver = &net_driver_slirp4netns, .holder = NS_HOLDER_NONE};
	struct error err = {0};

	(void)state;
	assert_int_equal(net_offer_ports(&net, "/run/a", &err), 0);
	assert_string_equal(net.endpoint, "/run/a/s4n.sock");
	assert_int_equal(net_offer_ports(&net, "/run/b", &err), 0);
	assert_string_equal(net.endpoint, "/run/b/s4n.sock");
	/* Its name is not longer than "api.sock". */
	assert_true(strlen(net.driver->endpoint) <= strlen("api.sock"));
	net_stop(&net);
	assert_null(net.endpoint);
	net = (struct net){.driver = &net_driver_none, .holder = NS_HOLDER_NONE};
	assert_int_equal(net_offer_ports(&net, "/run/a", &err), -EOPNOTSUPP);
	assert_null(net.endpoint);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_mode_has_one_driver),
		cmocka_unit_test(without_driver),
		cmocka_unit_test(plans_of_helpers),
		cmocka_unit_test(plain_plans),
		cmocka_unit_test(missing_helper),
		cmocka_unit_test(only_a_network_of_its_own_is_detached),
		cmocka_unit_test(offers_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
