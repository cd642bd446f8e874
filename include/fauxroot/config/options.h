/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option tables: one row for each option. The parser, --help, the completions, and the test
 * that the man page is complete read the same rows.
 *
 * The tables also have the options that this build does not support yet. Such an option is parsed
 * and validated. It is absent from --help, because scripts grep --help to select options. To
 * request its effect is an error.
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

/* A word of OPTION_CHOICE; its index in the list is the value of the enum. */
struct option_word {
	const char *name;
	bool available; /* false: this build does not support the value */
};

/* The reaction to an option that has no effect with the chosen network. */
enum option_idle {
	OPTION_IDLE_SILENT = 0, /* scripts always give the option: log it at level debug */
	OPTION_IDLE_WARN,
	OPTION_IDLE_REFUSE,
};

struct option_row {
	const char *name; /* without dashes */
	char short_name;  /* 0: none */
	enum option_kind kind;
	size_t offset;			  /* of the field in struct config */
	const struct option_word *words;  /* OPTION_CHOICE; ends with a NULL name */
	bool (*valid)(const char *value); /* checks a string, a number or an item of a list; or
					     NULL */
	const char *takes;		  /* the valid values as a noun: "a number"; NULL: by the
					     kind */
	const char *argument; /* the name of the value in --help: "DIR"; NULL for OPTION_BOOL */
	const char *preset;   /* the default of OPTION_STRING; NULL: none */
	const char *bare;     /* the value of the option without "="; the next argument is not its
				 value then. NULL: the option needs a value */
	const char *group;    /* heading in --help */
	const char *help;     /* text in --help */
	bool available; /* false: absent from --help, and refused if it would have an effect */
	unsigned nets;	/* networks with which it has an effect, as OPTION_NET() bits; 0: all */
	enum option_idle idle; /* the reaction with other networks */
};

#define OPTION_NET(mode) (1U << (mode))

/*
 * options_next() - the next row after @row in the order of --help
 * @row: NULL for the first one
 *
 * Returns NULL after the last one. The rows are in several tables: each network driver has its own
 * table.
 */
const struct option_row *options_next(const struct option_row *row);

/* option_is_default() - does @config have this row's default value, even if the option was given?
 */
bool option_is_default(const struct option_row *row, const struct config *config);

/*
 * options_parse() - fill @config from the command line
 * @config: initialized by config_init(); its strings and its command point into @argv
 *
 * Options end at the first argument that is not an option, or at "--". The function checks values
 * and conflicts; it changes nothing on the machine. config->persona is set even on failure. Returns
 * 0, or at step STEP_OPTIONS: -EINVAL, with the option and its valid values in the message;
 * -EOPNOTSUPP for an option or value that this build does not support; -ENOMEM.
 */
int options_parse(struct config *config, int argc, char **argv, struct error *err);

/*
 * options_preset() - read the options of the variable FAUXROOT_OPTIONS, before options_parse()
 * @text: its value: only options, split by words_split()
 *
 * Returns 0, or at step STEP_OPTIONS the -errno of options_parse(), or -EINVAL for an argument that
 * is not an option.
 */
int options_preset(struct config *config, const char *text, struct error *err);

/*
 * options_warn() - log the options that have no effect with the chosen network
 *
 * The level is warning, or debug for options that scripts always give.
 */
void options_warn(const struct config *config);

/* options_net(), options_port_driver() - the words of --net and --port-driver in @config */
const char *options_net(const struct config *config);
const char *options_port_driver(const struct config *config);

/* options_help() - print the text of --help, with the options that are available in this build */
void options_help(FILE *out, const struct config *config);

/* options_answer() - print the help, the version or a part of it, as config->action requests */
void options_answer(FILE *out, const struct config *config);
