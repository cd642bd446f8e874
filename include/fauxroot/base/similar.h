/* SPDX-License-Identifier: Apache-2.0 */
/* The word of a list that a misspelt one may have been meant as. */
#pragma once

#include <stddef.h>

struct similar {
	const char *word; /* the misspelt one, @n bytes */
	size_t n;
	const char *best; /* of those offered; NULL: none is near enough */
	unsigned distance;
};

/*
 * similar_to() - begin the search for @word
 * @n: its bytes; a word over 32 bytes has none that is similar
 */
struct similar similar_to(const char *word, size_t n);

/*
 * similar_offer() - is @candidate the nearest so far?
 *
 * What counts are letters left out, added, changed, and neighbours exchanged: a third of the word
 * at most. Of two that are equally near the first is kept.
 */
void similar_offer(struct similar *similar, const char *candidate);
