/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/forks.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/base/title.h"

int process_result(int status)
{
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

void process_forget(struct process *p)
{
	fd_close(p->pidfd);
	*p = PROCESS_NONE;
}

/* Try once: returns 1 with the status if @pid is reaped, 0 if it cannot be reaped yet, or
 * -errno. */
static int try_reap(pid_t pid, int *ret_status)
{
	pid_t got;

	do {
		got = waitpid(pid, ret_status, WNOHANG);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		got = -errno;
	if (got > 0 || got == -ECHILD)
		forks_reaped(pid);
	return MIN(got, 1);
}

/*
 * Reap @p after it has exited. Even if the pidfd reports the exit, we may be unable to reap yet: a
 * traced process first belongs to its tracer, until the tracer releases it (man 2 ptrace). Then,
 * and without a pidfd, there is no event to wait for, so this polls every millisecond.
 */
static int reap(const struct process *p, const struct deadline *deadline, int cancel_fd,
		int *ret_status)
{
	for (;;) {
		struct deadline tick = deadline_in(1);
		int rc = p->pidfd < 0 ? 0 : fd_wait(p->pidfd, POLLIN, deadline, cancel_fd);

		if (rc == 0)
			rc = try_reap(p->pid, ret_status);
		if (rc != 0)
			return MIN(rc, 0);
		if (deadline_left(deadline) == 0)
			return -ETIMEDOUT;
		if (fd_wait(-1, 0, &tick, cancel_fd) == -ECANCELED)
			return -ECANCELED;
	}
}

void process_kill(struct process *p)
{
	struct deadline deadline = deadline_in(PROCESS_KILL_MS);
	int status;

	if (p->pid > 0) {
		kill(p->pid, SIGKILL);
		if (reap(p, &deadline, -1, &status) == -ETIMEDOUT)
			forks_abandoned(p->pid);
	}
	process_forget(p);
}

void process_abandon(struct process *p)
{
	if (p->pid > 0) {
		kill(p->pid, SIGKILL);
		forks_abandoned(p->pid);
	}
	process_forget(p);
}

void process_signal(const struct process *p, int sig)
{
	if (p->pid > 0)
		(void)syscall(SYS_pidfd_send_signal, p->pidfd, sig, NULL, 0);
}

int process_from_pidfd(int pidfd, struct process *ret)
{
	_cleanup_free_ char *text = NULL;
	struct cursor c, line;
	char path[64];
	int rc;

	(void)str_print(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	rc = file_read_bounded(AT_FDCWD, path, 4096, &text, NULL);
	if (rc < 0)
		return rc;
	c = cursor_of(text);
	while (cursor_line(&c, &line)) {
		uint32_t pid;

		if (!cursor_word(&line, "Pid:"))
			continue;
		(void)cursor_blanks(&line);
		/* 0: not in our PID namespace; -1: reaped. */
		if (cursor_u32(&line, INT_MAX, &pid) < 0 || !cursor_at_end(&line) || pid == 0)
			return -ESRCH;
		*ret = (struct process){(pid_t)pid, pidfd};
		return 0;
	}
	return -EINVAL;
}

int process_wait(struct process *p, const struct deadline *deadline, int cancel_fd, int *ret_status)
{
	int status = 0;
	int rc = reap(p, deadline, cancel_fd, &status);

	if (rc < 0)
		return rc;
	process_forget(p);
	*ret_status = status;
	return 0;
}

const char *process_status_text(int status, char *buf, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(buf, size, "signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(buf, size, "exit status %d", WEXITSTATUS(status));
	return buf;
}

/* In the new process: request SIGKILL at the death of @parent, and exit if it is already dead. */
static void die_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
}

static int open_pidfd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

int process_fork(const char *name, struct process *ret, struct error *err)
{
	struct process p = PROCESS_NONE;
	int rc = forks_expect(name, err);

	if (rc < 0)
		return rc;
	p.pid = fork();
	if (p.pid < 0)
		return err_set(err, errno, "forking %s", name);
	if (p.pid == 0)
		return 0;
	forks_born(p.pid);
	p.pidfd = open_pidfd(p.pid);
	if (p.pidfd < 0) {
		int errnum = errno;

		process_kill(&p);
		return err_set(err, errnum, "opening a pidfd of %s", name);
	}
	*ret = p;
	return 1;
}

int fork_clean(const char *name, const int *keep, size_t n_keep, struct process *ret,
	       struct error *err)
{
	pid_t parent = getpid();
	int rc = process_fork(name, ret, err);

	if (rc != 0)
		return rc;
	die_with(parent);
	title_set(name);
	if (fd_close_all_except(keep, n_keep) < 0)
		_exit(1);
	return 0;
}

/* @ret_there: does a file of that name exist, executable or not? */
static int check_executable(const char *path, bool *ret_there)
{
	struct stat st;

	*ret_there = stat(path, &st) == 0;
	if (!*ret_there || access(path, X_OK) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? 0 : -EACCES;
}

const char *path_variable(void)
{
	const char *path = getenv("PATH");

	/* A default if PATH is unset, as execvp(3) has one. The sbin directories, which an
	 * unprivileged user's PATH lacks, are not added: an option names a helper that is
	 * elsewhere. */
	return path ? path : "/usr/local/bin:/usr/bin:/bin";
}

bool path_next(const char **path, const char *name, char *buf, size_t size)
{
	while (*path) {
		const char *dir = *path, *end = strchrnul(dir, ':');

		*path = *end ? end + 1 : NULL;
		if (str_print(buf, size, "%.*s/%s", end == dir ? 1 : (int)(end - dir),
			      end == dir ? "." : dir, name) == 0)
			return true;
	}
	return false;
}

static int copy_path(const char *path, char **ret)
{
	char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

int path_find(const char *name, char **ret)
{
	const char *path = path_variable();
	char candidate[PATH_MAX];
	int rc = -ENOENT;
	bool there;

	if (strchr(name, '/')) {
		rc = check_executable(name, &there);
		return rc < 0 ? rc : copy_path(name, ret);
	}
	while (*name && path_next(&path, name, candidate, sizeof(candidate))) {
		int found = check_executable(candidate, &there);

		if (found == 0)
			return copy_path(candidate, ret);
		/* A directory of PATH that cannot be searched does not count: it may belong to
		 * another user. */
		if (found == -EACCES && there)
			rc = -EACCES;
	}
	return rc;
}

/*
 * A terminal or a service manager sends some signals to every process: our helpers block them.
 * SIGPIPE gets its default action: it is the only signal that changes a helper's behaviour if our
 * caller ignores it.
 */
static void set_helper_signals(void)
{
	sigset_t mask;

	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGTSTP);
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

/* The data that the new process needs to become the helper. It is in the parent's memory. */
struct exec_plan {
	const struct helper_spec *spec;
	const char *path;
	char *const *env;
	int keep[32];
	size_t n_keep;
	int output; /* write end of the pipe for its output */
	pid_t parent;
};

static int set_helper_fds(const struct exec_plan *plan)
{
	const struct helper_spec *spec = plan->spec;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int out = spec->discard_output	? null
		  : spec->stdout_to > 0 ? spec->stdout_to
					: plan->output;

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		return -errno;
	for (size_t i = 0; i < spec->n_keep; i++)
		if (spec->keep[i] >= 0 && fd_set_cloexec(spec->keep[i], 0) < 0)
			return -errno;
	return dup2(plan->output, STDERR_FILENO) < 0 ? -errno : 0;
}

/*
 * In the new process, which shares our memory while we are suspended, so it must leave the memory
 * unchanged. An error message goes to the helper's output: the caller finds it in the helper's
 * text, with exit status 127.
 */
static int exec_helper(void *arg)
{
	const struct exec_plan *plan = arg;
	int rc;

	die_with(plan->parent);
	prctl(PR_SET_NAME, plan->spec->role);
	rc = fd_close_all_except(plan->keep, plan->n_keep);
	if (rc == 0)
		rc = set_helper_fds(plan);
	if (rc == 0) {
		setpgid(0, 0);
		set_helper_signals();
		execve(plan->path, (char *const *)(uintptr_t)plan->spec->argv, plan->env);
		rc = -errno;
	}
	dprintf(plan->output, "executing \"%s\": %s\n", plan->path, strerror(-rc));
	_exit(127);
}

/* A multiple of 16, as malloc(3) aligns it. */
#define HELPER_STACK 32768

/*
 * Start exec_helper() without a copy of our memory, like vfork(2) but on a stack of its own. We are
 * suspended until it has executed the helper. This is twice as fast as fork(2), and every launch
 * starts two helpers.
 */
static int clone_helper(struct exec_plan *plan, struct process *ret, struct error *err)
{
	struct process p = PROCESS_NONE;

#if WITH_ADDRESS_SANITIZER
	/* AddressSanitizer supports neither shared memory nor another stack here. */
	p.pid = (pid_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &p.pidfd, NULL, NULL);
	if (p.pid == 0)
		exec_helper(plan);
#else
	/* Not on our own stack: its limit (ulimit -s) may leave no room for a second one. */
	char *stack = malloc(HELPER_STACK);

	if (!stack)
		return err_set(err, ENOMEM, "forking %s", plan->spec->role);
	p.pid = clone(exec_helper, stack + HELPER_STACK,
		      CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, plan, &p.pidfd);
	/* With CLONE_VFORK, the child has already executed the helper or exited. */
	free(stack);
#endif
	/* cppcheck does not see that the stack is freed. */
	if (p.pid < 0)
		/* cppcheck-suppress memleak */
		return err_set(err, errno, "forking %s", plan->spec->role);
	forks_born(p.pid);
	*ret = p;
	/* cppcheck-suppress memleak */
	return 0;
}

static bool has_variable(const char *const *env, const char *variable)
{
	size_t n = strcspn(variable, "=") + 1;

	while (env && *env && strncmp(*env, variable, n) != 0)
		env++;
	return env && *env;
}

/* A service manager's variables are for us and the target: a helper must not respond to them. */
static bool is_service_manager_variable(const char *variable)
{
	return str_after(variable, "NOTIFY_SOCKET=") || str_after(variable, "LISTEN_PID") ||
	       str_after(variable, "LISTEN_FD") || str_after(variable, "WATCHDOG_PID=") ||
	       str_after(variable, "WATCHDOG_USEC=");
}

/* Make an environment from ours, with the helper's own variables instead of ours. No name may occur
 * twice: getenv(3) uses the first, ld.so(8) the last. */
static int make_env(const struct helper_spec *spec, char ***ret)
{
	size_t own = 0, more = 0, n = 0;
	char **env;

	while (environ[own])
		own++;
	while (spec->env && spec->env[more])
		more++;
	env = calloc(own + more + 1, sizeof(*env));
	if (!env)
		return -ENOMEM;
	for (size_t i = 0; i < more; i++)
		env[n++] = (char *)(uintptr_t)spec->env[i];
	for (size_t i = 0; i < own; i++)
		if (!has_variable(spec->env, environ[i]) &&
		    !is_service_manager_variable(environ[i]))
			env[n++] = environ[i];
	*ret = env;
	return 0;
}

static void log_argv(const struct helper_spec *spec)
{
	char line[1024] = "";
	size_t used = 0;

	if (!log_enabled(LOG_LEVEL_DEBUG))
		return;
	for (size_t i = 0; spec->argv[i] && used + 1 < sizeof(line); i++) {
		int n = snprintf(line + used, sizeof(line) - used, " %s", spec->argv[i]);

		if (n < 0)
			break;
		used = MIN(used + (size_t)n, sizeof(line) - 1);
	}
	log_debug("running%s", line);
}

int helper_start(struct helper *ret, const struct helper_spec *spec, struct error *err)
{
	_cleanup_close_ int output = -1, output_peer = -1;
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ char **env = NULL;
	struct exec_plan plan = {.spec = spec, .parent = getpid()};
	struct helper h = HELPER_NONE;
	int pipe_fds[2], rc;

	rc = path_find(spec->argv[0], &path);
	if (rc < 0)
		return err_about(err, err_set(err, -rc, "executing \"%s\"", spec->argv[0]),
				 REASON_EXEC, "%s", spec->argv[0]);
	log_argv(spec);
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_set(err, errno, "creating a pipe for %s", spec->role);
	output = pipe_fds[0];
	output_peer = pipe_fds[1];
	if (fcntl(output, F_SETFL, O_NONBLOCK) < 0)
		return err_set(err, errno, "creating a pipe for %s", spec->role);
	if (spec->n_keep + 2 > ARRAY_SIZE(plan.keep))
		return err_set(err, E2BIG, "passing descriptors to %s", spec->role);
	if (make_env(spec, &env) < 0)
		return err_set(err, ENOMEM, "composing the environment of %s", spec->role);
	for (size_t i = 0; i < spec->n_keep; i++)
		plan.keep[plan.n_keep++] = spec->keep[i];
	plan.keep[plan.n_keep++] = output_peer;
	if (spec->stdout_to > 0)
		plan.keep[plan.n_keep++] = spec->stdout_to;
	plan.path = path;
	plan.env = env;
	plan.output = output_peer;
	rc = forks_expect(spec->role, err);
	if (rc == 0)
		rc = clone_helper(&plan, &h.process, err);
	if (rc < 0)
		return rc;
	h.output = TAKE_FD(output);
	h.role = spec->role;
	*ret = h;
	return 0;
}

/* Keep the first and the last bytes that fit, and log all of them with --debug. */
static void take_text(struct helper *h, char *data, size_t n)
{
	size_t room = sizeof(h->text) - 1, begun = strlen(h->first);
	size_t missing = MIN(n, sizeof(h->first) - 1 - begun);

	memcpy(h->first + begun, data, missing);
	h->first[begun + missing] = '\0';

	if (log_enabled(LOG_LEVEL_DEBUG))
		for (char *line = data, *end; line < data + n; line = end + 1) {
			end = memchr(line, '\n', (size_t)(data + n - line));
			if (!end)
				end = data + n;
			if (end > line)
				log_debug("%s: %.*s", h->role, (int)(end - line), line);
		}
	if (n >= room) {
		data += n - room;
		n = room;
		h->text_size = 0;
	} else if (h->text_size + n > room) {
		size_t drop = h->text_size + n - room;

		memmove(h->text, h->text + drop, h->text_size - drop);
		h->text_size -= drop;
	}
	memcpy(h->text + h->text_size, data, n);
	h->text_size += n;
	h->text[h->text_size] = '\0';
}

int helper_drain(struct helper *h)
{
	char data[1024];

	if (h->output < 0)
		return 0;
	/* Bounded: a helper that writes without pause must not block the launcher. */
	for (int i = 0; i < 64; i++) {
		ssize_t n = read(h->output, data, sizeof(data));

		if (n > 0)
			take_text(h, data, (size_t)n);
		else if (n < 0 && errno == EAGAIN)
			return 1;
		else if (n == 0 || errno != EINTR) {
			h->output = fd_close(h->output);
			return 0;
		}
	}
	return 1;
}

bool helper_not_loaded(const char *text)
{
	static const char *const words[] = {
		": error while loading shared libraries: ",
		": symbol lookup error: ",
		"not found (required by ",
		"Error loading shared library ",
		"Error relocating ",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(text, words[i]))
			return true;
	return false;
}

void helper_stop(struct helper *h)
{
	process_kill(&h->process);
	h->output = fd_close(h->output);
	h->text_size = 0;
}

static void stop_all(struct helper *helpers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		helper_stop(&helpers[i]);
}

int helper_finish(struct helper *helpers, size_t n, const struct deadline *deadline, int cancel_fd,
		  int *ret_statuses, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		struct helper *h = &helpers[i];
		int rc = 0;

		/* The pipe first: a helper that fills it can exit only after we have read. */
		while (rc == 0 && helper_drain(h) > 0)
			rc = fd_wait(h->output, POLLIN, deadline, cancel_fd);
		if (rc == 0)
			rc = process_wait(&h->process, deadline, cancel_fd, &ret_statuses[i]);
		if (rc < 0) {
			const char *role = h->role;

			stop_all(helpers, n);
			if (rc == -ETIMEDOUT)
				return err_say(err, ETIMEDOUT, "%s did not exit in time", role);
			return err_set(err, -rc, "waiting for %s", role);
		}
		str_printable(h->text);
	}
	return 0;
}
