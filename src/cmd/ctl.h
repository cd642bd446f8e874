/* SPDX-License-Identifier: Apache-2.0 */
/* fauxrootctl: its command line, which is tables, and its commands. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct api_reply;
struct error;

/* What the command line says. */
struct ctl {
	const char *program;
	const char *version;
	const char *socket; /* NULL: $ROOTLESSKIT_STATE_DIR/api.sock */
	bool debug, show_help, show_version;
	bool json;
	char **words; /* behind the command and its options; NULL-terminated */
	int failure;  /* exit status of a failure */
};

enum ctl_verb {
	CTL_LIST_PORTS = 0,
	CTL_ADD_PORTS,
	CTL_REMOVE_PORTS,
	CTL_INFO,
	CTL_EXEC,
	CTL_PS,
	CTL_VERB_COUNT_
};

struct ctl_command {
	enum ctl_verb verb;
	const char *name;
	const char *arguments; /* for --help */
	const char *word;      /* what it needs at least one of; NULL: it takes none */
	const char *help;
};

#define CTL_FOR(verb) (1U << (verb))
#define CTL_FOR_ALL   (~0U)

struct ctl_option {
	const char *name;
	char short_name;      /* 0: none */
	size_t offset;	      /* in struct ctl */
	const char *argument; /* of a string option; NULL: a boolean, "--x" or "--x=false" */
	unsigned verbs;	      /* CTL_FOR_ALL: before or after the command */
	const char *help;
};

/* ctl_commands(), ctl_options() - the tables; they end with a NULL name */
const struct ctl_command *ctl_commands(void);
const struct ctl_option *ctl_options(void);

/*
 * ctl_parse() - fill @ctl from the words of the command line
 * @words: NULL-terminated, without the program's name; @ctl points into them
 * @ret: the command; NULL where help or the version is asked for
 *
 * Returns 0 or -EINVAL.
 */
int ctl_parse(struct ctl *ctl, char **words, const struct ctl_command **ret, struct error *err);

/* ctl_help() - the text of --help */
void ctl_help(FILE *out, const struct ctl *ctl);

/*
 * ctl_ask() - a request to the instance that @ctl means, whose answer must be @status
 * @body: JSON, or NULL
 *
 * Returns 0 or -errno.
 */
int ctl_ask(const struct ctl *ctl, const char *method, const char *path, const char *body,
	    long status, struct api_reply *ret, struct error *err);

/* ctl_socket() - the path of that instance's api.sock, fresh; 0 or -errno */
int ctl_socket(const struct ctl *ctl, char **ret, struct error *err);

/* The commands. 0 or -errno. */
int ctl_list_ports(struct ctl *ctl, struct error *err);
int ctl_add_ports(struct ctl *ctl, struct error *err);
int ctl_remove_ports(struct ctl *ctl, struct error *err);
int ctl_info(struct ctl *ctl, struct error *err);
int ctl_exec(struct ctl *ctl, struct error *err);
int ctl_ps(struct ctl *ctl, struct error *err);
