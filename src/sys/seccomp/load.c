/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/sys/seccomp.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/macro.h"
#include "filters/filters.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

EMBED_FILTER(runner);

int filter_load(const struct sock_filter *made, const struct sock_filter *end, struct error *err)
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
		return err_say(err, ESRCH,
			       "loading a seccomp filter: thread %ld already has another", rc);
	return 0;
}

int filter_notify(const struct sock_filter *made, const struct sock_filter *end, int *ret,
		  struct error *err)
{
	/* The kernel does not change the filter. */
	const struct sock_fprog program = {.len = (unsigned short)(end - made),
					   .filter = (struct sock_filter *)(uintptr_t)made};
	unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			  flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program);

	if (fd < 0 && errno == EINVAL)
		fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
	if (fd < 0)
		return err_set(err, errno, "loading a seccomp filter with notifications");
	*ret = (int)fd;
	return 0;
}

int filter_refuse_code(struct error *err)
{
	return filter_load(runner_filter, runner_filter_end, err);
}
