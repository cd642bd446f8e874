/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The distance is that of optimal string alignment. Row i of the table has the distances between
 * the first i letters of one word and each prefix of the other. A row depends on the two rows
 * before it.
 */
#include "fauxroot/base/similar.h"

#include <string.h>

#include "fauxroot/base/macro.h"

#define LONGEST 32

struct similar similar_to(const char *word, size_t n)
{
	return (struct similar){
		.word = word,
		.n = n,
		/* One more than the largest accepted distance. */
		.distance = n == 0 || n > LONGEST ? 0 : (unsigned)MAX(n / 3, 1) + 1,
	};
}

static unsigned distance_of(const char *a, size_t n_a, const char *b, size_t n_b)
{
	unsigned rows[3][LONGEST + 1], *older = rows[0], *last = rows[1], *row = rows[2];

	for (unsigned j = 0; j <= n_b; j++)
		last[j] = older[j] = j;
	for (unsigned i = 1; i <= n_a; i++) {
		unsigned *spare = older;

		row[0] = i;
		for (unsigned j = 1; j <= n_b; j++) {
			unsigned d = last[j - 1] + (a[i - 1] != b[j - 1]);

			d = MIN(d, last[j] + 1);
			d = MIN(d, row[j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d = MIN(d, older[j - 2] + 1);
			row[j] = d;
		}
		older = last;
		last = row;
		row = spare;
	}
	return last[n_b];
}

void similar_offer(struct similar *similar, const char *candidate)
{
	size_t n = strlen(candidate);
	unsigned distance;

	if (similar->distance == 0 || n > LONGEST)
		return;
	distance = distance_of(similar->word, similar->n, candidate, n);
	if (distance < similar->distance) {
		similar->distance = distance;
		similar->best = candidate;
	}
}
