/* SPDX-License-Identifier: Apache-2.0 */
/* The table of causes as documents, for a tool of the build. */
#pragma once

#include <stdio.h>

/* manual_markdown() - write the contents, the index of error lines and all causes, for
 * docs/troubleshooting.md */
void manual_markdown(FILE *out);

/* manual_mdoc() - write the list of causes for fauxroot-causes(7), in mdoc(7) */
void manual_mdoc(FILE *out);
