/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of fauxrootctl: two tables, which the parser, --help and the completions read.
 */
#include "ctl_table.h"

#include <errno.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/similar.h"
#include "fauxroot/base/str.h"
#include "fauxroot/config/status.h"

#define ROW(verb, function, name, options, arguments, word, help) \
	{CTL_##verb, name, options, arguments, word, help},
static const struct ctl_command commands[] = {
	CTL_VERBS(ROW){.name = NULL},
};

static const struct ctl_option options[] = {
	{"instance", 0, offsetof(struct ctl, instance), "NAME|PID", 0,
	 "Name or PID of the instance (default: the only one)"},
	{"socket", 0, offsetof(struct ctl, socket), "PATH", 0,
	 "api.sock or state directory (default: $ROOTLESSKIT_STATE_DIR)"},
	{"signal", 's', offsetof(struct ctl, signal), "SIGNAL", CTL_SIGNAL,
	 "Name or number of the signal"},
	{"json", 0, offsetof(struct ctl, json), NULL, CTL_JSON, "Print JSON"},
	{"debug", 0, offsetof(struct ctl, debug), NULL, 0, "Log requests and their time"},
	{"help", 'h', offsetof(struct ctl, show_help), NULL, 0, "Show this help"},
	{"version", 'v', offsetof(struct ctl, show_version), NULL, 0, "Show the version"},
	{.name = NULL},
};

const struct ctl_command *ctl_commands(void)
{
	return commands;
}

const struct ctl_option *ctl_options(void)
{
	return options;
}

void ctl_help(FILE *out, const struct ctl *ctl)
{
	char left[64];

	fprintf(out,
		"Usage: %s [options] command [argument...]\n\n"
		"Controls a running fauxroot.\n\nCommands:\n",
		ctl->program);
	for (const struct ctl_command *command = commands; command->name; command++) {
		(void)str_print(left, sizeof(left), "%s %s", command->name, command->arguments);
		fprintf(out, "  %-26s  %s\n", left, command->help);
	}
	fputs("\nOptions:\n", out);
	for (const struct ctl_option *option = options; option->name; option++) {
		if (option->bit != 0)
			continue;
		(void)str_print(left, sizeof(left), "--%s%s%s%s%c", option->name,
				option->argument ? " " : "",
				option->argument ? option->argument : "",
				option->short_name ? ", -" : "", option->short_name);
		fprintf(out, "  %-26s  %s\n", left, option->help);
	}
	fputs("\nA SPEC is [PARENT-IP]:PARENT-PORT:[CHILD-IP:]CHILD-PORT/PROTO, such as\n"
	      "127.0.0.1:8080:80/tcp; ports may be ranges: 8000-8010:8000-8010/tcp.\n"
	      "See fauxrootctl(1) for details.\n",
	      out);
}

/* @command: NULL before the command, where only options for all commands are valid */
static int unknown_option(const struct ctl *ctl, const char *word, const char *name, size_t n,
			  const struct ctl_command *command, struct error *err)
{
	struct similar similar = similar_to(name, n);
	int given = (int)(name - word) + (int)n;

	for (const struct ctl_option *option = options; option->name; option++)
		if (option->bit == 0 || (command && ctl_takes(command, option->bit)))
			similar_offer(&similar, option->name);
	if (similar.best)
		return err_say(err, EINVAL, "unknown option %.*s; did you mean --%s?", given, word,
			       similar.best);
	return err_say(err, EINVAL, "unknown option %.*s; see %s --help", given, word,
		       ctl->program);
}

static int unknown_command(const struct ctl *ctl, const char *word, struct error *err)
{
	struct similar similar = similar_to(word, strlen(word));

	for (const struct ctl_command *command = commands; command->name; command++)
		similar_offer(&similar, command->name);
	if (similar.best)
		return err_say(err, EINVAL, "unknown command \"%s\"; did you mean %s?", word,
			       similar.best);
	return err_say(err, EINVAL, "unknown command \"%s\"; see %s --help", word, ctl->program);
}

static const struct ctl_option *find_option(const char *name, size_t n,
					    const struct ctl_command *command)
{
	for (const struct ctl_option *option = options; option->name; option++) {
		bool named = strlen(option->name) == n && memcmp(option->name, name, n) == 0;

		if (!named && !(n == 1 && option->short_name && *name == option->short_name))
			continue;
		if (option->bit == 0 || (command && ctl_takes(command, option->bit)))
			return option;
	}
	return NULL;
}

/*
 * Parse one option at **@words with the syntax of Go's flag package: one dash or two,
 * "--name=value" or "--name value".
 */
static int take_option(struct ctl *ctl, char ***words, const struct ctl_command *command,
		       struct error *err)
{
	const char *word = *(*words)++, *name = word + (word[1] == '-' ? 2 : 1);
	const char *equals = strchr(name, '='), *value = equals ? equals + 1 : NULL;
	size_t n = equals ? (size_t)(equals - name) : strlen(name);
	const struct ctl_option *option = find_option(name, n, command);
	char *field;

	if (!option)
		return unknown_option(ctl, word, name, n, command, err);
	field = (char *)ctl + option->offset;
	if (!option->argument) {
		*(bool *)field = true;
		if (value && parse_bool(value, (bool *)field) < 0)
			return err_say(err, EINVAL, "--%s takes true or false, not \"%s\"",
				       option->name, value);
		return 0;
	}
	if (!value && **words)
		value = *(*words)++;
	if (!value)
		return err_say(err, EINVAL, "--%s needs a value: %s", option->name,
			       option->argument);
	*(const char **)field = *value ? value : NULL;
	return 0;
}

/* Parse options up to the first argument that is not an option; "--" ends them, too. */
static int take_options(struct ctl *ctl, char ***words, const struct ctl_command *command,
			struct error *err)
{
	int rc = 0;

	while (rc == 0 && **words && (**words)[0] == '-' && (**words)[1] != '\0') {
		if (streq(**words, "--")) {
			(*words)++;
			break;
		}
		rc = take_option(ctl, words, command, err);
	}
	return rc;
}

static const struct ctl_command *find_command(const char *name)
{
	const struct ctl_command *command = commands;

	while (command->name && !streq(command->name, name))
		command++;
	return command->name ? command : NULL;
}

int ctl_parse(struct ctl *ctl, char **words, const struct ctl_command **ret, struct error *err)
{
	const struct ctl_command *command;
	int rc = take_options(ctl, &words, NULL, err);

	*ret = NULL;
	if (rc < 0 || ctl->show_help || ctl->show_version)
		return rc;
	if (!*words)
		return err_say(err, EINVAL, "no command; see %s --help", ctl->program);
	if (streq(*words, "help")) {
		ctl->show_help = true;
		return 0;
	}
	command = find_command(*words);
	if (!command)
		return unknown_command(ctl, *words, err);
	words++;
	/* Use the statuses of env(1) and of fauxroot: 1 may be the command's own status. */
	if (command->verb == CTL_EXEC || command->verb == CTL_SHELL || command->verb == CTL_WAIT)
		ctl->failure = STATUS_LAUNCH_FAILED;
	rc = take_options(ctl, &words, command, err);
	if (rc < 0 || ctl->show_help || ctl->show_version)
		return rc;
	if (*words && !command->word)
		return err_say(err, EINVAL, "%s takes no argument \"%s\"", command->name, *words);
	if (!*words && command->word)
		return err_say(err, EINVAL, "%s needs at least one %s; see %s --help",
			       command->name, command->word, ctl->program);
	ctl->words = words;
	*ret = command;
	return 0;
}
