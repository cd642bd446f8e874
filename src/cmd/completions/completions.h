/* SPDX-License-Identifier: Apache-2.0 */
/* The command lines of the programs, for the shells' completions. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "../ctl_table.h"
#include "fauxroot/config/options.h"

/* The kind of an option's value. */
enum value {
	VALUE_NONE = 0, /* a switch */
	VALUE_WORDS,
	VALUE_DIRECTORY,
	VALUE_FILE,
	VALUE_PROGRAM,
	VALUE_INSTANCE, /* a name or a PID of a running instance */
	VALUE_OTHER,
};

/* An option of either program. */
struct item {
	const char *name;
	char short_name;
	enum value value;
	const struct option_word *words; /* VALUE_WORDS */
	const char *argument;
	const char *help;
	bool repeats;
	bool may_be_bare; /* the value is optional, and only given after "=" */
	unsigned bit;	  /* for commands with this CTL_ bit; 0: for all commands */
};

/* Everything to complete for a program: options and commands. */
struct topic {
	const char *program;
	struct item items[96];
	size_t n;
	const struct ctl_command *commands; /* NULL: complete programs of the system */
};

/* completions_words() - print the words of a choice that are available in this build */
void completions_words(const struct item *item);

/*
 * completions_quoted() - print @text inside single quotes
 * @quote: the replacement for a single quote
 * @escaped: characters that get a backslash
 */
void completions_quoted(const char *text, const char *quote, const char *escaped);

/* Print the completions for one shell. @names: the names of the program; NULL-terminated */
void completions_bash(const struct topic *topic, const char *const *names);
void completions_zsh(const struct topic *topic, const char *const *names);
void completions_fish(const struct topic *topic, const char *const *names);
