/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct error;
struct process;

/*
 * forwarder_start() - fork the forwarder
 * @n_workers: threads, 1…MAX_WORKERS
 * @destinations: memory with the addresses that it may connect to
 * @ret_control: the launcher's end of the conversation
 *
 * Returns 0 or -errno.
 */
int forwarder_start(unsigned n_workers, int destinations, struct process *ret, int *ret_control,
		    struct error *err);
