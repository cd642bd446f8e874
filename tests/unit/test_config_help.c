/* SPDX-License-Identifier: Apache-2.0 */
/* --help, --version, --print-semver, the personas and their exit statuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "config_text.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/config/options.h"
#include "fauxroot/config/status.h"

/* The output of the options @args instead of a launch, as a new string. */
static char *answer(const char *argv0, const char *args)
{
	struct argv argv = argv_of(argv0, args);
	_cleanup_config_ struct config config;
	struct error err = {0};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	config_init(&config);
	assert_int_equal(options_parse(&config, argv.n, argv.words.items, &err), 0);
	options_answer(out, &config);
	fclose(out);
	strv_clear(&argv.words);
	return text;
}

/* Does @text contain @word, as with grep -w? */
static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word)) {
		unsigned char before = at == text ? ' ' : (unsigned char)at[-1];
		unsigned char after = (unsigned char)at[n];

		if (!isalnum(before) && before != '_' && !isalnum(after) && after != '_' &&
		    after != '-')
			return true;
	}
	return false;
}

static void help_has_only_available_options(void **state)
{
	_cleanup_free_ char *help = answer("fauxroot", "--help");
	/* Scripts grep for these words, so no other text may contain them. */
	static const char *const absent[] = {"lxc-user-nic", "vpnkit"};

	(void)state;
	for (const struct option_row *row = options_next(NULL); row; row = options_next(row)) {
		_cleanup_free_ char *word = str_format("--%s", row->name);

		if (has_word(help, word) != row->available)
			fail_msg("%s: available %d", word, row->available);
		assert_true(!row->available || strstr(help, row->group));
	}
	for (size_t i = 0; i < ARRAY_SIZE(absent); i++)
		if (has_word(help, absent[i]))
			fail_msg("--help contains \"%s\"", absent[i]);
}

static void help_fits_a_terminal(void **state)
{
	_cleanup_free_ char *help = answer("fauxroot", "--help");

	(void)state;
	for (struct cursor c = cursor_of(help), line; cursor_line(&c, &line);) {
		if (cursor_left(&line) > 80)
			fail_msg("%zu columns: %.*s", cursor_left(&line), (int)cursor_left(&line),
				 line.at);
		assert_true(cursor_at_end(&line) || line.end[-1] != ' ');
	}
}

static void help_names_choices_and_defaults(void **state)
{
	_cleanup_free_ char *help = answer("fauxroot", "--help");

	(void)state;
	/* Ignore line breaks. */
	for (char *from = help, *to = help;; from++) {
		if (*from == ' ' || *from == '\n') {
			if (to > help && to[-1] != ' ')
				*to++ = ' ';
		} else {
			*to++ = *from;
		}
		if (*from == '\0')
			break;
	}
	assert_non_null(strstr(help, "--net=DRIVER "));
	assert_non_null(strstr(help, "(host, none, auto, slirp4netns, pasta or"));
	assert_non_null(strstr(help, "(default: slirp4netns)"));
	assert_non_null(strstr(help, "(tmpfs+symlink or copy; default: tmpfs+symlink)"));
	assert_non_null(strstr(help, "(major, minor or patch)"));
	assert_non_null(strstr(help, " -h, --help print this"));
}

static void help_uses_the_name_of_the_caller(void **state)
{
	_cleanup_free_ char *ours = answer("/usr/bin/fauxroot", "-h");
	_cleanup_free_ char *theirs = answer("/usr/bin/rootlesskit", "-h");

	(void)state;
	assert_non_null(str_after(ours, "Usage: fauxroot [options] [--] command"));
	assert_non_null(str_after(theirs, "Usage: rootlesskit [options] [--] command"));
}

static void version_and_semver_follow_the_persona(void **state)
{
	static const struct {
		const char *argv0;
		const char *args;
		const char *text;
	} cases[] = {
		{"fauxroot", "--version", "fauxroot version " FAUXROOT_VERSION "\n"},
		{"rootlesskit", "-v", "rootlesskit version 3.0.1\n"},
		{"docker-rootlesskit", "--version", "rootlesskit version 3.0.1\n"},
		{"./bin/rootlesskit", "--print-semver=major", "3\n"},
		{"rootlesskit", "--print-semver=minor", "0\n"},
		{"rootlesskit", "--print-semver patch", "1\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = answer(cases[i].argv0, cases[i].args);

		assert_string_equal(text, cases[i].text);
	}
	{
		_cleanup_free_ char *major = answer("fauxroot", "--print-semver=major");
		_cleanup_free_ char *minor = answer("fauxroot", "--print-semver=minor");
		_cleanup_free_ char *patch = answer("fauxroot", "--print-semver=patch");
		_cleanup_free_ char *all = str_format("%.*s.%.*s.%.*s", (int)strcspn(major, "\n"),
						      major, (int)strcspn(minor, "\n"), minor,
						      (int)strcspn(patch, "\n"), patch);

		assert_string_equal(all, FAUXROOT_VERSION);
	}
}

static void the_base_name_selects_the_persona(void **state)
{
	static const struct {
		const char *argv0;
		enum persona persona;
	} cases[] = {
		{"fauxroot", PERSONA_FAUXROOT},
		{"/usr/bin/fauxroot", PERSONA_FAUXROOT},
		{"rootlesskit", PERSONA_ROOTLESSKIT},
		{"/opt/bin/rootlesskit", PERSONA_ROOTLESSKIT},
		{"docker-rootlesskit", PERSONA_ROOTLESSKIT},
		{"/opt/rootlesskit/fauxroot", PERSONA_FAUXROOT},
		{"rootlesskit-1", PERSONA_FAUXROOT},
		{"xrootlesskit", PERSONA_FAUXROOT},
		{"rootlesskit/", PERSONA_FAUXROOT},
		{"", PERSONA_FAUXROOT},
		{NULL, PERSONA_FAUXROOT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(persona_of(cases[i].argv0), cases[i].persona);
}

static void statuses_follow_the_persona(void **state)
{
	static const struct {
		enum error_step step;
		int code;
		int ours;
	} failures[] = {
		{STEP_OPTIONS, EINVAL, 125}, {STEP_CLONE, EPERM, 125},	{STEP_IDMAP, ENOENT, 125},
		{STEP_NONE, EIO, 125},	     {STEP_EXEC, ENOENT, 127},	{STEP_EXEC, EACCES, 126},
		{STEP_EXEC, ENOTDIR, 126},   {STEP_EXEC, ENOEXEC, 126},
	};
	static const struct {
		int wait_status;
		int ours, theirs;
	} targets[] = {
		{0 << 8, 0, 0},	     {1 << 8, 1, 1},	  {255 << 8, 255, 255},
		{SIGTERM, 143, 255}, {SIGKILL, 137, 255}, {SIGSEGV | 0x80, 139, 255},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		struct error err = {.step = failures[i].step, .code = failures[i].code};

		assert_int_equal(status_of_failure(PERSONA_FAUXROOT, &err), failures[i].ours);
		assert_int_equal(status_of_failure(PERSONA_ROOTLESSKIT, &err), 1);
	}
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		assert_int_equal(status_of_target(PERSONA_FAUXROOT, targets[i].wait_status),
				 targets[i].ours);
		assert_int_equal(status_of_target(PERSONA_ROOTLESSKIT, targets[i].wait_status),
				 targets[i].theirs);
	}
}

static void rows_are_complete(void **state)
{
	(void)state;
	for (const struct option_row *row = options_next(NULL); row; row = options_next(row)) {
		for (const struct option_row *other = options_next(NULL); other != row;
		     other = options_next(other)) {
			assert_string_not_equal(row->name, other->name);
			assert_int_not_equal(row->offset, other->offset);
			assert_true(!row->short_name || row->short_name != other->short_name);
		}
		assert_non_null(row->group);
		assert_non_null(row->help);
		assert_int_equal(row->kind == OPTION_BOOL, row->argument == NULL);
		assert_int_equal(row->kind == OPTION_CHOICE, row->words != NULL);
		assert_true(row->kind == OPTION_STRING || !row->preset);
		/* A check without a description would cause an unclear message. */
		assert_true(!row->valid || row->takes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_has_only_available_options),
		cmocka_unit_test(help_fits_a_terminal),
		cmocka_unit_test(help_names_choices_and_defaults),
		cmocka_unit_test(help_uses_the_name_of_the_caller),
		cmocka_unit_test(version_and_semver_follow_the_persona),
		cmocka_unit_test(the_base_name_selects_the_persona),
		cmocka_unit_test(statuses_follow_the_persona),
		cmocka_unit_test(rows_are_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
