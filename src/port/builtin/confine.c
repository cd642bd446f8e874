/* SPDX-License-Identifier: Apache-2.0 */
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/libc.h"
#include "fauxroot/base/macro.h"
#include "filters/filters.h"

/* What filters/filters.c has made; the Makefile tells the assembler where the files are. */
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

/* For all threads, none of which may have a filter that we do not have. */
static int load_filter(const struct sock_filter *made, const struct sock_filter *end,
		       struct error *err)
{
	size_t n = (size_t)(end - made);
	_cleanup_free_ struct sock_filter *filter = calloc(n, sizeof(*filter));
	const struct sock_fprog program = {.len = (unsigned short)n, .filter = filter};
	long rc;

	if (!filter)
		return err_set(err, ENOMEM, "loading a seccomp filter");
	for (size_t i = 0; i < n; i++) {
		filter[i] = made[i];
		if (filter[i].k == FILTER_OWN_PID)
			filter[i].k = (uint32_t)getpid();
	}
	rc = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (rc == 0)
		rc = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC,
			     &program);
	if (rc < 0)
		return err_set(err, errno, "loading a seccomp filter");
	if (rc > 0)
		return err_say(err, ESRCH, "loading a seccomp filter: thread %ld has another", rc);
	/* What was inherited is not needed again. */
	libc_heap_trim();
	return 0;
}

static void free_caps(cap_t *caps)
{
	if (*caps)
		cap_free(*caps);
}

int confine_caps(int kept, struct error *err)
{
	_cleanup_(free_caps) cap_t caps = cap_init();
	cap_value_t value = kept;

	if (!caps)
		return err_set(err, ENOMEM, "dropping capabilities");
	if (kept >= 0 && (cap_set_flag(caps, CAP_PERMITTED, 1, &value, CAP_SET) < 0 ||
			  cap_set_flag(caps, CAP_EFFECTIVE, 1, &value, CAP_SET) < 0))
		return err_set(err, errno, "dropping capabilities");
	if (cap_set_proc(caps) < 0)
		return err_set(err, errno, "dropping capabilities");
	return 0;
}

int confine_stdio(struct error *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return err_set(err, errno, "opening /dev/null");
	for (int fd = 0; fd < 3; fd++)
		if (fd != null && (fd != STDERR_FILENO || !SANITIZED) && dup2(null, fd) < 0)
			return err_set(err, errno, "putting /dev/null on descriptor %d", fd);
	if (null > 2)
		fd_close(null);
	return 0;
}

int confine_forwarder(struct error *err)
{
	return load_filter(forwarder_filter, forwarder_filter_end, err);
}

int confine_agent(struct error *err)
{
	return load_filter(agent_filter, agent_filter_end, err);
}
