/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of this room: the steps of options_parse() and the words of the table. */
#pragma once

#include "fauxroot/config/options.h"

/* The offset of a row's field in struct config. */
#define OPTION_AT(field) .offset = offsetof(struct config, field)

/* Networks with a helper program, and the ones among them with IPv6. */
#define NETS_OF_HELPERS (~(OPTION_NET(NET_HOST) | OPTION_NET(NET_NONE)))
#define NETS_WITH_IPV6	(NETS_OF_HELPERS & ~(OPTION_NET(NET_LXC_USER_NIC) | OPTION_NET(NET_VPNKIT)))

/* Networks that may use any helper: config_chooses_helper(). */
#define NETS_AUTOMATIC (OPTION_NET(NET_AUTO) | OPTION_NET(NET_GVISOR_TAP_VSOCK))

/* networks.c: the option tables of single networks, terminated by NULL, and the words of --net and
 * --port-driver */
extern const struct option_row *const driver_tables[];
extern const struct option_word net_words[], port_words[];

/* networks.c: advice for a network that this build does not support; NULL: this build supports the
 * network */
extern const char *const net_instead[];

/* networks.c: the option for a private network that messages and texts suggest */
extern const char suggested_network[];

/* networks.c: the networks with which a port driver works, by enum port_mode */
extern const struct port_needs {
	unsigned nets;	   /* OPTION_NET() bits */
	const char *words; /* the same as a noun, for an error message */
} port_needs[];

/*
 * network_refuse_conflicts() - check the options of the chosen network for conflicts
 *
 * Returns 0 or -EINVAL.
 */
int network_refuse_conflicts(const struct config *config, struct error *err);

/* Tables of table.c and unserved.c, each terminated by a row without a name. networks.c has the
 * tables of the network drivers. */
extern const struct option_row network_rows[], unserved_rows[], other_rows[];

/* values.c: the words of the other choices, and the checks of other values */
extern const struct option_word api_inside_words[], net_accel_words[], propagation_words[],
	tristate_words[], reaper_words[], copy_up_mode_words[], idmap_words[], subid_source_words[],
	log_format_words[], semver_words[], check_words[];

/* valid_mtu(), …: option_row.valid of the options with these values; option_row.takes has the rules
 * in words */
bool valid_mtu(const char *value);
bool valid_ifname(const char *value);
bool valid_dns(const char *value);
bool valid_seconds(const char *value);
bool valid_cgroup(const char *value);
bool valid_copy_up(const char *value);
bool valid_range(const char *value);

/* Large enough for all words of each option. */
#define OPTION_TAKES_MAX 160

/*
 * option_takes() - the valid values of @row as a noun for a message
 * @buf: OPTION_TAKES_MAX bytes for a list of words
 *
 * Returns @buf or a constant.
 */
const char *option_takes(const struct option_row *row, char *buf, size_t size);

/* option_word() - the word of the OPTION_CHOICE @row that is set in @config */
const struct option_word *option_word(const struct option_row *row, const struct config *config);

/* option_set_default() - restore the default, as if the option had not been given */
void option_set_default(const struct option_row *row, struct config *config);

/* option_bool() - the value of the OPTION_BOOL @row */
bool option_bool(const struct option_row *row, const struct config *config);

/*
 * words_split() - split @text into words as systemd splits ExecStart= (man 7 systemd.syntax)
 * @ret: the words are appended
 *
 * Returns 0; -EINVAL for an unknown escape or a missing closing quote; -ENOMEM.
 */
int words_split(const char *text, struct strv *ret, struct error *err);

/*
 * options_read() - read the options and the command of argv into @config; check each value alone
 *
 * Returns 0, -EINVAL or -ENOMEM.
 */
int options_read(struct config *config, int argc, char **argv, struct error *err);

/*
 * options_refuse_unavailable() - check that this build has all requested options and values
 *
 * Returns 0 or -EOPNOTSUPP.
 */
int options_refuse_unavailable(const struct config *config, struct error *err);

/* options_refuse_conflicts() - check the options for conflicts; 0 or -EINVAL */
int options_refuse_conflicts(const struct config *config, struct error *err);
