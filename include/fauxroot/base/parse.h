/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsing by cursor: a bounded text and a position in it. A parser advances the cursor over the
 * text that it consumes, and leaves the cursor unchanged on failure. At the end the caller checks
 * cursor_at_end(), so trailing garbage is never ignored. Parsers use no locale, skip no white
 * space, accept no sign, and detect overflow.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
	const char *at;	 /* the next character */
	const char *end; /* behind the last character */
};

static inline struct cursor cursor_of(const char *s)
{
	return (struct cursor){s, s + strlen(s)};
}

static inline struct cursor cursor_of_n(const char *s, size_t n)
{
	return (struct cursor){s, s + n};
}

static inline bool cursor_at_end(const struct cursor *c)
{
	return c->at == c->end;
}

static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

/* cursor_is() - is the remaining text exactly @word? */
static inline bool cursor_is(const struct cursor *c, const char *word)
{
	return cursor_left(c) == strlen(word) && memcmp(c->at, word, cursor_left(c)) == 0;
}

/* cursor_char() - consume the character @ch if it is next */
bool cursor_char(struct cursor *c, char ch);

/* cursor_word() - consume @word if it is next */
bool cursor_word(struct cursor *c, const char *word);

/*
 * cursor_until() - consume the text before the first of the characters in @stops, or up to the end;
 * @ret_n may become 0. Never fails.
 */
void cursor_until(struct cursor *c, const char *stops, const char **ret, size_t *ret_n);

/* cursor_line() - consume one line; @ret_line has no newline; false at the end of the text */
bool cursor_line(struct cursor *c, struct cursor *ret_line);

/* cursor_blanks() - consume spaces and tabs; returns how many */
size_t cursor_blanks(struct cursor *c);

/*
 * cursor_u64(), cursor_u32() - consume a decimal number of at least one digit
 *
 * Returns 0, -EINVAL if no digit is next, -ERANGE if the value exceeds @max.
 */
int cursor_u64(struct cursor *c, uint64_t max, uint64_t *ret);
int cursor_u32(struct cursor *c, uint32_t max, uint32_t *ret);

/* list_has() - does @list contain the word of @n bytes at @word? Any character of @separators ends
 * a word of @list */
bool list_has(const char *list, const char *separators, const char *word, size_t n);

/* parse_u32() - parse all of @s as a decimal number of at most @max; 0, -EINVAL or -ERANGE */
int parse_u32(const char *s, uint32_t max, uint32_t *ret);

/* parse_bool() - parse a boolean as Go's strconv.ParseBool does; 0 or -EINVAL */
int parse_bool(const char *s, bool *ret);
