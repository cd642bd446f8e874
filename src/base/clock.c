/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/base/clock.h"

#include <limits.h>
#include <stddef.h>
#include <time.h>

int64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_ms(void)
{
	return clock_us() / 1000;
}

struct deadline deadline_in(int64_t ms)
{
	return (struct deadline){clock_ms() + ms};
}

int deadline_left(const struct deadline *deadline)
{
	int64_t left;

	if (!deadline)
		return -1;
	left = deadline->at_ms - clock_ms();
	if (left <= 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

struct timeval timeval_ms(int64_t ms)
{
	return (struct timeval){
		.tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000 * 1000),
	};
}
