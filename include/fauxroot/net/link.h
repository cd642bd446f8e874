/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links, addresses and routes over rtnetlink (man 7 rtnetlink), without an ip(8) binary. All of
 * them act on the network namespace of the calling process, so they run inside ns_run().
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

struct error;
struct net_plan;

/* link_up_loopback() - "lo" up, which brings 127.0.0.1 and ::1; 0 or -errno at step STEP_NET */
int link_up_loopback(struct error *err);

/*
 * tap_open() - a persistent TAP device of this name (Documentation/networking/tuntap.rst)
 * @ret_fd: attached to the device; while it is, nobody else can attach and the link has carrier
 * @ret_created: false where the device was there already
 *
 * Persistent, so that it outlives the helper that reads it, with its addresses and routes. Returns
 * 0 or -errno at step STEP_NET with REASON_DEVICE: -ENOENT, -ENODEV, -EACCES of /dev/net/tun;
 * -EBUSY where a helper is attached; -EINVAL where a link of that name is no TAP device.
 */
int tap_open(const char *ifname, int *ret_fd, bool *ret_created, struct error *err);

/* tap_discard() - let the device of @fd go with its last descriptor after all */
void tap_discard(int fd);

/*
 * link_configure() - address, MTU, up, default route, and the IPv6 ones, as @plan says
 *
 * What is there already is replaced. Returns 0 or -errno at step STEP_NET, with the kernel's own
 * words where it sends some (NETLINK_EXT_ACK).
 */
int link_configure(const struct net_plan *plan, struct error *err);
