/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of fauxrootctl, one row each.
 *
 * To add a command: add a row here, a file with its function, and a paragraph in
 * man/fauxrootctl.1. The parser, --help, the completions and main() use the rows.
 */
#pragma once

#include <stddef.h>

struct ctl;
struct error;

/* Options of single commands: bits for struct ctl_command and struct ctl_option. */
#define CTL_JSON   1U
#define CTL_SIGNAL 2U

/*
 * row(VERB, FUNCTION, NAME, OPTIONS, ARGUMENTS, WORD, HELP)
 *
 * OPTIONS: CTL_ bits. ARGUMENTS: for --help. WORD: the argument that is required at least once;
 * NULL: the command takes no arguments.
 */
/* clang-format off */
#define CTL_VERBS(row) \
	row(LIST_PORTS, ctl_list_ports, "list-ports", CTL_JSON, "[--json]", NULL, \
	    "List the published ports") \
	row(ADD_PORTS, ctl_add_ports, "add-ports", CTL_JSON, "[--json] SPEC...", \
	    "SPEC", "Publish ports and print their ids") \
	row(REMOVE_PORTS, ctl_remove_ports, "remove-ports", 0, "ID|SPEC...", "ID or SPEC", \
	    "Remove published ports and print their ids") \
	row(LIST_HOST_PORTS, ctl_list_host_ports, "list-host-ports", CTL_JSON, "[--json]", NULL, \
	    "List the services of the host that the command can reach") \
	row(ADD_HOST_PORTS, ctl_add_host_ports, "add-host-ports", CTL_JSON, "[--json] SPEC...", \
	    "SPEC", "Let the command reach services of the host and print their ids") \
	row(REMOVE_HOST_PORTS, ctl_remove_host_ports, "remove-host-ports", 0, "ID|SPEC...", \
	    "ID or SPEC", "Remove services of the host and print their ids") \
	row(INFO, ctl_info, "info", CTL_JSON, "[--json]", NULL, \
	    "Show versions, state directory, child and drivers") \
	row(EVENTS, ctl_events, "events", 0, "", NULL, \
	    "Print events as lines of JSON until the instance has ended") \
	row(EXEC, ctl_exec, "exec", 0, "[--] COMMAND...", "COMMAND", \
	    "Run a command in the instance") \
	row(SHELL, ctl_shell, "shell", 0, "", NULL, \
	    "Run $SHELL in the instance") \
	row(PS, ctl_ps, "ps", CTL_JSON, "[--json]", NULL, \
	    "List this user's running instances") \
	row(STOP, ctl_stop, "stop", 0, "", NULL, \
	    "Send SIGTERM and wait until the instance has ended") \
	row(KILL, ctl_kill, "kill", CTL_SIGNAL, "[-s SIGNAL]", NULL, \
	    "Send a signal, SIGTERM by default") \
	row(WAIT, ctl_wait, "wait", 0, "", NULL, \
	    "Wait until the instance has ended and exit with its status")
/* clang-format on */

#define CTL_VERB_ENUM(verb, function, name, options, arguments, word, help) CTL_##verb,
enum ctl_verb { CTL_VERBS(CTL_VERB_ENUM) CTL_VERB_COUNT_ };

/*
 * The functions of the commands.
 * @ctl: the parsed command line; a function may set @ctl->failure and @ctl->status
 *
 * They print their results to stdout. They return 0 or -errno.
 */
#define CTL_VERB_PROTOTYPE(verb, function, name, options, arguments, word, help) \
	int function(struct ctl *ctl, struct error *err);
CTL_VERBS(CTL_VERB_PROTOTYPE)
