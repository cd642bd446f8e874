/* SPDX-License-Identifier: Apache-2.0 */
/* For test_check_preflight.c: what --check reports about networks. */
#pragma once

#include "test_check_look.h"

static void networks(void **state)
{
	static const struct look looks[] = {
		{"network", FINDING_OK, "slirp4netns 1.2.0: started, ready", NULL, .files = {{0}},
		 NO_TRIAL},
		{"network", FINDING_OBSTACLE, "0.4.0 or newer", "helper-old", .files = {{0}},
		 .failed = TRIAL_NET, EOPNOTSUPP,
		 "slirp4netns is version 0.3.0: 0.4.0 or newer is needed", STEP_NET, REASON_TOO_OLD,
		 "slirp4netns"},
		{"addresses", FINDING_OK, "10.0.2.0/24", NULL, .files = {{0}}, NO_TRIAL},
		{"addresses", FINDING_WARNING, "10.0.2.0/24", "network-overlap",
		 .files = {{"/proc/self/net/fib_trie", "|-- 10.0.0.0\n/16 link UNICAST\n", 0}},
		 NO_TRIAL, .cause = "a route to 10.0.0.0/16, which overlaps 10.0.2.0/24",
		 .remedy = "use --cidr=10.1.2.0/24"},
		/* QEMU's user-mode network; then another one beside it. */
		{"addresses", FINDING_OK, "10.0.2.0/24; this virtual machine's own", NULL,
		 .files = {{"/proc/self/net/fib_trie",
			    "|-- 10.0.2.0\n/24 link UNICAST\n|-- 10.0.2.15\n/32 host LOCAL\n", 0}},
		 NO_TRIAL},
		{"addresses", FINDING_WARNING, "10.0.2.0/24; this virtual machine's own",
		 "network-overlap",
		 .files = {{"/proc/self/net/fib_trie",
			    "|-- 10.0.0.0\n/16 link UNICAST\n|-- 10.0.2.15\n/32 host LOCAL\n", 0}},
		 NO_TRIAL, .cause = "a route to 10.0.0.0/16, which overlaps 10.0.2.0/24"},
		{"resolv.conf", FINDING_WARNING, "/etc/resolv.conf", "no-name-server",
		 .files = {{0}}, NO_TRIAL, .cause = "is missing"},
		{"resolv.conf", FINDING_OK, "/etc/resolv.conf → /etc/../run/stub.conf", NULL,
		 .files = {{"/etc/resolv.conf", "->../run/stub.conf", 0},
			   {"/run/stub.conf", "# x\nnameserver 127.0.0.53\n", 0}},
		 NO_TRIAL},
		{"resolv.conf", FINDING_WARNING, "→ /run/gone", "no-name-server",
		 .files = {{"/etc/resolv.conf", "->/run/gone", 0}}, NO_TRIAL},
		{"resolv.conf", FINDING_WARNING, "→", "no-name-server",
		 .files = {{"/etc/resolv.conf", "->/etc/resolv.conf", 0}}, NO_TRIAL},
		{"resolv.conf", FINDING_WARNING, "/etc/resolv.conf", "no-name-server",
		 .files = {{"/etc/resolv.conf", "nameserver\nnameservers 1.1.1.1\n", 0}}, NO_TRIAL,
		 .cause = "names no server"},
		{"names", FINDING_OK,
		 "relayed to 127.0.0.53:53, [2001:db8::1]:53; port 53 is free for the command",
		 NULL,
		 .files = {{"/etc/resolv.conf", "nameserver 127.0.0.53\nnameserver 2001:db8::1\n",
			    0}},
		 NO_TRIAL},
		{"names", FINDING_OBSTACLE, "adding the name service's address", NULL,
		 .files = {{0}}, .failed = TRIAL_NAMES, EPERM,
		 "adding the name service's address to lo", STEP_NET},
		/* A trial that succeeds proves the permission, whatever a file contains. */
		{"ping", FINDING_OK, "allowed", NULL,
		 .files = {{"/proc/sys/net/ipv4/ping_group_range", "65534\t65534\n", 0}}, NO_TRIAL},
		{"ping", FINDING_WARNING, "not allowed", "ping-range",
		 .files = {{"/proc/sys/net/ipv4/ping_group_range", "1\t0\n", 0}},
		 .failed = TRIAL_PING, EACCES, "making an ICMP socket: Permission denied",
		 STEP_NONE, .cause = "is 1 0, and our gid 1000 is not in it"},
		{"ping", FINDING_WARNING, "not allowed", "ping-range", .files = {{0}},
		 .failed = TRIAL_PING, EACCES, "making an ICMP socket: Permission denied",
		 STEP_NONE, .cause = "is unknown"},
		{"ping", FINDING_UNKNOWN, "Protocol not supported", NULL, .files = {{0}},
		 .failed = TRIAL_PING, EPROTONOSUPPORT,
		 "making an ICMP socket: Protocol not supported", STEP_NONE},
	};

	(void)state;
	check_looks(looks, ARRAY_SIZE(looks));
}
