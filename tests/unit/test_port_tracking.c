/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routing of answers to real client addresses, with the real kernel, in a network namespace:
 * the nf_tables table in all variants, and the list of networks on the child's links.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/base/str.h"
#include "fauxroot/sys/netlink.h"
#include "fauxroot/sys/nftables.h"
#include "netns_fixture.h"
#include "port/builtin/nft.h"
#include "port/builtin/onlink.h"
#include "port/builtin/source.h"

#define TIMEOUT_MS 30000

/* A check in the runner: its failure is returned as the error of the job. */
#define EXPECT(err, condition)                                                           \
	do {                                                                             \
		if (!(condition))                                                        \
			return err_say(err, EBADE, "line %d: %s", __LINE__, #condition); \
	} while (0)

static void run_inside(void **state, int (*run)(void *arg, struct error *err))
{
	const struct fixture *f = *state;
	const struct ns_job job = {.name = "test", .which = NS_JOIN_NET, .run = run};
	struct deadline deadline = deadline_in(120000);
	struct error err = {0};

	if (ns_run(&f->ns, &job, &deadline, -1, &err) < 0)
		fail_msg("%s", err.text);
}

/* Each variant, with an owner and without, and again in place of the first one. */
static int tables_inside(void *arg, struct error *err)
{
	_cleanup_netlink_ struct netlink nl = NETLINK_NONE;
	int rc = netlink_open(NETLINK_NETFILTER, TIMEOUT_MS, &nl, err);

	(void)arg;
	for (int i = 0; i < 4 && rc == 0; i++) {
		const struct nftables_table table = {
			.name = NFT_TABLE,
			.flags = i & 2 ? NFTABLES_KEPT : 0,
			.replace = i > 0,
		};

		rc = nft_make(&nl, &table, i & 1, err);
		/* Linux before 6.9. */
		if (table.flags && (rc == -EINVAL || rc == -EOPNOTSUPP))
			return 0;
	}
	return rc;
}

static void tables_in_all_variants(void **state)
{
	run_inside(state, tables_inside);
}

static int networks_inside(void *arg, struct error *err)
{
	struct nft_network networks[NFT_NETWORKS_MAX] = {0};
	_cleanup_netlink_ struct netlink nl = NETLINK_NONE;
	int rc = netlink_open(NETLINK_NETFILTER, TIMEOUT_MS, &nl, err);

	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(networks); i++)
		networks[i] = (struct nft_network){
			.ifindex = 1,
			.family = i % 2 ? AF_INET : AF_INET6,
			.prefix = (uint8_t)(i % 2 ? 8 + i : 64 + i),
			.address = {10, (uint8_t)i},
		};
	if (rc == 0)
		rc = nft_make(&nl, &(struct nftables_table){.name = NFT_TABLE}, false, err);
	/* The maximum number of networks, and none. */
	if (rc == 0)
		rc = nft_set_networks(&nl, networks, 0, err);
	if (rc == 0)
		rc = nft_set_networks(&nl, networks, ARRAY_SIZE(networks), err);
	if (rc == 0)
		rc = nft_set_networks(&nl, networks, ARRAY_SIZE(networks), err);
	if (rc == 0)
		rc = nft_set_networks(&nl, networks, 0, err);
	return rc;
}

static void networks_are_replaced(void **state)
{
	run_inside(state, networks_inside);
}

/* ip link add br7 type bridge; ip link set br7 up */
static int add_bridge(struct netlink *nl, struct error *err)
{
	const struct ifinfomsg up = {.ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	struct netlink_request r;
	size_t nest;

	netlink_clear(&r);
	netlink_begin(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &up, sizeof(up));
	netlink_put_string(&r, IFLA_IFNAME, "br7");
	nest = netlink_nest(&r, IFLA_LINKINFO);
	netlink_put_string(&r, IFLA_INFO_KIND, "bridge");
	netlink_nest_end(&r, nest);
	return netlink_transact(nl, &r, "adding a bridge", err);
}

/* ip address add IP/PREFIX dev br7 */
static int add_address(struct netlink *nl, const char *ip, uint8_t prefix, struct error *err)
{
	uint8_t address[16];
	int family = strchr(ip, ':') ? AF_INET6 : AF_INET;
	const struct ifaddrmsg info = {
		.ifa_family = (uint8_t)family,
		.ifa_prefixlen = prefix,
		.ifa_index = if_nametoindex("br7"),
	};
	struct netlink_request r;

	inet_pton(family, ip, address);
	netlink_clear(&r);
	netlink_begin(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof(info));
	netlink_put(&r, IFA_LOCAL, address, family == AF_INET ? 4 : 16);
	netlink_put(&r, IFA_ADDRESS, address, family == AF_INET ? 4 : 16);
	return netlink_transact(nl, &r, "adding an address", err);
}

/* ip route add [IP/PREFIX | default] via GATEWAY */
static int add_gateway(struct netlink *nl, const char *gateway, struct error *err)
{
	const struct rtmsg info = {
		.rtm_family = AF_INET,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_type = RTN_UNICAST,
		.rtm_dst_len = 16,
	};
	struct in_addr via, to = {htonl(0x0b0b0000)};
	struct netlink_request r;

	inet_pton(AF_INET, gateway, &via);
	netlink_clear(&r);
	netlink_begin(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof(info));
	netlink_put(&r, RTA_DST, &to, sizeof(to));
	netlink_put(&r, RTA_GATEWAY, &via, sizeof(via));
	return netlink_transact(nl, &r, "adding a route", err);
}

static bool is_network(const struct nft_network *network, const char *ip, uint8_t prefix)
{
	uint8_t address[16] = {0};
	int family = strchr(ip, ':') ? AF_INET6 : AF_INET;

	inet_pton(family, ip, address);
	return network->family == family && network->prefix == prefix &&
	       network->ifindex == if_nametoindex("br7") &&
	       memcmp(network->address, address, sizeof(address)) == 0;
}

static bool is_readable(int fd)
{
	struct deadline deadline = deadline_in(TIMEOUT_MS);

	return fd_wait(fd, POLLIN, &deadline, -1) == 0;
}

static int onlink_inside(void *arg, struct error *err)
{
	_Alignas(NLMSG_ALIGNTO) static unsigned char buffer[NETLINK_BUFFER_SIZE];
	_cleanup_netlink_ struct netlink nl = NETLINK_NONE, reports = NETLINK_NONE;
	struct nft_network list[NFT_NETWORKS_MAX];
	size_t n = 7;
	int rc = netlink_open(NETLINK_ROUTE, TIMEOUT_MS, &nl, err);

	(void)arg;
	if (rc == 0)
		rc = netlink_open(NETLINK_ROUTE, TIMEOUT_MS, &reports, err);
	if (rc == 0)
		rc = onlink_list(&nl, list, &n, err);
	if (rc < 0)
		return rc;
	EXPECT(err, n == 0);
	EXPECT(err, onlink_watch(&reports) == 0);
	rc = add_bridge(&nl, err);
	if (rc == 0)
		rc = add_address(&nl, "172.30.0.1", 24, err);
	if (rc < 0)
		return rc;
	EXPECT(err, is_readable(reports.fd));
	onlink_drain(&reports);
	EXPECT(err, netlink_receive(&reports, buffer) == -EAGAIN);
	rc = add_address(&nl, "fd30::1", 64, err);
	/* This route has a gateway, so it is not listed. */
	if (rc == 0)
		rc = add_gateway(&nl, "172.30.0.2", err);
	if (rc == 0)
		rc = onlink_list(&nl, list, &n, err);
	if (rc < 0)
		return rc;
	EXPECT(err, n == 2);
	EXPECT(err, is_network(&list[0], "172.30.0.0", 24));
	EXPECT(err, is_network(&list[1], "fd30::", 64));
	/* Far more than fit: the dump continues after the list is full. */
	for (unsigned i = 0; i < 4U * NFT_NETWORKS_MAX && rc == 0; i++) {
		char ip[INET_ADDRSTRLEN];

		(void)str_print(ip, sizeof(ip), "10.%u.%u.1", i / 250, i % 250);
		rc = add_address(&nl, ip, 24, err);
	}
	if (rc < 0)
		return rc;
	for (int again = 0; again < 3; again++) {
		EXPECT(err, onlink_list(&nl, list, &n, NULL) == -E2BIG);
		EXPECT(err, n == NFT_NETWORKS_MAX);
	}
	return 0;
}

static void networks_on_links_are_listed(void **state)
{
	run_inside(state, onlink_inside);
}

/* Add each rule twice, then remove it twice. */
static int rules_inside(void *arg, struct error *err)
{
	_cleanup_netlink_ struct netlink nl = NETLINK_NONE;
	union endpoint server;
	int rc = netlink_open(NETLINK_ROUTE, TIMEOUT_MS, &nl, err);

	(void)arg;
	for (int i = 0; i < 2 && rc == 0; i++) {
		EXPECT(err, endpoint_of(i ? "::1" : "127.0.0.1", 8080, &server) == 0);
		for (int again = 0; again < 2 && rc == 0; again++)
			rc = source_route_answers(&nl, &server, err);
		for (int again = 0; again < 2 && rc == 0; again++)
			rc = source_unroute_answers(&nl, &server, err);
	}
	return rc;
}

static void rules_for_answers_are_idempotent(void **state)
{
	run_inside(state, rules_inside);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tables_in_all_variants, set_up, tear_down),
		cmocka_unit_test_setup_teardown(networks_are_replaced, set_up, tear_down),
		cmocka_unit_test_setup_teardown(networks_on_links_are_listed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rules_for_answers_are_idempotent, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
