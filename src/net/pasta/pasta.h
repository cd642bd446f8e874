/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the pasta driver: driver.c has the details of the program, output.c parses its output. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "fauxroot/base/err.h"
#include "../helper/helper.h"

/*
 * pasta_version_parse() - parse the output of pasta --version
 * @ret: the day of the sources, "2025-05-03"; "" if the program does not know it
 *
 * Versions are named by a day ("2025_05_03.587980c"). Distributions write it in other forms:
 * Debian's is "0.0~git20250503.587980c-2", and that of Debian 12 prints "unknown version". Some
 * versions print nothing to a pipe. A message about a variant for the processor may come first.
 * Returns 0, or -EINVAL with @ret unchanged if the text is not from pasta.
 */
int pasta_version_parse(const char *text, char *ret, size_t size);

/* pasta_interpret() - net_helper_ops.interpret */
struct net_helper_meaning pasta_interpret(const char *text);

/* net_helper_ops.chatter */
extern const char *const pasta_chatter[];

extern const struct net_driver net_driver_pasta;
