/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The launcher's effective uid owns the middle user namespace, and the launcher stays in the parent
 * of that namespace. So a fork of the launcher may join it, and has every capability there and in
 * the child's user namespace below it (man 7 user_namespaces, "Capabilities"). All our work inside
 * is done by such forks. They join the child's other namespaces from the middle one, not the
 * child's user namespace. The exception runs before the target: the runner that makes a detached
 * network (ns_net.c). The target has no capability outside its user namespace, so the kernel
 * denies it to trace these forks and to access their descriptors (man 2 ptrace, "Ptrace access mode
 * checking").
 *
 * The target can still try to control a fork through files. A fork that has joined the target's
 * mount namespace sees the target's files. It must not execute or load any of them: a seccomp
 * filter enforces this. It must not read any of them as configuration: no job for such a fork looks
 * up users, hosts or programs.
 */
#include "fauxroot/sys/ns.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/forks.h"
#include "fauxroot/base/str.h"
#include "fauxroot/base/title.h"
#include "fauxroot/sys/message.h"
#include "fauxroot/sys/seccomp.h"
#include "verdict.h"

/*
 * In the order in which they are joined. The user namespace is first: it gives the capabilities for
 * the others. The mount namespace is last: it changes where paths lead.
 */
static const struct {
	const char *name; /* in /proc/PID/ns */
	int flag;
	unsigned join; /* 0: always */
	size_t offset; /* in struct ns_set */
} kinds[] = {
	{"user", CLONE_NEWUSER, NS_JOIN_USER, offsetof(struct ns_set, user)},
	{"net", CLONE_NEWNET, NS_JOIN_NET, offsetof(struct ns_set, net)},
	{"pid", CLONE_NEWPID, NS_JOIN_PID, offsetof(struct ns_set, pid)},
	{"cgroup", CLONE_NEWCGROUP, NS_JOIN_CGROUP, offsetof(struct ns_set, cgroup)},
	{"uts", CLONE_NEWUTS, NS_JOIN_UTS, offsetof(struct ns_set, uts)},
	{"ipc", CLONE_NEWIPC, NS_JOIN_IPC, offsetof(struct ns_set, ipc)},
	{"mnt", CLONE_NEWNS, NS_JOIN_MNT, offsetof(struct ns_set, mnt)},
};
static_assert(ARRAY_SIZE(kinds) == NS_KINDS && sizeof(struct ns_set) == NS_KINDS * sizeof(int),
	      "every member of the set has a kind");

static int *member_of(struct ns_set *ns, size_t kind)
{
	return (int *)((char *)ns + kinds[kind].offset);
}

static int descriptor_of(const struct ns_set *ns, size_t kind)
{
	return *(const int *)((const char *)ns + kinds[kind].offset);
}

void ns_set_close(struct ns_set *ns)
{
	for (size_t i = 0; i < NS_KINDS; i++)
		fd_close(descriptor_of(ns, i));
	*ns = NS_SET_NONE;
}

int *ns_set_member(struct ns_set *ns, int flag)
{
	for (size_t i = 0; i < NS_KINDS; i++)
		if (kinds[i].flag == flag)
			return member_of(ns, i);
	return NULL;
}

size_t ns_set_list(const struct ns_set *ns, int ret_fds[NS_KINDS])
{
	size_t n = 0;

	for (size_t i = 0; i < NS_KINDS; i++)
		if (descriptor_of(ns, i) >= 0)
			ret_fds[n++] = descriptor_of(ns, i);
	return n;
}

const char *ns_set_names(const struct ns_set *ns, char *buf)
{
	size_t used = 0;

	*buf = '\0';
	for (size_t i = 0; i < NS_KINDS; i++) {
		if (descriptor_of(ns, i) < 0)
			continue;
		(void)str_print(buf + used, NS_NAMES_MAX - used, "%s%s", used > 0 ? " " : "",
				kinds[i].name);
		used = strlen(buf);
	}
	return buf;
}

void ns_set_drop_own(struct ns_set *ns)
{
	for (size_t i = 0; i < NS_KINDS; i++) {
		int *fd = member_of(ns, i);
		char ours[64];
		struct stat a, b;

		(void)str_print(ours, sizeof(ours), "/proc/self/ns/%s", kinds[i].name);
		if (*fd >= 0 && fstat(*fd, &a) == 0 && stat(ours, &b) == 0 &&
		    a.st_dev == b.st_dev && a.st_ino == b.st_ino)
			*fd = fd_close(*fd);
	}
}

struct ns_set ns_select(const struct ns_set *ns, unsigned which)
{
	struct ns_set selected = *ns;

	for (size_t i = 0; i < NS_KINDS; i++)
		if (kinds[i].join && !(which & kinds[i].join))
			*member_of(&selected, i) = -1;
	return selected;
}

/* clone(2) without a new stack, so it returns twice like fork(2). */
static pid_t raw_clone(unsigned long flags, int *pidfd)
{
#if defined(__s390__) || defined(__CRIS__)
	return (pid_t)syscall(SYS_clone, NULL, flags, pidfd, NULL, NULL);
#else
	/* On all other architectures the flags are first; the order of the last two, NULL here,
	 * varies. */
	return (pid_t)syscall(SYS_clone, flags, NULL, pidfd, NULL, NULL);
#endif
}

int ns_clone(unsigned long flags, struct process *ret, struct error *err)
{
	struct process p = PROCESS_NONE;
	int rc = forks_expect("the child", err);

	if (rc < 0)
		return err_step(err, rc, STEP_CLONE);
	p.pid = raw_clone(flags | CLONE_PIDFD | SIGCHLD, &p.pidfd);
	if (p.pid < 0)
		return err_step(err, err_set(err, errno, "creating the namespaces: clone"),
				STEP_CLONE);
	if (p.pid == 0)
		return 0;
	forks_born(p.pid);
	*ret = p;
	return 1;
}

static int open_ns(pid_t pid, const char *name, int *ret, struct error *err)
{
	char path[64];
	int fd;

	if (str_print(path, sizeof(path), "/proc/%d/ns/%s", pid, name) < 0)
		return err_say(err, ENAMETOOLONG, "the path of namespace %s is too long", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_file(err, errno, path, "opening %s", path);
	*ret = fd;
	return 0;
}

int ns_pin(pid_t pid, unsigned long flags, struct ns_set *ret, struct error *err)
{
	struct ns_set ns = NS_SET_NONE;
	int rc = 0;

	for (size_t i = 0; i < NS_KINDS && rc == 0; i++)
		if (flags & (unsigned long)kinds[i].flag)
			rc = open_ns(pid, kinds[i].name, member_of(&ns, i), err);
	if (rc < 0) {
		ns_set_close(&ns);
		return err_step(err, rc, STEP_CLONE);
	}
	*ret = ns;
	return 0;
}

int ns_join(const struct ns_set *ns, unsigned which, struct error *err)
{
	const struct ns_set selected = ns_select(ns, which);

	for (size_t i = 0; i < NS_KINDS; i++)
		if (descriptor_of(&selected, i) >= 0 &&
		    setns(descriptor_of(&selected, i), kinds[i].flag) < 0)
			return err_set(err, errno, "joining the child's %s namespace",
				       kinds[i].name);
	/* A gain of capabilities can clear the parent-death signal (man 2 prctl): set it again. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return err_set(err, errno, "setting the parent-death signal");
	return 0;
}

/*
 * setns(2) moves only later children to the PID namespace (man 2 setns). If the job needs the PID
 * namespace, this returns in such a child: the /proc of the child's mount namespace has a
 * /proc/self only for processes of that PID namespace.
 */
static int enter_pidns(const struct ns_set *ns, struct error *err)
{
	pid_t pid;

	if (ns->pid < 0)
		return 0;
	pid = fork();
	if (pid < 0)
		return err_set(err, errno, "forking into the child's PID namespace");
	if (pid > 0) {
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		_exit(0);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return 0;
}

/* In the runner. */
_noreturn_ static void run_job(const struct ns_set *ns, const struct ns_job *job, int sock)
{
	struct verdict verdict;
	struct ns_set own = ns_select(ns, job->which);

	memset(&verdict, 0, sizeof(verdict));
	verdict.rc = ns_join(&own, job->which, &verdict.err);
	if (verdict.rc == 0 && (job->which & NS_JOIN_MNT))
		verdict.rc = filter_refuse_code(&verdict.err);
	if (verdict.rc == 0)
		verdict.rc = enter_pidns(&own, &verdict.err);
	ns_set_close(&own);
	if (verdict.rc == 0)
		verdict.rc = job->run(job->arg, &verdict.err);
	if (verdict.rc == 0 && job->out)
		memcpy(verdict.out, job->out, job->out_size);
	if (verdict.rc == 0 && job->n_fds > 0) {
		verdict.rc = message_send(sock, &verdict, sizeof(verdict), job->fds, job->n_fds);
		if (verdict.rc == 0)
			_exit(0);
		(void)err_set(&verdict.err, -verdict.rc, "sending descriptors");
	}
	(void)message_send(sock, &verdict, sizeof(verdict), NULL, 0);
	_exit(0);
}

/* Receive the runner's verdict from @sock. */
static int take_verdict(int sock, const struct ns_job *job, const struct deadline *deadline,
			int cancel_fd, struct error *err)
{
	struct verdict verdict;
	int fds[NS_JOB_FDS_MAX], rc = fd_wait(sock, POLLIN, deadline, cancel_fd);

	if (rc < 0)
		return err_set(err, -rc, "waiting for %s", job->name);
	rc = verdict_recv(sock, job->name, &verdict, fds, job->n_fds, err);
	if (rc < 0)
		return rc;
	if (job->out)
		memcpy(job->out, verdict.out, job->out_size);
	for (size_t i = 0; i < job->n_fds; i++)
		job->fds[i] = fds[i];
	return 0;
}

/*
 * Fork a process that has only the @n descriptors of @keep and one end of a socket pair; we keep
 * the other end. @ret_sock is the process's own end, in both. @keep must have room for one more
 * descriptor. Returns as fork_clean().
 */
static int fork_runner(const char *name, int *keep, size_t n, struct process *ret, int *ret_sock,
		       struct error *err)
{
	_cleanup_close_ int here = -1, there = -1;
	int pair[2], rc = message_pair(pair);

	if (rc < 0)
		return err_set(err, -rc, "creating a socket pair for %s", name);
	here = pair[0];
	there = pair[1];
	keep[n++] = there;
	rc = fork_clean(name, keep, n, ret, err);
	if (rc == 0)
		here = -1; /* closed already */
	if (rc >= 0)
		*ret_sock = rc == 0 ? TAKE_FD(there) : TAKE_FD(here);
	return rc;
}

/* A runner that has sent its verdict exits at once. A runner without a verdict may hang forever,
 * for example in a file system of the target, and the caller's time is already used up. */
static void end_runner(struct process *runner, int rc)
{
	if (rc == -ETIMEDOUT || rc == -ECANCELED)
		process_abandon(runner);
	else
		process_kill(runner);
}

int ns_run(const struct ns_set *ns, const struct ns_job *job, const struct deadline *deadline,
	   int cancel_fd, struct error *err)
{
	_cleanup_close_ int sock = -1;
	struct process runner = PROCESS_NONE;
	const struct ns_set joined = ns_select(ns, job->which);
	int keep[24], rc;
	size_t n = ns_set_list(&joined, keep);

	if (job->out_size > VERDICT_OUT_MAX || job->n_fds > NS_JOB_FDS_MAX ||
	    job->n_keep > ARRAY_SIZE(keep) - NS_KINDS - 1)
		return err_set(err, E2BIG, "running %s", job->name);
	for (size_t i = 0; i < job->n_keep; i++)
		keep[n++] = job->keep[i];
	rc = fork_runner(job->name, keep, n, &runner, &sock, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		run_job(ns, job, sock);
	rc = take_verdict(sock, job, deadline, cancel_fd, err);
	end_runner(&runner, rc);
	return rc;
}

/*
 * In the holder: wait for the pidfd of a process, then for the exit of the launcher, and kill the
 * process. The parent-death signal would kill the holder first, so it is cleared. End of file on
 * @sock is as reliable: no other process has the other end.
 */
_noreturn_ static void guard(int sock)
{
	int pidfd = -1;
	size_t n = 1;
	char word;

	prctl(PR_SET_PDEATHSIG, 0);
	if (message_recv(sock, &word, 1, &pidfd, &n) != 1 || n != 1)
		_exit(0);
	while (message_recv(sock, &word, 1, NULL, NULL) == -EINTR)
		;
	(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	_exit(0);
}

/* In the holder. @verdict is the result of joining the user namespace. */
_noreturn_ static void hold(const struct ns_job *job, int sock, struct verdict *verdict)
{
	int net = -1;
	size_t n = 1;
	char word;
	ssize_t size = message_recv(sock, &word, 1, &net, &n);

	if (size < 0 && size != -ECONNRESET)
		verdict->rc = err_set(&verdict->err, (int)-size, "receiving the child's network");
	else if (size != 1)
		_exit(0);
	if (verdict->rc == 0 && setns(net, CLONE_NEWNET) < 0)
		verdict->rc = err_set(&verdict->err, errno, "joining the child's net namespace");
	fd_close(net);
	if (verdict->rc == 0)
		verdict->rc = job->run(job->arg, &verdict->err);
	if (message_send(sock, verdict, sizeof(*verdict), NULL, 0) < 0 || verdict->rc < 0)
		_exit(0);
	if (job->guards)
		guard(sock);
	fd_close(sock);
	for (;;)
		pause();
}

void ns_hold_here(const struct ns_job *job, int sock)
{
	struct verdict verdict;

	memset(&verdict, 0, sizeof(verdict));
	title_set(job->name);
	hold(job, sock, &verdict);
}

int ns_hold(const struct ns_set *ns, const struct ns_job *job, struct ns_holder *ret,
	    struct error *err)
{
	struct ns_set own = ns_select(ns, NS_JOIN_USER);
	struct ns_holder holder = NS_HOLDER_NONE;
	struct verdict verdict;
	int keep[NS_KINDS + 1], rc;
	size_t n = ns_set_list(&own, keep);

	rc = fork_runner(job->name, keep, n, &holder.process, &holder.sock, err);
	if (rc < 0)
		return rc;
	if (rc == 0) {
		memset(&verdict, 0, sizeof(verdict));
		verdict.rc = ns_join(&own, NS_JOIN_USER, &verdict.err);
		ns_set_close(&own);
		hold(job, holder.sock, &verdict);
	}
	*ret = holder;
	return 0;
}

int ns_holder_work(struct ns_holder *holder, const struct ns_set *ns, const struct ns_job *job,
		   const struct deadline *deadline, int cancel_fd, struct error *err)
{
	int rc = message_send(holder->sock, "", 1, &ns->net, 1);

	if (rc == -EPIPE || rc == -ECONNRESET)
		rc = err_say(err, EPROTO, "%s has exited", job->name);
	else if (rc < 0)
		(void)err_set(err, -rc, "passing the network namespace to %s", job->name);
	else
		rc = take_verdict(holder->sock, job, deadline, cancel_fd, err);
	if (rc == 0 && job->guards)
		holder->guard = TAKE_FD(holder->sock);
	holder->sock = fd_close(holder->sock);
	if (rc < 0)
		end_runner(&holder->process, rc);
	return rc;
}

int ns_holder_guard(const struct ns_holder *holder, int pidfd)
{
	return message_send(holder->guard, "", 1, &pidfd, 1);
}

void ns_holder_end(struct ns_holder *holder)
{
	holder->sock = fd_close(holder->sock);
	holder->guard = fd_close(holder->guard);
	process_kill(&holder->process);
}
