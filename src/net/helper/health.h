/* SPDX-License-Identifier: Apache-2.0 */
/* Detects that the reader of a TAP device hangs. See health.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/sys/netlink.h"

struct net;

/* Time between two checks, and the number of checks in a row without progress that mean "hung". */
#define NET_HEALTH_CHECK_MS   10000
#define NET_HEALTH_SILENT_MAX 3

struct net_health {
	/* Sockets of the child's network namespace; -1: not made yet. */
	int frames;
	struct netlink counter;
	int ifindex;
	bool given_up;	 /* the sockets cannot be made */
	bool probed;	 /* the last check left a frame for the reader */
	uint64_t taken;	 /* the device's counter at the last check */
	unsigned silent; /* checks in a row that found no frame read */
};

#define NET_HEALTH_NONE ((struct net_health){.frames = -1, .counter = NETLINK_NONE})

/*
 * net_health_note() - record the result of one check
 * @probed: a frame waits for the reader from now on
 * @taken: number of frames read so far
 *
 * Returns true if the reader hangs: in NET_HEALTH_SILENT_MAX checks in a row it had read no frame
 * since the check before.
 */
bool net_health_note(struct net_health *health, bool probed, uint64_t taken);

/* net_health_is_hung() - check the device of @net, whose helper is up; true if the helper hangs */
bool net_health_is_hung(struct net_health *health, const struct net *net);

/* net_health_clear() - close the sockets and reset; accepts NET_HEALTH_NONE */
void net_health_clear(struct net_health *health);
