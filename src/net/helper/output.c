/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/base/macro.h"
#include "fauxroot/base/parse.h"
#include "helper.h"

static bool is_chatter(const char *const *starts, struct cursor line)
{
	for (; *starts; starts++)
		if (cursor_word(&line, *starts))
			return true;
	return cursor_at_end(&line);
}

void net_helper_complaint(const struct net_helper_ops *ops, const char *text, char *ret,
			  size_t size)
{
	struct cursor c = cursor_of(text), line;
	size_t used = 0;

	ret[0] = '\0';
	while (cursor_line(&c, &line)) {
		int length = (int)MIN(cursor_left(&line), size);

		if (is_chatter(ops->chatter, line))
			continue;
		if (str_print(ret + used, size - used, "%s%.*s", used > 0 ? "; " : "", length,
			      line.at) < 0)
			break;
		used += strlen(ret + used);
	}
	str_printable(ret);
}
