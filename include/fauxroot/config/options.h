/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option tables: one row an option. The parser, --help, the completions and the test that the
 * man page is complete read the same rows.
 *
 * The table holds the whole command line, also what this build cannot do yet: that parses and
 * validates, is absent from --help (scripts grep it to choose), and asking for its effect is an
 * error that says so.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "fauxroot/config/config.h"

struct error;

enum option_kind {
	OPTION_BOOL,   /* bool; Go's booleans: --x, --x=true, --x=0 */
	OPTION_STRING, /* const char *, in argv */
	OPTION_CHOICE, /* an enum: one of a list of words */
	OPTION_UINT,   /* unsigned */
	OPTION_CIDR,   /* struct cidr */
	OPTION_LIST,   /* struct strv: repeatable, and split at commas */
};

/* A word of OPTION_CHOICE; its place in the list is the value of the enum. */
struct option_word {
	const char *name;
	bool available; /* false: a value that this build does not know how to serve */
};

/* What comes of an option that is given although the chosen network has no use for it. */
enum option_idle {
	OPTION_IDLE_SILENT = 0, /* scripts give it always: a line of --debug */
	OPTION_IDLE_WARN,
	OPTION_IDLE_REFUSE,
};

struct option_row {
	const char *name; /* without dashes */
	char short_name;  /* 0: none */
	enum option_kind kind;
	size_t offset;			  /* of the field in struct config */
	const struct option_word *words;  /* OPTION_CHOICE; ends with a NULL name */
	bool (*valid)(const char *value); /* of a string, a number or one item of a list; or NULL */
	const char
		*takes; /* what values are valid, as a noun: "a number"; NULL: the kind says it */
	const char *argument; /* how --help calls the value: "DIR"; NULL for OPTION_BOOL */
	const char *preset;   /* the default of OPTION_STRING; NULL: none */
	const char *bare;  /* the value of the option without "=", which never takes the next word;
			      NULL: it needs one */
	const char *group; /* heading in --help */
	const char *help;
	bool available; /* false: absent from --help, and refused where it would have an effect */
	unsigned nets;	/* networks it has an effect on, as OPTION_NET() bits; 0: not about networks
			 */
	enum option_idle idle;
};

#define OPTION_NET(mode) (1U << (mode))

/*
 * options_next() - the row that follows @row in the order of --help
 * @row: NULL for the first one
 *
 * Returns NULL after the last. The rows are in several tables: a network driver's options are a
 * table of their own.
 */
const struct option_row *options_next(const struct option_row *row);

/* option_is_default() - has @config this row's default, given or not? */
bool option_is_default(const struct option_row *row, const struct config *config);

/*
 * options_parse() - fill @config from the command line
 * @config: config_init()ed; its strings and its command point into @argv
 *
 * Options end at the first word that is none, or at "--". Checks values and conflicts, starts and
 * touches nothing. config->persona is right even on failure. Returns 0, or at step STEP_OPTIONS
 * -EINVAL with one sentence that names the option and what it takes, -EOPNOTSUPP for what is not
 * available in this build, -ENOMEM.
 */
int options_parse(struct config *config, int argc, char **argv, struct error *err);

/*
 * options_preset() - options of the environment variable FAUXROOT_OPTIONS, before options_parse()
 * @text: its value: options alone, split as systemd splits ExecStart=
 *
 * Returns 0, or at step STEP_OPTIONS the -errno of options_parse(), or -EINVAL for a word that is
 * no option.
 */
int options_preset(struct config *config, const char *text, struct error *err);

/*
 * options_warn() - say which options have no effect with the chosen network
 *
 * A warning; at level debug for those that scripts give always.
 */
void options_warn(const struct config *config);

/* options_help() - the text of --help for what is available in this build */
void options_help(FILE *out, const struct config *config);

/* options_answer() - print what config->action asks for instead of a launch: help, version, semver
 */
void options_answer(FILE *out, const struct config *config);
