/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links, addresses and routes over rtnetlink (man 7 rtnetlink), without an ip(8) binary. All of them
 * act on the network namespace of the calling process, so they run inside ns_run().
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

struct error;
struct net_plan;

/* link_up_loopback() - "lo" up; 0 or -errno */
int link_up_loopback(struct error *err);

/*
 * tap_create() - a persistent TAP device of this name (Documentation/networking/tuntap.rst)
 *
 * Persistent, so that it outlives the helper that reads it, with its address and routes. Exists
 * already: is taken as it is. Returns 0 or -errno at step STEP_TUN.
 */
int tap_create(const char *ifname, struct error *err);

/* link_configure() - address, MTU, up, default route, and the IPv6 ones, as @plan says */
int link_configure(const struct net_plan *plan, struct error *err);
