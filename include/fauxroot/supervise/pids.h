/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The numbers of processes in a new PID namespace: they begin at 2, so that a daemon has the same
 * one in each, and finds itself in the pid file that it left behind when it was killed.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct process;

/*
 * pids_choose() - the number after which those of a namespace are to go on
 * @random: any number, to choose by
 * @pid_max: as /proc/sys/kernel/pid_max has it
 *
 * Returns one from 1,000 to 30,000 and below half of @pid_max: there is room above it before the
 * kernel begins anew at 300. 0 where @pid_max leaves none.
 */
pid_t pids_choose(uint32_t random, uint32_t pid_max);

/*
 * pids_choose_one() - a number for one process, where @pid_max is too small for pids_choose() or
 * the namespace's own numbers cannot be set
 *
 * From 2 to below @pid_max, and at most 30,000.
 */
pid_t pids_choose_one(uint32_t random, uint32_t pid_max);

/*
 * pids_scatter() - in a PID namespace's init, before there is anybody else: let the next process
 * have a random number, and the others those after it
 * @ret_wanted: 0 where that is done; else a number to ask pids_fork() for
 *
 * By /proc/sys/kernel/ns_last_pid, which acts on the writer's own namespace (man 7 pid_namespaces).
 * Returns 0 or -errno, with @ret_wanted set in either case: -ERANGE where pid_max is too small,
 * -EROFS in containers that have /proc/sys read-only.
 */
int pids_scatter(pid_t *ret_wanted);

/*
 * pids_fork() - fork(2) a process that has the number @pid in our PID namespace, and hold it
 *
 * By clone3(2) with set_tid: CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN in the namespace's user
 * namespace; Linux 5.5. For a process of one thread. Returns 0 in the new process, 1 with @ret in
 * the parent, or -errno: -EEXIST where the number is taken, -ENOSYS or -EPERM where clone3(2) is
 * refused.
 */
int pids_fork(pid_t pid, struct process *ret);
