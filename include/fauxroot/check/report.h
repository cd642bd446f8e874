/* SPDX-License-Identifier: Apache-2.0 */
/* The output of --check: a table for people, JSON for programs. docs/check.md documents both. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "fauxroot/check/preflight.h"

/*
 * report_print() - print one line for each finding, with cause and remedies under it
 * @terminal: add symbols and colour
 */
void report_print(FILE *out, const struct findings *findings, bool terminal);

/* report_print_json() - print one object; returns 0 or -ENOMEM */
int report_print_json(FILE *out, const struct findings *findings);

/* report_status() - the exit status: 0 ready, 1 obstacles, 2 warnings with @strict */
int report_status(const struct findings *findings, bool strict);
