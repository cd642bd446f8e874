/* SPDX-License-Identifier: Apache-2.0 */
/* What --check prints: a table for people, JSON for programs. Both are described in docs/check.md.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "fauxroot/check/preflight.h"

/* finding_status_name() - "ok", "unknown", "warning", "obstacle" */
const char *finding_status_name(enum finding_status status);

/*
 * report_print() - one line a finding; cause and remedy below those that have them
 * @terminal: symbols and colour
 */
void report_print(FILE *out, const struct findings *findings, bool terminal);

/* report_print_json() - one object; 0 or -ENOMEM */
int report_print_json(FILE *out, const struct findings *findings);

/* report_status() - for exit(3): 0 ready, 1 obstacles, 2 warnings where @strict asks for that */
int report_status(const struct findings *findings, bool strict);
