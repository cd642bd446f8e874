/* SPDX-License-Identifier: Apache-2.0 */
/* Does the reader of a TAP device hang? See health.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/sys/netlink.h"

struct net;

/* Is it looked at every NET_HEALTH_LOOK_MS, and has it been silent for so many looks: hung. */
#define NET_HEALTH_LOOK_MS    10000
#define NET_HEALTH_SILENT_MAX 3

struct net_health {
	/* Sockets of the child's network namespace; -1: not made yet. */
	int frames;
	struct netlink counter;
	int ifindex;
	bool given_up;	 /* they cannot be made */
	bool probed;	 /* a frame was there for it to take at the last look */
	uint64_t taken;	 /* the device's counter then */
	unsigned silent; /* looks at which it had taken none */
};

#define NET_HEALTH_NONE ((struct net_health){.frames = -1, .counter = NETLINK_NONE})

/*
 * net_health_note() - what one look has shown
 * @probed: there is a frame to take from now on
 * @taken: frames taken so far
 *
 * Returns true where it hangs: NET_HEALTH_SILENT_MAX looks in a row have found that none of the
 * frames before them was taken.
 */
bool net_health_note(struct net_health *health, bool probed, uint64_t taken);

/* net_health_is_hung() - one look at the device of @net, whose helper is up */
bool net_health_is_hung(struct net_health *health, const struct net *net);

/* net_health_clear() - close, forget; accepts NET_HEALTH_NONE */
void net_health_clear(struct net_health *health);
