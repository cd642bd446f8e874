/* SPDX-License-Identifier: Apache-2.0 */
/* Private to sys/: how the job of a runner or holder has ended, on its way to the launcher. */
#pragma once

#include "fauxroot/base/err.h"

/* The most that a job sends back beside its error: ns_job.out_size, in bytes. */
#define VERDICT_OUT_MAX 1024

/* One record of a SOCK_SEQPACKET pair. */
struct verdict {
	int rc; /* of the job: 0 or -errno */
	struct error err;
	char out[VERDICT_OUT_MAX];
};

/*
 * verdict_recv() - receive and check the verdict of the process @name
 * @ret: filled where the job has succeeded
 * @fd: where a descriptor that comes along goes, close-on-exec; -1 where none came. NULL: none is
 *	received.
 *
 * The sender is a process of ours, out of the target's reach; it may be killed at any time, and it
 * works on what the target has made. So what it sends is checked for its form: size, sign, and
 * err_arrived(). Blocks until there is a record. Returns 0, the -errno that the job failed with, or
 * -EPROTO where no verdict came.
 */
int verdict_recv(int sock, const char *name, struct verdict *ret, int *fd, struct error *err);
