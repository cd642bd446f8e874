/* SPDX-License-Identifier: Apache-2.0 */
/* Descendants of the target that are left when it exits: they become ours (become_subreaper()). */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct error;
struct signals;

/*
 * orphans_signal() - send @sig to all descendants of the calling process, whatever their session
 * @sig: SIGTERM is followed by SIGCONT, for stopped processes; 0: only count
 * @spare: returns true for a child of ours that is left out with all its descendants; NULL: none is
 * @arg: its first argument
 *
 * The processes are found in /proc, which must show our own PID namespace, and signalled by pidfd
 * if the kernel has it (pidfd_open(2), Linux 5.3). So a PID that now belongs to another process is
 * left alone. A process that is forked during the call may be missed: reap, and call it again. So
 * may one that /proc hides from us (hidepid, man 5 proc); it hides none that we may trace.
 *
 * Returns the number of descendants, including those that we may not signal and the zombies that we
 * have yet to reap. So 0 means that there are none, and that there will be none. -errno if /proc
 * cannot be read or shows another PID namespace.
 */
int orphans_signal(int sig, bool (*spare)(void *arg, pid_t pid), void *arg, struct error *err);

/*
 * pidns_end_all() - as PID 1 of a namespace: send SIGTERM to all other processes in it, and wait
 * until our children have exited
 * @signals: a terminating signal ends the wait
 * @seconds: the longest wait, at most 86400
 *
 * The kernel kills the processes that are left when PID 1 exits (man 7 pid_namespaces).
 */
void pidns_end_all(const struct signals *signals, unsigned seconds);
