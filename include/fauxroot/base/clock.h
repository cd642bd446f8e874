/* SPDX-License-Identifier: Apache-2.0 */
/* Time: CLOCK_MONOTONIC in milliseconds, and deadlines. Every wait in fauxroot has a deadline. */
#pragma once

#include <stdint.h>
#include <sys/time.h>

struct deadline {
	int64_t at_ms; /* as clock_ms() counts */
};

/* clock_ms(), clock_us() - CLOCK_MONOTONIC in milliseconds, microseconds */
int64_t clock_ms(void);
int64_t clock_us(void);

/* deadline_in() - the deadline that is @ms milliseconds from now */
struct deadline deadline_in(int64_t ms);

/* deadline_left() - milliseconds until @deadline, as a timeout for poll(2): 0 when it is past, -1
 * for NULL */
int deadline_left(const struct deadline *deadline);

/* timeval_ms() - @ms milliseconds, not negative, for timers and socket options; the members' types
 * differ between machines and C libraries */
struct timeval timeval_ms(int64_t ms);
