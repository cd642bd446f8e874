/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pairs: how long commands take, against each other.
 *
 *	pairs ROUNDS -- COMMAND… [-- COMMAND…]…
 *
 * The speed of a machine changes from one second to the next. So the commands run in turn, once a
 * round, and times are compared within a round only. Each round begins with another command. The
 * first round does not count. The output has a line for each command: the median of its wall-clock
 * times in microseconds, and the median over the rounds of the first command's time divided by this
 * command's, with the quartiles of that ratio. If a command fails, the status is 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

enum { MAX_COMMANDS = 8, MAX_ROUNDS = 1000 };

struct command {
	char **argv;
	double us[MAX_ROUNDS];
	double ratio[MAX_ROUNDS];
};

/* Return the microseconds from before the fork to the exit of @argv, whose output is discarded;
 * negative: it failed */
static double run(char **argv)
{
	posix_spawn_file_actions_t actions;
	int64_t start = clock_us();
	int status, rc;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	rc = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (rc != 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status == 0 ? (double)(clock_us() - start) : -1;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* Split @argv at "--" into commands; return their number, 0 if there are too many */
static size_t split(struct command *commands, char **argv)
{
	size_t n = 0;

	for (; *argv; argv++) {
		if (!streq(*argv, "--"))
			continue;
		if (n == MAX_COMMANDS || !argv[1] || streq(argv[1], "--"))
			return 0;
		*argv = NULL;
		commands[n++].argv = argv + 1;
	}
	return n;
}

static int measure(struct command *commands, size_t n, size_t rounds)
{
	for (size_t round = 0; round <= rounds; round++)
		for (size_t i = 0; i < n; i++) {
			struct command *c = &commands[(round + i) % n];
			double us = run(c->argv);

			if (us < 0) {
				fprintf(stderr, "pairs: %s has failed\n", c->argv[0]);
				return -1;
			}
			if (round > 0)
				c->us[round - 1] = us;
		}
	return 0;
}

int main(int argc, char **argv)
{
	static struct command commands[MAX_COMMANDS];
	uint32_t rounds;
	size_t n;

	if (argc < 4 || !streq(argv[2], "--") || parse_u32(argv[1], MAX_ROUNDS, &rounds) < 0 ||
	    rounds == 0 || (n = split(commands, argv + 2)) == 0) {
		fprintf(stderr, "usage: pairs ROUNDS -- COMMAND... [-- COMMAND...]...\n");
		return 2;
	}
	if (measure(commands, n, rounds) < 0)
		return 1;
	/* Before the first median, which sorts the times. */
	for (size_t i = 0; i < n; i++)
		for (size_t round = 0; round < rounds; round++)
			commands[i].ratio[round] = commands[0].us[round] / commands[i].us[round];
	for (size_t i = 0; i < n; i++) {
		struct command *c = &commands[i];
		double us = median(c->us, rounds), ratio = median(c->ratio, rounds);

		/* The median has sorted them. */
		printf("%.0f %.3f %.3f %.3f\n", us, ratio, c->ratio[rounds / 4],
		       c->ratio[rounds - 1 - rounds / 4]);
	}
	return 0;
}
