/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * bash splits "--net=host" into three words (COMP_WORDBREAKS), "--net host" into two. The command
 * begins at the first word that is no option and no option's value.
 */
#include <stdio.h>

#include "completions.h"

static void print_bash_item(const struct item *item)
{
	static const char *const actions[] = {
		[VALUE_DIRECTORY] = "-d",
		[VALUE_FILE] = "-f",
		[VALUE_PROGRAM] = "-c",
		[VALUE_OTHER] = "-W ''",
	};

	printf("\t--%s", item->name);
	if (item->short_name)
		printf(" | -%c", item->short_name);
	fputs(") actions=(", stdout);
	if (item->value == VALUE_WORDS) {
		fputs("-W '", stdout);
		completions_words(item);
		putchar('\'');
	} else {
		fputs(actions[item->value], stdout);
	}
	puts(item->may_be_bare ? "); return 1 ;;" : ") ;;");
}

static const char bash_walk[] =
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} actions=() i=1 word\n"
	"\tCOMPREPLY=()\n"
	"\twhile [ $i -lt \"$COMP_CWORD\" ]; do\n"
	"\t\tword=${COMP_WORDS[i]}\n"
	"\t\tcase $word in\n"
	"\t\t--) i=$((i + 1)); break ;;\n"
	"\t\t-*) i=$((i + 1)) ;;\n"
	"\t\t*) break ;;\n"
	"\t\tesac\n"
	"\t\tactions=(-W 'true false')\n"
	"\t\tif [ \"${COMP_WORDS[i]}\" = = ]; then\n"
	"\t\t\t[ $i -lt \"$COMP_CWORD\" ] || cur=\n"
	"\t\t\ti=$((i + 1))\n"
	"\t\t\t\"${FUNCNAME[0]}_value\" \"$word\" || true\n"
	"\t\telif ! \"${FUNCNAME[0]}_value\" \"$word\"; then\n"
	"\t\t\tcontinue\n"
	"\t\tfi\n"
	"\t\tif [ $i -ge \"$COMP_CWORD\" ]; then\n"
	"\t\t\tcase ${actions[0]} in -d | -f) compopt -o filenames 2>/dev/null ;; esac\n"
	"\t\t\tmapfile -t COMPREPLY < <(compgen \"${actions[@]}\" -- \"$cur\")\n"
	"\t\t\treturn\n"
	"\t\tfi\n"
	"\t\ti=$((i + 1))\n"
	"\tdone\n"
	"\tif [ $i -ge \"$COMP_CWORD\" ] && [[ $cur == -* ]]; then\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n";

static const char bash_launcher[] = "\telif [ $i -ge \"$COMP_CWORD\" ]; then\n"
				    "\t\tmapfile -t COMPREPLY < <(compgen -c -- \"$cur\")\n"
				    "\telif declare -F _command_offset >/dev/null; then\n"
				    "\t\t_command_offset $i\n"
				    "\tfi\n";

static const char bash_ctl[] =
	"\telif [ $i -ge \"$COMP_CWORD\" ]; then\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$commands\" -- \"$cur\")\n"
	"\telif [ \"${COMP_WORDS[i]}\" != exec ]; then\n"
	"\t\t\"${FUNCNAME[0]}_options\" \"${COMP_WORDS[i]}\"\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
	"\telse\n"
	"\t\ti=$((i + 1))\n"
	"\t\t[ \"${COMP_WORDS[i]}\" != -- ] || i=$((i + 1))\n"
	"\t\tif [ $i -ge \"$COMP_CWORD\" ]; then\n"
	"\t\t\tmapfile -t COMPREPLY < <(compgen -c -- \"$cur\")\n"
	"\t\telif declare -F _command_offset >/dev/null; then\n"
	"\t\t\t_command_offset $i\n"
	"\t\tfi\n"
	"\tfi\n";

/* The options that a command has beside those for all. */
static void print_bash_options(const struct topic *topic)
{
	printf("_%s_options()\n{\n\tcase $1 in\n", topic->program);
	for (const struct ctl_command *command = topic->commands; command->name; command++) {
		printf("\t%s) options+='", command->name);
		for (size_t i = 0; i < topic->n; i++)
			if (topic->items[i].bit != 0 && ctl_takes(command, topic->items[i].bit))
				printf("--%s ", topic->items[i].name);
		puts("' ;;");
	}
	puts("\tesac\n}\n");
}

void completions_bash(const struct topic *topic, const char *const *names)
{
	const struct ctl_command *command;

	printf("# bash completion for %s\n\n_%s_value()\n{\n\tcase $1 in\n", topic->program,
	       topic->program);
	for (size_t i = 0; i < topic->n; i++)
		if (topic->items[i].value != VALUE_NONE)
			print_bash_item(&topic->items[i]);
	puts("\t*) return 1 ;;\n\tesac\n}\n");
	if (topic->commands)
		print_bash_options(topic);
	printf("_%s()\n{\n\tlocal options='", topic->program);
	for (size_t i = 0; i < topic->n; i++)
		if (topic->items[i].bit == 0)
			printf("--%s ", topic->items[i].name);
	puts("'");
	if (topic->commands) {
		fputs("\tlocal commands='", stdout);
		for (command = topic->commands; command->name; command++)
			printf("%s ", command->name);
		puts("'");
	}
	printf("%s%s}\n\ncomplete -o bashdefault -o default -F _%s", bash_walk,
	       topic->commands ? bash_ctl : bash_launcher, topic->program);
	for (; *names; names++)
		printf(" %s", *names);
	putchar('\n');
}
