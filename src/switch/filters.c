/* SPDX-License-Identifier: Apache-2.0 */
#include "filters.h"

#include <linux/filter.h>

#include "fauxroot/proc/confine.h"
#include "fauxroot/sys/seccomp.h"

/* The output of sys/seccomp/filters; the Makefile passes the directory to the assembler. */
__asm__(".pushsection .rodata.filters,\"a\"\n"
	".global command_filter, command_filter_end, switch_filter, switch_filter_end\n"
	".hidden command_filter, command_filter_end, switch_filter, switch_filter_end\n"
	".balign 8\n"
	"command_filter:\n"
	".incbin \"command.bpf\"\n"
	"command_filter_end:\n"
	"switch_filter:\n"
	".incbin \"switch.bpf\"\n"
	"switch_filter_end:\n"
	".popsection\n");

extern const struct sock_filter command_filter[] __attribute__((visibility("hidden")));
extern const struct sock_filter command_filter_end[] __attribute__((visibility("hidden")));
extern const struct sock_filter switch_filter[] __attribute__((visibility("hidden")));
extern const struct sock_filter switch_filter_end[] __attribute__((visibility("hidden")));

int filters_notify(int *ret, struct error *err)
{
	return filter_notify(command_filter, command_filter_end, ret, err);
}

int filters_confine(struct error *err)
{
	int rc = confine_stdio(err);

	if (rc == 0)
		rc = confine_caps(-1, err);
	return rc < 0 ? rc : confine_calls(switch_filter, switch_filter_end, err);
}
