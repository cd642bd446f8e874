/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of the target for the service manager: the result is lines without NUL, CR and empty
 * lines. It names no main process except the launcher, and that once at most; all other lines of
 * the message are in it, in their order; rewriting it again changes nothing.
 */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "fauxroot/base/parse.h"
#include "supervise/notify_message.h"

#define LAUNCHER "MAINPID=4711"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct line {
	const char *at;
	size_t n;
};

/* The next line that is not empty; false at the end. */
static bool next_line(struct cursor *c, struct line *ret)
{
	do {
		if (cursor_at_end(c))
			return false;
		cursor_until(c, "\r\n", &ret->at, &ret->n);
		if (!cursor_at_end(c))
			c->at++;
	} while (ret->n == 0);
	return true;
}

static bool is(const struct line *line, const char *prefix)
{
	return line->n >= strlen(prefix) && memcmp(line->at, prefix, strlen(prefix)) == 0;
}

/* The next line that is not about the main process; count the MAINPIDs before it. */
static bool next_plain(struct cursor *c, struct line *ret, int *main_pids)
{
	while (next_line(c, ret)) {
		if (is(ret, "MAINPID="))
			++*main_pids;
		else if (!is(ret, "MAINPIDFD=") && !is(ret, "MAINPIDFDID="))
			return true;
	}
	return false;
}

static void compare(const char *in, size_t n_in, const char *out, size_t n_out)
{
	struct cursor from = cursor_of_n(in, n_in), to = cursor_of_n(out, n_out);
	int main_pids = 0, ours = 0;
	struct line a, b;
	bool more;

	do {
		more = next_plain(&from, &a, &main_pids);
		assert(next_plain(&to, &b, &ours) == more);
		assert(!more || (a.n == b.n && memcmp(a.at, b.at, a.n) == 0));
	} while (more);
	assert(ours == (main_pids > 0));
	to = cursor_of_n(out, n_out);
	while (next_line(&to, &b)) {
		assert(!is(&b, "MAINPIDFD=") && !is(&b, "MAINPIDFDID="));
		assert(!is(&b, "MAINPID=") || (b.n == strlen(LAUNCHER) && is(&b, LAUNCHER)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *in = (const char *)data;
	char out[NOTIFY_TEXT_MAX], again[NOTIFY_TEXT_MAX];
	size_t n, n_again;

	if (notify_rewrite(in, size, 4711, out, &n) < 0) {
		assert(memchr(in, '\0', size - 1) || size > NOTIFY_TEXT_MAX - strlen(LAUNCHER));
		return 0;
	}
	/* One NUL at the end is removed. */
	if (size > 0 && data[size - 1] == '\0')
		size--;
	assert(n <= sizeof(out) && !memchr(out, '\0', n) && !memchr(out, '\r', n));
	assert(n == 0 || (out[0] != '\n' && out[n - 1] != '\n' && !memmem(out, n, "\n\n", 2)));
	compare(in, size, out, n);
	assert(notify_rewrite(out, n, 4711, again, &n_again) == 0);
	assert(n == n_again && memcmp(out, again, n) == 0);
	return 0;
}
