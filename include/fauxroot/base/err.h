/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error object.
 *
 * A function that can fail returns 0 or -errno and fills a caller's struct error with one sentence.
 * Callers put their own context in front on the way up, so that the one who prints it has the whole
 * story: "starting slirp4netns: executing "slirp4netns": No such file or directory". Nobody prints
 * and returns. The buffer is fixed, so an error can be filled after fork and sent between
 * processes.
 */
#pragma once

#include <stddef.h>

#include "fauxroot/base/macro.h"

/* The part of the launch that failed: what check/ looks up the cause and the remedy by. */
enum error_step {
	STEP_NONE = 0,
	STEP_OPTIONS,  /* the command line */
	STEP_STATEDIR, /* making, checking or locking the state directory */
	STEP_CLONE,    /* making the namespaces */
	STEP_IDMAP,    /* finding ranges, newuidmap, newgidmap, uid_map, gid_map */
	STEP_MOUNT,    /* propagation, /sys, copy-up, /etc/resolv.conf */
	STEP_NET,      /* addresses, routes, a network helper */
	STEP_TUN,      /* /dev/net/tun */
	STEP_SLIRP,    /* slirp4netns */
	STEP_API,      /* api.sock */
	STEP_EXEC,     /* executing the target */
	STEP_PORT,     /* publishing ports */
	STEP_CGROUP,   /* evacuating our cgroup */
	STEP_PROC,     /* /proc of a new PID namespace, which a container may have masked */
	STEP_COUNT_
};

struct error {
	int code; /* errno value, positive; 0 when nothing is set */
	enum error_step step;
	char text[1024];
};

/*
 * err_set() - fill @err with a sentence and the system's words for @errnum
 * @err: may be NULL, then only the return value counts
 * @errnum: positive errno value
 *
 * The text becomes "SENTENCE: strerror(errnum)". Returns -@errnum, so that a function can end with
 * return err_set(...).
 */
int err_set(struct error *err, int errnum, const char *fmt, ...) _printf_(3, 4);

/* err_say() - as err_set(), without the system's words: for errors that no errno describes */
int err_say(struct error *err, int errnum, const char *fmt, ...) _printf_(3, 4);

/*
 * err_wrap() - put "SENTENCE: " in front of what @err says already
 *
 * Returns @rc, the value that the failed function returned.
 */
int err_wrap(struct error *err, int rc, const char *fmt, ...) _printf_(3, 4);

/* err_step() - where @rc < 0, name the step that failed, unless a deeper one did; returns @rc */
int err_step(struct error *err, int rc, enum error_step step);
