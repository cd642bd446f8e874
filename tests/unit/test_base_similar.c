/* SPDX-License-Identifier: Apache-2.0 */
/* Misspelt words, and the words that were probably intended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fauxroot/base/similar.h"
#include "fauxroot/base/str.h"

static const char *const words[] = {"net",
				    "ipv6",
				    "copy-up",
				    "copy-up-mode",
				    "disable-host-loopback",
				    "list-ports",
				    "ps",
				    "publish",
				    "a-name-that-is-longer-than-32-bytes"};

static const char *suggestion(const char *word)
{
	struct similar similar = similar_to(word, strlen(word));

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		similar_offer(&similar, words[i]);
	return similar.best;
}

static void similar_words_are_suggested(void **state)
{
	static const char *const rows[][2] = {
		{"nett", "net"},
		{"ent", "net"},
		{"nte", "net"},
		{"bet", "net"},
		{"ne", "net"},
		{"copyup", "copy-up"},
		{"copy_up", "copy-up"},
		{"copy-up-mod", "copy-up-mode"},
		{"disable-hostloopback", "disable-host-loopback"},
		{"disable-loopback", "disable-host-loopback"},
		{"lst-ports", "list-ports"},
		{"list-prots", "list-ports"},
		{"sp", "ps"},
		{"x", NULL},
		{"", NULL},
		{"foo", NULL},
		{"network", NULL},
		{"a-name-that-is-longer-than-32-byte", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *found = suggestion(rows[i][0]), *wanted = rows[i][1];

		if (!streq(found ? found : "", wanted ? wanted : ""))
			fail_msg("%s: %s", rows[i][0], found ? found : "nothing");
	}
}

/* A word that is bounded by its length, not by a NUL. */
static void the_word_is_not_read_past_its_end(void **state)
{
	struct similar similar = similar_to("nett=none", 4);

	(void)state;
	similar_offer(&similar, "net");
	assert_string_equal(similar.best, "net");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(similar_words_are_suggested),
		cmocka_unit_test(the_word_is_not_read_past_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
