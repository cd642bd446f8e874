/* SPDX-License-Identifier: Apache-2.0 */
/* A table for people, aligned as Go's text/tabwriter does it: cells, four spaces between. */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "fauxroot/base/str.h"

struct columns {
	size_t n;	   /* a row */
	struct strv cells; /* row by row */
};

/* columns_add() - the next cell; control characters become '?'. 0 or -ENOMEM */
int columns_add(struct columns *columns, const char *fmt, ...) _printf_(2, 3);

/* columns_print() - all rows; no white space stands at the end of a line */
void columns_print(FILE *out, const struct columns *columns);

void columns_clear(struct columns *columns);

#define _cleanup_columns_ _cleanup_(columns_clear)
