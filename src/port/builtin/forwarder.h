/* SPDX-License-Identifier: Apache-2.0 */
/* The forwarder: the process that relays published ports. See forwarder.c. */
#pragma once

#include <stdbool.h>

struct counters;
struct error;
struct process;

/*
 * forwarder_start() - fork the forwarder
 * @title: of the process, "fauxroot: ports"
 * @counters: shared with the forwarder, which has one worker for each of their threads,
 * 1…MAX_WORKERS
 * @paths: it forwards to UNIX sockets, too
 * @destinations: memfd with the addresses that it may connect to, see proc/destinations.h
 * @ret_control: the launcher's socket of the control conversation, see protocol.h
 *
 * Returns 0 or -errno.
 */
int forwarder_start(const char *title, const struct counters *counters, bool paths,
		    int destinations, struct process *ret, int *ret_control, struct error *err);
