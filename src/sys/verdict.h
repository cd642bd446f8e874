/* SPDX-License-Identifier: Apache-2.0 */
/* Private to sys/: the result of a runner's or holder's job, as sent to the launcher. */
#pragma once

#include "fauxroot/base/err.h"

/* The most bytes that a job returns beside its error: the limit of ns_job.out_size. */
#define VERDICT_OUT_MAX 1024

/* One record of a SOCK_SEQPACKET pair. */
struct verdict {
	int rc; /* result of the job: 0 or -errno */
	struct error err;
	char out[VERDICT_OUT_MAX];
};

/*
 * verdict_recv() - receive and check the verdict of the process @name
 * @ret: filled if the job succeeded
 * @fds, @n_fds: gets the descriptors that arrive with it, close-on-exec. @n_fds 0: none is received
 *
 * The sender is a process of fauxroot, out of the target's reach. But it may be killed at any time,
 * and it works on the target's objects. So the form of the record is checked: size, sign, and
 * err_check_received(). It blocks until there is a record. Returns 0, the -errno of the job,
 * -EPROTO if no verdict with that number of descriptors arrived, -EMFILE if we may not open as many
 * descriptors as arrived (RLIMIT_NOFILE), or another -errno of message_recv().
 */
int verdict_recv(int sock, const char *name, struct verdict *ret, int *fds, size_t n_fds,
		 struct error *err);
