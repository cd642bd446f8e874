/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Confinement of the forwarder and the agent, before they read untrusted bytes. Both drop
 * capabilities, set no_new_privs, and allow only the system calls on a list (man 2 seccomp). A
 * call that is not on the list kills the process; the launcher logs that and restarts it.
 */
#pragma once

struct error;

/*
 * confine_caps() - drop all capabilities of the calling thread but @kept (man 7 capabilities)
 * @kept: the only capability in all sets; -1: none
 *
 * Call it before other threads start: they inherit the sets. The forwarder needs no capability,
 * because the launcher binds its listeners. The agent keeps CAP_NET_ADMIN for IP_TRANSPARENT and
 * SO_MARK; that capability is valid in the middle user namespace and below it, not on the host.
 * Returns 0 or -errno.
 */
int confine_caps(int kept, struct error *err);

/*
 * confine_stdio() - open /dev/null as descriptors 0, 1 and 2; 0 or -errno
 *
 * So the process cannot reach the terminal.
 */
int confine_stdio(struct error *err);

/* confine_forwarder(), confine_agent() - load the filter, for all threads; 0 or -errno */
int confine_forwarder(struct error *err);
int confine_agent(struct error *err);
