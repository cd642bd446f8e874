/* SPDX-License-Identifier: Apache-2.0 */
#include "scarce.h"

#include <stdatomic.h>
#include <stdbool.h>

#include "fauxroot/base/log.h"

#define EVERY_MS 60000

void scarce_init(struct scarce *scarce)
{
	atomic_init(&scarce->logged_ms, INT64_MIN / 2);
}

bool scarce_may_log(struct scarce *scarce, int64_t now_ms)
{
	int64_t logged = atomic_load(&scarce->logged_ms);

	return now_ms - logged >= EVERY_MS &&
	       atomic_compare_exchange_strong(&scarce->logged_ms, &logged, now_ms);
}

void scarce_share(struct scarce *scarce, uint32_t id, int64_t now_ms)
{
	if (scarce_may_log(scarce, now_ms))
		log_warning("out of descriptors: published port %u has its maximum number of "
			    "connections; clients with many connections get no more and lose some "
			    "to other clients; a higher RLIMIT_NOFILE (ulimit -n) allows more",
			    id);
}

void scarce_descriptors(struct scarce *scarce, int64_t now_ms)
{
	if (scarce_may_log(scarce, now_ms))
		log_warning("out of descriptors: new connections to published ports wait until "
			    "others end; a higher RLIMIT_NOFILE (ulimit -n) allows more");
}
