/* SPDX-License-Identifier: Apache-2.0 */
/* What a target leaves behind: its descendants, which have become ours (become_subreaper()). */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct error;
struct signals;

/*
 * orphans_signal() - send @sig to all descendants of the calling process, whatever their session
 * @sig: with SIGTERM comes SIGCONT, for those that are stopped; 0: only count
 * @spare: says of a child of ours that it is left alone, with all below it; NULL: none is
 * @arg: its first argument
 *
 * They are found in /proc, which must show our own PID namespace, and signalled by pidfd where that
 * is there (pidfd_open(2), Linux 5.3): a PID that has gone to somebody else meanwhile is left
 * alone. What is forked meanwhile may be missed: reap, and call it again.
 *
 * Returns how many there are, among them those that may not be signalled and zombies that wait for
 * us to reap them; so 0 means that there are none, and will be none. -errno where /proc cannot be
 * read or is another namespace's.
 */
int orphans_signal(int sig, bool (*spare)(void *arg, pid_t pid), void *arg, struct error *err);

/*
 * pidns_end_all() - as PID 1 of a namespace: tell all others in it to end, and wait for that
 * @signals: a terminating one ends the wait
 * @seconds: as long at most; no more than 86400
 *
 * What is left when it returns is killed when PID 1 ends (man 7 pid_namespaces).
 */
void pidns_end_all(const struct signals *signals, unsigned seconds);
