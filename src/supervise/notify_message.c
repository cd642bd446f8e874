/* SPDX-License-Identifier: Apache-2.0 */
#include "notify_message.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

struct text {
	char *to;
	size_t n;
};

static int add_line(struct text *text, const char *line, size_t n)
{
	size_t newline = text->n > 0;

	if (n + newline > NOTIFY_TEXT_MAX - text->n)
		return -EMSGSIZE;
	if (newline)
		text->to[text->n++] = '\n';
	memcpy(text->to + text->n, line, n);
	text->n += n;
	return 0;
}

static bool begins_with(const char *line, size_t n, const char *word)
{
	struct cursor at = cursor_of_n(line, n);

	return cursor_word(&at, word);
}

int notify_rewrite(const char *text, size_t size, pid_t launcher, char *ret, size_t *ret_size)
{
	struct text out = {.to = ret};
	struct cursor at;
	bool main_pid = false;
	char own[32];

	if (size > 0 && text[size - 1] == '\0')
		size--;
	if (memchr(text, '\0', size))
		return -EBADMSG;
	str_print(own, sizeof(own), "MAINPID=%d", launcher);
	at = cursor_of_n(text, size);
	while (!cursor_at_end(&at)) {
		const char *line;
		size_t n;
		int rc = 0;

		cursor_until(&at, "\r\n", &line, &n);
		if (!cursor_at_end(&at))
			at.at++;
		if (begins_with(line, n, "MAINPID=")) {
			rc = main_pid ? 0 : add_line(&out, own, strlen(own));
			main_pid = true;
		} else if (n > 0 && !begins_with(line, n, "MAINPIDFDID=") &&
			   !begins_with(line, n, "MAINPIDFD=")) {
			rc = add_line(&out, line, n);
		}
		if (rc < 0)
			return rc;
	}
	*ret_size = out.n;
	return 0;
}
