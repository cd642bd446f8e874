/* SPDX-License-Identifier: Apache-2.0 */
/* Times in JSON: RFC 3339, in UTC with milliseconds: "2026-11-29T19:10:00.123Z". */
#pragma once

#include <time.h>

#define API_TIME_SIZE 32

/* api_time_format() - format a time of CLOCK_REALTIME */
void api_time_format(const struct timespec *time, char buf[API_TIME_SIZE]);

/* api_time_parse() - parse what api_time_format() prints; 0 or -EINVAL */
int api_time_parse(const char *text, struct timespec *ret);
