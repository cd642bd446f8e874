/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hosts: the first line of the input is the host's name, the rest is its file. Our text ends with
 * all lines of the file, after at most four lines of our own. Composing the result again changes
 * nothing.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "fauxroot/base/parse.h"
#include "mounts/etctext.h"

static size_t count_lines(struct cursor c)
{
	struct cursor line;
	size_t n = 0;

	while (cursor_line(&c, &line))
		n++;
	return n;
}

static bool is_name(struct cursor word, const char *name)
{
	return cursor_left(&word) == strlen(name) &&
	       strncasecmp(word.at, name, cursor_left(&word)) == 0;
}

/* Consume one of our own lines: a resolver must be able to read it, and it must contain the name
 * that it is for. */
static void take_own(struct cursor *c, const char *name)
{
	struct cursor line;
	bool due = false;
	const char *start;
	size_t n;

	assert(cursor_line(c, &line));
	assert(cursor_word(&line, "127.0.0.1\t") || cursor_word(&line, "::1\t"));
	do {
		cursor_until(&line, " ", &start, &n);
		assert(n > 0);
		for (size_t i = 0; i < n; i++)
			assert(start[i] && !strchr("\t\r\v\f#", start[i]));
		due |= is_name(cursor_of_n(start, n), name) ||
		       is_name(cursor_of_n(start, n), "localhost");
	} while (cursor_char(&line, ' '));
	assert(due && cursor_at_end(&line));
}

static void check_host_lines(struct cursor ours, struct cursor host)
{
	struct cursor line, host_line;

	while (cursor_line(&host, &host_line)) {
		size_t n = strnlen(host_line.at, cursor_left(&host_line));

		assert(cursor_line(&ours, &line));
		assert(cursor_left(&line) == n && memcmp(line.at, host_line.at, n) == 0);
	}
	assert(cursor_at_end(&ours));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor host = cursor_of_n((const char *)data, size), first = host, ours;
	size_t added;
	char name[65] = "", *once, *twice;

	if (cursor_line(&host, &first))
		snprintf(name, sizeof(name), "%.*s", (int)cursor_left(&first), first.at);
	once = hosts_compose(host.at, cursor_left(&host), name);
	twice = once ? hosts_compose(once, strlen(once), name) : NULL;
	if (twice) {
		assert(streq(once, twice));
		ours = cursor_of(once);
		added = count_lines(ours) - count_lines(host);
		assert(added <= 4);
		while (added-- > 0)
			take_own(&ours, name);
		check_host_lines(ours, host);
	}
	free(once);
	free(twice);
	return 0;
}
