/* SPDX-License-Identifier: Apache-2.0 */
/* Reports in the log that descriptors have run out: once a minute, whichever thread sees it. */
#pragma once

#include <stdint.h>

/* Of all threads. */
struct scarce {
	_Atomic int64_t logged_ms;
};

void scarce_init(struct scarce *scarce);

/*
 * scarce_descriptors() - log that the process has no descriptors left
 * scarce_share() - log that the published port @id has all connections that it may have
 * @now_ms: of the monotonic clock
 */
void scarce_descriptors(struct scarce *scarce, int64_t now_ms);
void scarce_share(struct scarce *scarce, uint32_t id, int64_t now_ms);
