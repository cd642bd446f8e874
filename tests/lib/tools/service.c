/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service: a small daemon with the interfaces of a service manager, without libsystemd.
 *
 *	service [WORDS…]
 *
 * It serves the sockets that it was activated with (man 3 sd_listen_fds), sends READY=1 and STATUS,
 * feeds the watchdog if there is one, and on SIGTERM sends STOPPING=1 and, like buildkitd, exits
 * with status 1. Its first line on stdout reports how it was started. WORDS are ignored: they are
 * the arguments of the daemon that it replaces. A client of one of its sockets sends one line, and
 * gets one:
 *
 *	who            "NAME PID UID LISTEN_FDS LISTEN_FDNAMES", the name being the socket's
 *	status TEXT    STATUS=TEXT
 *	mainpid        MAINPID= its own PID
 *	reload         RELOADING=1, then READY=1
 *	store TEXT     FDSTORE=1 with FDNAME=kept and a file that holds TEXT
 *	stored         print the contents of the file "kept" of an earlier life
 *	spawn          a child in a session of its own, which sleeps
 *	hang           do nothing more, do not feed the watchdog
 *	crash          abort(3)
 *	exit N         status N
 */
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <time.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "sd_message.h"

#define FIRST_FD 3
#define MAX_FDS	 16

struct service {
	size_t n_fds;
	struct strv names; /* of the descriptors from 3 up */
	uint32_t watchdog_us;
	bool hangs;
	int signals;
};

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "-";
}

/* Is the variable @name our own PID? */
static bool is_ours(const char *name)
{
	uint32_t pid;

	return parse_u32(variable(name), INT_MAX, &pid) == 0 && pid == (uint32_t)getpid();
}

static int notify(const char *fmt, ...) _printf_(1, 2);

static int notify(const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return sd_send(text, MIN((size_t)n, sizeof(text) - 1), NULL, 0);
}

static int take_up(struct service *s)
{
	struct cursor names = cursor_of(variable("LISTEN_FDNAMES"));
	uint32_t n;

	if (is_ours("WATCHDOG_PID") &&
	    parse_u32(variable("WATCHDOG_USEC"), INT_MAX, &s->watchdog_us) < 0)
		return -EINVAL;
	if (!is_ours("LISTEN_PID"))
		return 0;
	if (parse_u32(variable("LISTEN_FDS"), MAX_FDS, &n) < 0)
		return -EINVAL;
	s->n_fds = n;
	for (size_t i = 0; i < s->n_fds; i++) {
		const char *name;
		size_t size;

		cursor_until(&names, ":", &name, &size);
		cursor_char(&names, ':');
		if (strv_add_n(&s->names, name, size) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int store(const char *text)
{
	static const char message[] = "FDSTORE=1\nFDNAME=kept";
	_cleanup_close_ int fd = memfd_create("kept", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fd_write_all(fd, text, strlen(text)) < 0)
		return -EIO;
	return sd_send(message, strlen(message), &fd, 1);
}

static void answer_stored(const struct service *s, int client)
{
	for (size_t i = 0; i < s->n_fds; i++) {
		char text[256];
		ssize_t n;

		if (!streq(s->names.items[i], "kept"))
			continue;
		n = pread(FIRST_FD + (int)i, text, sizeof(text), 0);
		dprintf(client, "%.*s\n", (int)MAX(n, 0), text);
		return;
	}
	dprintf(client, "nothing\n");
}

static int reload(void)
{
	struct timespec now;
	int rc;

	clock_gettime(CLOCK_MONOTONIC, &now);
	rc = notify("RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\nSTATUS=reloading",
		    (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	return rc < 0 ? rc : notify("READY=1\nSTATUS=reloaded");
}

static int spawn(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		setsid();
		fd_close_all_except(NULL, 0);
		for (;;)
			pause();
	}
	return pid < 0 ? -errno : 0;
}

static void serve_line(struct service *s, int client, const char *name, const char *line)
{
	const char *text;
	uint32_t n;
	int rc = 0;

	if (streq(line, "who")) {
		dprintf(client, "%s %d %u %s %s\n", name, getpid(), getuid(),
			variable("LISTEN_FDS"), variable("LISTEN_FDNAMES"));
		return;
	}
	if (streq(line, "stored")) {
		answer_stored(s, client);
		return;
	}
	if ((text = str_after(line, "status ")))
		rc = notify("STATUS=%s", text);
	else if (streq(line, "mainpid"))
		rc = notify("MAINPID=%d", getpid());
	else if (streq(line, "reload"))
		rc = reload();
	else if ((text = str_after(line, "store ")))
		rc = store(text);
	else if (streq(line, "spawn"))
		rc = spawn();
	else if (streq(line, "hang"))
		s->hangs = true;
	else if (streq(line, "crash"))
		abort();
	else if ((text = str_after(line, "exit ")) && parse_u32(text, 255, &n) == 0)
		_exit((int)n);
	else
		rc = -EINVAL;
	if (rc == 0)
		rc = sd_barrier(10000);
	dprintf(client, "%s\n", rc == 0 ? "ok" : strerror(-rc));
}

static void serve_client(struct service *s, size_t i)
{
	_cleanup_close_ int client = accept4(FIRST_FD + (int)i, NULL, NULL, SOCK_CLOEXEC);
	struct pollfd ready = {.fd = client, .events = POLLIN};
	char line[256];
	ssize_t n;

	if (client < 0 || poll(&ready, 1, 5000) != 1)
		return;
	n = read(client, line, sizeof(line) - 1);
	if (n <= 0)
		return;
	line[n] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	serve_line(s, client, s->names.items[i], line);
}

static bool is_listener(int fd)
{
	int listens = 0;
	socklen_t size = sizeof(listens);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens;
}

static int stop(const struct signalfd_siginfo *info)
{
	printf("SIGTERM from %u\n", info->ssi_pid);
	fflush(stdout);
	notify("STOPPING=1\nSTATUS=stopping");
	return 1;
}

/*
 * Not exit(3): systemd sends SIGCONT after SIGTERM. If this cancels the SIGSTOP by which
 * LeakSanitizer stops us at exit, LeakSanitizer waits forever.
 */
_noreturn_ static void leave(int status)
{
	fflush(stdout);
	_exit(status);
}

/* Until SIGTERM. */
static int live(struct service *s)
{
	struct pollfd polled[MAX_FDS + 1];
	int pause_ms = s->watchdog_us > 0 ? (int)(s->watchdog_us / 3000) : -1;

	for (size_t i = 0; i < s->n_fds; i++)
		polled[i] = (struct pollfd){
			.fd = is_listener(FIRST_FD + (int)i) ? FIRST_FD + (int)i : -1,
			.events = POLLIN,
		};
	polled[s->n_fds] = (struct pollfd){.fd = s->signals, .events = POLLIN};
	while (!s->hangs) {
		struct signalfd_siginfo info;

		if (s->watchdog_us > 0)
			notify("WATCHDOG=1");
		if (poll(polled, s->n_fds + 1, pause_ms) < 0)
			return 1;
		if (polled[s->n_fds].revents && read(s->signals, &info, sizeof(info)) > 0)
			return stop(&info);
		for (size_t i = 0; i < s->n_fds; i++)
			if (polled[i].revents)
				serve_client(s, i);
	}
	for (;;)
		pause();
}

int main(void)
{
	struct service s = {0};
	sigset_t term;
	int rc = take_up(&s);

	if (rc < 0) {
		fprintf(stderr, "service: %s\n", strerror(-rc));
		return 2;
	}
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	s.signals = signalfd(-1, &term, SFD_CLOEXEC);
	printf("started %d: sockets %zu, watchdog %u, API %s\n", getpid(), s.n_fds, s.watchdog_us,
	       access(variable("ROOTLESSKIT_STATE_DIR"), R_OK) == 0 ? "there" : "absent");
	fflush(stdout);
	rc = notify("READY=1\nSTATUS=serving %zu sockets as %d", s.n_fds, getpid());
	if (rc < 0 && rc != -ENOENT)
		fprintf(stderr, "service: %s\n", strerror(-rc));
	leave(live(&s));
}
