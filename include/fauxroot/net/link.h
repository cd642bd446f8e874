/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links, addresses and routes over rtnetlink (man 7 rtnetlink), without an ip(8) binary. All
 * functions act on the network namespace of the calling process, so they run inside ns_run().
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

struct error;
struct net_plan;

/*
 * link_up_loopback() - bring "lo" up; the kernel then adds 127.0.0.1 and ::1
 *
 * Returns 0 or -errno at step STEP_NET.
 */
int link_up_loopback(struct error *err);

/*
 * tap_open() - open or create a persistent TAP device (Documentation/networking/tuntap.rst)
 * @ifname: name of the device
 * @ret_fd: a descriptor attached to the device. While it is open, no other process can attach, and
 *	the link has carrier
 * @ret_created: false if the device existed already
 *
 * The device is persistent: it outlives the helper that reads it, and keeps its addresses and
 * routes. Returns 0 or -errno at step STEP_NET with REASON_DEVICE: -ENOENT, -ENODEV, -EACCES of
 * /dev/net/tun; -EBUSY if a helper is attached; -EINVAL if a link of that name is not a TAP device.
 */
int tap_open(const char *ifname, int *ret_fd, bool *ret_created, struct error *err);

/* tap_discard() - make the device of @fd non-persistent: it disappears with its last descriptor */
void tap_discard(int fd);

/*
 * link_configure() - set MTU, addresses and default routes of a link as in @plan, and bring it up
 *
 * Existing addresses and routes are replaced. Returns 0 or -errno at step STEP_NET. The error has
 * the kernel's own message if the kernel sends one (NETLINK_EXT_ACK).
 */
int link_configure(const struct net_plan *plan, struct error *err);

/*
 * link_choose_congestion_control() - use reno in this network namespace if its default is bbr
 *
 * A new network namespace inherits the default of the host (man 7 tcp, tcp_congestion_control). It
 * is meant for the path to other hosts, where the helper's own sockets use it. Between the command
 * and the helper there is only a device of this machine. There bbr made uploads through pasta of
 * 2026 several times slower (docs/decisions/070-congestion-control.md). reno is the only algorithm
 * that every kernel has and that every namespace may use. A read-only /proc/sys is no error.
 */
void link_choose_congestion_control(void);
