/* SPDX-License-Identifier: Apache-2.0 */
#include "loglimit.h"

#include <stdatomic.h>
#include <stdbool.h>

#include "fauxroot/base/log.h"

#define EVERY_MS 60000

void log_limit_init(struct log_limit *limit)
{
	atomic_init(&limit->logged_ms, INT64_MIN / 2);
}

bool log_limit_allows(struct log_limit *limit, int64_t now_ms)
{
	int64_t logged = atomic_load(&limit->logged_ms);

	return now_ms - logged >= EVERY_MS &&
	       atomic_compare_exchange_strong(&limit->logged_ms, &logged, now_ms);
}

void log_port_full(struct log_limit *limit, uint32_t id, int64_t now_ms)
{
	if (log_limit_allows(limit, now_ms))
		log_warning("out of descriptors: published port %u has its maximum number of "
			    "connections; clients with many connections get no more and lose some "
			    "to other clients; a higher RLIMIT_NOFILE (ulimit -n) allows more",
			    id);
}

void log_no_descriptors(struct log_limit *limit, int64_t now_ms)
{
	if (log_limit_allows(limit, now_ms))
		log_warning("out of descriptors: new connections to published ports wait until "
			    "others end; a higher RLIMIT_NOFILE (ulimit -n) allows more");
}
