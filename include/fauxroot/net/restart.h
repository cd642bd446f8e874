/* SPDX-License-Identifier: Apache-2.0 */
/* How often a helper may die before its network is given up: five times in ten seconds. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RESTART_DEATHS	  5
#define RESTART_WINDOW_MS 10000
#define RESTART_STEP_MS	  100

/* Moments on the clock of clock_ms(), the latest RESTART_DEATHS of them; all 0 at the start. */
struct restart_window {
	int64_t deaths[RESTART_DEATHS];
	unsigned next;
};

/*
 * restart_note() - a helper has died at @now_ms
 *
 * Returns the milliseconds to wait before the next start: none the first time, so that a lone death
 * costs no more than the start itself, RESTART_STEP_MS more with every further death in the window,
 * so that a shortage of some kind can pass. -1 where it has died too often.
 */
int restart_note(struct restart_window *window, int64_t now_ms);
