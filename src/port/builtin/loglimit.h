/* SPDX-License-Identifier: Apache-2.0 */
/* Limits lines of the log to one a minute, for all threads together. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Shared by all threads: one limit for each group of messages. */
struct log_limit {
	_Atomic int64_t logged_ms; /* the last line, on the monotonic clock */
};

/* log_limit_init() - nothing was logged yet */
void log_limit_init(struct log_limit *limit);

/* log_limit_allows() - was no line logged for a minute? If true, the calling thread must log one.
 * @now_ms as below */
bool log_limit_allows(struct log_limit *limit, int64_t now_ms);

/*
 * log_no_descriptors() - log that the process has no descriptors left
 * log_port_full() - log that the published port @id has its maximum number of connections
 * @now_ms: on the monotonic clock
 */
void log_no_descriptors(struct log_limit *limit, int64_t now_ms);
void log_port_full(struct log_limit *limit, uint32_t id, int64_t now_ms);
