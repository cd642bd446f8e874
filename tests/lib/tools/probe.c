/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe: print what a target sees of the process that started it, and do a few simple things.
 *
 *	probe fds [FILE]      one line an open descriptor: number and what it leads to
 *	probe catch SIGNAL    print each signal that arrives; SIGNAL ends it, with status 0
 *	probe forks N         N double forks whose orphans end at once, then status 7
 *	probe listen PATH     bind a UNIX socket at PATH, serve one connection, then status 0
 *	probe userns-of FILE owner|parent|uid
 *	                      of the namespace FILE: the user namespace that it belongs to or, of a
 * user namespace, its parent and its owner's uid (man 2 ioctl_ns)
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

/* The directory's own descriptor and the output file are opened last, so they are not counted. */
static int list_fds(const char *path)
{
	DIR *dir = opendir("/proc/self/fd");
	FILE *out = path ? NULL : stdout;
	struct dirent *entry;
	int ours[2] = {-1, -1};

	if (!dir)
		return 2;
	ours[0] = dirfd(dir);
	if (path) {
		out = fopen(path, "we");
		if (!out)
			return 2;
		ours[1] = fileno(out);
	}
	while ((entry = readdir(dir))) {
		char target[512] = "";
		uint32_t fd;

		if (parse_u32(entry->d_name, INT32_MAX, &fd) < 0 || (int)fd == ours[0] ||
		    (int)fd == ours[1])
			continue;
		if (readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1) < 0)
			return 2;
		fprintf(out, "%s %s\n", entry->d_name, target);
	}
	closedir(dir);
	return fflush(out) ? 2 : 0;
}

/*
 * Block every signal and read it with sigwaitinfo(2): a blocked signal is queued even if its
 * default is to be ignored (SIGCHLD, SIGURG, SIGWINCH), and none is lost.
 */
static int catch_signals(const char *last)
{
	uint32_t end;
	sigset_t all;

	if (parse_u32(last, 64, &end) < 0)
		return 2;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	puts("ready");
	fflush(stdout);
	for (;;) {
		siginfo_t info;
		int signal = sigwaitinfo(&all, &info);

		if (signal < 0)
			continue;
		printf("%d\n", signal);
		fflush(stdout);
		if (signal == (int)end)
			return 0;
	}
}

static int double_forks(const char *count)
{
	uint32_t n;

	if (parse_u32(count, 10000000, &n) < 0)
		return 2;
	while (n-- > 0) {
		pid_t child = fork();

		if (child == 0) {
			pid_t orphan = fork();

			_exit(orphan < 0 ? errno : 0);
		}
		if (child < 0) {
			/* No process is free: the reaper is behind. Let it catch up. */
			if (errno != EAGAIN)
				return 3;
			usleep(1000);
			n++;
			continue;
		}
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			;
	}
	return 7;
}

static int serve_once(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int peer;

	if (listener < 0 ||
	    str_print(address.sun_path, sizeof(address.sun_path), "%s.new", path) < 0)
		return 2;
	/* A client may connect as soon as it sees the socket: listen before that. */
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 1) < 0 || rename(address.sun_path, path) < 0)
		return 2;
	peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (peer < 0 || write(peer, "hello\n", 6) != 6)
		return 2;
	return 0;
}

static int show_userns(const char *path, const char *what)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), found;
	struct stat st;
	uid_t uid;

	if (fd >= 0 && streq(what, "uid") && ioctl(fd, NS_GET_OWNER_UID, &uid) == 0) {
		printf("%u\n", uid);
		return 0;
	}
	found = fd < 0 ? -1 : ioctl(fd, streq(what, "parent") ? NS_GET_PARENT : NS_GET_USERNS);
	if (found < 0 || fstat(found, &st) < 0) {
		perror(path);
		return 1;
	}
	printf("user:[%lu]\n", (unsigned long)st.st_ino);
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	const char *word = argc > 2 ? argv[2] : NULL;

	if (streq(verb, "fds"))
		return list_fds(word);
	if (streq(verb, "catch") && word)
		return catch_signals(word);
	if (streq(verb, "forks") && word)
		return double_forks(word);
	if (streq(verb, "listen") && word)
		return serve_once(word);
	if (streq(verb, "userns-of") && word && argc > 3)
		return show_userns(word, argv[3]);
	fprintf(stderr, "usage: probe fds [FILE] | catch SIGNAL | forks N | listen PATH | "
			"userns-of FILE owner|parent|uid\n");
	return 2;
}
