/* SPDX-License-Identifier: Apache-2.0 */
/* The error lines that the causes explain, for documents. */
#pragma once

#include <stdio.h>

/* symptoms_print() - write the index of error lines, a table in Markdown */
void symptoms_print(FILE *out);
