/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * bash splits "--net=host" into three words (COMP_WORDBREAKS), and "--net host" into two. The
 * command begins at the first word that is neither an option nor the value of an option. bash
 * expands the words of compgen -W like other words of the shell. So words from the file system or a
 * server are only used if all their characters are plain.
 */
#include <stdio.h>

#include "completions.h"

static void print_bash_item(const struct item *item)
{
	static const char *const actions[] = {
		[VALUE_DIRECTORY] = "-d", [VALUE_FILE] = "-f",
		[VALUE_PROGRAM] = "-c",	  [VALUE_INSTANCE] = "-W \"$(_fauxrootctl_instances)\"",
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
	"\telif [[ ${COMP_WORDS[i]} == remove-*ports && $cur != -* ]]; then\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$(_fauxrootctl_ids \"$i\")\" -- \"$cur\")\n"
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

/* Instances are completed from their links, ports by a request with the options before the command.
 */
static const char bash_ctl_functions[] =
	"_fauxrootctl_instances()\n{\n"
	"\tlocal word\n"
	"\tfor word in \"${XDG_RUNTIME_DIR:-/nonexistent}\"/fauxroot/*; do\n"
	"\t\tcase ${word##*/} in\n"
	"\t\t'' | *[!A-Za-z0-9_.-]*) ;;\n"
	"\t\t*) printf '%s ' \"${word##*/}\" ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"}\n\n"
	"_fauxrootctl_ids()\n{\n"
	"\tlocal i words=() id joined=\n"
	"\tfor ((i = 0; i < $1; i++)); do\n"
	"\t\tif [ \"${COMP_WORDS[i]}\" = = ] || [ -n \"$joined\" ]; then\n"
	"\t\t\twords[${#words[@]} - 1]+=${COMP_WORDS[i]}\n"
	"\t\t\t[ \"${COMP_WORDS[i]}\" = = ] && joined=yes || joined=\n"
	"\t\telse\n"
	"\t\t\twords+=(\"${COMP_WORDS[i]}\")\n"
	"\t\tfi\n"
	"\tdone\n"
	"\t\"${words[@]}\" \"list-${COMP_WORDS[$1]#remove-}\" 2>/dev/null | while read -r id _; "
	"do\n"
	"\t\tcase $id in *[!0-9]*) ;; *) printf '%s ' \"$id\" ;; esac\n"
	"\tdone\n"
	"}\n\n";

/* The options of a command, apart from those of all commands. */
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
	if (topic->commands) {
		fputs(bash_ctl_functions, stdout);
		print_bash_options(topic);
	}
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
