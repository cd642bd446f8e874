/* SPDX-License-Identifier: Apache-2.0 */
/* --kill-orphans: the processes that the target has left behind. */
#pragma once

struct error;
struct launch;

/* leftovers_note_strangers() - for --kill-orphans, before the clone: record the children that exist
 * already; they are not the target's and are not signalled. 0 or -errno */
int leftovers_note_strangers(struct launch *l, struct error *err);

/* leftovers_prepare() - for --kill-orphans, before the loop runs; 0 or -ENOMEM */
int leftovers_prepare(struct launch *l, struct error *err);

/*
 * leftovers_check() - call it when the target, or later any other child, has been reaped
 *
 * With --kill-orphans it terminates the leftover processes, if there are any. Otherwise it ends the
 * event loop.
 */
void leftovers_check(struct launch *l);

/* leftovers_on_signal() - the signal @sig came after the target's exit: if it is a terminating one,
 * kill the leftover processes at once */
void leftovers_on_signal(struct launch *l, int sig);

/* leftovers_clear() - free the event; call it before the event base is freed */
void leftovers_clear(struct launch *l);
