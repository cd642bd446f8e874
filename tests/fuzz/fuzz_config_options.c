/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line. Accepted options can be written out again, and parse to the same; a refusal has
 * a message. The input is argv, its words terminated by NUL.
 */
#include <assert.h>
#include <errno.h>

#include "config_text.h"
#include "fauxroot/base/err.h"

static struct argv split(const char *argv0, const char *at, const char *end)
{
	struct argv argv = argv_of(argv0, "");

	for (size_t n; at < end && argv.n < 64; at += n + 1, argv.n++) {
		n = strnlen(at, (size_t)(end - at));
		if (strv_add_n(&argv.words, at, n) < 0)
			abort();
	}
	return argv;
}

static void check_round_trip(const struct config *config)
{
	_cleanup_strv_ struct strv again = {NULL, 0};
	_cleanup_free_ char *text = config_text(config), *text_again = NULL;
	_cleanup_config_ struct config second;
	struct error err = {0};
	int rc;

	if (strv_add(&again, "fauxroot") < 0)
		abort();
	config_words(config, &again);
	config_init(&second);
	rc = options_read(&second, (int)again.n, again.items, &err);
	assert(rc == 0);
	text_again = config_text(&second);
	assert(streq(text, text_again));
	assert(second.action == config->action);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct argv argv = split("fauxroot", (const char *)data, (const char *)data + size);
	_cleanup_config_ struct config config, strict;
	struct error err = {0};
	int rc;

	config_init(&config);
	config_init(&strict);
	rc = options_read(&config, argv.n, argv.words.items, &err);
	if (rc == 0) {
		assert(config.command > argv.words.items);
		assert(config.command <= argv.words.items + argv.n);
		check_round_trip(&config);
	} else {
		assert(rc == -EINVAL && err.code == EINVAL && *err.text);
	}

	/* The parser of main() is stricter, never looser, and names its step. */
	if (options_parse(&strict, argv.n, argv.words.items, &err) == 0) {
		assert(rc == 0);
		assert(strict.action != ACTION_RUN || *strict.command);
	} else {
		assert(err.step == STEP_OPTIONS && *err.text);
	}
	strv_clear(&argv.words);
	return 0;
}
