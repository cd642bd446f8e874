/* SPDX-License-Identifier: Apache-2.0 */
/* What netlink.c needs of a request beyond its interface. */
#pragma once

struct netlink_request;
struct nlmsghdr;

/* netlink_current() - the message of @r that was begun last */
struct nlmsghdr *netlink_current(struct netlink_request *r);
