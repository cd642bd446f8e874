/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the forwarder and the agent give up before they touch what strangers send: capabilities,
 * privileges to come (no_new_privs), and all system calls but those on a list (man 2 seccomp). A
 * breach of the list kills the process; the launcher starts another one and says so.
 */
#pragma once

struct error;

/*
 * confine_caps() - in all sets of the calling thread, only @kept of man 7 capabilities; -1: none
 *
 * Before other threads are made: they inherit it. The forwarder needs none, because its listeners
 * are bound by the launcher. The agent keeps CAP_NET_ADMIN, for IP_TRANSPARENT and SO_MARK; it
 * counts in the child's user namespace only. Returns 0 or -errno.
 */
int confine_caps(int kept, struct error *err);

/* confine_stdio() - /dev/null as 0, 1 and 2: no terminal in the reach of what strangers send */
int confine_stdio(struct error *err);

/* confine_forwarder(), confine_agent() - their lists, for all threads; 0 or -errno */
int confine_forwarder(struct error *err);
int confine_agent(struct error *err);
