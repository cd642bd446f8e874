/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces: making them, holding them by descriptor, and running a function inside them.
 *
 * The descriptors are opened before the ids are mapped and are the only handle used later:
 * /proc/PID/ns is closed to us once the target has executed a file that it may not read, and the
 * target may move on to namespaces of its own (man 7 namespaces, man 2 ptrace).
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
 * Pinned namespaces; -1 for one that is not joined because the child shares it with us.
 *
 * @user is the user namespace to act from: the middle one for all that the launcher does, the
 * child's own for what is to belong to the child (man 7 user_namespaces).
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

void ns_set_close(struct ns_set *ns);

/* ns_set_place() - where in @ns a namespace of the kind @flag, a CLONE_NEW…, belongs; NULL for a
 * kind that is not known here */
int *ns_set_place(struct ns_set *ns, int flag);

/* ns_set_list() - the descriptors in @ns one after the other; returns how many there are */
size_t ns_set_list(const struct ns_set *ns, int ret_fds[NS_KINDS]);

/* ns_set_names() - the kinds of those in @ns as /proc/PID/ns has them, "user net mnt", into @buf of
 * NS_NAMES_MAX bytes; always in the same order. Returns @buf. */
#define NS_NAMES_MAX 64
const char *ns_set_names(const struct ns_set *ns, char *buf);

/* ns_set_leave_own() - close those of @ns that are the calling process's own namespaces: they need
 * no joining, and the user namespace may not be joined again (man 2 setns) */
void ns_set_leave_own(struct ns_set *ns);

/*
 * ns_clone() - fork(2) into new namespaces
 * @flags: CLONE_NEW… as in man 2 clone
 * @ret: in the parent, the child with its pidfd
 *
 * clone(2) with CLONE_PIDFD (Linux 5.2), so it works where clone3 is refused. Returns 0 in the
 * child, 1 in the parent, -errno (man 7 user_namespaces, ERRORS: EPERM, ENOSPC, EINVAL, EUSERS).
 */
int ns_clone(unsigned long flags, struct process *ret, struct error *err);

/*
 * ns_pin() - open the namespaces of @pid of the kinds in @flags, CLONE_NEW…
 *
 * Must come before @pid can exec. Returns 0 or -errno; @ret is untouched on failure.
 */
int ns_pin(pid_t pid, unsigned long flags, struct ns_set *ret, struct error *err);

/* Which of the pinned namespaces a runner joins; the user namespace always. */
enum ns_which {
	NS_JOIN_USER = 0,
	NS_JOIN_NET = 1 << 0,
	NS_JOIN_MNT = 1 << 1,
	NS_JOIN_PID = 1 << 2, /* for children that are forked from then on; ns_run() forks one */
	NS_JOIN_CGROUP = 1 << 3,
	NS_JOIN_UTS = 1 << 4,
	NS_JOIN_IPC = 1 << 5,
	NS_JOIN_ALL = (1 << 6) - 1,
};

/* ns_select() - the part of @ns that ns_join() with @which needs; the rest is -1 */
struct ns_set ns_select(const struct ns_set *ns, unsigned which);

/*
 * ns_join() - setns(2) into the user namespace and those of @which
 *
 * Afterwards the process has all capabilities in that user namespace; its user id stays ours, and
 * it dies with its parent. Returns 0 or -errno.
 */
int ns_join(const struct ns_set *ns, unsigned which, struct error *err);

/*
 * ns_run() - run @job in the child's namespaces in a short-lived process, and wait for it
 * @name: of the process, at most 15 bytes
 * @job: runs in the new process, which holds nothing but 0, 1, 2 and @keep; returns 0 or -errno
 * with its error filled; what it writes to *arg stays in the new process, except for @out. With
 * NS_JOIN_MNT it can execute no program and load no code, and must look up no names: what paths
 * lead to is the target's
 * @keep: descriptors the job needs, or NULL
 * @out: memory of @out_size bytes (at most 1024) copied back from the runner when the job has
 *	returned 0; NULL for none
 * @fd: where the job leaves a descriptor, which comes back to the caller in the same place when the
 *	job has returned 0; NULL for none
 * @deadline, @cancel_fd: as fd_wait()
 *
 * A runner that is late is killed and left to whoever reaps our children: SIGKILL does not end it
 * where a file system of the target's does not answer it. So this returns at @deadline whatever the
 * target does. Returns what @job returned, with its error; or -ETIMEDOUT, -ECANCELED.
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
	int *fd;
};

int ns_run(const struct ns_set *ns, const struct ns_job *job, const struct deadline *deadline,
	   int cancel_fd, struct error *err);

/*
 * A process in @user of an ns_set that joins the network namespace, does a job there, and then
 * stays for a helper that wants a PID.
 */
struct ns_holder {
	struct process process;
	int sock; /* until its work is done; -1 */
};

#define NS_HOLDER_NONE ((struct ns_holder){PROCESS_NONE, -1})

/*
 * ns_hold() - start a holder, which waits for its word
 * @job: name, run and arg as ns_run() has them; the rest is not used
 *
 * Returns 0 or -errno. That it could not join, ns_holder_work() tells.
 */
int ns_hold(const struct ns_set *ns, const struct ns_job *job, struct ns_holder *ret,
	    struct error *err);

/*
 * ns_hold_here() - the calling process, which is in the right user namespace, becomes a holder
 * @sock: its end of a message_pair(); the other is @sock of the struct ns_holder
 */
_noreturn_ void ns_hold_here(const struct ns_job *job, int sock);

/*
 * ns_holder_work() - let it join the network of @ns and do the @job that it was started with, once
 * @deadline, @cancel_fd: as fd_wait()
 *
 * Returns 0 once it is in place; else what @job returned, -ETIMEDOUT or -ECANCELED, and the holder
 * has been ended.
 */
int ns_holder_work(struct ns_holder *holder, const struct ns_set *ns, const struct ns_job *job,
		   const struct deadline *deadline, int cancel_fd, struct error *err);

/* ns_holder_end() - kill and reap it; accepts NS_HOLDER_NONE */
void ns_holder_end(struct ns_holder *holder);

/*
 * ns_unshare_net() - give the calling process a network namespace of its own: unshare(2)
 *
 * What clone(2) would do, later. Returns 0 or -errno at step STEP_CLONE (ENOSPC:
 * user.max_net_namespaces, man 7 namespaces).
 */
int ns_unshare_net(struct error *err);

/*
 * ns_make_net() - a network namespace of the child's that the child is not in
 * @ret: its descriptor, close-on-exec
 *
 * It is owned by the child's user namespace, as if the child had made it (unshare(2) in a runner).
 * Returns 0 or -errno at step STEP_CLONE.
 */
int ns_make_net(const struct ns_set *ns, int *ret, const struct deadline *deadline, int cancel_fd,
		struct error *err);
