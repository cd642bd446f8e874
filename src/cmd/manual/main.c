/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manual markdown|mdoc: print the table of causes for docs/troubleshooting.md or
 * man/fauxroot-causes.7
 *
 * A tool of the build, not installed: see `make docs`.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fauxroot/base/str.h"
#include "fauxroot/check/manual.h"

int main(int argc, char **argv)
{
	if (argc == 2 && streq(argv[1], "markdown")) {
		manual_markdown(stdout);
	} else if (argc == 2 && streq(argv[1], "mdoc")) {
		manual_mdoc(stdout);
	} else {
		fputs("usage: manual markdown|mdoc\n", stderr);
		return EXIT_FAILURE;
	}
	return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_SUCCESS : EXIT_FAILURE;
}
