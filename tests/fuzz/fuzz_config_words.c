/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The splitting of FAUXROOT_OPTIONS: the words together are no longer than the text, and words in
 * quotes, with escapes for special characters, are split back unchanged.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/private.h"
#include "fauxroot/base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* "\x41\x42": any word, with any bytes */
static char *quoted(const struct strv *words)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert(out);
	for (size_t i = 0; i < words->n; i++) {
		fputs(i % 2 ? " \"" : " '", out);
		for (const char *at = words->items[i]; *at; at++)
			fprintf(out, "\\x%02x", (unsigned char)*at);
		fputs(i % 2 ? "\"" : "'", out);
	}
	fclose(out);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = malloc(size + 1), *again = NULL;
	_cleanup_strv_ struct strv words = {NULL, 0}, back = {NULL, 0};
	struct error err = {0};
	size_t total = 0;

	assert(text);
	memcpy(text, data, size);
	text[size] = '\0';
	if (words_split(text, &words, &err) < 0) {
		assert(err.code > 0 && err.text[0] != '\0');
		return 0;
	}
	for (size_t i = 0; i < words.n; i++)
		total += strlen(words.items[i]);
	assert(total <= strlen(text));
	again = quoted(&words);
	assert(words_split(again, &back, &err) == 0 && back.n == words.n);
	for (size_t i = 0; i < words.n; i++)
		assert(streq(words.items[i], back.items[i]));
	return 0;
}
