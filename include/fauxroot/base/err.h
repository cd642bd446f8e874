/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error object.
 *
 * A function that can fail returns 0 or -errno and fills a caller's struct error with one sentence.
 * Callers add their own context in front on the way up, so the printed line is complete: "starting
 * newuidmap: executing "newuidmap": No such file or directory". A function never both prints an
 * error and returns it. The buffer is fixed, so an error can be filled after fork and sent between
 * processes.
 *
 * The sentence is only for people, and may be reworded at any time. Code uses the other members:
 * the errno value, the step, the reason, and what the reason is about. No code reads the sentence
 * except to print it: scripts/check-errors proves that.
 */
#pragma once

#include <assert.h>
#include <stddef.h>

#include "fauxroot/base/macro.h"

/* The part of the launch that failed. check/ uses it to find the cause and the remedy. */
enum error_step {
	STEP_NONE = 0,
	STEP_OPTIONS,  /* the command line */
	STEP_STATEDIR, /* creating, checking or locking the state directory */
	STEP_CLONE,    /* creating the namespaces */
	STEP_IDMAP,    /* finding ranges, newuidmap, newgidmap, uid_map, gid_map */
	STEP_MOUNT,    /* propagation, /sys, copy-up, /etc/resolv.conf */
	STEP_NET,      /* devices, addresses, routes, a network helper */
	STEP_API,      /* api.sock */
	STEP_EXEC,     /* executing the target */
	STEP_PORT,     /* publishing ports */
	STEP_CGROUP,   /* evacuating our cgroup */
	STEP_PROC,     /* /proc of a new PID namespace, which a container may have masked */
	STEP_COUNT_
};

/*
 * What kind of thing failed, where the errno value alone does not show it. It is set where the
 * failure happens. The comment at each reason describes about[].
 */
enum error_reason {
	REASON_NONE = 0,

	/* Programs that fauxroot runs. about: the program, as it was searched for. */
	REASON_EXEC,	      /* it is not found, or cannot be executed */
	REASON_DIED,	      /* it failed, or exited before it was ready */
	REASON_LOADER,	      /* the dynamic loader cannot load its libraries */
	REASON_TOO_OLD,	      /* its version is too old */
	REASON_OTHER_PROGRAM, /* it is not the expected program */
	REASON_NO_ROUTE,      /* it needs a default route of the host */
	REASON_CONFINED,      /* it is not permitted to enter the child's namespaces */

	/* The kernel, or a policy of this machine, does not allow --net-accel=switch. about: the
	 * refused action. */
	REASON_ACCEL,

	/* Files. about: the absolute path. */
	REASON_FILE,	       /* it cannot be created, opened, read, written or mounted on */
	REASON_FOREIGN,	       /* it belongs to another user */
	REASON_FOREIGN_PARENT, /* the owner of a parent directory can replace it. about: that
				  directory */
	REASON_SYMLINK,	       /* it is a symbolic link */
	REASON_NOT_DIRECTORY,  /* it is not a directory */
	REASON_PRECIOUS,       /* emptying it would destroy files that the user needs */
	REASON_LEFT_BEHIND, /* an earlier instance has left it behind, and it cannot be removed */
	REASON_COPY_UP,	    /* it cannot be read, so it cannot be copied up */
	REASON_DEVICE,	    /* this device file cannot be used */
	REASON_IN_USE,	    /* another process uses it. about: that PID; empty: unknown */

	/* Id maps. about: the program that failed; for REASON_NO_RANGES the file. */
	REASON_NO_RANGES,   /* the user has no subordinate ids */
	REASON_NOT_GRANTED, /* the program does not allow the ranges */
	REASON_NO_ACCOUNT,  /* the program finds no account for our user id */
	REASON_NOT_OWNER,   /* the program finds that our ids differ from the account's */
	REASON_MAP_OPEN,    /* the kernel refused to let the program open the map */
	REASON_MAP_WRITE,   /* the program could not write the map */

	/* Ports. */
	REASON_LISTEN,		/* cannot listen on this address. about: "ADDRESS:PORT/PROTOCOL" */
	REASON_PORT_OF_PROCESS, /* the port is in use. about: the PID of a process that uses it */
	REASON_PORT_OF_USER,	/* the port is in use. about: the uid of the socket */
	REASON_PORT_TWICE,	/* it is already published. about: that port's id */

	REASON_COUNT_
};

/* The longest path, program or address that an error is about, with its NUL. */
#define ERROR_ABOUT_MAX 256

struct error {
	int code; /* errno value, positive; 0 when nothing is set */
	enum error_step step;
	enum error_reason reason;
	char about[ERROR_ABOUT_MAX]; /* see the reason; empty: unknown, or too long */
	char text[1024];
};
static_assert(sizeof(struct error) <= 1536, "an error is copied and sent as a whole");

/*
 * err_set() - fill @err with a sentence and strerror(@errnum)
 * @err: NULL: only return -@errnum
 * @errnum: positive errno value
 *
 * The text becomes "SENTENCE: strerror(errnum)". Returns -@errnum, so that a function can end with
 * return err_set(...).
 */
int err_set(struct error *err, int errnum, const char *fmt, ...) _printf_(3, 4);

/* err_say() - as err_set(), without strerror(): for errors that no errno value describes */
int err_say(struct error *err, int errnum, const char *fmt, ...) _printf_(3, 4);

/*
 * err_wrap() - put "SENTENCE: " in front of the text of @err
 *
 * Returns @rc, the value that the failed function returned.
 */
int err_wrap(struct error *err, int rc, const char *fmt, ...) _printf_(3, 4);

/* err_step() - if @rc < 0, set the step that failed, unless a deeper call has set it; returns
 * @rc */
int err_step(struct error *err, int rc, enum error_step step);

/*
 * err_about() - if @rc < 0, set the reason and what it is about, unless a deeper call has set them
 * @fmt: format of err->about; see the comment at @reason
 *
 * A reason and its about belong together. So a deeper reason stays, with its own about. The new one
 * is used if there is no reason yet, or if the same reason has an empty about. If a string does not
 * fit into err->about, about stays empty, because a truncated path is the path of another file.
 * Control characters stay: print about with str_printable(). Returns @rc.
 */
int err_about(struct error *err, int rc, enum error_reason reason, const char *fmt, ...)
	_printf_(4, 5);

/* err_reason() - as err_about(), with an empty about */
int err_reason(struct error *err, int rc, enum error_reason reason);

/* err_file() - as err_set(), for a failure about the file @path: REASON_FILE. A relative path is
 * not stored, because the reader may be in another directory. */
int err_file(struct error *err, int errnum, const char *path, const char *fmt, ...) _printf_(4, 5);

/*
 * err_check_received() - make @err, received from another process, safe to use
 *
 * An unknown step becomes STEP_NONE. An unknown reason becomes REASON_NONE with an empty about. A
 * code that is no errno value becomes EIO. Both strings are terminated within their arrays. Nothing
 * else is checked: the receiver knows how far it trusts the sender. A middle process, a runner, a
 * holder or a rehearsal belongs to fauxroot, and is out of the target's reach. Data from within the
 * target's reach (init's reports), or from a process that handles untrusted bytes (the forwarder),
 * is hostile. Those protocols carry no struct error, only an errno value and a line for the log.
 * Returns -err->code.
 */
int err_check_received(struct error *err);
