/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "completions.h"

void completions_words(const struct item *item)
{
	for (const struct option_word *word = item->words; word->name; word++)
		if (word->available && *word->name)
			printf("%s ", word->name);
}

void completions_quoted(const char *text, const char *quote, const char *escaped)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs(quote, stdout);
		else if (strchr(escaped, *text))
			printf("\\%c", *text);
		else
			putchar(*text);
	}
}
