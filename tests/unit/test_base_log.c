/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <jansson.h>
#include <cmocka.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

/* stderr, caught in a file. */
struct capture {
	int saved, file;
};

static void begin(struct capture *c)
{
	c->saved = dup(STDERR_FILENO);
	c->file = memfd_create("stderr", MFD_CLOEXEC);
	assert_true(c->saved >= 0 && c->file >= 0);
	assert_int_equal(dup2(c->file, STDERR_FILENO), STDERR_FILENO);
}

static char *end(struct capture *c)
{
	char *text = NULL;

	dup2(c->saved, STDERR_FILENO);
	close(c->saved);
	lseek(c->file, 0, SEEK_SET);
	assert_int_equal(fd_read_bounded(c->file, 1 << 20, &text, NULL), 0);
	close(c->file);
	return text;
}

static int clean_environment(void **state)
{
	(void)state;
	unsetenv("JOURNAL_STREAM");
	unsetenv("NO_COLOR");
	return 0;
}

static void lines_are_text(void **state)
{
	struct error err = {.text = "it failed"};
	_cleanup_free_ char *text = NULL;
	struct capture c;

	(void)state;
	begin(&c);
	log_setup("fauxroot", "parent", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	log_error("one %d", 1);
	log_warning("two");
	log_info("three");
	log_debug("not shown");
	log_setup("fauxroot", "child", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	log_info("a\nb\033[0m\r\n");
	log_as("forwarder", LOG_LEVEL_WARNING, "from there");
	log_failure(&err);
	text = end(&c);
	assert_string_equal(text, "[fauxroot:parent] error: one 1\n"
				  "[fauxroot:parent] warning: two\n"
				  "[fauxroot:parent] info: three\n"
				  "[fauxroot:child] info: a b?[0m\n"
				  "[fauxroot:forwarder] warning: from there\n"
				  "[fauxroot:child] error: it failed\n");
}

static void the_compatible_prefixes_have_one_width(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct capture c;

	(void)state;
	begin(&c);
	log_setup("rootlesskit", "parent", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	log_info("x");
	log_setup("rootlesskit", "child", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	log_info("y");
	text = end(&c);
	assert_string_equal(text, "[rootlesskit:parent] info: x\n[rootlesskit:child ] info: y\n");
}

static void debug_lines_have_their_time(void **state)
{
	_cleanup_free_ char *text = NULL;
	const char *thousandths;
	struct capture c;
	struct cursor at;
	uint64_t ms;
	size_t n;

	(void)state;
	begin(&c);
	log_setup("fauxroot", "parent", LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
	assert_true(log_enabled(LOG_LEVEL_DEBUG));
	log_debug("x");
	text = end(&c);
	at = cursor_of(text);
	assert_true(cursor_word(&at, "[fauxroot:parent] "));
	assert_int_equal(cursor_u64(&at, 60000, &ms), 0);
	assert_true(cursor_char(&at, '.'));
	cursor_until(&at, " ", &thousandths, &n);
	assert_int_equal(n, 3);
	assert_true(cursor_word(&at, " ms debug: x\n"));
	assert_true(cursor_at_end(&at));
}

static void the_journal_gets_priorities(void **state)
{
	_cleanup_free_ char *text = NULL, *stream = NULL;
	struct capture c;
	struct stat st;

	(void)state;
	begin(&c);
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	stream = str_format("%llu:%llu", (unsigned long long)st.st_dev,
			    (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_setup("fauxroot", "parent", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	log_error("x");
	log_warning("x");
	log_info("x");
	/* That of another stream, and what is none. */
	setenv("JOURNAL_STREAM", "1:1", 1);
	log_setup("fauxroot", "parent", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	log_info("y");
	setenv("JOURNAL_STREAM", "::", 1);
	log_setup("fauxroot", "parent", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	log_info("z");
	text = end(&c);
	assert_string_equal(text, "<3>[fauxroot:parent] error: x\n"
				  "<4>[fauxroot:parent] warning: x\n"
				  "<6>[fauxroot:parent] info: x\n"
				  "[fauxroot:parent] info: y\n"
				  "[fauxroot:parent] info: z\n");
}

static void json_lines_are_json(void **state)
{
	static const struct {
		const char *message;
		const char *shown;
	} cases[] = {
		{"plain", "plain"},
		{"", ""},
		{"quotes \" and \\ back", "quotes \" and \\ back"},
		{"control\x01", "control?"},
		{"tab\there", "tab here"},
		{"Grüße €𝄞", "Grüße €𝄞"},
		/* No UTF-8: a stray byte, an end, too long, half a pair, past the last one. */
		{"a\xff"
		 "b",
		 "a\xef\xbf\xbd"
		 "b"},
		{"a\xc3", "a\xef\xbf\xbd"},
		{"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xe0\x80\xaf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	};
	_cleanup_free_ char *text = NULL;
	struct capture c;
	char *line;

	(void)state;
	begin(&c);
	log_setup("fauxroot", "parent", LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		log_warning("%s", cases[i].message);
	text = end(&c);
	line = text;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *level, *source, *message;
		char *newline = strchr(line, '\n');
		json_t *object;

		assert_non_null(newline);
		*newline = '\0';
		object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(object);
		assert_int_equal(json_unpack(object, "{s:s, s:s, s:s !}", "level", &level, "source",
					     &source, "message", &message),
				 0);
		assert_string_equal(level, "warning");
		assert_string_equal(source, "fauxroot:parent");
		assert_string_equal(message, cases[i].shown);
		json_decref(object);
		line = newline + 1;
	}
	assert_string_equal(line, "");
}

static void long_messages_stay_one_line(void **state)
{
	char message[8000];

	(void)state;
	/* Every character two bytes, so that a cut may fall within one. */
	for (size_t i = 0; i + 1 < sizeof(message); i += 2)
		memcpy(message + i, i % 64 ? "ü" : "\"\"", 2);
	message[sizeof(message) - 1] = '\0';
	for (enum log_format format = LOG_FORMAT_TEXT; format <= LOG_FORMAT_JSON; format++) {
		_cleanup_free_ char *text = NULL;
		struct capture c;
		json_t *object;

		begin(&c);
		log_setup("fauxroot", "parent", LOG_LEVEL_INFO, format);
		log_info("%s", message);
		text = end(&c);
		assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
		assert_true(strlen(text) > 1000);
		if (format == LOG_FORMAT_TEXT)
			continue;
		object = json_loads(text, 0, NULL);
		assert_non_null(object);
		json_decref(object);
	}
}

static void keep(void *arg, enum log_level level, const char *message)
{
	snprintf(arg, 64, "%d %s", level, message);
}

static void lines_can_go_elsewhere(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct capture c;
	char kept[64] = "";

	(void)state;
	begin(&c);
	log_setup("fauxroot", "child", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	log_redirect(keep, kept);
	log_warning("a\nb");
	assert_string_equal(kept, "4 a b");
	log_debug("below the level");
	assert_string_equal(kept, "4 a b");
	log_redirect(NULL, NULL);
	log_info("back");
	text = end(&c);
	assert_string_equal(text, "[fauxroot:child] info: back\n");
}

static void a_closed_stderr_is_no_crash(void **state)
{
	int saved = dup(STDERR_FILENO);

	(void)state;
	close(STDERR_FILENO);
	log_setup("fauxroot", "parent", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	log_error("nobody hears this");
	dup2(saved, STDERR_FILENO);
	close(saved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_text),
		cmocka_unit_test(the_compatible_prefixes_have_one_width),
		cmocka_unit_test(debug_lines_have_their_time),
		cmocka_unit_test(the_journal_gets_priorities),
		cmocka_unit_test(json_lines_are_json),
		cmocka_unit_test(long_messages_stay_one_line),
		cmocka_unit_test(lines_can_go_elsewhere),
		cmocka_unit_test(a_closed_stderr_is_no_crash),
	};

	return cmocka_run_group_tests(tests, clean_environment, NULL);
}
