/* SPDX-License-Identifier: Apache-2.0 */
/* Private to sys/: access to a request for netlink.c. */
#pragma once

struct netlink_request;
struct nlmsghdr;

/* netlink_current() - the last message of @r */
struct nlmsghdr *netlink_current(struct netlink_request *r);
