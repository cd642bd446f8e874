/* SPDX-License-Identifier: Apache-2.0 */
/* A table of text, with four spaces between columns, in the format of Go's text/tabwriter. */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "fauxroot/base/str.h"

struct columns {
	size_t n;	   /* cells in each row */
	struct strv cells; /* row by row */
};

/* columns_add() - append a cell; control characters become '?'. 0 or -ENOMEM */
int columns_add(struct columns *columns, const char *fmt, ...) _printf_(2, 3);

/* columns_print() - print all rows; no line ends with white space */
void columns_print(FILE *out, const struct columns *columns);

/* columns_clear() - free the cells */
void columns_clear(struct columns *columns);

#define _cleanup_columns_ _cleanup_(columns_clear)
