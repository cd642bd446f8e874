/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zsh: _arguments, for each option a specification in single quotes.
 */
#include <stdio.h>

#include "completions.h"

static void print_zsh_action(const struct item *item)
{
	switch (item->value) {
	case VALUE_NONE:
		return;
	case VALUE_WORDS:
		printf("%s:%s:(", item->may_be_bare ? ":" : "", item->argument);
		completions_words(item);
		putchar(')');
		return;
	case VALUE_DIRECTORY:
		printf(":%s:_files -/", item->argument);
		return;
	case VALUE_FILE:
		printf(":%s:_files", item->argument);
		return;
	case VALUE_PROGRAM:
		printf(":%s:_command_names -e", item->argument);
		return;
	case VALUE_INSTANCE:
		printf(":%s:_fauxrootctl_instances", item->argument);
		return;
	case VALUE_OTHER:
		printf(":%s: ", item->argument);
		return;
	}
}

static void print_zsh_item(const struct item *item)
{
	printf("\t'%s--%s%s[", item->repeats ? "*" : "", item->name,
	       item->value == VALUE_NONE ? ""
	       : item->may_be_bare	 ? "=-"
					 : "=");
	completions_quoted(item->help, "'\\''", "[]\\");
	putchar(']');
	print_zsh_action(item);
	puts("' \\");
	if (!item->short_name)
		return;
	printf("\t'%s-%c%s[", item->repeats ? "*" : "", item->short_name,
	       item->value == VALUE_NONE ? "" : "+");
	completions_quoted(item->help, "'\\''", "[]\\");
	putchar(']');
	print_zsh_action(item);
	puts("' \\");
}

static void print_zsh_commands(const struct topic *topic)
{
	puts("\t'(-):command:->command' \\\n"
	     "\t'*::argument:->argument' && return 0\n"
	     "case $state in\n"
	     "command)\n"
	     "\tlocal -a commands=(");
	for (const struct ctl_command *command = topic->commands; command->name; command++) {
		printf("\t\t'%s:", command->name);
		completions_quoted(command->help, "'\\''", ":\\");
		puts("'");
	}
	puts("\t)\n"
	     "\t_describe command commands ;;\n"
	     "argument)\n"
	     "\tgiven=(\"${(@kv)opt_args}\")\n"
	     "\tcase $words[1] in\n"
	     "\texec) _arguments -S '(-):command:_command_names -e' '*::argument:_normal' ;;");
	for (const struct ctl_command *command = topic->commands; command->name; command++) {
		if (command->verb == CTL_EXEC)
			continue;
		printf("\t%s)\n\t_arguments \\\n", command->name);
		for (size_t i = 0; i < topic->n; i++)
			if (ctl_takes(command, topic->items[i].bit))
				print_zsh_item(&topic->items[i]);
		/* Not "*: : ": such a message keeps zsh from completing an option. */
		puts(command->verb == CTL_REMOVE_PORTS || command->verb == CTL_REMOVE_HOST_PORTS
			     ? "\t\t'*:ID:_fauxrootctl_ids' ;;"
			     : "\t\t'*: :()' ;;");
	}
	puts("\t*) return 1 ;;\n"
	     "\tesac ;;\n"
	     "esac");
}

/*
 * Instances are completed from their links, ports by a request with the options so far: those
 * before the command are in "given", because the second _arguments sets opt_args again.
 */
static const char zsh_ctl_functions[] =
	"_fauxrootctl_instances() {\n"
	"\tcompadd -- $XDG_RUNTIME_DIR/fauxroot/*(N:t)\n"
	"}\n"
	"_fauxrootctl_ids() {\n"
	"\tlocal -a options lines\n"
	"\tlocal option value\n"
	"\tfor option in --socket --instance; do\n"
	"\t\tvalue=${opt_args[$option]:-$given[$option]}\n"
	"\t\t[[ -z $value ]] || options+=($option=$value)\n"
	"\tdone\n"
	"\tlines=(${(f)\"$($service $options ${words[1]/remove/list} 2>/dev/null)\"})\n"
	"\tcompadd -- ${${(M)lines:#[0-9]*}%% *}\n"
	"}\n\n";

void completions_zsh(const struct topic *topic, const char *const *names)
{
	fputs("#compdef", stdout);
	for (; *names; names++)
		printf(" %s", *names);
	puts("\n");
	if (topic->commands)
		fputs(zsh_ctl_functions, stdout);
	puts("local curcontext=$curcontext state line\n"
	     "typeset -A opt_args given\n"
	     "_arguments -C -S \\");
	for (size_t i = 0; i < topic->n; i++)
		if (topic->items[i].bit == 0)
			print_zsh_item(&topic->items[i]);
	if (topic->commands)
		print_zsh_commands(topic);
	else
		puts("\t'(-):command:_command_names -e' \\\n\t'*::argument:_normal'");
}
