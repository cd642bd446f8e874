/* SPDX-License-Identifier: Apache-2.0 */
#include "confine.h"

#include <linux/filter.h>

#include "fauxroot/proc/confine.h"

/* The output of sys/seccomp/filters; the Makefile passes the directory to the assembler. */
__asm__(".pushsection .rodata.filters,\"a\"\n"
	".global forwarder_filter, forwarder_filter_end, agent_filter, agent_filter_end\n"
	".hidden forwarder_filter, forwarder_filter_end, agent_filter, agent_filter_end\n"
	".balign 8\n"
	"forwarder_filter:\n"
	".incbin \"forwarder.bpf\"\n"
	"forwarder_filter_end:\n"
	"agent_filter:\n"
	".incbin \"agent.bpf\"\n"
	"agent_filter_end:\n"
	".popsection\n");

extern const struct sock_filter forwarder_filter[] __attribute__((visibility("hidden")));
extern const struct sock_filter forwarder_filter_end[] __attribute__((visibility("hidden")));
extern const struct sock_filter agent_filter[] __attribute__((visibility("hidden")));
extern const struct sock_filter agent_filter_end[] __attribute__((visibility("hidden")));

int confine_forwarder(struct error *err)
{
	return confine_calls(forwarder_filter, forwarder_filter_end, err);
}

int confine_agent(struct error *err)
{
	return confine_calls(agent_filter, agent_filter_end, err);
}
