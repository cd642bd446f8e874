/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: argv from one string, and a struct config as the options that would make it. */
#pragma once

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>

#include "config/private.h"

/* An argv of its own: argv[0] and the words of a text, which blanks separate. */
struct argv {
	struct strv words;
	int n;
};

static inline struct argv argv_of(const char *argv0, const char *text)
{
	struct argv argv = {0};

	if (strv_add(&argv.words, argv0) < 0)
		abort();
	while (*text) {
		size_t n = strcspn(text, " ");

		if (strv_add_n(&argv.words, text, n) < 0)
			abort();
		text += n + (text[n] == ' ');
	}
	argv.n = (int)argv.words.n;
	return argv;
}

/* "--name=value" of the row's field in @config, into @v; a list makes one word an item */
static inline void row_text(const struct option_row *row, const struct config *config,
			    struct strv *v)
{
	const void *field = (const char *)config + row->offset;
	const struct strv *list = field;
	char address[INET_ADDRSTRLEN];
	int rc = 0;

	switch (row->kind) {
	case OPTION_BOOL:
		rc = strv_addf(v, "--%s=%s", row->name, *(const bool *)field ? "true" : "false");
		break;
	case OPTION_STRING:
		rc = strv_addf(v, "--%s=%s", row->name, *(const char *const *)field);
		break;
	case OPTION_CHOICE:
		rc = strv_addf(v, "--%s=%s", row->name, option_word(row, config)->name);
		break;
	case OPTION_UINT:
		rc = strv_addf(v, "--%s=%u", row->name, *(const unsigned *)field);
		break;
	case OPTION_CIDR:
		inet_ntop(AF_INET, &((const struct cidr *)field)->address, address,
			  sizeof(address));
		rc = strv_addf(v, "--%s=%s/%u", row->name, address,
			       ((const struct cidr *)field)->prefix);
		break;
	case OPTION_LIST:
		for (size_t i = 0; i < list->n && rc == 0; i++)
			rc = strv_addf(v, "--%s=%s", row->name, list->items[i]);
		break;
	}
	if (rc < 0)
		abort();
}

/* All options that are not at their default, in the order of the table, then the command. */
static inline void config_words(const struct config *config, struct strv *v)
{
	for (const struct option_row *row = options_rows(); row->name; row++)
		if (!option_is_default(row, config))
			row_text(row, config, v);
	if (strv_add(v, "--") < 0)
		abort();
	for (char **word = config->command; word && *word; word++)
		if (strv_add(v, *word) < 0)
			abort();
}

static inline char *config_text(const struct config *config)
{
	_cleanup_strv_ struct strv v = {NULL, 0};
	char *text;

	config_words(config, &v);
	text = strv_join(&v, " ");
	if (!text)
		abort();
	return text;
}
