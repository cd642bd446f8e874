/* SPDX-License-Identifier: Apache-2.0 */
/* --net-accel=switch: the kernel, or a policy, does not let one process look into another. */
#include "../cause.h"

#include <errno.h>

#define NET STEP_BIT(STEP_NET)

static bool yama_refuses(struct facts *facts)
{
	return setting_is(facts, "/proc/sys/kernel/yama/ptrace_scope", "3");
}

static bool filter_refuses(struct facts *facts)
{
	return has_filter(facts) && fact(facts, "call", "%s", facts->err->about);
}

const struct cause causes_of_acceleration[] = {
	{FAILURE("accel-yama", NET, REASON_ACCEL, EPERM), .test = yama_refuses,
	 .cause = "/proc/sys/kernel/yama/ptrace_scope is 3: no process may trace another one until "
		  "the next boot",
	 .remedy = "use --net-accel=none"},
	{FAILURE("accel-refused", NET, REASON_ACCEL, EPERM, EACCES, ENOSYS), .test = filter_refuses,
	 .cause = "a seccomp filter (/proc/self/status: Seccomp: {seccomp}) does not allow {call}, "
		  "which --net-accel=switch needs",
	 .docker = "--cap-add SYS_PTRACE",
	 .kubernetes = "add SYS_PTRACE to the container's capabilities",
	 .remedy = "use --net-accel=none"},
	/* A warning. */
	{.id = "accel-without-effect", .cause = "{warning}", .remedy = "use --net-accel=none"},
	{.cause = NULL},
};
