/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolv.conf: for any file of the host, ours has only lines that the resolver knows, only our name
 * servers, and at most one search or domain line and one options line. Composing the result again
 * changes nothing.
 */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "fauxroot/base/parse.h"
#include "mounts/etctext.h"

static bool is_clean(struct cursor line)
{
	for (const char *at = line.at; at < line.end; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return false;
	return true;
}

static void check_lines(const char *text, const struct strv *dns)
{
	struct cursor c = cursor_of(text), line;
	size_t servers = 0, searches = 0, options = 0;

	assert(text[0] == '\0' || text[strlen(text) - 1] == '\n');
	while (cursor_line(&c, &line)) {
		assert(is_clean(line));
		if (cursor_word(&line, "nameserver ")) {
			assert(servers < dns->n && searches + options == 0);
			assert(cursor_word(&line, dns->items[servers]) && cursor_at_end(&line));
			servers++;
			continue;
		}
		if (cursor_word(&line, "options "))
			options++;
		else if (cursor_word(&line, "search ") || cursor_word(&line, "domain "))
			searches++;
		else
			abort();
		assert(!cursor_at_end(&line) && *line.at != '#' && *line.at != ';');
	}
	assert(servers == dns->n && searches <= 1 && options <= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *servers[] = {"10.0.2.3", "fd00::3", NULL};
	const struct strv dns = {servers, 2};
	char *once = resolvconf_compose((const char *)data, size, &dns);
	char *twice = once ? resolvconf_compose(once, strlen(once), &dns) : NULL;

	if (twice) {
		check_lines(once, &dns);
		assert(streq(once, twice));
	}
	free(once);
	free(twice);
	return 0;
}
