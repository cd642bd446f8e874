/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces: create them, keep descriptors of them, and run a function inside them.
 *
 * The descriptors are opened before the ids are mapped, and later code uses nothing else.
 * /proc/PID/ns becomes inaccessible once the target has executed a file that it may not read, and
 * the target may move to namespaces of its own (man 7 namespaces, man 2 ptrace).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/base/spawn.h"

struct error;

/*
 * Pinned namespaces; -1 for a kind that the child shares with us, which is not joined.
 *
 * @user is the user namespace to act from: the middle one for the launcher's own work, the child's
 * for objects that must belong to the child (man 7 user_namespaces).
 */
struct ns_set {
	int user;
	int mnt;
	int net;
	int pid;
	int cgroup;
	int uts;
	int ipc;
};

#define NS_KINDS    7
#define NS_SET_NONE ((struct ns_set){-1, -1, -1, -1, -1, -1, -1})

/* ns_set_close() - close all descriptors; @ns is NS_SET_NONE afterwards, which is accepted, too */
void ns_set_close(struct ns_set *ns);

/* ns_set_member() - the member of @ns for the kind @flag, a CLONE_NEW…; NULL for an unknown kind */
int *ns_set_member(struct ns_set *ns, int flag);

/* ns_set_list() - copy the descriptors in @ns to an array; returns how many there are */
size_t ns_set_list(const struct ns_set *ns, int ret_fds[NS_KINDS]);

/* ns_set_names() - write the kinds of the namespaces in @ns to @buf of NS_NAMES_MAX bytes, with the
 * names of /proc/PID/ns and always in the same order: "user net mnt". Returns @buf. */
#define NS_NAMES_MAX 64
const char *ns_set_names(const struct ns_set *ns, char *buf);

/* ns_set_drop_own() - close the descriptors in @ns of the calling process's own namespaces: it need
 * not join them, and cannot join its own user namespace (man 2 setns) */
void ns_set_drop_own(struct ns_set *ns);

/*
 * ns_clone() - fork(2) into new namespaces
 * @flags: CLONE_NEW…, see man 2 clone
 * @ret: in the parent, the child with its pidfd
 *
 * Uses clone(2) with CLONE_PIDFD (Linux 5.2), so it works where clone3 is refused. Returns 0 in the
 * child, 1 in the parent, -errno (man 7 user_namespaces, ERRORS: EPERM, ENOSPC, EINVAL, EUSERS).
 */
int ns_clone(unsigned long flags, struct process *ret, struct error *err);

/*
 * ns_pin() - open the namespaces of @pid of the kinds in @flags, CLONE_NEW…
 *
 * Call it before @pid can exec. Returns 0 or -errno; @ret is untouched on failure.
 */
int ns_pin(pid_t pid, unsigned long flags, struct ns_set *ret, struct error *err);

/* Which of the pinned namespaces a runner joins. It always joins the user namespace. */
enum ns_which {
	NS_JOIN_USER = 0,
	NS_JOIN_NET = 1 << 0,
	NS_JOIN_MNT = 1 << 1,
	NS_JOIN_PID = 1 << 2, /* for children forked later; ns_run() forks one */
	NS_JOIN_CGROUP = 1 << 3,
	NS_JOIN_UTS = 1 << 4,
	NS_JOIN_IPC = 1 << 5,
	NS_JOIN_ALL = (1 << 6) - 1,
};

/* ns_select() - the descriptors of @ns that ns_join() with @which needs; the others are -1 */
struct ns_set ns_select(const struct ns_set *ns, unsigned which);

/*
 * ns_join() - setns(2) into the user namespace and the namespaces of @which
 *
 * Afterwards the process has all capabilities in that user namespace. Its user id stays ours, and
 * it still gets SIGKILL when its parent dies. Returns 0 or -errno.
 */
int ns_join(const struct ns_set *ns, unsigned which, struct error *err);

/*
 * ns_run() - run @job in the child's namespaces in a short-lived process, and wait for it
 * @name: name of the process, at most 15 bytes
 * @job: runs in the new process, which has only the descriptors 0, 1, 2 and @keep; returns 0, or
 * -errno with its error filled. Only @out and @fds come back to the caller; other changes to *arg
 * stay in the new process. With NS_JOIN_MNT it can execute no program and load no code. It must not
 * look up names of users or hosts: all files that it sees are the target's
 * @keep: descriptors the job needs, or NULL
 * @out: memory of @out_size bytes (at most 1024), copied back from the runner if the job returns 0;
 * NULL for none
 * @fds: where a job that returns 0 stores @n_fds descriptors; the caller gets them in the same
 * variables; NULL for none
 * @deadline, @cancel_fd: as fd_wait()
 *
 * A runner that misses the deadline is killed and left to the code that reaps our children: SIGKILL
 * does not terminate it while it waits for a file system of the target. So ns_run() returns at
 * @deadline whatever the target does. Returns the result of @job with its error, or -ETIMEDOUT,
 * -ECANCELED, -EMFILE (the caller may not open as many descriptors as the job returns).
 */
struct ns_job {
	const char *name;
	unsigned which;
	int (*run)(void *arg, struct error *err);
	void *arg;
	const int *keep;
	size_t n_keep;
	void *out;
	size_t out_size;
	int *fds;
	size_t n_fds; /* at most NS_JOB_FDS_MAX */
	bool guards;  /* of a holder: ns_holder_guard() is used */
};

#define NS_JOB_FDS_MAX 16

int ns_run(const struct ns_set *ns, const struct ns_job *job, const struct deadline *deadline,
	   int cancel_fd, struct error *err);

/*
 * A process in @user of an ns_set. It joins the network namespace, does a job there, and then
 * stays, for a helper that needs the PID of a process in these namespaces.
 */
struct ns_holder {
	struct process process;
	int sock;  /* to the holder until its job is done; then -1 */
	int guard; /* to a holder with ns_job.guards: it gets end of file when we exit; else -1 */
};

#define NS_HOLDER_NONE ((struct ns_holder){PROCESS_NONE, -1, -1})

/*
 * ns_hold() - start a holder, which waits for ns_holder_work()
 * @job: name, run, arg and guards are used, as by ns_run()
 *
 * Returns 0 or -errno. ns_holder_work() reports a failure to join.
 */
int ns_hold(const struct ns_set *ns, const struct ns_job *job, struct ns_holder *ret,
	    struct error *err);

/*
 * ns_hold_here() - turn the calling process into a holder; it is already in the right user
 * namespace
 * @sock: its end of a message_pair(); the other end is @sock of the struct ns_holder
 */
_noreturn_ void ns_hold_here(const struct ns_job *job, int sock);

/*
 * ns_holder_work() - let the holder join the network of @ns and do the @job that it was started
 * with; call it once
 * @deadline, @cancel_fd: as fd_wait()
 *
 * Returns 0 when the job is done and the holder stays. Otherwise the holder is killed, and the
 * result is that of @job, -ETIMEDOUT or -ECANCELED.
 */
int ns_holder_work(struct ns_holder *holder, const struct ns_set *ns, const struct ns_job *job,
		   const struct deadline *deadline, int cancel_fd, struct error *err);

/*
 * ns_holder_guard() - let a holder, whose job is done, kill the process of @pidfd when we exit
 *
 * For a process that has joined a user namespace: that clears its parent-death signal (man 2
 * prctl). For a holder with ns_job.guards, once. Returns 0 or -errno.
 */
int ns_holder_guard(const struct ns_holder *holder, int pidfd);

/* ns_holder_end() - kill and reap the holder; accepts NS_HOLDER_NONE */
void ns_holder_end(struct ns_holder *holder);

/*
 * ns_unshare_net() - move the calling process to a new network namespace: unshare(2)
 *
 * Same as CLONE_NEWNET of clone(2), but later. Returns 0 or -errno at step STEP_CLONE (ENOSPC:
 * user.max_net_namespaces, man 7 namespaces).
 */
int ns_unshare_net(struct error *err);

/*
 * ns_make_net() - create a network namespace that the child owns but is not in
 * @ret: its descriptor, close-on-exec
 *
 * The child's user namespace owns it, as if the child had created it (unshare(2) in a runner).
 * Returns 0 or -errno at step STEP_CLONE.
 */
int ns_make_net(const struct ns_set *ns, int *ret, const struct deadline *deadline, int cancel_fd,
		struct error *err);
