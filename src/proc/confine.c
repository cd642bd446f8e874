/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/proc/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/capability.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/libc.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/sys/seccomp.h"

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

int confine_calls(const struct sock_filter *made, const struct sock_filter *end, struct error *err)
{
	int rc = filter_load(made, end, err);

	/* The inherited heap is not needed any more. */
	if (rc == 0)
		libc_heap_trim();
	return rc;
}
