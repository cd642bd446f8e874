/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pty: run a command on its own terminal, and type and check a script of lines.
 *
 *	pty [-t SECONDS] COMMAND [ARGS…] <SCRIPT
 *
 * The script's lines:
 *
 *	expect TEXT       wait until TEXT appears in the output since the last expect
 *	send TEXT         type TEXT; \n \r \t \\ and \xHH are understood
 *	job               wait until another process group than the command's has the terminal
 *	count N TEXT      TEXT must occur N times in all output so far
 *	exit N            wait for the command's exit; its status must be N (128+n for signal n)
 *	hangup N          close the terminal, then as exit
 *
 * The transcript goes to stdout. Every line has SECONDS (10) at most; at the first line that fails,
 * pty exits with status 1 and prints the line's number on stderr, and the session is killed.
 */
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

struct session {
	int terminal;
	pid_t pid;
	char seen[1 << 16]; /* everything that has come */
	size_t size;
	size_t matched; /* end of the last expect's match */
	uint32_t seconds;
};

/* Read the terminal's output, waiting until @deadline (in µs). False: there is no more. */
static bool pump(struct session *s, int64_t deadline)
{
	struct pollfd poll_fd = {.fd = s->terminal, .events = POLLIN};
	int64_t left = (deadline - clock_us()) / 1000;
	ssize_t n;

	if (s->terminal < 0 || left <= 0 || poll(&poll_fd, 1, (int)left) <= 0)
		return false;
	if (s->size + 1 >= sizeof(s->seen))
		return false;
	n = read(s->terminal, s->seen + s->size, sizeof(s->seen) - 1 - s->size);
	if (n <= 0)
		return false; /* EIO: the last holder of the terminal has gone */
	s->size += (size_t)n;
	s->seen[s->size] = '\0';
	return true;
}

static bool expect(struct session *s, const char *text, int64_t deadline)
{
	for (;;) {
		char *hit = strstr(s->seen + s->matched, text);

		if (hit) {
			s->matched = (size_t)(hit - s->seen) + strlen(text);
			return true;
		}
		if (!pump(s, deadline))
			return false;
	}
}

static bool counted(const struct session *s, const char *words)
{
	struct cursor c = cursor_of(words);
	const char *text = strchr(words, ' ');
	const char *hit = s->seen;
	uint64_t wanted, n = 0;

	if (cursor_u64(&c, 1000, &wanted) < 0 || !text)
		return false;
	text++;
	while ((hit = strstr(hit, text))) {
		n++;
		hit += strlen(text);
	}
	if (n != wanted)
		fprintf(stderr, "pty: %llu times, not %llu\n", (unsigned long long)n,
			(unsigned long long)wanted);
	return n == wanted;
}

static int hex(char digit)
{
	const char *digits = "0123456789abcdef";
	const char *hit = digit ? strchr(digits, digit) : NULL;

	return hit ? (int)(hit - digits) : -1;
}

static size_t unescape(const char *text, char *out)
{
	size_t n = 0;

	while (*text) {
		char next = '\0';

		if (text[0] == '\\')
			next = text[1];

		if (next == 'x' && hex(text[2]) >= 0 && hex(text[3]) >= 0) {
			out[n++] = (char)(hex(text[2]) * 16 + hex(text[3]));
			text += 4;
		} else if (next == 'n' || next == 'r' || next == 't' || next == '\\') {
			out[n++] = (char)(next == 'n'	? '\n'
					  : next == 'r' ? '\r'
					  : next == 't' ? '\t'
							: '\\');
			text += 2;
		} else {
			out[n++] = *text++;
		}
	}
	return n;
}

static bool type(const struct session *s, const char *text)
{
	char bytes[1024];
	size_t size = unescape(text, bytes);

	return write(s->terminal, bytes, size) == (ssize_t)size;
}

/* A shell prints a job's text before it passes the terminal on: input in between is lost. */
static bool job_in_front(struct session *s, int64_t deadline)
{
	while (tcgetpgrp(s->terminal) == s->pid) {
		if (clock_us() >= deadline)
			return false;
		usleep(1000);
	}
	return true;
}

static bool ended(struct session *s, const char *text, int64_t deadline)
{
	struct cursor c = cursor_of(text);
	uint64_t wanted;
	int status, code;

	if (cursor_u64(&c, 255, &wanted) < 0)
		return false;
	while (pump(s, deadline))
		;
	while (waitpid(s->pid, &status, WNOHANG) == 0) {
		if (clock_us() >= deadline)
			return false;
		usleep(5000);
	}
	s->pid = 0;
	code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	if (code != (int)wanted)
		fprintf(stderr, "pty: status %d, not %d\n", code, (int)wanted);
	return code == (int)wanted;
}

static bool play(struct session *s, const char *line)
{
	int64_t deadline = clock_us() + (int64_t)s->seconds * 1000000;

	if (strncmp(line, "expect ", 7) == 0)
		return expect(s, line + 7, deadline);
	if (strncmp(line, "send ", 5) == 0)
		return type(s, line + 5);
	if (strncmp(line, "count ", 6) == 0)
		return counted(s, line + 6);
	if (strncmp(line, "exit ", 5) == 0)
		return ended(s, line + 5, deadline);
	if (streq(line, "job"))
		return job_in_front(s, deadline);
	if (strncmp(line, "hangup ", 7) == 0) {
		close(s->terminal);
		s->terminal = -1;
		return ended(s, line + 7, deadline);
	}
	return *line == '\0' || *line == '#';
}

int main(int argc, char **argv)
{
	static struct session s = {.seconds = 10};
	char line[1024];
	int number = 0, rc = 0;

	if (argc > 2 && streq(argv[1], "-t")) {
		if (parse_u32(argv[2], 600, &s.seconds) < 0)
			return 2;
		argv += 2;
		argc -= 2;
	}
	if (argc < 2)
		return 2;
	s.pid = forkpty(&s.terminal, NULL, NULL, NULL);
	if (s.pid < 0)
		return 2;
	if (s.pid == 0) {
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	while (rc == 0 && fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		number++;
		if (!play(&s, line)) {
			fprintf(stderr, "pty: line %d failed: %s\n", number, line);
			rc = 1;
		}
	}
	fwrite(s.seen, 1, s.size, stdout);
	if (s.pid > 0) {
		kill(-s.pid, SIGKILL); /* the session's own group */
		kill(s.pid, SIGKILL);
		waitpid(s.pid, NULL, 0);
	}
	return rc;
}
