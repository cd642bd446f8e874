/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes of ours: the one fork helper, and programs run as helpers on top of it.
 *
 * A fork without exec keeps every descriptor of its parent: after the launcher's death the lock of
 * the state directory would stay held and nobody would see end-of-file. So every fork closes all
 * descriptors but a list, and asks to die with its parent.
 *
 * A helper program runs in a process group of its own with the terminal's signals blocked: Ctrl-C
 * is meant for the target, and the helper must survive until the target has ended.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/macro.h"

struct error;

/* A child process that we hold: pid 0 when none. */
struct process {
	pid_t pid;
	int pidfd;
};

#define PROCESS_NONE ((struct process){0, -1})

/* How long process_kill() waits at most, in milliseconds. */
#define PROCESS_KILL_MS 1000

/*
 * process_kill() - SIGKILL and reap, if there is one; @p is PROCESS_NONE afterwards
 *
 * SIGKILL does not end a process in an uninterruptible wait: in a request to a FUSE or NFS server
 * that does not answer, say. One that is not gone after PROCESS_KILL_MS is left to whoever reaps
 * our children: the event loop, or the process that adopts them when we end.
 */
void process_kill(struct process *p);

/* process_abandon() - as process_kill(), without any wait: for a process that has hung already */
void process_abandon(struct process *p);

/* process_forget() - close the pidfd of a process that somebody has reaped */
void process_forget(struct process *p);

/* process_signal() - kill(2), by the pidfd; one that has ended is left in peace */
void process_signal(const struct process *p, int sig);

/*
 * process_of_pidfd() - the process that a pidfd of ours, from wherever it came, leads to
 * @pidfd: taken over by @ret on success
 *
 * Its PID is as our /proc shows it (man 2 pidfd_open, "/proc/PID/fdinfo"). Returns 0; -ESRCH where
 * it has been reaped, or is in no PID namespace of ours; -EINVAL for what is no pidfd.
 */
int process_of_pidfd(int pidfd, struct process *ret);

/*
 * process_wait() - wait for the end of @p and reap it
 * @deadline, @cancel_fd: as fd_wait()
 * @ret_status: as waitpid(2) reports it
 *
 * Returns 0 with @p PROCESS_NONE, or -ETIMEDOUT, -ECANCELED, -errno with @p still running.
 */
int process_wait(struct process *p, const struct deadline *deadline, int cancel_fd,
		 int *ret_status);

/* process_status_text() - "exit status 1", "signal 9 (Killed)" into @buf; returns @buf */
const char *process_status_text(int status, char *buf, size_t size);

/*
 * process_fork() - fork(2), and hold the new process by a pidfd
 * @name: for the error
 * @ret: in the parent, the process
 *
 * Nothing is closed or changed in the new process. Returns 0 there, 1 in the parent, -errno.
 */
int process_fork(const char *name, struct process *ret, struct error *err);

/*
 * fork_clean() - fork(2) a process of ours that holds only what it is given
 * @name: shown by ps(1), at most 15 bytes: title_set()
 * @keep: descriptors the new process keeps (beside 0, 1, 2); all others are closed
 * @ret: in the parent, the process
 *
 * The new process gets SIGKILL when the parent dies; the parent's death before that was armed is
 * noticed, too. Signals stay as they were: blocked. Returns 0 in the new process, 1 in the parent,
 * -errno with @err.
 */
int fork_clean(const char *name, const int *keep, size_t n_keep, struct process *ret,
	       struct error *err);

/* How to run a helper program. */
struct helper_spec {
	const char *const *argv; /* argv[0] is searched in PATH where it has no slash */
	const int *keep;	 /* descriptors that pass on under the same numbers */
	size_t n_keep;
	bool discard_output; /* stdout to /dev/null, not gathered: only stderr matters */
	int stdout_to;	     /* > 0: stdout to this descriptor; its text is data, not for the log */
	const char *const *env; /* "NAME=VALUE" beside our own environment, up to NULL; or NULL */
	const char *role;	/* how the log calls it: "newuidmap" */
};

/* A running helper program. Its stdout and stderr go to a pipe, never to the target's terminal. */
struct helper {
	struct process process;
	int output;	/* read end of that pipe; non-blocking; -1 when it has ended */
	char text[512]; /* what came last, for an error's sentence; NUL-terminated */
	size_t text_size;
	const char *role;
};

#define HELPER_NONE ((struct helper){.process = {0, -1}, .output = -1})

/*
 * helper_start() - fork and execute a helper program
 *
 * A program that cannot be found is -ENOENT here, one that may not be executed -EACCES, with the
 * sentence 'executing "newuidmap": No such file or directory' and REASON_EXEC. Does not wait for
 * the exec, so that several helpers start side by side: what is wrong with the file itself ("Exec
 * format error") is the helper's text then, with exit status 127. Its environment is ours and
 * @spec->env, without what a service manager says to a service (NOTIFY_SOCKET, LISTEN_*,
 * WATCHDOG_*). With --debug its argv is logged. Returns 0 or -errno.
 */
int helper_start(struct helper *ret, const struct helper_spec *spec, struct error *err);

/*
 * helper_drain() - take what the helper has written so far
 *
 * Keeps the last bytes in @h->text and logs them all at level debug, line by line, where a line is
 * cut when it comes in pieces. Never blocks. Returns 1 while the pipe is open, 0 at its end.
 */
int helper_drain(struct helper *h);

/*
 * helper_finish() - wait until all @n helpers have ended, draining their output
 * @cancel_fd: as fd_wait()
 * @ret_statuses: one wait status a helper
 *
 * Past the deadline, or cancelled, all of them are killed. Returns 0, -ETIMEDOUT with a sentence
 * that names the one that hangs, or -ECANCELED.
 */
int helper_finish(struct helper *helpers, size_t n, const struct deadline *deadline, int cancel_fd,
		  int *ret_statuses, struct error *err);

/* helper_stop() - SIGKILL, reap, close; @h is HELPER_NONE afterwards. Accepts HELPER_NONE. */
void helper_stop(struct helper *h);

/* path_variable() - the value of PATH, or what stands for it where it is not set */
const char *path_variable(void);

/*
 * path_next() - the next place that a PATH has for @name
 * @path: what is left of it, NULL at the end; an empty element is the working directory
 * @buf: "/usr/bin/NAME", "./NAME"; places that do not fit are passed over
 *
 * Returns false at the end.
 */
bool path_next(const char **path, const char *name, char *buf, size_t size);

/* path_find() - the executable @name in PATH as a fresh string, or @name itself where it has a
 * slash; -ENOENT, or -EACCES where something of that name cannot be executed */
int path_find(const char *name, char **ret);
