/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *str_after(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

char *str_format(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : s;
}

int str_print(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

/* Is it a control character from U+0080 to U+009F, as UTF-8? U+009B begins control sequences as
 * ESC [ does. */
static bool is_c1(const char *s)
{
	unsigned char second = (unsigned char)s[1];

	return (unsigned char)s[0] == 0xc2 && second >= 0x80 && second < 0xa0;
}

void str_printable(char *s)
{
	size_t n = strlen(s);

	while (n > 0 && strchr(" \t\r\n", s[n - 1]))
		s[--n] = '\0';
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = *s == '\n' || *s == '\t' ? ' ' : '?';
		else if (is_c1(s))
			s[0] = s[1] = '?';
}

static int strv_append(struct strv *v, char *owned)
{
	char **items;

	if (!owned)
		return -ENOMEM;
	items = realloc(v->items, (v->n + 2) * sizeof(*items));
	if (!items) {
		free(owned);
		return -ENOMEM;
	}
	items[v->n++] = owned;
	items[v->n] = NULL;
	v->items = items;
	return 0;
}

int strv_add(struct strv *v, const char *s)
{
	return strv_append(v, strdup(s));
}

int strv_add_n(struct strv *v, const char *s, size_t n)
{
	return strv_append(v, strndup(s, n));
}

int strv_addf(struct strv *v, const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return strv_append(v, n < 0 ? NULL : s);
}

char *strv_join(const struct strv *v, const char *separator)
{
	size_t size = 1, gap = strlen(separator);
	char *joined, *at;

	for (size_t i = 0; i < v->n; i++)
		size += strlen(v->items[i]) + gap;
	joined = at = malloc(size);
	if (!joined)
		return NULL;
	for (size_t i = 0; i < v->n; i++) {
		size_t n = strlen(v->items[i]);

		if (i > 0)
			at = mempcpy(at, separator, gap);
		at = mempcpy(at, v->items[i], n);
	}
	*at = '\0';
	return joined;
}

bool strv_contains(const struct strv *v, const char *s)
{
	for (size_t i = 0; i < v->n; i++)
		if (streq(v->items[i], s))
			return true;
	return false;
}

void strv_clear(struct strv *v)
{
	for (size_t i = 0; i < v->n; i++)
		free(v->items[i]);
	free(v->items);
	*v = (struct strv){NULL, 0};
}
