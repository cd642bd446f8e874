/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attack: find out which other processes a command can access.
 *
 *	attack SECONDS [--uncover-proc] [--spare-parent] [--until FILE]
 *
 * Runs as fauxroot's command. For SECONDS and without pause it inspects every process of its own
 * uid that /proc shows, except itself and a process that it has planted. On each it tries
 * everything that would give it that process's memory, descriptors, root directory or namespaces.
 * It prints the names of processes and of successful means to stdout, each once. It begins with the
 * planted process, which is its own and must be accessible by each means: a means that fails there
 * proves nothing.
 *
 * --uncover-proc: unmount /proc first, so that with --pidns the host's is visible. Means that take
 * a PID are omitted then: the visible PIDs are the host's. --spare-parent: omit the parent, which
 * with --pidns is the init that the command may access. --until: go on after SECONDS until FILE
 * exists, at most ten times as long.
 *
 * Exit status: 0 nothing was accessible, 1 something was, 2 the planted process was not, or no
 * process was visible.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/libc.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

/* A busy machine has many unrelated processes: one round in so many inspects them. */
enum { MAX_NAMES = 64, FDS = 16, STRANGERS_EVERY = 16 };

/* A process as /proc shows it. */
struct prey {
	pid_t pid;
	int dir; /* /proc/PID */
};

static bool opens(const struct prey *p, const char *name, int flags)
{
	int fd = openat(p->dir, name, flags | O_CLOEXEC | O_NONBLOCK);

	fd_close(fd);
	return fd >= 0;
}

static bool reads(const struct prey *p, const char *name)
{
	int fd = openat(p->dir, name, O_RDONLY | O_CLOEXEC);
	char byte;
	bool read_it = fd >= 0 && read(fd, &byte, 1) == 1;

	fd_close(fd);
	return read_it;
}

static bool leads(const struct prey *p, const char *name)
{
	char target[PATH_MAX];

	return readlinkat(p->dir, name, target, sizeof(target)) > 0;
}

/* The file of a process that has exited opens on older kernels, but it has no memory: a read ends
 * at once. Other reads fail if this process has something else at the address. */
static bool by_mem(const struct prey *p)
{
	int fd = openat(p->dir, "mem", O_RDWR | O_CLOEXEC);
	char byte;
	bool has_memory = fd >= 0 && pread(fd, &byte, 1, (off_t)(uintptr_t)by_mem) != 0;

	fd_close(fd);
	return has_memory;
}

static bool by_root(const struct prey *p)
{
	return opens(p, "root", O_PATH | O_DIRECTORY);
}
static bool by_cwd(const struct prey *p)
{
	return opens(p, "cwd", O_PATH | O_DIRECTORY);
}
static bool by_exe(const struct prey *p)
{
	return leads(p, "exe");
}
static bool by_environ(const struct prey *p)
{
	return reads(p, "environ");
}
static bool by_auxv(const struct prey *p)
{
	return reads(p, "auxv");
}
static bool by_maps(const struct prey *p)
{
	return reads(p, "maps");
}
static bool by_syscall(const struct prey *p)
{
	return reads(p, "syscall");
}
static bool by_fd(const struct prey *p)
{
	char name[16];

	for (int i = 0; i < FDS; i++) {
		(void)str_print(name, sizeof(name), "fd/%d", i);
		if (opens(p, name, O_PATH))
			return true;
	}
	return false;
}

/* Where access is refused Linux 5.10 may open the link's own directory instead. */
static bool opens_ns(const struct prey *p, const char *name)
{
	int fd = openat(p->dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool is_ns = fd >= 0 && ioctl(fd, NS_GET_NSTYPE) >= 0;

	fd_close(fd);
	return is_ns;
}

static bool by_ns(const struct prey *p)
{
	static const char *const names[] = {"ns/user", "ns/net", "ns/mnt", "ns/pid", "ns/ipc"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (leads(p, names[i]) || opens_ns(p, names[i]))
			return true;
	return false;
}

static bool by_seize(const struct prey *p)
{
	if (ptrace(PTRACE_SEIZE, p->pid, NULL, NULL) < 0)
		return false;
	/* The child exits when we exit, and continues when we continue. */
	(void)ptrace(PTRACE_INTERRUPT, p->pid, NULL, NULL);
	(void)waitpid(p->pid, NULL, __WALL);
	(void)ptrace(PTRACE_DETACH, p->pid, NULL, NULL);
	return true;
}

static bool by_attach(const struct prey *p)
{
	if (ptrace(PTRACE_ATTACH, p->pid, NULL, NULL) < 0)
		return false;
	(void)waitpid(p->pid, NULL, __WALL);
	(void)ptrace(PTRACE_DETACH, p->pid, NULL, NULL);
	return true;
}

/* An error about the address is no refusal. */
static bool by_vm_readv(const struct prey *p)
{
	char byte;
	struct iovec here = {&byte, 1}, there = {(void *)(uintptr_t)by_vm_readv, 1};

	return process_vm_readv(p->pid, &here, 1, &there, 1, 0) == 1 || errno == EFAULT;
}

static bool by_getfd(const struct prey *p)
{
	int pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0), fd = -1;

	for (int i = 0; i < FDS && fd < 0 && pidfd >= 0; i++)
		fd = (int)syscall(SYS_pidfd_getfd, pidfd, i, 0);
	fd_close(pidfd);
	fd_close(fd);
	return fd >= 0;
}

static bool by_perf(const struct prey *p)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, p->pid, -1, -1, 0);

	fd_close(fd);
	return fd >= 0;
}

/* In a child: it would kill us with it. */
static bool by_setns(const struct prey *p)
{
	int pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0), status = 1;
	pid_t pid = pidfd < 0 ? -1 : fork();

	if (pid == 0)
		_exit(setns(pidfd, CLONE_NEWNET) == 0 || setns(pidfd, CLONE_NEWUSER) == 0 ||
				      setns(pidfd, CLONE_NEWIPC) == 0
			      ? 0
			      : 1);
	fd_close(pidfd);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static const struct {
	const char *name;
	bool (*try)(const struct prey *p);
	bool takes_pid; /* and not a path in /proc */
	bool seldom;	/* costs a fork: not in each round */
	bool may_lack;	/* this machine may refuse it to everybody (perf_event_paranoid) */
} means[] = {
	{"mem", by_mem, false, false, false},
	{"root", by_root, false, false, false},
	{"cwd", by_cwd, false, false, false},
	{"exe", by_exe, false, false, false},
	{"environ", by_environ, false, false, false},
	{"auxv", by_auxv, false, false, false},
	{"maps", by_maps, false, false, false},
	{"syscall", by_syscall, false, false, true},
	{"descriptor", by_fd, false, false, false},
	{"namespace", by_ns, false, false, false},
	{"PTRACE_SEIZE", by_seize, true, false, false},
	{"PTRACE_ATTACH", by_attach, true, false, false},
	{"process_vm_readv", by_vm_readv, true, false, false},
	{"pidfd_getfd", by_getfd, true, false, false},
	{"perf_event_open", by_perf, true, false, true},
	{"setns", by_setns, true, true, false},
};

struct attack {
	pid_t own, planted, parent; /* as this /proc has them; @parent 0: not spared */
	bool pids;		    /* they are those of our PID namespace */
	unsigned long tries, had, rounds;
	char names[MAX_NAMES][64]; /* "COMM: MEANS" that have been printed */
	size_t n_names;
};

static void tell(struct attack *a, const char *comm, const char *what)
{
	char name[64];

	(void)str_print(name, sizeof(name), "%s: %s", comm, what);
	for (size_t i = 0; i < a->n_names; i++)
		if (streq(a->names[i], name))
			return;
	if (a->n_names == MAX_NAMES)
		return;
	(void)str_print(a->names[a->n_names++], sizeof(name), "%s", name);
	printf("%s\n", name);
	fflush(stdout);
}

static void read_comm(const struct prey *p, char comm[17])
{
	int fd = openat(p->dir, "comm", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, comm, 16);

	comm[n > 0 ? n - 1 : 0] = '\0';
	fd_close(fd);
}

static void try_all(struct attack *a, const struct prey *p)
{
	char comm[17];
	struct stat st;
	bool fauxroots;

	read_comm(p, comm);
	fauxroots =
		str_after(comm, "fauxroot") || streq(comm, "slirp4netns") || streq(comm, "wrapper");
	/* An undumpable process belongs to the host's root, which has no id here. */
	if (!fauxroots &&
	    (a->rounds % STRANGERS_EVERY != 0 || fstat(p->dir, &st) < 0 || st.st_uid != 0))
		return;
	tell(a, comm, "seen");
	for (size_t i = 0; i < ARRAY_SIZE(means); i++) {
		if ((means[i].takes_pid && !a->pids) || (means[i].seldom && a->rounds % 16 != 0))
			continue;
		a->tries++;
		if (!means[i].try(p))
			continue;
		a->had++;
		tell(a, comm, means[i].name);
	}
}

static bool is_ours(const struct attack *a, pid_t pid)
{
	return pid == a->own || pid == a->planted || pid == a->parent;
}

/* One round through /proc. */
static void look_around(struct attack *a)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		struct prey p;
		uint32_t pid;

		if (parse_u32(entry->d_name, INT_MAX, &pid) < 0 || is_ours(a, (pid_t)pid))
			continue;
		p.pid = (pid_t)pid;
		p.dir = openat(dirfd(dir), entry->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (p.dir >= 0)
			try_all(a, &p);
		fd_close(p.dir);
	}
	if (dir)
		closedir(dir);
	a->rounds++;
}

/* The number that @text begins with after blanks, of a link in /proc or a field of /proc/self/stat;
 * 0: none. */
static pid_t number_of(const char *text)
{
	struct cursor c = cursor_of(text);
	uint32_t n;

	(void)cursor_blanks(&c);
	return cursor_u32(&c, INT32_MAX, &n) < 0 ? 0 : (pid_t)n;
}

static pid_t own_number(void)
{
	char text[32];
	ssize_t n = readlink("/proc/self", text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return number_of(text);
}

static pid_t parent_number(void)
{
	_cleanup_free_ char *text = NULL;
	const char *line;

	if (file_read_bounded(AT_FDCWD, "/proc/self/status", 8192, &text, NULL) < 0)
		return 0;
	line = strstr(text, "\nPPid:");
	return line ? number_of(line + strlen("\nPPid:")) : 0;
}

/* Fork a process of our own. It reports its number in this /proc itself. */
static pid_t plant(pid_t *ret_number)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		pid_t number = own_number();

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "planted");
		(void)!write(fds[1], &number, sizeof(number));
		for (;;)
			pause();
	}
	if (pid > 0 && read(fds[0], ret_number, sizeof(*ret_number)) != sizeof(*ret_number))
		pid = -1;
	close(fds[0]);
	close(fds[1]);
	return pid;
}

/* Each means must work on the planted process; otherwise its failure on others proves nothing. */
static bool control(const struct attack *a, pid_t planted)
{
	char path[32];
	struct prey p = {.pid = planted};
	bool all = true;

	(void)str_print(path, sizeof(path), "/proc/%d", (int)a->planted);
	p.dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_SIZE(means); i++) {
		if (means[i].try(&p))
			continue;
		printf("control: %s is refused on the planted process: %s\n", means[i].name,
		       strerror(errno));
		all &= means[i].may_lack;
	}
	fd_close(p.dir);
	return all;
}

/* Look around for @seconds, and then until the file @until exists, unless it is NULL. */
static void attack(struct attack *a, int64_t seconds, const char *until)
{
	int64_t start = clock_ms();

	while (clock_ms() < start + 1000 * seconds)
		look_around(a);
	if (!until)
		return;
	while (access(until, F_OK) < 0 && clock_ms() < start + 10000 * seconds)
		look_around(a);
}

int main(int argc, char **argv)
{
	struct attack a = {.pids = true};
	const char *until = NULL;
	pid_t planted;

	if (argc < 2)
		return 2;
	for (int i = 2; i < argc; i++) {
		if (streq(argv[i], "--uncover-proc")) {
			if (umount2("/proc", MNT_DETACH) < 0) {
				perror("unmounting /proc");
				return 2;
			}
			a.pids = false;
		} else if (streq(argv[i], "--spare-parent")) {
			a.parent = parent_number();
		} else if (streq(argv[i], "--until") && i + 1 < argc) {
			until = argv[++i];
		}
	}
	a.own = own_number();
	planted = plant(&a.planted);
	if (planted < 0 || a.own <= 0 || !control(&a, planted)) {
		printf("attack: the control has failed\n");
		return 2;
	}
	attack(&a, number_of(argv[1]), until);
	kill(planted, SIGKILL);
	printf("attack: %lu tries in %lu rounds, %lu worked\n", a.tries, a.rounds, a.had);
	if (a.had > 0)
		return 1;
	return a.n_names > 0 ? 0 : 2;
}
