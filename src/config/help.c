/* SPDX-License-Identifier: Apache-2.0 */
/* --help, --version and --print-semver: the available rows of the option table as text. */
#include <string.h>

#include "private.h"
#include "fauxroot/base/parse.h"

enum {
	HELP_COLUMN = 34, /* where the texts begin */
	HELP_WIDTH = 80,
};

/* Print @text from @column, wrapped at HELP_WIDTH; further lines are indented to HELP_COLUMN. */
static void print_wrapped(FILE *out, const char *text, int column)
{
	struct cursor c = cursor_of(text);
	bool first = column <= HELP_COLUMN - 2;

	column = first ? fprintf(out, "%*s", HELP_COLUMN - column, "") + column : HELP_WIDTH;
	while (!cursor_at_end(&c)) {
		const char *word;
		size_t n;

		cursor_until(&c, " ", &word, &n);
		cursor_char(&c, ' ');
		if (column + (int)n + !first > HELP_WIDTH) {
			column = fprintf(out, "\n%*s", HELP_COLUMN, "") - 1;
			first = true;
		}
		column += fprintf(out, "%s%.*s", first ? "" : " ", (int)n, word);
		first = false;
	}
	fputc('\n', out);
}

/* The default as an argument of the option; NULL if --help does not show it. */
static const char *default_text(const struct option_row *row, const struct config *defaults)
{
	switch (row->kind) {
	case OPTION_BOOL:
		return option_bool(row, defaults) ? "true" : NULL;
	case OPTION_CHOICE:
		return *option_word(row, defaults)->name ? option_word(row, defaults)->name : NULL;
	case OPTION_STRING:
		return *(const char *const *)((const char *)defaults + row->offset);
	case OPTION_UINT:
	case OPTION_CIDR:
	case OPTION_LIST:
		return NULL;
	}
	return NULL;
}

/* "TEXT (false, true or strict; default: false)" */
static void compose_text(const struct option_row *row, const struct config *defaults, char *text,
			 size_t size)
{
	const char *of_default = default_text(row, defaults), *words = "";
	char buf[OPTION_TAKES_MAX];

	if (row->kind == OPTION_CHOICE && row->words[1].name)
		words = option_takes(row, buf, sizeof(buf));
	if (!of_default && !*words)
		snprintf(text, size, "%s", row->help);
	else
		snprintf(text, size, "%s (%s%s%s%s)", row->help, words,
			 *words && of_default ? "; " : "", of_default ? "default: " : "",
			 of_default ? of_default : "");
}

static void print_row(FILE *out, const struct option_row *row, const struct config *defaults)
{
	char text[512];
	int column;

	column = row->short_name ? fprintf(out, "  -%c, --%s", row->short_name, row->name)
				 : fprintf(out, "      --%s", row->name);
	if (row->argument)
		column += fprintf(out, row->bare ? "[=%s]" : "=%s", row->argument);
	compose_text(row, defaults, text, sizeof(text));
	print_wrapped(out, text, column);
}

void options_help(FILE *out, const struct config *config)
{
	const char *program = persona_program(config->persona), *group = "";
	struct config defaults;

	config_init(&defaults);
	fprintf(out,
		"Usage: %s [options] [--] command [argument...]\n\n"
		"Runs a command as fake root: in a user namespace where the caller is root, with\n"
		"the caller's subordinate ids, private mounts and, with --net, a private "
		"network.\n\n"
		"  %s --net=slirp4netns --copy-up=/etc --disable-host-loopback buildkitd\n",
		program, program);
	for (const struct option_row *row = options_next(NULL); row; row = options_next(row)) {
		if (!row->available)
			continue;
		if (!streq(row->group, group))
			fprintf(out, "\n%s:\n", row->group);
		group = row->group;
		print_row(out, row, &defaults);
	}
	fputs("\nOptions end at the first argument that is not an option. An empty value selects\n"
	      "the default.\n",
	      out);
	if (config->persona == PERSONA_FAUXROOT)
		fputs("Without a command, fauxroot runs $SHELL. Options in FAUXROOT_OPTIONS come "
		      "first.\n",
		      out);
	fputs("See fauxroot(1) for details.\n", out);
}

static void print_semver(FILE *out, const struct config *config)
{
	const char *number = persona_version(config->persona);

	for (enum semver_part part = SEMVER_MAJOR; part < config->semver; part++)
		number += strcspn(number, ".") + 1;
	fprintf(out, "%.*s\n", (int)strspn(number, "0123456789"), number);
}

void options_answer(FILE *out, const struct config *config)
{
	switch (config->action) {
	case ACTION_RUN:
	case ACTION_CHECK:
		break;
	case ACTION_HELP:
		options_help(out, config);
		break;
	case ACTION_VERSION:
		fprintf(out, "%s version %s\n", persona_program(config->persona),
			persona_version(config->persona));
		break;
	case ACTION_PRINT_SEMVER:
		print_semver(out, config);
		break;
	}
}
