/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The documents are generated from the rows that explain failures and the findings of --check. A
 * value that a text reads from the machine becomes a placeholder in capitals.
 */
#include "fauxroot/check/manual.h"

#include <ctype.h>
#include <string.h>

#include "cause.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "symptoms.h"

/* The longest text of a row, with its placeholders. */
#define TEXT_MAX 1600

static void describe(const char *text, char *buf, size_t size)
{
	if (!facts_expand(text, NULL, buf, size))
		(void)str_print(buf, size, "?");
}

static void describe_remedy(const struct cause *cause, char *buf, size_t size)
{
	char remedy[TEXT_MAX];

	cause_remedy(cause, NULL, true, remedy, sizeof(remedy));
	if (!facts_expand_remedy(remedy, NULL, buf, size))
		(void)str_print(buf, size, "?");
}

static void markdown_row(FILE *out, const struct cause *cause)
{
	char text[TEXT_MAX];

	fprintf(out, "\n### %s\n\n", cause->id);
	for (size_t i = 0; i < ARRAY_SIZE(cause->codes) && cause->codes[i]; i++)
		fprintf(out, "%s%s", i > 0 ? ", " : "Error: ", strerror(cause->codes[i]));
	if (cause->codes[0])
		fputs("\n\n", out);
	describe(cause->cause, text, sizeof(text));
	fprintf(out, "Cause: ");
	for (const char *ch = text; *ch; ch++)
		fprintf(out, strchr("<*[", *ch) ? "\\%c" : "%c", *ch);
	describe_remedy(cause, text, sizeof(text));
	fprintf(out, "\n\n<!-- not run: it changes the machine -->\n```text\n%s\n```\n", text);
}

/* "Mapping ids" becomes "mapping-ids", as in links of Markdown. */
static void print_anchor(FILE *out, const char *title)
{
	for (; *title; title++)
		if (*title == ' ')
			fputc('-', out);
		else if (isalnum((unsigned char)*title) || *title == '-')
			fputc(tolower((unsigned char)*title), out);
}

static void print_contents(FILE *out)
{
	for (const struct cause_part *part = cause_parts(); part->title; part++) {
		fprintf(out, "- [%s](#", part->title);
		print_anchor(out, part->title);
		fputs("):", out);
		for (const struct cause *cause = part->rows; cause->cause; cause++)
			fprintf(out, "%s [%s](#%s)", cause == part->rows ? "" : ",", cause->id,
				cause->id);
		fputc('\n', out);
	}
}

void manual_markdown(FILE *out)
{
	fputs("## All causes\n\n", out);
	print_contents(out);
	fputs("\n## Error lines\n\nThe words of the lines after `error:`, in the order of a "
	      "launch; "
	      "\"…\" stands for any text.\n\n",
	      out);
	symptoms_print(out);
	for (const struct cause_part *part = cause_parts(); part->title; part++) {
		fprintf(out, "\n## %s\n", part->title);
		for (const struct cause *cause = part->rows; cause->cause; cause++)
			markdown_row(out, cause);
	}
}

/* The escape of a character that roff(7) would print as another one, so that commands can be pasted
 * from the page; or NULL. */
static const char *roff_escape(char c)
{
	switch (c) {
	case '\\':
		return "\\e";
	case '\'':
		return "\\(aq";
	case '-':
		return "\\-";
	case '`':
		return "\\(ga";
	case '^':
		return "\\(ha";
	case '~':
		return "\\(ti";
	default:
		return NULL;
	}
}

/* Write one line of text for mdoc(7): no output line begins with a control character or is long. */
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
			const char *escape = roff_escape(word[i]);

			if (escape)
				fputs(escape, out);
			else
				fputc(word[i], out);
		}
		column += (int)n + 1;
	}
	fputc('\n', out);
}

static void mdoc_remedy(FILE *out, const char *text)
{
	struct cursor c = cursor_of(text), line;
	char command[TEXT_MAX];

	while (cursor_line(&c, &line)) {
		(void)str_print(command, sizeof(command), "%.*s", (int)cursor_left(&line), line.at);
		/* No hyphens at the ends of lines: they would be pasted, too. */
		fputs(".br\n.nh\nRemedy:\n", out);
		mdoc_text(out, command);
	}
}

void manual_mdoc(FILE *out)
{
	char text[TEXT_MAX];

	for (const struct cause_part *part = cause_parts(); part->title; part++) {
		/* No paragraph begins directly after the heading of the section. */
		fprintf(out, "%s%s:\n.Bl -tag -width Ds\n", part == cause_parts() ? "" : ".Pp\n",
			part->title);
		for (const struct cause *cause = part->rows; cause->cause; cause++) {
			fprintf(out, ".It Cm %s\n", cause->id);
			describe(cause->cause, text, sizeof(text));
			mdoc_text(out, text);
			describe_remedy(cause, text, sizeof(text));
			mdoc_remedy(out, text);
		}
		fputs(".El\n", out);
	}
}
