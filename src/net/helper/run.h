/* SPDX-License-Identifier: Apache-2.0 */
/* One run of a network's helper program. */
#pragma once

#include "helper.h"

/* A program that is not ready after this time is killed, or the launch fails. */
#define NET_HELPER_READY_MS 10000

/*
 * net_helper_run() - set up the link unless it exists, and execute the program on it
 *
 * Returns 0 with the state NET_HELPER_STARTING, or -errno with NET_HELPER_DOWN and no program
 * running.
 */
int net_helper_run(struct net_helper *h, struct error *err);

/*
 * net_helper_take_ready() - read the ready descriptor
 *
 * Returns 1 if the program is ready; 0 if the descriptor is closed or an invalid byte came: the
 * program is dying; -EAGAIN if the program has not reported yet.
 */
int net_helper_take_ready(struct net_helper *h);

/* net_helper_enter_up() - the program is ready: kill the holder, unless the program needs it, and
 * enter NET_HELPER_UP */
void net_helper_enter_up(struct net_helper *h);

/* net_helper_enter_down() - the program is reaped: release the resources of the run, and enter
 * NET_HELPER_DOWN */
void net_helper_enter_down(struct net_helper *h);

/* net_helper_death_reason() - why the program died: "signal 9 (Killed)", "exit status 1: ERROR"
 * @status: in the form of waitpid(2) */
void net_helper_death_reason(struct net_helper *h, int status, char *ret, size_t size);
