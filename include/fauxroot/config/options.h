/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option table: one row an option. --help, the completions and the test that the man page is
 * complete read the same rows as the parser.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "fauxroot/config/config.h"

struct error;

enum option_kind {
	OPTION_BOOL,  /* Go's booleans: --x, --x=true, --x=0 */
	OPTION_STRING,
	OPTION_CHOICE, /* one of a list of words */
	OPTION_UINT,
	OPTION_CIDR,
	OPTION_LIST, /* repeatable, and split at commas */
};

struct option_row {
	const char *name;	  /* without dashes */
	char short_name;	  /* 0: none */
	enum option_kind kind;
	size_t offset;		  /* of the field in struct config */
	const char *const *words; /* OPTION_CHOICE: NULL-terminated; index = enum value */
	const char *argument;	  /* how --help calls the value: "DIR" */
	const char *group;	  /* heading in --help */
	const char *help;
	bool available; /* false: parsed and validated, but refused, and absent from --help */
};

/* options_rows() - all rows, in the order of --help; ends with a row whose name is NULL */
const struct option_row *options_rows(void);

/*
 * options_parse() - fill @config from the command line
 * @config: config_init()ed; its strings are fresh, its command points into @argv
 *
 * Checks values and conflicts, starts and touches nothing. Returns 0 or -EINVAL with one sentence
 * that names the option and what it takes.
 */
int options_parse(struct config *config, int argc, char **argv, struct error *err);

/* options_help() - the text of --help for what is available in this build */
void options_help(FILE *out, const struct config *config);
