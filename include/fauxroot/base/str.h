/* SPDX-License-Identifier: Apache-2.0 */
/* Strings: bounded formatting, comparison, and NULL-terminated string lists. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "fauxroot/base/macro.h"

static inline bool streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* str_after() - the part of @s after @prefix, or NULL if @s does not begin with @prefix */
const char *str_after(const char *s, const char *prefix);

/* str_format() - as asprintf(3), but returns the new string, or NULL when out of memory */
char *str_format(const char *fmt, ...) _printf_(1, 2);

/*
 * str_print() - snprintf(3) that reports truncation
 *
 * Returns 0, or -ENAMETOOLONG if the text was truncated; @buf is always terminated.
 */
int str_print(char *buf, size_t size, const char *fmt, ...) _printf_(3, 4);

/* str_printable() - in @s, replace control characters, also those from U+0080 to U+009F in UTF-8,
 * and remove trailing white space */
void str_printable(char *s);

/*
 * A list that owns its strings. items is NULL while the list is empty, otherwise NULL-terminated,
 * so it can be passed to execve(2).
 */
struct strv {
	char **items;
	size_t n;
};

/* strv_add() - append a copy of @s; 0 or -ENOMEM */
int strv_add(struct strv *v, const char *s);

/* strv_add_n() - append a copy of the @n bytes at @s; 0 or -ENOMEM */
int strv_add_n(struct strv *v, const char *s, size_t n);

/* strv_addf() - append a formatted string; 0 or -ENOMEM */
int strv_addf(struct strv *v, const char *fmt, ...) _printf_(2, 3);

/* strv_join() - a new string of all items with @separator between them, NULL when out of memory */
char *strv_join(const struct strv *v, const char *separator);

/* strv_contains() - is one of the items equal to @s? */
bool strv_contains(const struct strv *v, const char *s);

/* strv_clear() - free all items; @v is empty afterwards */
void strv_clear(struct strv *v);

#define _cleanup_strv_ _cleanup_(strv_clear)
