/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/net/restart.h"

int restart_note(struct restart_window *window, int64_t now_ms)
{
	int recent = 0;

	window->deaths[window->next] = now_ms;
	window->next = (window->next + 1) % RESTART_DEATHS;
	for (int i = 0; i < RESTART_DEATHS; i++)
		if (window->deaths[i] > 0 && now_ms - window->deaths[i] < RESTART_WINDOW_MS)
			recent++;
	return recent == RESTART_DEATHS ? -1 : (recent - 1) * RESTART_STEP_MS;
}
