/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /etc/subuid: the ranges are distinct and valid, and a line of the user has each of them, as the C
 * library reads its numbers. Lines of other users change nothing.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/str.h"
#include "fauxroot/machine/subid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The text of line @n, from 1 */
static const char *line_of(const char *text, size_t size, unsigned n, size_t *ret_size)
{
	const char *end = text + size, *next;

	while (--n > 0)
		text = (const char *)memchr(text, '\n', (size_t)(end - text)) + 1;
	next = memchr(text, '\n', (size_t)(end - text));
	*ret_size = (size_t)((next ? next : end) - text);
	return text;
}

/* The field at @at, as newuidmap reads it. Moves @at behind the field. */
static uintmax_t read_field(const char **at)
{
	char *end;
	uintmax_t value = strtoumax(*at, &end, 0);

	assert(end > *at && (*end == ':' || *end == '\0'));
	*at = end + (*end == ':');
	return value;
}

static void check_range(const char *text, size_t size, const struct subid_ranges *ranges, size_t i)
{
	const struct subid_range *r = &ranges->items[i];
	_cleanup_free_ char *line = NULL;
	uintmax_t start, count;
	const char *at;
	size_t n;

	assert(r->count > 0 && (uint64_t)r->start + r->count - 1 <= SUBID_LAST);
	for (size_t k = 0; k < i; k++) {
		assert(ranges->items[k].line < r->line);
		assert(ranges->items[k].start != r->start || ranges->items[k].count != r->count);
	}
	at = line_of(text, size, r->line, &n);
	line = strndup(at, n);
	assert(line && strlen(line) == n);
	at = str_after(line, "al:");
	if (!at)
		at = str_after(line, "7:");
	assert(at);
	start = read_field(&at);
	count = read_field(&at);
	assert(start == r->start && count == r->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char others[] = "bob:1:2:3\r\n70:x\nal\\:5:5\n:::\n";
	_cleanup_subid_ranges_ struct subid_ranges ranges = {0}, again = {0};
	const char *text = (const char *)data;
	_cleanup_free_ char *framed = NULL;
	struct error err = {0};
	int rc = subid_parse_file(text, size, "/etc/subuid", "al", 7, &ranges, &err);

	assert(rc == 0 || rc == -EINVAL);
	if (rc < 0) {
		assert(!ranges.items && str_after(err.text, "/etc/subuid, line "));
		assert(err.code == EINVAL);
	}
	assert(ranges.n <= SUBID_MAX_RANGES && (ranges.n == 0 || ranges.items));
	for (size_t i = 0; i < ranges.n; i++)
		check_range(text, size, &ranges, i);

	/* The result is the same between lines of other users. */
	framed = malloc(size + 2 * sizeof(others));
	assert(framed);
	memcpy(framed, others, sizeof(others) - 1);
	if (size > 0)
		memcpy(framed + sizeof(others) - 1, data, size);
	framed[sizeof(others) - 1 + size] = '\n';
	memcpy(framed + sizeof(others) + size, others, sizeof(others) - 1);
	assert(subid_parse_file(framed, size + 2 * sizeof(others) - 1, "f", "al", 7, &again,
				&err) == rc);
	assert(again.n == ranges.n);
	for (size_t i = 0; i < ranges.n; i++)
		assert(again.items[i].start == ranges.items[i].start &&
		       again.items[i].count == ranges.items[i].count &&
		       again.items[i].line == ranges.items[i].line + 4);
	return 0;
}
