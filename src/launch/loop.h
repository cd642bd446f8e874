/* SPDX-License-Identifier: Apache-2.0 */
/* The supervision of the target in the event loop. */
#pragma once

struct error;
struct launch;

/*
 * loop_run() - run the event loop until the target exits
 *
 * Returns 0 with @l->loop.status; -errno if something vital failed, and the target was terminated
 * for that, or if the loop cannot be set up.
 */
int loop_run(struct launch *l, struct error *err);

/* loop_clear() - free the loop's events; call it before the event base is freed */
void loop_clear(struct launch *l);
