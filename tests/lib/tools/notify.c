/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify: both sides of sd_notify(3), for tests without a service manager.
 *
 *	notify listen ADDRESS    act as manager: print one line a message, until SIGTERM:
 *	                         "PID UID N-DESCRIPTORS TEXT", its newlines shown as '|', then the
 *	                         contents of the first descriptor in [brackets]
 *	notify send TEXT [FILE…] one message with so many descriptors
 *	notify bytes N CHAR      one message of N times CHAR (which may be '0': NUL)
 *	notify full N            one message with N descriptors
 *	notify barrier           return when all earlier messages have been read
 *	notify flood N           N messages, "X_N=1" to "X_N=N"
 *
 * TEXT may hold \n and \r.
 */
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "sd_message.h"

static void show_first(int fd)
{
	char data[64];
	ssize_t n = pread(fd, data, sizeof(data), 0);

	if (n > 0)
		printf(" [%.*s]", (int)n, data);
}

static void show_message(struct msghdr *msg, char *text, size_t n)
{
	struct ucred sender = {.pid = -1};
	int fds[MESSAGE_MAX_FDS];
	size_t n_fds = 0;

	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_type == SCM_CREDENTIALS) {
			memcpy(&sender, CMSG_DATA(cmsg), sizeof(sender));
		} else if (cmsg->cmsg_type == SCM_RIGHTS) {
			n_fds = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(fds, CMSG_DATA(cmsg), n_fds * sizeof(int));
		}
	}
	for (size_t i = 0; i < n; i++)
		if (text[i] == '\n')
			text[i] = '|';
	printf("%d %u %zu %.*s", sender.pid, sender.uid, n_fds, (int)n, text);
	if (n_fds > 0)
		show_first(fds[0]);
	putchar('\n');
	fflush(stdout);
	while (n_fds > 0)
		close(fds[--n_fds]);
}

static int listen_at(const char *address)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(struct ucred)) +
			   CMSG_SPACE(MESSAGE_MAX_FDS * sizeof(int))];
	} control;
	struct sockaddr_un addr;
	socklen_t size = sd_address(address, &addr);
	int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;
	static char text[65536];

	if (*address == '/')
		unlink(address);
	if (sock < 0 || bind(sock, (struct sockaddr *)&addr, size) < 0 ||
	    setsockopt(sock, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0) {
		perror(address);
		return 2;
	}
	puts("listening");
	fflush(stdout);
	for (;;) {
		struct iovec iov = {.iov_base = text, .iov_len = sizeof(text)};
		struct msghdr msg = {
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control),
		};
		ssize_t n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);

		if (n < 0) {
			perror("recvmsg");
			return 2;
		}
		show_message(&msg, text, (size_t)n);
	}
}

/* Replace \n and \r by what they mean, in place. */
static size_t unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (*from == '\\' && (from[1] == 'n' || from[1] == 'r'))
			*to++ = *++from == 'n' ? '\n' : '\r';
		else
			*to++ = *from;
	}
	return (size_t)(to - text);
}

static int report(int rc)
{
	if (rc == 0)
		return 0;
	fprintf(stderr, "notify: %s\n", strerror(-rc));
	return 1;
}

static int send_text(char *text, char **files)
{
	int fds[MESSAGE_MAX_FDS];
	size_t n = 0;

	for (; *files && n < ARRAY_SIZE(fds); files++) {
		fds[n] = open(*files, O_RDONLY | O_CLOEXEC);
		if (fds[n++] < 0)
			return report(-errno);
	}
	return report(sd_send(text, unescape(text), fds, n));
}

static int send_bytes(uint32_t n, char c)
{
	static char text[1 << 16];

	memset(text, c == '0' ? '\0' : c, sizeof(text));
	memcpy(text, "X=", 2);
	return report(sd_send(text, MIN(n, sizeof(text)), NULL, 0));
}

static int send_full(uint32_t n)
{
	int fds[MESSAGE_MAX_FDS];

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = STDERR_FILENO;
	return report(sd_send("FDSTORE=1", strlen("FDSTORE=1"), fds, MIN(n, ARRAY_SIZE(fds))));
}

static int flood(uint32_t n)
{
	int rc = 0;

	for (uint32_t i = 1; i <= n && rc == 0; i++) {
		char text[32];
		int size = snprintf(text, sizeof(text), "X_N=%u", i);

		rc = sd_send(text, (size_t)size, NULL, 0);
	}
	return report(rc);
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	uint32_t n;

	if (streq(verb, "listen") && argc == 3)
		return listen_at(argv[2]);
	if (streq(verb, "send") && argc >= 3)
		return send_text(argv[2], argv + 3);
	if (streq(verb, "barrier"))
		return report(sd_barrier(30000));
	if (argc >= 3 && parse_u32(argv[2], INT_MAX, &n) == 0) {
		if (streq(verb, "bytes") && argc == 4)
			return send_bytes(n, *argv[3]);
		if (streq(verb, "full"))
			return send_full(n);
		if (streq(verb, "flood"))
			return flood(n);
	}
	fprintf(stderr, "usage: notify listen|send|bytes|full|barrier|flood …\n");
	return 2;
}
