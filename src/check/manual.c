/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The documents are made of the very rows that --check and failures are explained by. What a row's
 * text takes from the machine stands there as a word in capitals.
 */
#include "fauxroot/check/manual.h"

#include <string.h>

#include "cause.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

/* A row's longest text, with its words in place. */
#define TEXT_MAX 1600

/* The setting that the row's test reads, which it leaves in {path}; false where it is not one. */
static bool setting_of(const struct cause *cause, char *buf, size_t size)
{
	const char *arg = cause->arg;

	if (cause->test == kernel_is_older)
		return str_print(buf, size, "/proc/sys/kernel/osrelease") == 0;
	if (cause->test == limit_is_zero && !strchr(arg, ' '))
		return str_print(buf, size, "/proc/sys/user/max_%s_namespaces", arg) == 0;
	return arg && strchr(arg, '/') &&
	       str_print(buf, size, "%s%s", arg[0] == '/' ? "" : "/proc/sys/", arg) == 0;
}

/* What stands for the fact @name of @cause. */
static const char *stand_in(const struct cause *cause, struct cursor name, char *buf, size_t size)
{
	static const struct {
		const char *name, *word;
	} words[] = {
		{"value", "VALUE"},
		{"about", "VALUE"},
		{"path", "PATH"},
		{"point", "PLACE"},
		{"user", "USER"},
		{"uid", "UID"},
		{"gid", "GID"},
		{"self", "/usr/bin/fauxroot"},
		{"free range", "FIRST-LAST"},
		{"free line", "FIRST:COUNT"},
		{"runtime dir", "/run/user/UID"},
		{"newuidmap", "/usr/bin/newuidmap"},
		{"newgidmap", "/usr/bin/newgidmap"},
		{"have runtime dir", "sudo loginctl enable-linger USER && export "
				     "XDG_RUNTIME_DIR=/run/user/UID"},
	};

	if (cursor_left(&name) == 4 && memcmp(name.at, "path", 4) == 0 &&
	    setting_of(cause, buf, size))
		return buf;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (cursor_left(&name) == strlen(words[i].name) &&
		    memcmp(name.at, words[i].name, cursor_left(&name)) == 0)
			return words[i].word;
	if (cursor_word(&name, "install ")) {
		(void)str_print(buf, size, "install the package that has %.*s",
				(int)cursor_left(&name), name.at);
		return buf;
	}
	if (cursor_word(&name, "boot ")) {
		(void)str_print(buf, size, "%.*s on the kernel's command line, and a reboot",
				(int)cursor_left(&name), name.at);
		return buf;
	}
	return "?";
}

static void describe(const struct cause *cause, const char *text, char *buf, size_t size)
{
	struct cursor c = cursor_of(text);
	size_t used = 0;

	*buf = '\0';
	while (!cursor_at_end(&c)) {
		char word[256];
		const char *piece;
		size_t n;

		cursor_until(&c, "{", &piece, &n);
		(void)str_print(buf + used, size - used, "%.*s", (int)n, piece);
		used = strlen(buf);
		if (!cursor_char(&c, '{'))
			break;
		if (cursor_char(&c, '{')) {
			(void)str_print(buf + used, size - used, "{");
		} else {
			cursor_until(&c, "}", &piece, &n);
			cursor_char(&c, '}');
			(void)str_print(buf + used, size - used, "%s",
					stand_in(cause, cursor_of_n(piece, n), word, sizeof(word)));
		}
		used = strlen(buf);
	}
}

static void describe_remedy(const struct cause *cause, char *buf, size_t size)
{
	char remedy[TEXT_MAX];

	cause_remedy(cause, NULL, remedy, sizeof(remedy));
	describe(cause, remedy, buf, size);
}

/* The words of the errors that the row is for: "Operation not permitted, No space left on device"
 */
static void print_errors(FILE *out, const struct cause *cause)
{
	for (size_t i = 0; i < ARRAY_SIZE(cause->codes) && cause->codes[i]; i++)
		fprintf(out, "%s%s", i > 0 ? ", " : "", strerror(cause->codes[i]));
}

static void markdown_row(FILE *out, const struct cause *cause)
{
	char text[TEXT_MAX];

	fprintf(out, "\n### %s\n\n", cause->id);
	if (cause->codes[0]) {
		fputs("Error: ", out);
		print_errors(out, cause);
		fputs("\n\n", out);
	}
	describe(cause, cause->cause, text, sizeof(text));
	fprintf(out, "Cause: ");
	for (const char *ch = text; *ch; ch++)
		fprintf(out, strchr("<*[", *ch) ? "\\%c" : "%c", *ch);
	describe_remedy(cause, text, sizeof(text));
	fprintf(out, "\n\n<!-- not run: it changes the machine -->\n```text\n%s\n```\n", text);
}

void manual_markdown(FILE *out)
{
	fputs("# Troubleshooting\n\n"
	      "<!-- Made from the table of causes by `make docs`; edit src/check/causes/*.c. "
	      "-->\n\n"
	      "`fauxroot --check [OPTIONS] [COMMAND]` finds what stands in the way on your "
	      "machine,\n"
	      "before a launch; a launch that fails prints the same cause and remedy, with the "
	      "values\n"
	      "that were read. This page lists all that is known. Words in capitals stand for what "
	      "is\n"
	      "read on the machine: VALUE, PATH, PLACE (a mount point, a directory, a port). With\n"
	      "`--debug` a failure says under which name it is known here, and so does `--check "
	      "--json`\n"
	      "([check.md](check.md)).\n\n"
	      "A remedy is a command to paste or a setting; semicolons separate alternatives. "
	      "Those "
	      "for\n"
	      "Docker, Podman, Kubernetes and LXD stand here side by side; in a container you are "
	      "told yours\n"
	      "alone, and on your distribution how it installs what is missing.\n",
	      out);
	for (const struct cause_part *part = cause_parts(); part->title; part++) {
		fprintf(out, "\n## %s\n", part->title);
		for (const struct cause *cause = part->rows; cause->cause; cause++)
			markdown_row(out, cause);
	}
}

/* For mdoc(7): no line begins with a control character, and none is long. */
static void mdoc_text(FILE *out, const char *text)
{
	struct cursor c = cursor_of(text);
	int column = 0;

	while (!cursor_at_end(&c)) {
		const char *word;
		size_t n;

		cursor_until(&c, " ", &word, &n);
		cursor_char(&c, ' ');
		if (column > 0 && column + (int)n > 76) {
			fputc('\n', out);
			column = 0;
		} else if (column > 0) {
			fputc(' ', out);
		}
		if (column == 0 && n > 0 && (*word == '.' || *word == '\''))
			fputs("\\&", out);
		for (size_t i = 0; i < n; i++) {
			if (word[i] == '\\')
				fputs("\\e", out);
			else if (word[i] == '\'')
				fputs("\\(aq", out);
			else
				fputc(word[i], out);
		}
		column += (int)n + 1;
	}
	fputc('\n', out);
}

void manual_mdoc(FILE *out)
{
	char text[TEXT_MAX];

	for (const struct cause_part *part = cause_parts(); part->title; part++) {
		fprintf(out, ".Pp\n%s:\n.Bl -tag -width Ds\n", part->title);
		for (const struct cause *cause = part->rows; cause->cause; cause++) {
			fprintf(out, ".It Cm %s\n", cause->id);
			describe(cause, cause->cause, text, sizeof(text));
			mdoc_text(out, text);
			fputs(".br\nRemedy:\n", out);
			describe_remedy(cause, text, sizeof(text));
			mdoc_text(out, text);
		}
		fputs(".El\n", out);
	}
}
