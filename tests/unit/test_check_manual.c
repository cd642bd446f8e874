/* SPDX-License-Identifier: Apache-2.0 */
/* The documents contain the current table of causes, as `make docs` writes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "check/cause.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"
#include "fauxroot/check/manual.h"

/* Load @name from the tree of this program, or from its copy, at any depth. */
static char *load(const char *name)
{
	char top[PATH_MAX], path[PATH_MAX], *text;
	ssize_t n = readlink("/proc/self/exe", top, sizeof(top) - 1);

	assert_true(n > 0);
	top[n] = '\0';
	for (char *slash = strrchr(top, '/'); slash; slash = strrchr(top, '/')) {
		*slash = '\0';
		if (str_print(path, sizeof(path), "%s/%s", top, name) == 0 &&
		    file_read_bounded(AT_FDCWD, path, 1 << 20, &text, NULL) == 0)
			return text;
	}
	if (file_read_bounded(AT_FDCWD, name, 1 << 20, &text, NULL) < 0)
		fail_msg("%s is not there", name);
	return text;
}

__attribute__((noinline)) static char *print(void (*write)(FILE *out))
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	write(out);
	fclose(out);
	return text;
}

/* Fail with the first line of @wanted that differs. */
static void same(const char *name, const char *has, const char *wanted)
{
	size_t i = 0, line = 0;

	for (; has[i] && has[i] == wanted[i]; i++)
		if (wanted[i] == '\n')
			line = i + 1;
	if (has[i] != wanted[i])
		fail_msg("%s differs from the table: run `make docs`. First: %.*s", name,
			 (int)strcspn(wanted + line, "\n"), wanted + line);
}

/* The part of @name between the lines that `make docs` looks for. */
static void part_is_current(const char *name, const char *begin, const char *end,
			    void (*write)(FILE *out))
{
	_cleanup_free_ char *has = load(name), *wanted = print(write);
	char *from = strstr(has, begin), *to = strstr(has, end);

	assert_non_null(from);
	assert_non_null(to);
	*to = '\0';
	same(name, from + strlen(begin), wanted);
}

static void the_troubleshooting_page_is_current(void **state)
{
	(void)state;
	part_is_current("docs/troubleshooting.md", "<!-- begin causes -->\n",
			"<!-- end causes -->\n", manual_markdown);
}

static void the_manual_page_is_current(void **state)
{
	(void)state;
	part_is_current("man/fauxroot-causes.7", ".\\\" begin causes\n", ".\\\" end causes\n",
			manual_mdoc);
}

/* The contents link to it, and an error line does, if it explains one. */
static void every_row_is_found(void **state)
{
	_cleanup_free_ char *page = print(manual_markdown);
	char *index = strstr(page, "## Error lines\n"), *end = strstr(page, "\n### ");
	struct cause_walk walk = {0};
	const struct cause *cause;

	(void)state;
	assert_non_null(index);
	assert_non_null(end);
	*end = *index = '\0';
	while ((cause = cause_next(&walk))) {
		_cleanup_free_ char *link = str_format("[%s](#%s)", cause->id, cause->id);

		if (!strstr(page, link) || (cause->steps && !strstr(index + 1, link)))
			fail_msg("%s is not in the index", cause->id);
	}
}

/* Are there two words of capitals in a row? Then a reader takes them for two values. Names with
 * "_", such as capabilities, are no placeholders; FIRST-LAST is one. */
static bool has_two_placeholders(const char *text)
{
	static const char capitals[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	for (const char *blank = strchr(text, ' '); blank; blank = strchr(blank + 1, ' ')) {
		size_t after = strspn(blank + 1, capitals);
		const char *before = blank;

		while (before > text && strchr(capitals, before[-1]))
			before--;
		if (blank - before > 2 && after > 2 && blank[1 + after] != '_' &&
		    (before == text || !strchr("_-", before[-1])))
			return true;
	}
	return false;
}

/* Each row, without unknown names of facts, and with placeholders of one word. */
static void every_row_is_documented(void **state)
{
	_cleanup_free_ char *page = print(manual_markdown), *list = print(manual_mdoc);
	struct cause_walk walk = {0};
	const struct cause *cause;

	(void)state;
	while ((cause = cause_next(&walk))) {
		_cleanup_free_ char *title = str_format("\n### %s\n", cause->id);
		_cleanup_free_ char *tag = str_format("\n.It Cm %s\n", cause->id);

		if (!strstr(page, title) || !strstr(list, tag))
			fail_msg("%s is not documented", cause->id);
	}
	assert_null(strstr(page, "{value}"));
	assert_false(has_two_placeholders(page));
	/* The mark of a text that cannot be expanded. */
	assert_null(strchr(page, '?'));
}

/* roff prints "-" as a hyphen, which no program accepts, and divides words by hyphens. */
static void remedies_can_be_pasted_from_the_manual(void **state)
{
	_cleanup_free_ char *list = print(manual_mdoc);
	size_t n = 0;

	(void)state;
	for (char *at = list; (at = strstr(at, "\nRemedy:\n")); n++) {
		char *end = strstr(++at, "\n.");

		assert_memory_equal(at - strlen(".nh\n"), ".nh\n", strlen(".nh\n"));
		for (char *c = at; end && c < end; c++)
			if (strchr("-`^~", *c) && c[-1] != '\\')
				fail_msg("%.*s", (int)(end - at), at);
	}
	assert_true(n > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_troubleshooting_page_is_current),
		cmocka_unit_test(the_manual_page_is_current),
		cmocka_unit_test(every_row_is_documented),
		cmocka_unit_test(every_row_is_found),
		cmocka_unit_test(remedies_can_be_pasted_from_the_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
