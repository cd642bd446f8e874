/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Subordinate ids come from /etc/subuid and /etc/subgid, or from getsubids(1). The "subid:" line of
 * /etc/nsswitch.conf chooses between the two.
 *
 * newuidmap(1) skips a malformed line. The launch then fails much later, with a range that "is not
 * allowed". So here a malformed line of the calling user is an error, and the error shows the line.
 * Malformed lines of other users are ignored: one user's mistake must not stop another user's
 * launch. The owner of a line is compared as in newuidmap: the exact login name, or the uid as
 * decimal number without leading zeros.
 *
 * In nsswitch.conf a doubtful line is no error: it means getsubids(1), which is always right, but
 * slower. The files are read directly only if the line clearly names no other source.
 */
#include "fauxroot/machine/subid.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

void subid_ranges_clear(struct subid_ranges *ranges)
{
	free(ranges->items);
	*ranges = (struct subid_ranges){0};
}

/* Returns NULL, or why the numbers are invalid. */
static const char *add_range(struct subid_ranges *ranges, uint32_t start, uint32_t count,
			     unsigned line)
{
	if (count == 0)
		return "the range is empty";
	if (start > SUBID_LAST || count - 1 > SUBID_LAST - start)
		return "the range ends past id 4294967294";
	for (size_t i = 0; i < ranges->n; i++)
		if (ranges->items[i].start == start && ranges->items[i].count == count)
			return NULL;
	if (ranges->n == SUBID_MAX_RANGES)
		return "more than 4096 ranges of one user";
	/* The array is full if the number of items is a power of two: double it. */
	if ((ranges->n & (ranges->n - 1)) == 0) {
		size_t room = ranges->n ? ranges->n * 2 : 1;
		struct subid_range *larger =
			reallocarray(ranges->items, room, sizeof(ranges->items[0]));

		if (!larger)
			return "out of memory";
		ranges->items = larger;
	}
	ranges->items[ranges->n++] = (struct subid_range){start, count, line};
	return NULL;
}

static const char *number_complaint(int rc)
{
	return rc == -ERANGE ? "a number exceeds 4294967295" : NULL;
}

/* Parse "START:COUNT". Returns 0, -EINVAL or -ERANGE. The caller parses the rest of the line. */
static int take_numbers(struct cursor *c, uint32_t *ret_start, uint32_t *ret_count)
{
	int rc = cursor_u32(c, UINT32_MAX, ret_start);

	if (rc == 0 && !cursor_char(c, ':'))
		rc = -EINVAL;
	return rc == 0 ? cursor_u32(c, UINT32_MAX, ret_count) : rc;
}

/* Parse the rest of a line after "OWNER:". Returns NULL, or why it is invalid. */
static const char *take_own_line(struct cursor c, unsigned line, struct subid_ranges *ranges)
{
	uint32_t start = 0, count = 0;
	const char *why = NULL;
	int rc;

	if (cursor_left(&c) > 0 && c.end[-1] == '\r')
		return "the line ends in a carriage return";
	rc = take_numbers(&c, &start, &count);
	if (rc == 0 && !cursor_at_end(&c))
		rc = -EINVAL;
	if (rc < 0) {
		why = number_complaint(rc);
		return why ? why : "not of the form USER:START:COUNT";
	}
	return add_range(ranges, start, count, line);
}

/* Take the first field and its colon off a line. Returns false for a comment. */
static bool take_owner(struct cursor *line, struct cursor *ret)
{
	const char *owner;
	size_t n;

	cursor_until(line, ":", &owner, &n);
	cursor_char(line, ':');
	*ret = cursor_of_n(owner, n);
	return n > 0 && owner[0] != '#';
}

bool subid_next(struct cursor *text, struct subid_line *ret)
{
	struct cursor line;

	while (cursor_line(text, &line))
		if (take_owner(&line, &ret->owner) &&
		    take_numbers(&line, &ret->start, &ret->count) == 0)
			return true;
	return false;
}

static int bad_line(struct error *err, const char *source, unsigned n, const struct cursor *line,
		    const char *why)
{
	char shown[100];

	(void)str_print(shown, sizeof(shown), "%.*s", (int)MIN(cursor_left(line), sizeof(shown)),
			line->at);
	str_printable(shown);
	return err_say(err, EINVAL, "%s, line %u, \"%s\": %s", source, n, shown, why);
}

int subid_parse_file(const char *text, size_t size, const char *path, const char *name, uid_t uid,
		     struct subid_ranges *ret, struct error *err)
{
	_cleanup_subid_ranges_ struct subid_ranges ranges = {.source = path};
	struct cursor c = cursor_of_n(text, size), line, rest, owner;
	char number[sizeof("4294967295")];
	unsigned n = 0;

	snprintf(number, sizeof(number), "%u", (unsigned)uid);
	while (cursor_line(&c, &line)) {
		const char *why;

		n++;
		rest = line;
		if (!take_owner(&rest, &owner) ||
		    !((name && cursor_is(&owner, name)) || cursor_is(&owner, number)))
			continue;
		why = take_own_line(rest, n, &ranges);
		if (why)
			return bad_line(err, path, n, &line, why);
	}
	*ret = ranges;
	ranges = (struct subid_ranges){0};
	return 0;
}

/* Take the last word and the blanks before it off @c: the name in the middle may contain blanks. */
static struct cursor last_word(struct cursor *c)
{
	const char *end = c->end, *at = end;

	while (at > c->at && at[-1] != ' ')
		at--;
	c->end = at;
	while (c->end > c->at && c->end[-1] == ' ')
		c->end--;
	return cursor_of_n(at, (size_t)(end - at));
}

static int take_number(struct cursor word, uint32_t *ret)
{
	uint32_t value = 0;
	int rc = cursor_u32(&word, UINT32_MAX, &value);

	if (rc == 0 && !cursor_at_end(&word))
		rc = -EINVAL;
	if (rc == 0)
		*ret = value;
	return rc;
}

/* Parse "INDEX: NAME START COUNT". Returns NULL, or why it is invalid. */
static const char *take_getsubids_line(struct cursor c, unsigned line, struct subid_ranges *ranges)
{
	uint32_t index, start = 0, count = 0;
	const char *why = NULL;
	int rc = cursor_u32(&c, UINT32_MAX, &index);

	if (rc == 0 && !(cursor_char(&c, ':') && cursor_char(&c, ' ')))
		rc = -EINVAL;
	if (rc == 0)
		rc = take_number(last_word(&c), &count);
	if (rc == 0)
		rc = take_number(last_word(&c), &start);
	if (rc == 0 && cursor_at_end(&c))
		rc = -EINVAL;
	if (rc < 0) {
		why = number_complaint(rc);
		return why ? why : "not of the form INDEX: USER START COUNT";
	}
	return add_range(ranges, start, count, line);
}

int subid_parse_getsubids(const char *text, size_t size, struct subid_ranges *ret,
			  struct error *err)
{
	_cleanup_subid_ranges_ struct subid_ranges ranges = {.source = "getsubids"};
	struct cursor c = cursor_of_n(text, size), line;
	unsigned n = 0;

	while (cursor_line(&c, &line)) {
		const char *why = take_getsubids_line(line, ++n, &ranges);

		if (why)
			return bad_line(err, "getsubids", n, &line, why);
	}
	*ret = ranges;
	ranges = (struct subid_ranges){0};
	return 0;
}

/* Parse the sources of a "subid:" line. Actions such as [NOTFOUND=return] are not sources. */
static bool names_other_than_files(struct cursor c)
{
	while (!cursor_at_end(&c)) {
		const char *word;
		size_t n;

		if (cursor_blanks(&c) > 0 || cursor_char(&c, '\r'))
			continue;
		if (cursor_char(&c, '#'))
			return false;
		if (cursor_char(&c, '[')) {
			cursor_until(&c, "]", &word, &n);
			cursor_char(&c, ']');
			continue;
		}
		cursor_until(&c, " \t\r#[", &word, &n);
		if (!(n == strlen("files") && memcmp(word, "files", n) == 0))
			return true;
	}
	return false;
}

bool subid_nsswitch_is_dynamic(const char *text, size_t size)
{
	struct cursor c = cursor_of_n(text, size), line;

	while (cursor_line(&c, &line)) {
		const char *word;
		size_t n;

		cursor_blanks(&line);
		cursor_until(&line, ": \t#", &word, &n);
		cursor_blanks(&line);
		if (n == strlen("subid") && strncasecmp(word, "subid", n) == 0 &&
		    cursor_char(&line, ':') && names_other_than_files(line))
			return true;
	}
	return false;
}
