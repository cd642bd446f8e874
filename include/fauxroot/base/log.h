/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: lines on stderr, "[fauxroot:parent] warning: the port forwarder died".
 *
 * The priorities are syslog's. If stderr is the journal (JOURNAL_STREAM names its device and inode,
 * man 5 systemd.exec), a line starts with <N>. On a terminal it is coloured. With --log-format=json
 * it is one JSON object. Level, format and the count of lost lines are the only mutable global
 * state of the program.
 *
 * The log never blocks the program. If stderr is a pipe, a socket or a terminal, and its reader
 * does not read, a line is dropped after a tenth of a second, and the lines after it at once.
 * Dropped lines are counted. Before the next line that can be written, "12 lines lost" is written.
 */
#pragma once

#include <stdbool.h>

#include "fauxroot/base/macro.h"

struct error;

enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

enum log_format {
	LOG_FORMAT_TEXT = 0,
	LOG_FORMAT_JSON,
};

/*
 * log_setup() - set the format of all lines; called once
 * @program: "fauxroot", or "rootlesskit" in compatible mode; must stay valid until the process
 * exits
 * @role: "parent", "child", "forwarder", …; must stay valid until the process exits
 *
 * Also examines stderr (terminal, journal) and NO_COLOR. Before the call, lines are plain text of
 * level info from "fauxroot:parent".
 */
void log_setup(const char *program, const char *role, enum log_level level, enum log_format format);

/* log_enabled() - is a line of this level written? */
bool log_enabled(enum log_level level);

/*
 * log_redirect() - send lines to @sink instead of stderr; NULL: to stderr again
 *
 * The child uses it: its lines go over the handshake, and never mix with the target's output. @sink
 * gets the level and the message without prefix.
 */
void log_redirect(void (*sink)(void *arg, enum log_level level, const char *message), void *arg);

/* log_write() - write one line; control characters in the message become '?' */
void log_write(enum log_level level, const char *fmt, ...) _printf_(2, 3);

/* log_as() - write a line that another process of fauxroot has sent, with the role of that
 * process */
void log_as(const char *role, enum log_level level, const char *message);

/*
 * log_on_loss() - call @lost when a line was dropped because the reader does not read
 *
 * @lost: must not call log_catch_up() itself; NULL: call no function
 *
 * After a loss, the program calls log_catch_up() until it returns true. So the loss is reported
 * even if no other line follows.
 */
void log_on_loss(void (*lost)(void *arg), void *arg);

/* log_catch_up() - log how many lines were lost, if any; returns false if the reader still does not
 * read */
bool log_catch_up(void);

/* log_failure() - write the error @err as a line of level error */
void log_failure(const struct error *err);

#define log_error(...)	 log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)	 log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)                                           \
	do {                                                     \
		if (log_enabled(LOG_LEVEL_DEBUG))                \
			log_write(LOG_LEVEL_DEBUG, __VA_ARGS__); \
	} while (0)
