/* SPDX-License-Identifier: Apache-2.0 */
#include "http.h"

#include <errno.h>
#include <stdbool.h>
#include <strings.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

/* One line without its end; false if the end has not arrived. */
static bool take_line(struct cursor *c, struct cursor *ret)
{
	const char *end = memchr(c->at, '\n', cursor_left(c));

	if (!end)
		return false;
	*ret = cursor_of_n(c->at, (size_t)(end - c->at));
	if (end > c->at && end[-1] == '\r')
		ret->end--;
	c->at = end + 1;
	return true;
}

/* Is @line valid in a head? It must have no control characters except tabs. A lone CR is a control
 * character, too. */
static bool is_text(const struct cursor *line)
{
	for (const char *at = line->at; at < line->end; at++)
		if (((unsigned char)*at < ' ' && *at != '\t') || *at == 0x7f)
			return false;
	return true;
}

/* "HTTP/1.1 200 OK"; the text after the number may be absent. */
static int parse_status(struct cursor line, long *ret)
{
	uint32_t minor, status;

	if (!cursor_word(&line, "HTTP/1.") || cursor_u32(&line, 9, &minor) < 0 ||
	    !cursor_char(&line, ' ') || cursor_left(&line) < 3 || *line.at == '0' ||
	    cursor_u32(&line, 599, &status) < 0 || status < 100)
		return -EPROTO;
	if (!cursor_at_end(&line) && *line.at != ' ')
		return -EPROTO;
	*ret = (long)status;
	return 0;
}

static bool is_name(const char *at, size_t n, const char *name)
{
	return n == strlen(name) && strncasecmp(at, name, n) == 0;
}

static int parse_length(struct cursor value, uint64_t *length, struct error *err)
{
	uint64_t n;

	if (cursor_u64(&value, INT64_MAX, &n) < 0 ||
	    (cursor_blanks(&value), !cursor_at_end(&value)))
		return err_say(err, EPROTO, "its Content-Length is not a number");
	if (*length != HTTP_NO_LENGTH && *length != n)
		return err_say(err, EPROTO, "it has two different Content-Length headers");
	*length = n;
	return 0;
}

static int parse_header(struct cursor line, uint64_t *length, struct error *err)
{
	const char *name;
	size_t n;

	cursor_until(&line, ": \t", &name, &n);
	if (n == 0 || !cursor_char(&line, ':'))
		return err_say(err, EPROTO, "one of its headers has no name");
	cursor_blanks(&line);
	if (is_name(name, n, "Transfer-Encoding"))
		return err_say(err, EPROTO,
			       "it has a transfer coding, which HTTP/1.0 does not allow");
	return is_name(name, n, "Content-Length") ? parse_length(line, length, err) : 0;
}

static bool has_body(long status)
{
	return status >= 200 && status != 204 && status != 304;
}

/* Do these bytes not begin like a status line? Then do not wait for the end of the line. */
static bool is_foreign(const char *text, size_t n)
{
	static const char start[] = "HTTP/1.";

	return memcmp(text, start, MIN(n, sizeof(start) - 1)) != 0;
}

int http_head_parse(const char *text, size_t n, struct http_head *ret, struct error *err)
{
	struct http_head head = {.length = HTTP_NO_LENGTH};
	struct cursor c = cursor_of_n(text, n), line;
	int rc;

	if (is_foreign(text, n))
		return err_say(err, EPROTO, "it is not HTTP");
	if (!take_line(&c, &line)) {
		*ret = (struct http_head){.size = 0};
		return 0;
	}
	if (!is_text(&line) || parse_status(line, &head.status) < 0)
		return err_say(err, EPROTO, "its status line is malformed");
	for (;;) {
		if (!take_line(&c, &line)) {
			*ret = (struct http_head){.size = 0};
			return 0;
		}
		if (cursor_at_end(&line))
			break;
		if (!is_text(&line))
			return err_say(err, EPROTO, "one of its headers has control characters");
		rc = parse_header(line, &head.length, err);
		if (rc < 0)
			return rc;
	}
	if (!has_body(head.status))
		head.length = 0;
	head.size = n - cursor_left(&c);
	*ret = head;
	return 0;
}
