/* SPDX-License-Identifier: Apache-2.0 */
#include "servers.h"

#include <string.h>

#include "fauxroot/base/macro.h"

/* The time in which a query has asked all servers, and the bounds of the wait for each. */
#define ROUND_MS    4000
#define WAIT_MIN_MS 250
#define WAIT_MAX_MS 1000

void servers_set(struct servers *servers, const uint32_t *slots, unsigned n)
{
	memset(servers->items, 0, sizeof(servers->items));
	servers->n = MIN(n, (unsigned)NAMES_SERVERS_MAX);
	servers->generation++;
	for (unsigned i = 0; i < servers->n; i++)
		servers->items[i].slot = slots[i];
}

int servers_next(const struct servers *servers, uint32_t asked, int64_t now_ms)
{
	int paused = -1;

	for (unsigned i = 0; i < servers->n; i++) {
		if (asked & 1U << i)
			continue;
		if (servers->items[i].down_ms <= now_ms)
			return (int)i;
		if (paused < 0)
			paused = (int)i;
	}
	return paused;
}

bool servers_is_suspect(const struct servers *servers, unsigned i)
{
	return servers->items[i].pause_ms > 0;
}

void servers_answered(struct servers *servers, unsigned i, int64_t now_ms)
{
	struct server *server = &servers->items[i];

	server->answered_ms = now_ms;
	server->pause_ms = 0;
	server->down_ms = 0;
}

void servers_failed(struct servers *servers, unsigned i, int64_t asked_ms, int64_t now_ms)
{
	struct server *server = &servers->items[i];

	/* Many queries fail at the same time: count them once. */
	if (server->answered_ms > asked_ms || server->down_ms > now_ms)
		return;
	server->pause_ms = server->pause_ms == 0 ? SERVER_PAUSE_MS
						 : MIN(server->pause_ms * 2, SERVER_PAUSE_MAX_MS);
	server->down_ms = now_ms + server->pause_ms;
}

int servers_wait_ms(const struct servers *servers)
{
	int wait = ROUND_MS / MAX((int)servers->n, 1);

	return MAX(WAIT_MIN_MS, MIN(wait, WAIT_MAX_MS));
}
