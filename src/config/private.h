/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share: the steps of options_parse() and the words of the table. */
#pragma once

#include "fauxroot/config/options.h"

/* values.c: the words of each choice, and what else is valid. */
extern const struct option_word net_words[], port_words[], api_inside_words[], propagation_words[],
	tristate_words[], reaper_words[], copy_up_mode_words[], idmap_words[], subid_source_words[],
	log_format_words[], semver_words[], check_words[];

bool valid_mtu(const char *value);
bool valid_ifname(const char *value);
bool valid_seconds(const char *value);
bool valid_cgroup(const char *value);
bool valid_copy_up(const char *value);

/* Long enough for all words of any option. */
#define OPTION_TAKES_MAX 160

/* option_takes() - what values @row takes, as a noun for a sentence, into @buf; returns @buf */
const char *option_takes(const struct option_row *row, char *buf, size_t size);

/* option_word() - the word of the OPTION_CHOICE @row that @config holds */
const struct option_word *option_word(const struct option_row *row, const struct config *config);

/* option_set_default() - put the default back, as if the option had not been given */
void option_set_default(const struct option_row *row, struct config *config);

/* option_bool() - the value of the OPTION_BOOL @row */
bool option_bool(const struct option_row *row, const struct config *config);

/*
 * options_read() - the options and the command of argv into @config, each value checked by itself
 *
 * Returns 0, -EINVAL or -ENOMEM.
 */
int options_read(struct config *config, int argc, char **argv, struct error *err);

/* options_refuse_unavailable() - is the effect of everything asked for in this build? */
int options_refuse_unavailable(const struct config *config, struct error *err);

/* options_refuse_conflicts() - do the options go together? */
int options_refuse_conflicts(const struct config *config, struct error *err);
