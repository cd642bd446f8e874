/* SPDX-License-Identifier: Apache-2.0 */
#include "columns.h"

#include <errno.h>
#include <stdarg.h>

#define PADDING 4

int columns_add(struct columns *columns, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return -ENOMEM;
	}
	str_printable(text);
	return strv_add(&columns->cells, text);
}

static size_t width_of(const struct columns *columns, size_t column)
{
	size_t width = 0;

	for (size_t i = column; i < columns->cells.n; i += columns->n)
		width = MAX(width, strlen(columns->cells.items[i]));
	return width;
}

/* Is any cell from @at to the end of its row not empty? */
static bool more_follows(const struct columns *columns, size_t at)
{
	do {
		if (columns->cells.items[at][0] != '\0')
			return true;
	} while (++at % columns->n != 0);
	return false;
}

void columns_print(FILE *out, const struct columns *columns)
{
	for (size_t i = 0; i < columns->cells.n; i++) {
		const char *cell = columns->cells.items[i];
		bool last = (i + 1) % columns->n == 0;

		if (last)
			fprintf(out, "%s\n", cell);
		else if (more_follows(columns, i + 1))
			fprintf(out, "%-*s", (int)width_of(columns, i % columns->n) + PADDING,
				cell);
		else
			fputs(cell, out);
	}
}

void columns_clear(struct columns *columns)
{
	strv_clear(&columns->cells);
}
