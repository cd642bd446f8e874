/* SPDX-License-Identifier: Apache-2.0 */
/* One run of a network's helper. */
#pragma once

#include "helper.h"

#define NET_HELPER_READY_MS 10000

/*
 * net_helper_run() - set up the link unless it is there, and execute the program on it
 *
 * Leaves NET_HELPER_STARTING, or NET_HELPER_DOWN with nothing running. Returns 0 or -errno.
 */
int net_helper_run(struct net_helper *h, struct error *err);

/*
 * net_helper_take_ready() - read the ready descriptor
 *
 * Returns 1 ready, 0 it is closed or has brought nonsense (dying), -EAGAIN.
 */
int net_helper_take_ready(struct net_helper *h);

/* net_helper_is_up() - it is ready: end the holder, unless the program needs it; NET_HELPER_UP */
void net_helper_is_up(struct net_helper *h);

/* net_helper_is_down() - it is dead and reaped: release what belonged to that run; NET_HELPER_DOWN
 */
void net_helper_is_down(struct net_helper *h);

/* net_helper_death_reason() - "signal 9 (Killed)", "exit status 1: COMPLAINT" */
void net_helper_death_reason(struct net_helper *h, int status, char *ret, size_t size);
