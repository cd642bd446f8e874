/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of fauxrootctl: its options, its commands as a table, and their parser. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "ctl_verbs.h"

struct error;

/* The parsed command line. */
struct ctl {
	const char *program;
	const char *version;
	bool compatible;      /* called as rootlessctl */
	const char *socket;   /* api.sock, or its directory; NULL: not given */
	const char *instance; /* a name or a PID; NULL: not given */
	const char *signal;   /* NULL: SIGTERM */
	bool debug, show_help, show_version;
	bool json;
	char **words; /* after the command and its options; NULL-terminated */
	int failure;  /* exit status of a failure */
	int status;   /* exit status of a success */
};

struct ctl_command {
	enum ctl_verb verb;
	const char *name;
	unsigned options;      /* CTL_ bits of the options that only some commands take */
	const char *arguments; /* for --help */
	const char *word;      /* the required argument; NULL: the command takes no arguments */
	const char *help;
};

struct ctl_option {
	const char *name;
	char short_name;      /* 0: none */
	size_t offset;	      /* in struct ctl */
	const char *argument; /* of a string option; NULL: a boolean, "--x" or "--x=false" */
	unsigned bit;	      /* for commands with this CTL_ bit; 0: for all commands */
	const char *help;
};

/* ctl_commands(), ctl_options() - the tables, terminated by a NULL name */
const struct ctl_command *ctl_commands(void);
const struct ctl_option *ctl_options(void);

/* ctl_takes() - does @command accept an option with the bit @bit? */
static inline bool ctl_takes(const struct ctl_command *command, unsigned bit)
{
	return bit == 0 || (command->options & bit) != 0;
}

/*
 * ctl_parse() - fill @ctl from the arguments of the command line
 * @words: NULL-terminated, without the program's name; @ctl points into them
 * @ret: the command; NULL if help or the version is requested
 *
 * Returns 0 or -EINVAL.
 */
int ctl_parse(struct ctl *ctl, char **words, const struct ctl_command **ret, struct error *err);

/* ctl_help() - print the text of --help to @out */
void ctl_help(FILE *out, const struct ctl *ctl);
