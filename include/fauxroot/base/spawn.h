/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes of fauxroot: the one function that forks, and helper programs on top of it.
 *
 * A fork without exec keeps every descriptor of its parent. After the launcher's death such a
 * process would keep the lock of the state directory, and no reader would see end of file. So every
 * fork closes all descriptors except a given list, and gets SIGKILL when its parent dies.
 *
 * A helper program runs in a process group of its own with the terminal's signals blocked: Ctrl-C
 * is for the target, and the helper must run until the target has exited.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/macro.h"

struct error;

/* A child process and its pidfd; pid is 0 if there is none. */
struct process {
	pid_t pid;
	int pidfd;
};

#define PROCESS_NONE ((struct process){0, -1})

/* The longest wait of process_kill(), in milliseconds. */
#define PROCESS_KILL_MS 1000

/*
 * process_kill() - SIGKILL and reap @p, if there is one; @p is PROCESS_NONE afterwards
 *
 * SIGKILL does not terminate a process in an uninterruptible wait, for example in a request to a
 * FUSE or NFS server that does not answer. A process that is still there after PROCESS_KILL_MS is
 * left to the code that reaps our children: the event loop, or the process that adopts them when we
 * exit.
 */
void process_kill(struct process *p);

/* process_abandon() - as process_kill(), but without a wait: for a process that already hangs */
void process_abandon(struct process *p);

/* process_result() - the result of a process of ours that exits with an errno value: 0, -errno, or
 * -EIO if a signal has killed it. @status: as from waitpid(2) */
int process_result(int status);

/* process_forget() - close the pidfd of a process that is already reaped */
void process_forget(struct process *p);

/* process_signal() - send @sig through the pidfd; does nothing if the process has exited */
void process_signal(const struct process *p, int sig);

/*
 * process_from_pidfd() - the process that a pidfd refers to, whatever the origin of the pidfd
 * @pidfd: @ret owns it on success
 *
 * The PID comes from our /proc (man 2 pidfd_open, "/proc/PID/fdinfo"). Returns 0; -ESRCH if the
 * process is reaped, or has no PID in our PID namespace; -EINVAL if @pidfd is no pidfd.
 */
int process_from_pidfd(int pidfd, struct process *ret);

/*
 * process_wait() - wait until @p has exited, and reap it
 * @deadline, @cancel_fd: as fd_wait()
 * @ret_status: as waitpid(2) reports it
 *
 * Returns 0 with @p PROCESS_NONE, or -ETIMEDOUT, -ECANCELED, -errno with @p unchanged.
 */
int process_wait(struct process *p, const struct deadline *deadline, int cancel_fd,
		 int *ret_status);

/* process_status_text() - "exit status 1", "signal 9 (Killed)" into @buf; returns @buf */
const char *process_status_text(int status, char *buf, size_t size);

/*
 * process_fork() - fork(2), and open a pidfd of the new process
 * @name: for the error
 * @ret: in the parent, the process
 *
 * The new process is otherwise an unchanged copy. Returns 0 in the new process, 1 in the parent,
 * -errno.
 */
int process_fork(const char *name, struct process *ret, struct error *err);

/*
 * fork_clean() - fork(2) a process of fauxroot that has only the given descriptors
 * @name: shown by ps(1), at most 15 bytes: title_set()
 * @keep: the descriptors that the new process keeps, beside 0, 1 and 2; all others are closed
 * @ret: in the parent, the process
 *
 * The new process gets SIGKILL when the parent dies, even if the parent dies before the
 * parent-death signal is set. Signals stay blocked as before. Returns 0 in the new process, 1 in
 * the parent, -errno with @err.
 */
int fork_clean(const char *name, const int *keep, size_t n_keep, struct process *ret,
	       struct error *err);

/* How to run a helper program. */
struct helper_spec {
	const char *const *argv; /* argv[0] is searched in PATH if it has no slash */
	const int *keep;	 /* descriptors that the program inherits, with the same numbers */
	size_t n_keep;
	bool discard_output; /* stdout goes to /dev/null; only stderr is read */
	int stdout_to;	     /* > 0: stdout goes to this descriptor: it is data, not for the log */
	const char *const *env; /* "NAME=VALUE" to add to our environment, up to NULL; or NULL */
	const char *role;	/* its name in the log: "newuidmap" */
};

/* A running helper program. Its stdout and stderr go to a pipe, never to the target's terminal. */
struct helper {
	struct process process;
	int output;	/* read end of that pipe; non-blocking; -1 after end of file */
	char text[512]; /* the last output, for an error's sentence; NUL-terminated */
	/* The first output: programs name an unknown option there, before pages of usage. */
	char first[128];
	size_t text_size;
	const char *role;
};

#define HELPER_NONE ((struct helper){.process = {0, -1}, .output = -1})

/*
 * helper_start() - fork and execute a helper program
 *
 * Returns 0 or -errno: -ENOENT if the program is not found, -EACCES if it may not be executed, with
 * the sentence 'executing "newuidmap": No such file or directory' and REASON_EXEC. Does not wait
 * for the exec, so several helpers can start in parallel. If the file itself cannot be executed
 * ("Exec format error"), this message is the helper's output, and its exit status is 127. The
 * helper's environment is ours plus @spec->env, without a service manager's variables
 * (NOTIFY_SOCKET, LISTEN_*, WATCHDOG_*). With --debug the argv is logged.
 */
int helper_start(struct helper *ret, const struct helper_spec *spec, struct error *err);

/*
 * helper_drain() - read the helper's output so far
 *
 * Keeps the last bytes in @h->text and logs all output at level debug, line by line. A line that
 * arrives in pieces becomes several log lines. Never blocks. Returns 1 while the pipe is open, 0 at
 * end of file.
 */
int helper_drain(struct helper *h);

/*
 * helper_finish() - wait until all @n helpers have exited, and read their output
 * @cancel_fd: as fd_wait()
 * @ret_statuses: one wait status per helper
 *
 * At the deadline, or when cancelled, kills all of them. Returns 0, -ETIMEDOUT with a sentence that
 * names the helper that hangs, or -ECANCELED.
 */
int helper_finish(struct helper *helpers, size_t n, const struct deadline *deadline, int cancel_fd,
		  int *ret_statuses, struct error *err);

/* helper_not_loaded() - is @text a message of the dynamic loader of glibc or musl that it could not
 * load a library of a program (man 8 ld.so)? */
bool helper_not_loaded(const char *text);

/* helper_stop() - SIGKILL, reap, close; @h is HELPER_NONE afterwards. Accepts HELPER_NONE. */
void helper_stop(struct helper *h);

/* path_variable() - the value of PATH, or a default if it is not set */
const char *path_variable(void);

/*
 * path_next() - the next candidate path for @name in a PATH
 * @path: the rest of PATH, NULL at the end; an empty element is the working directory
 * @buf: "/usr/bin/NAME", "./NAME"; paths that do not fit are skipped
 *
 * Returns false at the end.
 */
bool path_next(const char **path, const char *name, char *buf, size_t size);

/*
 * path_find() - find the executable @name in PATH; a @name with a slash is a path itself
 * @ret: the path, a new string
 *
 * Returns 0, -ENOENT, -EACCES if the only files of that name cannot be executed, or -ENOMEM.
 */
int path_find(const char *name, char **ret);
