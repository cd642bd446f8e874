/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>
#include <jansson.h>
#include <cmocka.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"

/* stderr, redirected to a file. */
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

static void text_lines_have_a_prefix(void **state)
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

static void debug_lines_have_a_time(void **state)
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
	/* The JOURNAL_STREAM of another stream, and invalid ones. */
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

static void json_lines_are_valid(void **state)
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
		/* Invalid UTF-8: a stray byte, a truncated, overlong or surrogate character, past
		 * the last one. */
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
	/* Characters of two bytes, so that truncation may split one. */
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

static void lines_can_be_redirected(void **state)
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

static void a_closed_stderr_is_harmless(void **state)
{
	int saved = dup(STDERR_FILENO);

	(void)state;
	close(STDERR_FILENO);
	log_setup("fauxroot", "parent", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	log_error("nobody hears this");
	dup2(saved, STDERR_FILENO);
	close(saved);
}

static void count_loss(void *arg)
{
	int *lost = arg;

	(*lost)++;
}

/* stderr with a reader that may not read, and the data read so far. */
struct reader {
	int saved, read_end, write_end;
	char text[1 << 20];
	size_t size;
};

static void redirect(struct reader *r, int read_end, int write_end)
{
	r->saved = dup(STDERR_FILENO);
	r->read_end = read_end;
	r->write_end = write_end;
	r->size = 0;
	r->text[0] = '\0';
	assert_true(r->saved >= 0);
	assert_int_equal(dup2(write_end, STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(fcntl(read_end, F_SETFL, O_NONBLOCK), 0);
	log_setup("fauxroot", "parent", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
}

static void restore(struct reader *r)
{
	dup2(r->saved, STDERR_FILENO);
	close(r->saved);
	close(r->read_end);
	close(r->write_end);
}

/* Read the available data and append it. */
static const char *read_more(struct reader *r)
{
	ssize_t n;

	while ((n = read(r->read_end, r->text + r->size, sizeof(r->text) - 1 - r->size)) > 0)
		r->size += (size_t)n;
	r->text[r->size] = '\0';
	return r->text;
}

/* Read the available data, and drop earlier data. */
static const char *read_now(struct reader *r)
{
	r->size = 0;
	return read_more(r);
}

/* The flags of stderr must not change. */
static void assert_blocking(void)
{
	assert_int_equal(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
}

/* Fill the pipe completely, as with a stalled reader. */
static void fill_up(int type)
{
	int own = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	static const char many[4096];
	ssize_t n;

	assert_true(type == SOCK_STREAM || own >= 0);
	for (size_t size = sizeof(many); size > 0; size /= 2)
		do {
			n = type == SOCK_STREAM ? send(STDERR_FILENO, many, size, MSG_DONTWAIT)
						: write(own, many, size);
		} while (n > 0);
	fd_close(own);
}

static void lose_three_lines(int type)
{
	static int lost;

	lost = 0;
	fill_up(type);
	log_on_loss(count_loss, &lost);
	log_info("nobody reads this");
	log_info("nor this");
	log_info("nor that");
	assert_int_equal(lost, 3);
	assert_false(log_catch_up());
	log_on_loss(NULL, NULL);
	assert_blocking();
}

static void loses_lines(struct reader *r, int type)
{
	lose_three_lines(type);
	assert_true(strlen(read_now(r)) == 0 && r->size > 4096);
	assert_true(log_catch_up());
	log_info("read again");
	assert_string_equal(read_now(r),
			    "[fauxroot:parent] warning: 3 lines lost: nothing read stderr\n"
			    "[fauxroot:parent] info: read again\n");
	/* Without the call in between. */
	lose_three_lines(type);
	(void)read_now(r);
	log_info("x");
	assert_string_equal(read_now(r),
			    "[fauxroot:parent] warning: 3 lines lost: nothing read stderr\n"
			    "[fauxroot:parent] info: x\n");
	assert_blocking();
}

static void a_full_pipe_loses_lines(void **state)
{
	static struct reader r;
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	redirect(&r, fds[0], fds[1]);
	loses_lines(&r, 0);
	restore(&r);
}

static void a_full_socket_loses_lines(void **state)
{
	static struct reader r;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	redirect(&r, fds[0], fds[1]);
	loses_lines(&r, SOCK_STREAM);
	restore(&r);
}

/* Ctrl-S, and a terminal whose other side does not read */
static void a_stopped_terminal_loses_lines(void **state)
{
	static struct reader r;
	struct termios raw;
	int master, slave, rounds, lost = 0;

	(void)state;
	if (openpty(&master, &slave, NULL, NULL, NULL) < 0)
		fail();
	assert_int_equal(tcgetattr(slave, &raw), 0);
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(slave, TCSANOW, &raw), 0);
	setenv("NO_COLOR", "1", 1);
	redirect(&r, master, slave);
	unsetenv("NO_COLOR");
	log_on_loss(count_loss, &lost);
	/* The last line may be incomplete: the next one starts on a new line. */
	for (int i = 0; i < 5000 && lost == 0; i++)
		log_info("%0500d", i);
	log_on_loss(NULL, NULL);
	assert_int_equal(lost, 1);
	assert_blocking();
	/* A terminal delivers its output with a delay. */
	for (rounds = 0; rounds < 1000 && !log_catch_up(); rounds++) {
		(void)read_now(&r);
		(void)poll(NULL, 0, 10);
	}
	r.size = 0;
	for (; rounds < 1000 && !strstr(read_more(&r), "\n[fauxroot:parent] warning: 1 line lost");
	     rounds++)
		(void)poll(NULL, 0, 10);
	assert_true(rounds < 1000);
	restore(&r);

	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	setenv("NO_COLOR", "1", 1);
	redirect(&r, master, slave);
	unsetenv("NO_COLOR");
	assert_int_equal(tcflow(slave, TCOOFF), 0);
	log_info("not shown");
	log_info("nor this");
	assert_false(log_catch_up());
	assert_string_equal(read_now(&r), "");
	assert_int_equal(tcflow(slave, TCOON), 0);
	assert_true(log_catch_up());
	for (rounds = 0; rounds < 1000 && !strstr(read_more(&r), "2 lines lost"); rounds++)
		(void)poll(NULL, 0, 10);
	assert_true(rounds < 1000);
	assert_blocking();
	restore(&r);
}

/* Write 200 lines to a slow reader. Returns whether it has got all of them. */
static bool slow_reader_gets_all(void)
{
	struct deadline deadline = deadline_in(60000);
	struct process reader = PROCESS_NONE;
	static struct reader r;
	int fds[2], status;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_true(fcntl(fds[1], F_SETPIPE_SZ, 4096) >= 4096);
	redirect(&r, fds[0], fds[1]);
	/* It is the reader's own file description, too, so this lets it block. */
	assert_int_equal(fcntl(fds[0], F_SETFL, 0), 0);
	if (fork_clean("reader", fds, 1, &reader, NULL) == 0) {
		char text[4096];
		size_t lines = 0;
		ssize_t n;

		close(STDERR_FILENO);
		while ((n = read(fds[0], text, sizeof(text))) > 0) {
			for (ssize_t i = 0; i < n; i++)
				lines += text[i] == '\n';
			(void)poll(NULL, 0, 2);
		}
		_exit(lines == 200 ? 0 : 1);
	}
	for (int i = 0; i < 200; i++)
		log_info("%0500d", i);
	restore(&r);
	assert_int_equal(process_wait(&reader, &deadline, -1, &status), 0);
	return status == 0;
}

/* But a busy machine may not run the reader for as long as a writer waits. */
static void a_slow_reader_loses_nothing(void **state)
{
	int tries = 0;

	(void)state;
	while (!slow_reader_gets_all())
		assert_true(++tries < 20);
}

static void a_closed_reader_is_not_retried(void **state)
{
	static struct reader r;
	int fds[2], lost = 0;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	redirect(&r, fds[0], fds[1]);
	r.read_end = fd_close(r.read_end);
	log_on_loss(count_loss, &lost);
	log_info("nobody hears this");
	assert_int_equal(lost, 0);
	assert_true(log_catch_up());
	log_on_loss(NULL, NULL);
	restore(&r);
	signal(SIGPIPE, SIG_DFL);
	/* Restore it for the next tests. */
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	redirect(&r, fds[0], fds[1]);
	assert_true(log_catch_up());
	assert_non_null(strstr(read_now(&r), "1 line lost"));
	restore(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_lines_have_a_prefix),
		cmocka_unit_test(the_compatible_prefixes_have_one_width),
		cmocka_unit_test(debug_lines_have_a_time),
		cmocka_unit_test(the_journal_gets_priorities),
		cmocka_unit_test(json_lines_are_valid),
		cmocka_unit_test(long_messages_stay_one_line),
		cmocka_unit_test(lines_can_be_redirected),
		cmocka_unit_test(a_full_pipe_loses_lines),
		cmocka_unit_test(a_full_socket_loses_lines),
		cmocka_unit_test(a_stopped_terminal_loses_lines),
		cmocka_unit_test(a_slow_reader_loses_nothing),
		cmocka_unit_test(a_closed_reader_is_not_retried),
		cmocka_unit_test(a_closed_stderr_is_harmless),
	};

	return cmocka_run_group_tests(tests, clean_environment, NULL);
}
