/* SPDX-License-Identifier: Apache-2.0 */
/* Socket options that the command has set before connect(2). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The number of options in the table of carry.c. */
#define CARRY_OPTIONS 64

/* The values of a new TCP socket of the host, by family. */
struct defaults {
	bool known[2][CARRY_OPTIONS];
	int values[2][CARRY_OPTIONS];
};

/* carry_learn() - read the values of new sockets */
void carry_learn(struct defaults *ret);

/* carry_possible() - can a socket of the host have all options of the socket @fd, and behave in the
 * same way? @family: AF_INET or AF_INET6 */
bool carry_possible(int fd, int family);

/*
 * carry_over() - set the options of the socket @from on @to, a new socket of the host
 * @family: of both: AF_INET or AF_INET6
 *
 * Only values that differ from @defaults are set. Returns false if the host refuses one: some
 * options need privileges that the command has in its network, but we do not have in the host's.
 */
bool carry_over(const struct defaults *defaults, int from, int to, int family);

/* get_int() - the value of an option with an integer value; -1 if it cannot be read */
int get_int(int fd, int level, int name);
