/* SPDX-License-Identifier: Apache-2.0 */
/* The forwarder: the process that relays published ports. See forwarder.c. */
#pragma once

struct error;
struct process;

/*
 * forwarder_start() - fork the forwarder
 * @n_workers: threads, 1…MAX_WORKERS
 * @destinations: memfd with the addresses that it may connect to, see destinations.h
 * @ret_control: the launcher's socket of the control conversation, see protocol.h
 *
 * Returns 0 or -errno.
 */
int forwarder_start(unsigned n_workers, int destinations, struct process *ret, int *ret_control,
		    struct error *err);
