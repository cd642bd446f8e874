/* SPDX-License-Identifier: Apache-2.0 */
/* The cursor never leaves its text, consumes nothing on failure, and numbers never overflow. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

static void check_number(struct cursor c, uint64_t max)
{
	struct cursor before = c;
	uint64_t value = 99;
	char text[24];
	int rc = cursor_u64(&c, max, &value);

	if (rc < 0) {
		assert(rc == -EINVAL || rc == -ERANGE);
		assert(c.at == before.at && c.end == before.end && value == 99);
		assert((rc == -EINVAL) ==
		       (cursor_at_end(&before) || *before.at < '0' || *before.at > '9'));
		return;
	}
	assert(value <= max && c.at > before.at && c.at <= c.end);
	/* All digits were consumed, and, except leading zeros, they are the digits of the value. */
	assert(cursor_at_end(&c) || *c.at < '0' || *c.at > '9');
	while (before.at < c.at - 1 && *before.at == '0')
		before.at++;
	snprintf(text, sizeof(text), "%" PRIu64, value);
	assert(strlen(text) == (size_t)(c.at - before.at));
	assert(memcmp(text, before.at, strlen(text)) == 0);
}

/* The lines and the newlines between them make up the whole text. */
static void check_lines(struct cursor c)
{
	const char *expected = c.at, *end = c.end;
	struct cursor line;

	while (cursor_line(&c, &line)) {
		assert(line.at == expected && line.end >= line.at && line.end <= end);
		assert(!memchr(line.at, '\n', cursor_left(&line)));
		expected = line.end < end ? line.end + 1 : line.end;
		assert(c.at == expected);
	}
	assert(expected == end && cursor_at_end(&c));
}

static void check_fields(struct cursor c)
{
	const char *field;
	size_t n;

	cursor_until(&c, ":, ", &field, &n);
	assert(field + n == c.at && c.at <= c.end);
	assert(cursor_at_end(&c) || strchr(":, ", *c.at));
	for (size_t i = 0; i < n; i++)
		assert(field[i] == '\0' || !strchr(":, ", field[i]));
	n = cursor_blanks(&c);
	assert(cursor_at_end(&c) || (*c.at != ' ' && *c.at != '\t'));
	if (!cursor_char(&c, 'x'))
		assert(cursor_at_end(&c) || *c.at != 'x');
}

static void check_whole(const char *s)
{
	uint32_t number = 99;
	bool yes;
	int rc = parse_u32(s, 65535, &number);

	assert(rc == 0 ? number <= 65535 : number == 99);
	rc = parse_bool(s, &yes);
	assert(rc == 0 ? strlen(s) <= 5 && strchr("1tT0fF", *s) : rc == -EINVAL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of exactly this size, so that the sanitizer detects a read past the end. */
	_cleanup_free_ char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	check_whole(text);
	str_printable(text);
	for (const char *at = text; *at; at++)
		assert((unsigned char)*at >= 0x20 && *at != 0x7f);

	{
		_cleanup_free_ char *exact = malloc(size ? size : 1);

		if (!exact)
			return 0;
		memcpy(exact, data, size);
		check_number(cursor_of_n(exact, size), UINT64_MAX);
		check_number(cursor_of_n(exact, size), UINT32_MAX);
		check_number(cursor_of_n(exact, size), 7);
		check_number(cursor_of_n(exact, size), 0);
		check_lines(cursor_of_n(exact, size));
		check_fields(cursor_of_n(exact, size));
	}
	return 0;
}
