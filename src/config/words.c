/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of words, split as systemd splits ExecStart= (man 5 systemd.service, "Command lines";
 * man 7 systemd.syntax, "Quoting"): white space separates words, single and double quotes keep
 * white space together, and C escapes stand for a character, in quotes as well. Quotes may begin
 * and end inside a word, as in --name="a b": extract_first_word() of systemd accepts that, although
 * its manual page says that it does not.
 *
 * Unlike systemd, an unknown escape is an error instead of a warning, and $VARIABLE, %specifier and
 * a lone ";" stay unchanged.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/parse.h"
#include "private.h"

/* The word that is being read. It is never longer than the text before it was split. */
struct word {
	char *at;
	size_t n;
};

static int digit_of(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c == '\0' ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c);

	return found ? (int)(found - digits) : -1;
}

/* Exactly @n digits of @base. An escape for NUL is refused: NUL ends a string of an argv. */
static int take_code(struct cursor *c, unsigned base, unsigned n, uint32_t *ret)
{
	uint32_t code = 0;

	for (; n > 0; n--) {
		int digit = cursor_at_end(c) ? -1 : digit_of(*c->at);

		if (digit < 0 || digit >= (int)base)
			return -EINVAL;
		code = code * base + (unsigned)digit;
		c->at++;
	}
	if (code == 0)
		return -EINVAL;
	*ret = code;
	return 0;
}

static void add_byte(struct word *word, uint32_t byte)
{
	word->at[word->n++] = (char)byte;
}

/* Append @code as UTF-8 (RFC 3629), which is shorter than the escape. */
static int add_code_point(struct word *word, uint32_t code)
{
	if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return -EINVAL;
	if (code < 0x80) {
		add_byte(word, code);
		return 0;
	}
	if (code < 0x800) {
		add_byte(word, 0xc0 | code >> 6);
	} else if (code < 0x10000) {
		add_byte(word, 0xe0 | code >> 12);
		add_byte(word, 0x80 | (code >> 6 & 0x3f));
	} else {
		add_byte(word, 0xf0 | code >> 18);
		add_byte(word, 0x80 | (code >> 12 & 0x3f));
		add_byte(word, 0x80 | (code >> 6 & 0x3f));
	}
	add_byte(word, 0x80 | (code & 0x3f));
	return 0;
}

/* The escape after a backslash. */
static int take_escape(struct cursor *c, struct word *word)
{
	static const char names[] = "abfnrtv\\\"'s", values[] = "\a\b\f\n\r\t\v\\\"' ";
	const char *found;
	uint32_t code;
	int rc;

	if (cursor_at_end(c) || *c->at == '\0')
		return -EINVAL;
	found = strchr(names, *c->at);
	if (found) {
		c->at++;
		add_byte(word, (unsigned char)values[found - names]);
		return 0;
	}
	if (cursor_char(c, 'u') || cursor_char(c, 'U')) {
		rc = take_code(c, 16, c->at[-1] == 'u' ? 4 : 8, &code);
		return rc < 0 ? rc : add_code_point(word, code);
	}
	rc = cursor_char(c, 'x') ? take_code(c, 16, 2, &code) : take_code(c, 8, 3, &code);
	if (rc < 0 || code > 0xff)
		return -EINVAL;
	add_byte(word, code);
	return 0;
}

static bool is_space(char c)
{
	return c != '\0' && strchr(" \t\n\r", c);
}

/* One word, up to white space outside of quotes. */
static int take_word(struct cursor *c, struct word *word, struct error *err)
{
	char quote = '\0';

	word->n = 0;
	while (!cursor_at_end(c) && (quote || !is_space(*c->at))) {
		char here = *c->at++;

		if (here == '\\') {
			if (take_escape(c, word) < 0)
				return err_say(err, EINVAL, "unknown escape after a backslash");
		} else if (quote && here == quote) {
			quote = '\0';
		} else if (!quote && (here == '\'' || here == '"')) {
			quote = here;
		} else {
			add_byte(word, (unsigned char)here);
		}
	}
	return quote ? err_say(err, EINVAL, "missing closing %c", quote) : 0;
}

int words_split(const char *text, struct strv *ret, struct error *err)
{
	_cleanup_free_ char *buf = strdup(text);
	struct cursor c = cursor_of(text);
	struct word word = {.at = buf};
	int rc = buf ? 0 : -ENOMEM;

	while (rc == 0) {
		while (!cursor_at_end(&c) && is_space(*c.at))
			c.at++;
		if (cursor_at_end(&c))
			return 0;
		rc = take_word(&c, &word, err);
		if (rc < 0)
			return rc;
		rc = strv_add_n(ret, word.at, word.n);
	}
	return err_set(err, ENOMEM, "splitting words");
}
