/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error object.
 *
 * A function that can fail returns 0 or -errno and fills a caller's struct error with one sentence.
 * Callers put their own context in front on the way up, so that the one who prints it has the whole
 * story: "starting newuidmap: executing "newuidmap": No such file or directory". Nobody prints and
 * returns. The buffer is fixed, so an error can be filled after fork and sent between
 * processes.
 *
 * The sentence is for people alone, and may be reworded at any time. What a program wants to know
 * of a failure is in the other members: the errno value, the step, the reason, and what it is
 * about. No code reads the sentence otherwise than to print it: scripts/check-errors proves that.
 */
#pragma once

#include <assert.h>
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
	STEP_NET,      /* devices, addresses, routes, a network helper */
	STEP_API,      /* api.sock */
	STEP_EXEC,     /* executing the target */
	STEP_PORT,     /* publishing ports */
	STEP_CGROUP,   /* evacuating our cgroup */
	STEP_PROC,     /* /proc of a new PID namespace, which a container may have masked */
	STEP_COUNT_
};

/*
 * What kind of thing failed, where the errno value alone does not show it. It is set at the place
 * of the failure, and says what about[] holds.
 */
enum error_reason {
	REASON_NONE = 0,

	/* Programs that we run. about: the program, as it was looked for. */
	REASON_EXEC,	      /* it cannot be found, or not be executed */
	REASON_DIED,	      /* it ended with a failure, or before it was ready */
	REASON_TOO_OLD,	      /* its version is too old */
	REASON_OTHER_PROGRAM, /* it is another program than the one that is wanted */

	/* Files. about: the absolute path. */
	REASON_FILE,	       /* it cannot be made, opened, read, written or mounted upon */
	REASON_FOREIGN,	       /* it belongs to another user */
	REASON_FOREIGN_PARENT, /* the owner of a directory above it, about, can replace it */
	REASON_SYMLINK,	       /* it is a symbolic link */
	REASON_NOT_DIRECTORY,  /* it is not a directory */
	REASON_PRECIOUS,       /* emptying it would destroy what the user needs */
	REASON_COPY_UP,	       /* it cannot be read, to copy it up */
	REASON_DEVICE,	       /* this device file cannot be used */
	REASON_IN_USE,	       /* another process has it. about: that PID; empty: not known */

	/* Id maps. about: the program that was asked, or for REASON_NO_RANGES the file. */
	REASON_NO_RANGES,   /* the user has no subordinate ids */
	REASON_NOT_GRANTED, /* the program does not allow the ranges */
	REASON_NO_ACCOUNT,  /* the program finds no account for our user id */
	REASON_NOT_OWNER,   /* the program finds our ids to differ from those of the account */
	REASON_MAP_OPEN,    /* the kernel refused the program the system call that opens the map */
	REASON_MAP_WRITE,   /* the program could not write the map */

	/* Ports. */
	REASON_LISTEN,		/* cannot listen there. about: "ADDRESS:PORT/PROTOCOL" */
	REASON_PORT_OF_PROCESS, /* the port is in use. about: the PID of a process that has it */
	REASON_PORT_OF_USER,	/* the port is in use. about: the uid of the socket */
	REASON_PORT_TWICE,	/* we have published it already. about: that port's id */

	REASON_COUNT_
};

/* The longest path, program or address that an error is about, with its NUL. */
#define ERROR_ABOUT_MAX 256

struct error {
	int code; /* errno value, positive; 0 when nothing is set */
	enum error_step step;
	enum error_reason reason;
	char about[ERROR_ABOUT_MAX]; /* as the reason says; empty: not known, or too long */
	char text[1024];
};
static_assert(sizeof(struct error) <= 1536, "an error is copied and sent whole");

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

/*
 * err_about() - where @rc < 0, note why it failed and what that is about, unless a deeper call did
 * @fmt: of err->about, as the comment at @reason says
 *
 * A reason and what it is about belong together. So a deeper reason stays, with its own about; the
 * one from here is taken where there is no reason yet, or where the same one is about nothing so
 * far. What does not fit into err->about is left out whole, since a shortened path is the path of
 * another file. Control characters stay: whoever prints it uses str_printable(). Returns @rc.
 */
int err_about(struct error *err, int rc, enum error_reason reason, const char *fmt, ...)
	_printf_(4, 5);

/* err_reason() - as err_about(), for a failure that is about nothing that can be named */
int err_reason(struct error *err, int rc, enum error_reason reason);

/* err_file() - as err_set(), for a failure about the file @path: REASON_FILE. A path that is not
 * absolute is not noted, since whoever reads it may be in another directory. */
int err_file(struct error *err, int errnum, const char *path, const char *fmt, ...) _printf_(4, 5);

/*
 * err_arrived() - make @err, whose bytes another process has sent, one that can be used like ours
 *
 * A step or reason that does not exist becomes STEP_NONE or REASON_NONE, the latter without an
 * about; a code that is no errno value becomes EIO; both strings end within their arrays. Nothing
 * else is believed or doubted here: the receiver knows how much it trusts the sender. A middle
 * process, a runner, a holder or a rehearsal is ours, and out of the target's reach. What comes
 * from inside the target's reach, as init's reports do, or from a process that handles strangers'
 * bytes, as the forwarder does, is hostile: those protocols carry no struct error, but an errno
 * value and a line for the log. Returns -err->code.
 */
int err_arrived(struct error *err);
