/* SPDX-License-Identifier: Apache-2.0 */
/* Time: CLOCK_MONOTONIC in milliseconds, and the deadlines that every wait of ours has. */
#pragma once

#include <stdint.h>

struct deadline {
	int64_t at_ms; /* on the clock of clock_ms() */
};

/* clock_ms(), clock_us() - CLOCK_MONOTONIC in milliseconds, microseconds */
int64_t clock_ms(void);
int64_t clock_us(void);

/* deadline_in() - the moment @ms milliseconds from now */
struct deadline deadline_in(int64_t ms);

/* deadline_left() - milliseconds until @deadline as poll(2) takes them: 0 when past, -1 for NULL */
int deadline_left(const struct deadline *deadline);
