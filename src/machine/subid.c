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
 * decimal number without leading zeros. The two numbers are read as in newuidmap, so a line means
 * the same ids in both programs: "0100000" is octal, blanks and a plus sign may come first, and
 * text after a third colon is ignored (newuidmap of shadow 4.17 and newer ignores such a line).
 *
 * In nsswitch.conf an unclear line is no error: it selects getsubids(1), which is always right, but
 * slower. The files are read directly only if the line clearly names no other source.
 */
#include "fauxroot/machine/subid.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/machine/accounts.h"

/* The size of newuidmap's buffer: it ignores a line that does not fit. */
#define NEWUIDMAP_LINE 1024

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

/* Take "0x" or "0" off @c, and return the base that it means for "strtoul". */
static unsigned take_base(struct cursor *c)
{
	struct cursor hex = *c;

	if (!cursor_char(&hex, '0'))
		return 10;
	if ((cursor_char(&hex, 'x') || cursor_char(&hex, 'X')) && cursor_left(&hex) > 0 &&
	    isxdigit((unsigned char)*hex.at)) {
		*c = hex;
		return 16;
	}
	return 8;
}

static unsigned digit_value(char ch)
{
	if (ch >= '0' && ch <= '9')
		return (unsigned)(ch - '0');
	return isxdigit((unsigned char)ch) ? (unsigned)(tolower((unsigned char)ch) - 'a') + 10
					   : UINT_MAX;
}

/*
 * Take a number off a field as newuidmap does: with "strtoul" and base 0. Blanks and a sign may
 * come first, "0x10" is 16 and "010" is 8. Returns 0, -EINVAL without digits, -ERANGE, or -EDOM for
 * a negative number.
 */
static int take_strtoul(struct cursor *c, uint32_t *ret)
{
	uint64_t value = 0;
	unsigned base;
	bool negative, any = false;

	while (cursor_left(c) > 0 && isspace((unsigned char)*c->at))
		c->at++;
	negative = cursor_char(c, '-');
	if (!negative)
		cursor_char(c, '+');
	base = take_base(c);
	for (; cursor_left(c) > 0 && digit_value(*c->at) < base; c->at++) {
		any = true;
		value = MIN(value * base + digit_value(*c->at), (uint64_t)UINT32_MAX + 1);
	}
	if (!any)
		return -EINVAL;
	if (negative)
		return -EDOM;
	*ret = (uint32_t)value;
	return value > UINT32_MAX ? -ERANGE : 0;
}

static struct cursor take_field(struct cursor *c)
{
	const char *at;
	size_t n;

	cursor_until(c, ":", &at, &n);
	cursor_char(c, ':');
	return cursor_of_n(at, n);
}

/* Returns NULL if the field is a number, else why newuidmap ignores the line. */
static const char *field_complaint(struct cursor field, int rc)
{
	if (rc == -EDOM)
		return "a number is negative";
	if (rc == -ERANGE)
		return number_complaint(rc);
	if (rc == 0 && cursor_at_end(&field))
		return NULL;
	if (rc == 0 && *field.at == '\r')
		return "the line ends in a carriage return";
	if (rc == 0 && isspace((unsigned char)*field.at))
		return "a blank follows a number";
	if (rc == 0 && (*field.at == '8' || *field.at == '9'))
		return "a number that begins with 0 is octal, and has no digit 8 or 9";
	return "not of the form USER:START:COUNT";
}

/* Parse the rest of a line after "OWNER:". Returns NULL, or why it is invalid. */
static const char *take_own_line(struct cursor c, unsigned line, struct subid_ranges *ranges)
{
	uint32_t numbers[2] = {0};

	if (memchr(c.at, '\0', cursor_left(&c)))
		return "the line contains a NUL byte";
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		struct cursor field = take_field(&c);
		int rc = take_strtoul(&field, &numbers[i]);
		const char *why = field_complaint(field, rc);

		if (why)
			return why;
	}
	return add_range(ranges, numbers[0], numbers[1], line);
}

/* Take the first field and its colon off a line. Returns false for a comment and for NIS's "+". */
static bool take_owner(struct cursor *line, struct cursor *ret)
{
	const char *owner;
	size_t n;

	cursor_until(line, ":", &owner, &n);
	cursor_char(line, ':');
	*ret = cursor_of_n(owner, n);
	return n > 0 && !strchr("#+-", owner[0]);
}

bool subid_next(struct cursor *text, struct subid_line *ret)
{
	struct cursor line;

	while (cursor_line(text, &line)) {
		struct cursor start, count;

		if (!take_owner(&line, &ret->owner))
			continue;
		start = take_field(&line);
		count = take_field(&line);
		if (take_strtoul(&start, &ret->start) == 0 && cursor_at_end(&start) &&
		    take_strtoul(&count, &ret->count) == 0)
			return true;
	}
	return false;
}

bool subid_next_of(struct cursor *text, bool accounts, struct subid_line *ret)
{
	struct account account;

	if (!accounts)
		return subid_next(text, ret);
	if (!account_next(text, &account))
		return false;
	*ret = (struct subid_line){account.name, account.id, 1};
	return true;
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

bool subid_names(struct cursor owner, const char *name, const char *number)
{
	cursor_blanks(&owner);
	while (cursor_left(&owner) > 0 && (owner.end[-1] == ' ' || owner.end[-1] == '\t'))
		owner.end--;
	return (name && cursor_is(&owner, name)) || cursor_is(&owner, number);
}

int subid_parse_file(const char *text, size_t size, const char *path, const char *name, uid_t uid,
		     struct subid_ranges *ret, struct error *err)
{
	_cleanup_subid_ranges_ struct subid_ranges ranges = {.source = path};
	struct cursor c = cursor_of_n(text, size), line, rest, owner, blank = {0};
	char number[sizeof("4294967295")];
	unsigned n = 0, blank_n = 0;

	snprintf(number, sizeof(number), "%u", (unsigned)uid);
	while (cursor_line(&c, &line)) {
		const char *why;

		n++;
		rest = line;
		if (!take_owner(&rest, &owner) || !subid_names(owner, name, number))
			continue;
		if (!(name && cursor_is(&owner, name)) && !cursor_is(&owner, number)) {
			blank = line;
			blank_n = n;
			continue;
		}
		why = cursor_left(&line) < NEWUIDMAP_LINE ? take_own_line(rest, n, &ranges)
							  : "longer than 1023 bytes";
		if (why)
			return bad_line(err, path, n, &line, why);
	}
	if (ranges.n == 0 && blank_n > 0)
		return bad_line(err, path, blank_n, &blank, "a blank is part of the user's name");
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
