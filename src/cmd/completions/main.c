/* SPDX-License-Identifier: Apache-2.0 */
/*
 * completions SHELL PROGRAM: the completions of fauxroot or fauxrootctl for bash, zsh or fish
 *
 * A tool of the build, not installed. It prints functions for the shell from the option tables, so
 * the completions always have the same options as the programs.
 */
#include <stdio.h>
#include <stdlib.h>

#include "completions.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/base/str.h"

static enum value value_of(const char *argument)
{
	if (!argument)
		return VALUE_NONE;
	if (streq(argument, "DIR"))
		return VALUE_DIRECTORY;
	if (streq(argument, "NAME|PID"))
		return VALUE_INSTANCE;
	if (streq(argument, "PATH"))
		return VALUE_FILE;
	/* Executables of helpers. */
	if (streq(argument, "FILE"))
		return VALUE_PROGRAM;
	return VALUE_OTHER;
}

static void add(struct topic *topic, const struct item *item)
{
	if (topic->n == ARRAY_SIZE(topic->items))
		abort();
	topic->items[topic->n++] = *item;
}

static void collect_launcher(struct topic *topic)
{
	for (const struct option_row *row = options_next(NULL); row; row = options_next(row)) {
		struct item item = {
			.name = row->name,
			.short_name = row->short_name,
			.value = row->kind == OPTION_CHOICE ? VALUE_WORDS : value_of(row->argument),
			.words = row->words,
			.argument = row->argument,
			.help = row->help,
			.repeats = row->kind == OPTION_LIST,
			.may_be_bare = row->bare,
		};

		if (row->available)
			add(topic, &item);
	}
}

static void collect_ctl(struct topic *topic)
{
	topic->commands = ctl_commands();
	for (const struct ctl_option *option = ctl_options(); option->name; option++) {
		struct item item = {
			.name = option->name,
			.short_name = option->short_name,
			.value = value_of(option->argument),
			.argument = option->argument,
			.help = option->help,
			.bit = option->bit,
		};

		add(topic, &item);
	}
}

int main(int argc, char **argv)
{
	static const char *const launcher[] = {"fauxroot", "rootlesskit", "docker-rootlesskit",
					       NULL};
	static const char *const ctl[] = {"fauxrootctl", "rootlessctl", NULL};
	static const struct {
		const char *name;
		void (*print)(const struct topic *topic, const char *const *names);
	} shells[] = {
		{"bash", completions_bash}, {"zsh", completions_zsh}, {"fish", completions_fish}};
	bool is_ctl = argc == 3 && streq(argv[2], "fauxrootctl");
	struct topic topic = {.program = is_ctl ? "fauxrootctl" : "fauxroot"};

	if (argc != 3 || (!is_ctl && !streq(argv[2], "fauxroot"))) {
		fputs("usage: completions bash|zsh|fish fauxroot|fauxrootctl\n", stderr);
		return EXIT_FAILURE;
	}
	if (is_ctl)
		collect_ctl(&topic);
	else
		collect_launcher(&topic);
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		if (!streq(argv[1], shells[i].name))
			continue;
		shells[i].print(&topic, is_ctl ? ctl : launcher);
		return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	fprintf(stderr, "error: no completions for %s\n", argv[1]);
	return EXIT_FAILURE;
}
