/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel's configuration as its distribution leaves it in text. */
#include "probe.h"

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

bool kernel_config_lacks(const char *text, const char *option)
{
	struct cursor c = cursor_of(text), line;

	while (cursor_line(&c, &line))
		if (cursor_word(&line, "# ") && cursor_word(&line, option) &&
		    cursor_word(&line, " is not set"))
			return true;
	return false;
}
