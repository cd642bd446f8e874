/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forge - as the command in a PID namespace: take init's socket to the launcher, and report
 * endlessly that the command has stopped. Prints "forging" once it does.
 *
 * forge --exit: wait for SIGUSR1, report it ten times, and exit with status 7.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fauxroot/base/libc.h"

/* supervise/reports.c: REPORT_STOPPED */
static const struct {
	uint32_t type;
	int32_t status;
} stopped = {2, W_STOPCODE(SIGSTOP)};

static int take_socket(void)
{
	int init = (int)syscall(SYS_pidfd_open, 1, 0);

	for (int fd = 3; init >= 0 && fd < 64; fd++) {
		int copy = (int)syscall(SYS_pidfd_getfd, init, fd, 0), type;
		socklen_t size = sizeof(type);

		if (copy < 0)
			continue;
		if (getsockopt(copy, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
		    type == SOCK_SEQPACKET)
			return copy;
		close(copy);
	}
	return -1;
}

static int forge_and_exit(int sock)
{
	sigset_t usr1;
	int sig;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	puts("forging");
	fflush(stdout);
	if (sigwait(&usr1, &sig) != 0)
		return 1;
	for (int i = 0; i < 10; i++)
		if (send(sock, &stopped, sizeof(stopped), MSG_NOSIGNAL) < 0)
			return 1;
	return 7;
}

int main(int argc, char **argv)
{
	int sock = take_socket();

	if (sock < 0) {
		fprintf(stderr, "forge: cannot get init's socket: %s\n", strerror(errno));
		return 1;
	}
	if (argc > 1 && strcmp(argv[1], "--exit") == 0)
		return forge_and_exit(sock);
	for (unsigned long sent = 0;; sent++) {
		if (send(sock, &stopped, sizeof(stopped), MSG_NOSIGNAL) < 0 && errno != EAGAIN) {
			fprintf(stderr, "forge: %s\n", strerror(errno));
			return 1;
		}
		if (sent == 1000) {
			puts("forging");
			fflush(stdout);
		}
	}
}
