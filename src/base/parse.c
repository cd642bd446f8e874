/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/base/parse.h"

#include <errno.h>

#include "fauxroot/base/str.h"

bool cursor_char(struct cursor *c, char ch)
{
	if (cursor_at_end(c) || *c->at != ch)
		return false;
	c->at++;
	return true;
}

bool cursor_word(struct cursor *c, const char *word)
{
	size_t n = strlen(word);

	if (cursor_left(c) < n || memcmp(c->at, word, n) != 0)
		return false;
	c->at += n;
	return true;
}

void cursor_until(struct cursor *c, const char *stops, const char **ret, size_t *ret_n)
{
	const char *start = c->at;

	/* For a NUL in the text, strchr() would find the terminator of @stops. */
	while (!cursor_at_end(c) && (*c->at == '\0' || !strchr(stops, *c->at)))
		c->at++;
	*ret = start;
	*ret_n = (size_t)(c->at - start);
}

bool cursor_line(struct cursor *c, struct cursor *ret_line)
{
	const char *end;

	if (cursor_at_end(c))
		return false;
	end = memchr(c->at, '\n', cursor_left(c));
	*ret_line = cursor_of_n(c->at, end ? (size_t)(end - c->at) : cursor_left(c));
	c->at = end ? end + 1 : c->end;
	return true;
}

size_t cursor_blanks(struct cursor *c)
{
	size_t n = 0;

	while (cursor_char(c, ' ') || cursor_char(c, '\t'))
		n++;
	return n;
}

int cursor_u64(struct cursor *c, uint64_t max, uint64_t *ret)
{
	const char *at = c->at;
	uint64_t value = 0;

	if (at == c->end || *at < '0' || *at > '9')
		return -EINVAL;
	for (; at < c->end && *at >= '0' && *at <= '9'; at++) {
		uint64_t digit = (uint64_t)(*at - '0');

		if (digit > max || value > (max - digit) / 10)
			return -ERANGE;
		value = value * 10 + digit;
	}
	c->at = at;
	*ret = value;
	return 0;
}

int cursor_u32(struct cursor *c, uint32_t max, uint32_t *ret)
{
	uint64_t value;
	int rc = cursor_u64(c, max, &value);

	if (rc == 0)
		*ret = (uint32_t)value;
	return rc;
}

bool list_has(const char *list, const char *separators, const char *word, size_t n)
{
	for (const char *at = list;; at++) {
		size_t m = strcspn(at, separators);

		if (m == n && memcmp(at, word, n) == 0)
			return true;
		at += m;
		if (*at == '\0')
			return false;
	}
}

int parse_u32(const char *s, uint32_t max, uint32_t *ret)
{
	struct cursor c = cursor_of(s);
	uint32_t value = 0;
	int rc = cursor_u32(&c, max, &value);

	if (rc < 0)
		return rc;
	if (!cursor_at_end(&c))
		return -EINVAL;
	*ret = value;
	return 0;
}

int parse_bool(const char *s, bool *ret)
{
	static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
	static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		if (streq(s, yes[i])) {
			*ret = true;
			return 0;
		}
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		if (streq(s, no[i])) {
			*ret = false;
			return 0;
		}
	return -EINVAL;
}
