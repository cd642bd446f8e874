/* SPDX-License-Identifier: Apache-2.0 */
/* The manual page has exactly the options of --help, with their words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"
#include "fauxroot/config/options.h"

static char *manual;

/* Search the manual page in the directories above this program, then in the working directory. */
static int load(void **state)
{
	char top[PATH_MAX], path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", top, sizeof(top) - 1);

	(void)state;
	if (n < 0)
		return -1;
	top[n] = '\0';
	for (char *slash = strrchr(top, '/'); slash; slash = strrchr(top, '/')) {
		*slash = '\0';
		if (str_print(path, sizeof(path), "%s/man/fauxroot.1", top) == 0 &&
		    file_read_bounded(AT_FDCWD, path, 1 << 20, &manual, NULL) == 0)
			return 0;
	}
	return file_read_bounded(AT_FDCWD, "man/fauxroot.1", 1 << 20, &manual, NULL);
}

static int unload(void **state)
{
	(void)state;
	free(manual);
	return 0;
}

static const char *min_ptr(const char *a, const char *b)
{
	return a && (!b || a < b) ? a : b;
}

/* The option's paragraph: from its ".It Fl -NAME" to the next option or heading; NULL if there is
 * none. */
static char *paragraph(const char *name)
{
	_cleanup_free_ char *head = str_format("\n.It Fl -%s", name);
	const char *at = manual, *end;

	while ((at = strstr(at, head)) && !strchr(" \n", at[strlen(head)]))
		at++;
	if (!at)
		return NULL;
	end = min_ptr(strstr(at + 1, "\n.It Fl -"),
		      min_ptr(strstr(at + 1, "\n.Ss "), strstr(at + 1, "\n.Sh ")));
	return strndup(at, end ? (size_t)(end - at) : strlen(at));
}

static void every_available_option_has_a_paragraph(void **state)
{
	(void)state;
	for (const struct option_row *row = options_next(NULL); row; row = options_next(row)) {
		_cleanup_free_ char *text = paragraph(row->name);
		_cleanup_free_ char *value = str_format(row->bare	? "Ns Op Ns = Ns Ar %s\n"
							: row->argument ? "Ns = Ns Ar %s\n"
									: "-%s",
							row->argument ? row->argument : row->name);

		if ((text != NULL) != row->available)
			fail_msg("--%s: available %d", row->name, row->available);
		/* "--net=DRIVER" in --help is "driver" in the manual page. */
		for (char *ch = value; row->argument && *ch; ch++)
			if (ch > value + strlen(row->bare ? "Ns Op Ns = Ns Ar" : "Ns = Ns Ar") &&
			    *ch >= 'A' && *ch <= 'Z')
				*ch = (char)(*ch - 'A' + 'a');
		if (text && !strstr(text, value))
			fail_msg("--%s: no \"%s\" in %s", row->name, value, text);
	}
}

static void every_available_word_is_named(void **state)
{
	(void)state;
	for (const struct option_row *row = options_next(NULL); row; row = options_next(row)) {
		_cleanup_free_ char *text = paragraph(row->name);

		if (!text || row->kind != OPTION_CHOICE)
			continue;
		for (const struct option_word *word = row->words; word->name; word++) {
			_cleanup_free_ char *named = str_format("Cm %s", word->name);

			if (*word->name && (strstr(text, named) != NULL) != word->available)
				fail_msg("--%s=%s: available %d", row->name, word->name,
					 word->available);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_available_option_has_a_paragraph),
		cmocka_unit_test(every_available_word_is_named),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
