/* SPDX-License-Identifier: Apache-2.0 */
/* What the user asked for: filled once by options_parse(), never changed afterwards. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/base/log.h"
#include "fauxroot/base/str.h"

/* Names under which the launcher is called decide how it presents itself. */
enum persona {
	PERSONA_FAUXROOT = 0,
	PERSONA_ROOTLESSKIT, /* called as rootlesskit or docker-rootlesskit */
};

enum net_mode {
	NET_HOST = 0,
	NET_NONE,
	NET_SLIRP4NETNS,
	NET_PASTA,
	NET_LXC_USER_NIC,
	NET_GVISOR_TAP_VSOCK,
	NET_VPNKIT,
	NET_MODE_COUNT_
};

enum port_mode {
	PORT_NONE = 0,
	PORT_BUILTIN,
	PORT_SLIRP4NETNS,
	PORT_IMPLICIT,
	PORT_GVISOR_TAP_VSOCK,
	PORT_MODE_COUNT_
};

enum tristate {
	TRI_AUTO = 0,
	TRI_TRUE,
	TRI_FALSE,
};

enum idmap_mode {
	IDMAP_AUTO = 0, /* subid; never falls back silently */
	IDMAP_SUBID,
	IDMAP_SINGLE, /* only the caller, setgroups denied */
};

enum subid_source {
	SUBID_AUTO = 0,
	SUBID_DYNAMIC, /* ask getsubids(1) */
	SUBID_STATIC,  /* read /etc/subuid and /etc/subgid */
};

enum propagation {
	PROPAGATION_RPRIVATE = 0,
	PROPAGATION_PRIVATE,
	PROPAGATION_SLAVE,
	PROPAGATION_RSLAVE,
	PROPAGATION_SHARED,
	PROPAGATION_RSHARED,
	PROPAGATION_COUNT_
};

/* An IPv4 network: the address in network byte order, with all host bits 0. */
struct cidr {
	struct in_addr address;
	unsigned prefix; /* 1…30 */
};

/* What is to be done instead of a launch. */
enum action {
	ACTION_RUN = 0,
	ACTION_HELP,
	ACTION_VERSION,
	ACTION_PRINT_SEMVER,
};

struct config {
	enum persona persona;
	enum action action;
	const char *semver_part; /* "major", "minor" or "patch" with ACTION_PRINT_SEMVER */

	bool debug;
	enum log_format log_format;
	char *state_dir; /* as given; NULL: make one */

	enum net_mode net;
	unsigned mtu;	  /* bytes; 0: the driver's default */
	struct cidr cidr; /* prefix 0: not given */
	char *ifname;	  /* NULL: the driver's default */
	bool disable_host_loopback;
	bool ipv6;
	bool detach_netns;
	char *slirp4netns_binary; /* "slirp4netns" unless given */
	enum tristate slirp4netns_sandbox;
	enum tristate slirp4netns_seccomp;
	char *pasta_binary, *vpnkit_binary, *lxc_user_nic_binary, *lxc_user_nic_bridge;

	struct strv copy_up;
	enum propagation propagation;

	enum port_mode port_driver;
	struct strv publish;
	bool source_ip_transparent;

	bool pidns, cgroupns, utsns, ipcns;
	enum tristate reaper;
	char *evacuate_cgroup2;

	enum idmap_mode idmap;
	enum subid_source subid_source;

	char **command; /* NULL-terminated, the caller's argv */
};

/* config_init() - the defaults */
void config_init(struct config *config);

void config_clear(struct config *config);

#define _cleanup_config_ _cleanup_(config_clear)
