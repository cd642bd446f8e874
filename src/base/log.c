/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "logwrite.h"

/* How long to wait for a slow reader. After a lost line, the next lines do not wait again. */
#define ROOM_MS 100

static struct {
	const char *program;
	const char *role;
	enum log_level level;
	enum log_format format;
	bool journal;
	bool colour;
	int64_t start_us;
	void (*sink)(void *arg, enum log_level level, const char *message);
	void *sink_arg;
	void (*on_loss)(void *arg);
	void *on_loss_arg;
	unsigned long lost; /* lines dropped since the last written line */
	bool torn;	    /* a part of the last dropped line was written */
} settings = {
	.program = "fauxroot",
	.role = "parent",
	.level = LOG_LEVEL_INFO,
};

/* JOURNAL_STREAM is "DEVICE:INODE" of the stream that systemd connected (man 5 systemd.exec). */
static bool stderr_is_journal(void)
{
	const char *text = getenv("JOURNAL_STREAM");
	uint64_t device, inode;
	struct cursor c;
	struct stat st;

	if (!text || fstat(STDERR_FILENO, &st) < 0)
		return false;
	c = cursor_of(text);
	return cursor_u64(&c, UINT64_MAX, &device) == 0 && cursor_char(&c, ':') &&
	       cursor_u64(&c, UINT64_MAX, &inode) == 0 && cursor_at_end(&c) &&
	       device == st.st_dev && inode == st.st_ino;
}

void log_setup(const char *program, const char *role, enum log_level level, enum log_format format)
{
	const char *no_colour = getenv("NO_COLOR");

	settings.program = program;
	settings.role = role;
	settings.level = level;
	settings.format = format;
	settings.journal = stderr_is_journal();
	settings.colour = isatty(STDERR_FILENO) && !(no_colour && *no_colour);
	settings.start_us = clock_us();
}

bool log_enabled(enum log_level level)
{
	return level <= settings.level;
}

void log_redirect(void (*sink)(void *arg, enum log_level level, const char *message), void *arg)
{
	settings.sink = sink;
	settings.sink_arg = arg;
}

static const char *level_name(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		return "error";
	case LOG_LEVEL_WARNING:
		return "warning";
	case LOG_LEVEL_INFO:
		return "info";
	case LOG_LEVEL_DEBUG:
		return "debug";
	}
	return "info";
}

/* The length in bytes of the UTF-8 character at @s (RFC 3629); 0 if it is invalid. */
static size_t utf8_length(const char *s)
{
	unsigned char lead = (unsigned char)s[0], second = (unsigned char)s[1];
	size_t n = lead < 0x80	 ? 1
		   : lead < 0xc2 ? 0
		   : lead < 0xe0 ? 2
		   : lead < 0xf0 ? 3
		   : lead < 0xf5 ? 4
				 : 0;

	for (size_t i = 1; i < n; i++)
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong, half of a surrogate pair, or past the last character. */
	if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
	    (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f))
		return 0;
	return n;
}

/*
 * Make a JSON string (RFC 8259, section 7) of @s, truncated to @size. Bytes that are no UTF-8, as
 * in some file names, become U+FFFD: a JSON parser would reject the line.
 */
static void quote_json(char *out, size_t size, const char *s)
{
	size_t used = 0, n;

	for (; *s && used + 8 < size; s += n ? n : 1) {
		n = utf8_length(s);
		if (n == 0) {
			used += (size_t)snprintf(out + used, size - used, "\\ufffd");
		} else if (*s == '"' || *s == '\\') {
			out[used++] = '\\';
			out[used++] = *s;
		} else if ((unsigned char)*s < 0x20) {
			used += (size_t)snprintf(out + used, size - used, "\\u%04x", *s);
		} else {
			memcpy(out + used, s, n);
			used += n;
		}
	}
	out[used] = '\0';
}

static int format_json(char *line, size_t size, const char *role, enum log_level level,
		       const char *message)
{
	char quoted[2048];

	quote_json(quoted, sizeof(quoted), message);
	return snprintf(line, size, "{\"level\":\"%s\",\"source\":\"%s:%s\",\"message\":\"%s\"}\n",
			level_name(level), settings.program, role, quoted);
}

static int format_text(char *line, size_t size, const char *role, enum log_level level,
		       const char *message)
{
	static const char red[] = "\033[31m", yellow[] = "\033[33m", dim[] = "\033[2m";
	const char *colour = "", *plain = "";
	char elapsed[32] = "";
	char priority[8] = "";

	if (settings.colour && level != LOG_LEVEL_INFO) {
		plain = "\033[0m";
		colour = level == LOG_LEVEL_ERROR ? red : level == LOG_LEVEL_WARNING ? yellow : dim;
	}
	if (settings.journal)
		snprintf(priority, sizeof(priority), "<%d>", level);
	if (settings.level == LOG_LEVEL_DEBUG) {
		int64_t us = clock_us() - settings.start_us;

		snprintf(elapsed, sizeof(elapsed), "%lld.%03lld ms ", (long long)(us / 1000),
			 (long long)(us % 1000));
	}
	/* RootlessKit pads "child" so that both prefixes have the same width; scripts match it. */
	return snprintf(line, size, "%s[%s:%s%s] %s%s%s:%s %s\n", priority, settings.program, role,
			streq(settings.program, "rootlesskit") && streq(role, "child") ? " " : "",
			elapsed, colour, level_name(level), plain, message);
}

/* Returns the length of @line, which ends with a newline, or 0. */
static size_t format_line(char *line, size_t size, const char *role, enum log_level level,
			  const char *message)
{
	int n = settings.format == LOG_FORMAT_JSON ? format_json(line, size, role, level, message)
						   : format_text(line, size, role, level, message);

	if (n < 0)
		return 0;
	if ((size_t)n >= size) {
		n = (int)size - 1;
		line[n - 1] = '\n';
	}
	return (size_t)n;
}

/* One write per line, so lines of several processes don't mix. Returns 0 or -errno: -EAGAIN if the
 * reader does not read. Then settings.torn is true if a part of the line was written. */
static int put(const char *line, size_t n)
{
	const struct deadline deadline = deadline_in(settings.lost == 0 ? ROOM_MS : 0);

	while (n > 0) {
		long done = logwrite_some(STDERR_FILENO, line, n);

		if (done > 0) {
			line += done;
			n -= (size_t)done;
			settings.torn = n > 0;
		} else if (done != -EAGAIN && done != -EINTR) {
			return done == 0 ? -EIO : (int)done;
		} else if (deadline_left(&deadline) == 0 ||
			   fd_wait(STDERR_FILENO, POLLOUT, &deadline, -1) < 0) {
			return -EAGAIN;
		}
	}
	return 0;
}

static int catch_up(void)
{
	char line[256], message[64];
	int rc = settings.torn ? put("\n", 1) : 0;

	if (rc < 0 || settings.lost == 0)
		return rc;
	(void)str_print(message, sizeof(message), "%lu %s lost: nothing read stderr", settings.lost,
			settings.lost == 1 ? "line" : "lines");
	rc = put(line, format_line(line, sizeof(line), settings.role, LOG_LEVEL_WARNING, message));
	if (rc == 0)
		settings.lost = 0;
	return rc;
}

bool log_catch_up(void)
{
	return catch_up() != -EAGAIN;
}

void log_on_loss(void (*lost)(void *arg), void *arg)
{
	settings.on_loss = lost;
	settings.on_loss_arg = arg;
}

void log_as(const char *role, enum log_level level, const char *message)
{
	char line[2304];
	int rc;

	if (!log_enabled(level))
		return;
	rc = catch_up();
	if (rc == 0)
		rc = put(line, format_line(line, sizeof(line), role, level, message));
	if (rc == 0)
		return;
	settings.lost++;
	if (rc == -EAGAIN && settings.on_loss)
		settings.on_loss(settings.on_loss_arg);
}

void log_write(enum log_level level, const char *fmt, ...)
{
	char message[1536];
	va_list ap;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	str_printable(message);
	if (settings.sink)
		settings.sink(settings.sink_arg, level, message);
	else
		log_as(settings.role, level, message);
}

void log_failure(const struct error *err)
{
	log_error("%s", err->text);
}
