/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PIDs in a new PID namespace begin at 2, so a daemon would get the same PID in each namespace.
 * After it was killed, it would find its own PID in its old pid file. So init lets the PIDs begin
 * at a random number.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct process;

/*
 * pids_choose() - choose the PID after which the PIDs of a namespace continue
 * @random: any random number
 * @pid_max: the value of /proc/sys/kernel/pid_max
 *
 * Returns a number from 1,000 to 30,000 and below half of @pid_max: this leaves room above it
 * before the kernel starts again at 300. 0 if @pid_max is too small.
 */
pid_t pids_choose(uint32_t random, uint32_t pid_max);

/*
 * pids_choose_one() - choose the PID of one process, if @pid_max is too small for pids_choose() or
 * ns_last_pid cannot be written
 *
 * Returns a number from 2 to below @pid_max, at most 30,000.
 */
pid_t pids_choose_one(uint32_t random, uint32_t pid_max);

/*
 * pids_scatter() - in init of a PID namespace, before any other process exists: give the next
 * process a random PID, and later ones the PIDs after it
 * @ret_wanted: 0 on success; else a PID to request from pids_fork()
 *
 * Writes /proc/sys/kernel/ns_last_pid, which acts on the writer's own namespace (man 7
 * pid_namespaces). Returns 0 or -errno, and sets @ret_wanted in both cases. -ERANGE: pid_max is too
 * small. -EROFS: /proc/sys is read-only, as in some containers.
 */
int pids_scatter(pid_t *ret_wanted);

/*
 * pids_fork() - fork(2) a process with the PID @pid in our PID namespace
 * @ret: the new process, with a pidfd
 *
 * Uses clone3(2) with set_tid (Linux 5.5), which needs CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN in
 * the user namespace that owns the PID namespace. The caller must have one thread. Returns 0 in the
 * new process, 1 with @ret in the parent, or -errno: -EEXIST if the PID is in use, -ENOSYS or
 * -EPERM if clone3(2) is refused.
 */
int pids_fork(pid_t pid, struct process *ret);
