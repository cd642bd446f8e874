/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fish: one line for each option. The options of the launcher end where the command begins.
 */
#include <stdio.h>

#include "completions.h"

static void print_fish_item(const struct topic *topic, const char *name, const struct item *item)
{
	printf("complete -c %s -l %s", name, item->name);
	if (!topic->commands) {
		fputs(" -n __fish_no_arguments", stdout);
	} else if (item->bit != 0) {
		fputs(" -n '__fish_seen_subcommand_from", stdout);
		for (const struct ctl_command *command = topic->commands; command->name; command++)
			if (ctl_takes(command, item->bit))
				printf(" %s", command->name);
		putchar('\'');
	}
	if (item->short_name)
		printf(" -s %c", item->short_name);
	switch (item->value) {
	case VALUE_NONE:
		break;
	case VALUE_WORDS:
		printf("%s -a '", item->may_be_bare ? "" : " -x");
		completions_words(item);
		putchar('\'');
		break;
	case VALUE_DIRECTORY:
		fputs(" -x -a '(__fish_complete_directories)'", stdout);
		break;
	case VALUE_FILE:
	case VALUE_PROGRAM:
		fputs(" -r", stdout);
		break;
	case VALUE_INSTANCE:
		fputs(" -x -a '(command ls $XDG_RUNTIME_DIR/fauxroot 2>/dev/null)'", stdout);
		break;
	case VALUE_OTHER:
		fputs(" -x", stdout);
		break;
	}
	fputs(" -d '", stdout);
	completions_quoted(item->help, "\\'", "\\");
	puts("'");
}

static void print_fish_subcommand(const struct topic *topic, const char *name,
				  const char *condition, int skip)
{
	printf("complete -c %s %s-x -a '(__fish_complete_subcommand --fcs-skip=%d --", name,
	       condition, skip);
	for (size_t i = 0; i < topic->n; i++)
		if (topic->items[i].value != VALUE_NONE && !topic->items[i].may_be_bare)
			printf(" --%s", topic->items[i].name);
	puts(")'");
}

static void print_fish_commands(const struct topic *topic, const char *name)
{
	printf("complete -c %s -f\n", name);
	for (const struct ctl_command *command = topic->commands; command->name; command++) {
		printf("complete -c %s -n __fish_use_subcommand -a %s -d '", name, command->name);
		completions_quoted(command->help, "\\'", "\\");
		puts("'");
	}
	printf("complete -c %s -n '__fish_seen_subcommand_from remove-ports remove-host-ports' -x "
	       "-a "
	       "'(__fauxrootctl_ids)'\n",
	       name);
	print_fish_subcommand(topic, name, "-n '__fish_seen_subcommand_from exec' ", 2);
}

/* The published ports, by a request with the options before the command. */
static const char fish_ids[] = "function __fauxrootctl_ids\n"
			       "\tset -l words\n"
			       "\tset -l list list-ports\n"
			       "\tfor word in (commandline -opc)\n"
			       "\t\tswitch $word\n"
			       "\t\t\tcase remove-ports remove-host-ports\n"
			       "\t\t\t\tset list (string replace remove list $word)\n"
			       "\t\t\t\tbreak\n"
			       "\t\tend\n"
			       "\t\tset -a words $word\n"
			       "\tend\n"
			       "\t$words $list 2>/dev/null | string match -r '^[0-9]+'\n"
			       "end\n";

void completions_fish(const struct topic *topic, const char *const *names)
{
	if (topic->commands)
		fputs(fish_ids, stdout);
	for (; *names; names++) {
		for (size_t i = 0; i < topic->n; i++)
			print_fish_item(topic, *names, &topic->items[i]);
		if (topic->commands)
			print_fish_commands(topic, *names);
		else
			print_fish_subcommand(topic, *names, "", 1);
	}
}
