/* SPDX-License-Identifier: Apache-2.0 */
#include "confine.h"

#include <linux/filter.h>

#include "fauxroot/proc/confine.h"

/* The output of sys/seccomp/filters; the Makefile passes the directory to the assembler. */
__asm__(".pushsection .rodata.filters,\"a\"\n"
	".global names_filter, names_filter_end\n"
	".hidden names_filter, names_filter_end\n"
	".balign 8\n"
	"names_filter:\n"
	".incbin \"names.bpf\"\n"
	"names_filter_end:\n"
	".popsection\n");

extern const struct sock_filter names_filter[] __attribute__((visibility("hidden")));
extern const struct sock_filter names_filter_end[] __attribute__((visibility("hidden")));

int confine_names(struct error *err)
{
	return confine_calls(names_filter, names_filter_end, err);
}
