/* SPDX-License-Identifier: Apache-2.0 */
/* The table of causes as documents. For a tool of the build: the launcher prints none of this. */
#pragma once

#include <stdio.h>

/* manual_markdown() - docs/troubleshooting.md, the whole of it */
void manual_markdown(FILE *out);

/* manual_mdoc() - the list of causes for DIAGNOSTICS of fauxroot(1), in mdoc(7) */
void manual_mdoc(FILE *out);
