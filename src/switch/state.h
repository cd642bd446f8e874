/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a switch process. */
#pragma once

#include "carry.h"
#include "fauxroot/sys/netlink.h"
#include "page.h"
#include "peek.h"
#include "ports.h"
#include "sets.h"

struct strv;

struct worker {
	int notify;		    /* the notification descriptor */
	struct netlink command_net; /* routes of the command's network */
	struct netlink host_net;    /* routes of our network */
	unsigned device;	    /* index of the user-mode interface in its network */
	const struct strv *except;  /* networks that stay with the user-mode network */
	struct page *page;	    /* shared with the launcher */
	struct slot *slot;	    /* of this process */
	struct netns_ids ids;
	struct defaults defaults;
	struct ports_range ports;
	struct sets_memory sets;
};
