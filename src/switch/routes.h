/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decides where a connection goes. First the command's own routes decide: only a connection that
 * leaves by the gateway behind the device of the user-mode network is switched. So its own
 * addresses, bridges, and VPNs inside work as without acceleration. Then the host's routes give the
 * device.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "page.h"

struct error;
struct netlink;
union endpoint;

/*
 * routes_device() - the index of the interface @name
 * @net: a NETLINK_ROUTE socket of the network namespace
 *
 * Returns 0 or -errno.
 */
int routes_device(struct netlink *net, const char *name, unsigned *ret, struct error *err);

/*
 * routes_inside() - does the command's route to @to leave by a gateway behind @device?
 * @net: a NETLINK_ROUTE socket of the command's network namespace
 * @uid: of the socket: rules can select it (man 8 ip-rule, uidrange)
 *
 * Returns LEFT_NOT or LEFT_INSIDE.
 */
enum left routes_inside(struct netlink *net, unsigned device, const union endpoint *to, uid_t uid);

/*
 * routes_outside() - the device by which the host reaches @to
 * @net: a NETLINK_ROUTE socket of the host's network namespace
 *
 * The host itself is no destination: a socket that is bound to a device does not reach lo. Returns
 * LEFT_NOT or LEFT_HOST.
 */
enum left routes_outside(struct netlink *net, const union endpoint *to, unsigned *ret_device);

/* routes_usable() - does the host have a route to other machines? False on a host with only lo. */
bool routes_usable(struct netlink *net);
