/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A daemon that finds its pid file checks whether a process with that PID exists. After a SIGKILL
 * of all processes the file is stale. In a PID namespace the next start of the same daemon gets the
 * same PID. The daemon finds a process with that PID, which is itself, and refuses to start, each
 * time. With a random first PID the old one belongs to no process, except once in some thousand
 * times; then the next start has another PID.
 *
 * ns_last_pid also moves the PIDs of all later processes, so the pid files of a daemon's children,
 * for example containerd's, are outdated as well. If it cannot be written, clone3(2) gives the PID
 * to the one process that it makes; the processes after that begin at 2 again.
 */
#include "fauxroot/supervise/pids.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"

#define FIRST 1000
#define LAST  30000

/* The default of pid_max; a 64-bit kernel allows up to 4,194,304. */
#define USUAL_PID_MAX 32768

pid_t pids_choose(uint32_t random, uint32_t pid_max)
{
	uint32_t end = MIN(pid_max / 2, (uint32_t)LAST + 1);

	return end > FIRST ? (pid_t)(FIRST + random % (end - FIRST)) : 0;
}

pid_t pids_choose_one(uint32_t random, uint32_t pid_max)
{
	uint32_t end = MIN(pid_max, (uint32_t)LAST + 1);

	return end > 2 ? (pid_t)(2 + random % (end - 2)) : 2;
}

static uint32_t read_pid_max(void)
{
	_cleanup_free_ char *text = NULL;
	uint32_t value;

	if (file_read_bounded(AT_FDCWD, "/proc/sys/kernel/pid_max", 32, &text, NULL) < 0)
		return USUAL_PID_MAX;
	text[strcspn(text, "\n")] = '\0';
	return parse_u32(text, INT_MAX, &value) == 0 ? value : USUAL_PID_MAX;
}

static int write_last_pid(pid_t last)
{
	_cleanup_close_ int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
	char text[16];

	if (fd < 0)
		return -errno;
	(void)str_print(text, sizeof(text), "%d", last);
	return fd_write_all(fd, text, strlen(text));
}

int pids_scatter(pid_t *ret_wanted)
{
	uint32_t random = 0, pid_max = read_pid_max();
	pid_t last;
	int rc;

	/* Early at boot there may be no entropy; do not wait for it. */
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
		random = (uint32_t)clock_us();
	last = pids_choose(random, pid_max);
	rc = last > 0 ? write_last_pid(last) : -ERANGE;
	*ret_wanted = rc == 0 ? 0 : pids_choose_one(random, pid_max);
	return rc;
}

int pids_fork(pid_t pid, struct process *ret)
{
	struct process p = PROCESS_NONE;
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uintptr_t)&p.pidfd,
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&pid,
		.set_tid_size = 1,
	};

	p.pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (p.pid < 0)
		return -errno;
	if (p.pid == 0)
		return 0;
	*ret = p;
	return 1;
}
