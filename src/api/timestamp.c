/* SPDX-License-Identifier: Apache-2.0 */
#include "timestamp.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

void api_time_format(const struct timespec *time, char buf[API_TIME_SIZE])
{
	struct tm tm = {.tm_year = 70, .tm_mday = 1};
	char seconds[API_TIME_SIZE - 8];

	(void)gmtime_r(&time->tv_sec, &tm);
	(void)strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)str_print(buf, API_TIME_SIZE, "%s.%03ldZ", seconds, time->tv_nsec / 1000000);
}

/* Take a number and the character @end after it. */
static bool take(struct cursor *c, uint32_t max, char end, int *ret)
{
	uint32_t n;

	if (cursor_u32(c, max, &n) < 0)
		return false;
	*ret = (int)n;
	return cursor_char(c, end);
}

int api_time_parse(const char *text, struct timespec *ret)
{
	struct cursor c = cursor_of(text);
	struct tm tm = {.tm_isdst = 0};
	int ms;

	if (!take(&c, 9999, '-', &tm.tm_year) || !take(&c, 12, '-', &tm.tm_mon) ||
	    !take(&c, 31, 'T', &tm.tm_mday) || !take(&c, 23, ':', &tm.tm_hour) ||
	    !take(&c, 59, ':', &tm.tm_min) || !take(&c, 60, '.', &tm.tm_sec) ||
	    !take(&c, 999, 'Z', &ms) || !cursor_at_end(&c))
		return -EINVAL;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	ret->tv_sec = timegm(&tm);
	ret->tv_nsec = ms * 1000000L;
	return 0;
}
