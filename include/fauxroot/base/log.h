/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: lines on stderr, "[fauxroot:parent] warning: the port forwarder died".
 *
 * The priorities are syslog's. Where stderr is the journal (JOURNAL_STREAM names its device and
 * inode, man 5 systemd.exec) a line starts with <N>; on a terminal it is coloured; with
 * --log-format=json it is one JSON object. Level, form and the count of lost lines are the one
 * mutable global of the program.
 *
 * The log never holds the program up. Where stderr is a pipe, a socket or a terminal whose reader
 * does not read, a line is dropped after a tenth of a second, and those after it at once; they are
 * counted, and the next line that can be written comes after "12 lines lost".
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
 * log_setup() - decide once how lines look
 * @program: "fauxroot", or "rootlesskit" in compatible clothes; must outlive the process
 * @role: "parent", "child", "forwarder", …; must outlive the process
 *
 * Looks at stderr (terminal, journal) and NO_COLOR. Until it is called, lines are plain text of
 * level info from "fauxroot:parent".
 */
void log_setup(const char *program, const char *role, enum log_level level, enum log_format format);

/* log_enabled() - would a line of this level be written? */
bool log_enabled(enum log_level level);

/*
 * log_redirect() - send lines to @sink instead of stderr, NULL to undo
 *
 * The child uses it so that its lines travel over the handshake and never mix with the target's.
 * @sink gets the level and the bare message.
 */
void log_redirect(void (*sink)(void *arg, enum log_level level, const char *message), void *arg);

/* log_write() - one line; control characters in the message are shown as '?' */
void log_write(enum log_level level, const char *fmt, ...) _printf_(2, 3);

/* log_as() - a line that another process of ours has sent, under that process's role */
void log_as(const char *role, enum log_level level, const char *message);

/*
 * log_on_loss() - have @lost called when a line was dropped because nobody reads
 *
 * log_catch_up() is to be called some time later, not from within it, and again until it returns
 * true: so that the loss is reported even where no other line follows. NULL to undo.
 */
void log_on_loss(void (*lost)(void *arg), void *arg);

/* log_catch_up() - say how many lines were lost, if any were; returns false where nobody reads yet
 */
bool log_catch_up(void);

/* log_failure() - the error @err as a line of level error */
void log_failure(const struct error *err);

#define log_error(...)	 log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)	 log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)                                           \
	do {                                                     \
		if (log_enabled(LOG_LEVEL_DEBUG))                \
			log_write(LOG_LEVEL_DEBUG, __VA_ARGS__); \
	} while (0)
