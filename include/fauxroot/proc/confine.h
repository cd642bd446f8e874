/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Confinement of a process of ours that reads untrusted bytes. Before it reads the first byte, the
 * process drops capabilities, sets no_new_privs, and allows only the system calls on a list (man 2
 * seccomp). A call that is not on the list kills the process; the launcher logs that and restarts
 * the process.
 */
#pragma once

struct error;
struct sock_filter;

/*
 * confine_caps() - drop all capabilities of the calling thread but @kept (man 7 capabilities)
 * @kept: the only capability in all sets; -1: none
 *
 * Call it before other threads start: they inherit the sets. The forwarder and the name service
 * need no capability, because other processes bind their sockets. The agent keeps CAP_NET_ADMIN for
 * IP_TRANSPARENT and SO_MARK; that capability is valid in the middle user namespace and below it,
 * not on the host. Returns 0 or -errno.
 */
int confine_caps(int kept, struct error *err);

/*
 * confine_stdio() - open /dev/null as descriptors 0, 1 and 2; 0 or -errno
 *
 * So the process cannot reach the terminal.
 */
int confine_stdio(struct error *err);

/* confine_calls() - load a filter, as filter_load(), and release unused memory; 0 or -errno */
int confine_calls(const struct sock_filter *made, const struct sock_filter *end, struct error *err);
