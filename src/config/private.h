/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share: the steps of options_parse() and the words of the table. */
#pragma once

#include "fauxroot/config/options.h"

/* The field of a row. */
#define OPTION_AT(field) .offset = offsetof(struct config, field)

/* Networks by a helper, and those of them with IPv6. */
#define NETS_OF_HELPERS (~(OPTION_NET(NET_HOST) | OPTION_NET(NET_NONE)))
#define NETS_WITH_IPV6                                                               \
	(NETS_OF_HELPERS & ~(OPTION_NET(NET_LXC_USER_NIC) | OPTION_NET(NET_VPNKIT) | \
			     OPTION_NET(NET_GVISOR_TAP_VSOCK)))

/* networks.c: the tables of rows that one network alone has, up to NULL, and the words of --net and
 * --port-driver */
extern const struct option_row *const driver_tables[];
extern const struct option_word net_words[], port_words[];

/* networks.c: the option that a text suggests for a network of the command's own */
extern const char suggested_network[];

/* networks.c: the networks that a port driver works with, by enum port_mode. */
extern const struct port_needs {
	unsigned nets;	   /* OPTION_NET() bits */
	const char *words; /* the same as a noun, for an error */
} port_needs[];

/* network_refuse_conflicts() - do the options that the chosen network alone has go together? */
int network_refuse_conflicts(const struct config *config, struct error *err);

/* The tables, each up to a row without a name: table.c has the first and the last, the others are
 * in files of their names. */
extern const struct option_row network_rows[], slirp4netns_rows[], unserved_rows[], other_rows[];

/* As network_refuse_conflicts(), where slirp4netns is the network. */
int slirp4netns_refuse_conflicts(const struct config *config, struct error *err);

/* values.c: the words of each other choice, and what else is valid. */
extern const struct option_word api_inside_words[], propagation_words[], tristate_words[],
	reaper_words[], copy_up_mode_words[], idmap_words[], subid_source_words[],
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
 * words_split() - the words of @text, as systemd splits ExecStart= (man 5 systemd.service)
 * @ret: the words are appended
 *
 * Returns 0; -EINVAL for an unknown escape or a quote that is not closed; -ENOMEM.
 */
int words_split(const char *text, struct strv *ret, struct error *err);

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
