/* SPDX-License-Identifier: Apache-2.0 */
/* Logs shortages: at most one line a minute, for all threads together. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Shared by all threads. */
struct scarce {
	_Atomic int64_t logged_ms;
};

/* scarce_init() - nothing was logged yet */
void scarce_init(struct scarce *scarce);

/* scarce_may_log() - was no line logged for a minute? If true, the calling thread must log one.
 * @now_ms as below */
bool scarce_may_log(struct scarce *scarce, int64_t now_ms);

/*
 * scarce_descriptors() - log that the process has no descriptors left
 * scarce_share() - log that the published port @id has its maximum number of connections
 * @now_ms: on the monotonic clock
 */
void scarce_descriptors(struct scarce *scarce, int64_t now_ms);
void scarce_share(struct scarce *scarce, uint32_t id, int64_t now_ms);
