/* SPDX-License-Identifier: Apache-2.0 */
/* Search for the word that the user probably intended, given a misspelt one. */
#pragma once

#include <stddef.h>

struct similar {
	const char *word; /* the misspelt word, @n bytes */
	size_t n;
	const char *best; /* the nearest candidate so far; NULL: no candidate is near enough */
	unsigned distance;
};

/*
 * similar_to() - start the search for @word
 * @n: its length in bytes; for a word over 32 bytes nothing is similar
 */
struct similar similar_to(const char *word, size_t n);

/*
 * similar_offer() - compare @candidate, and keep it if it is the nearest so far
 *
 * The distance counts missing, extra and changed letters, and exchanged neighbours. It may be at
 * most a third of the word's length. If two candidates are equally near, the first is kept.
 */
void similar_offer(struct similar *similar, const char *candidate);
