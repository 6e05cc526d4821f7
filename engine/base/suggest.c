/* SPDX-License-Identifier: Apache-2.0 */
/* Optimal string alignment distance, case-insensitive, on names of at most NAME_MAX_LEN bytes. */
#include "suggest.h"

#include <ctype.h>

#include "common.h"

enum { NAME_MAX_LEN = 64 };

/* What is at least `limit` is `limit`: most candidates are given up after a few rows. */
static uint32_t distance(struct str a, struct str b, uint32_t limit)
{
	uint32_t rows[3][NAME_MAX_LEN + 1], least = 0;

	if (MAX(a.len, b.len) - MIN(a.len, b.len) >= limit)
		return limit;

	for (uint32_t j = 0; j <= b.len; j++)
		rows[0][j] = j;
	for (uint32_t i = 1; i <= a.len; i++) {
		uint32_t *now = rows[i % 3], *above = rows[(i + 2) % 3], *two = rows[(i + 1) % 3];
		uint32_t least_above = least;

		now[0] = least = i;
		for (uint32_t j = 1; j <= b.len; j++) {
			int x = tolower((unsigned char)a.data[i - 1]),
			    y = tolower((unsigned char)b.data[j - 1]);

			now[j] = MIN(MIN(above[j], now[j - 1]) + 1, above[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == tolower((unsigned char)b.data[j - 2]) &&
			    y == tolower((unsigned char)a.data[i - 2]))
				now[j] = MIN(now[j], two[j - 2] + 1);
			least = MIN(least, now[j]);
		}
		/* A later row comes from one of these two. */
		if (least >= limit && least_above >= limit)
			return limit;
	}
	return rows[a.len % 3][b.len];
}

void suggest_start(struct suggest *suggest, struct str wanted)
{
	/* A third of the letters may be wrong and one more; of a short name just one. */
	*suggest = (struct suggest){ .wanted = wanted,
				     .distance = wanted.len < 5 ? 2 : wanted.len / 3 + 2 };
}

void suggest_try(struct suggest *suggest, struct str candidate)
{
	if (!suggest->wanted.len || suggest->wanted.len > NAME_MAX_LEN ||
	    candidate.len > NAME_MAX_LEN)
		return;
	uint32_t d = distance(suggest->wanted, candidate, suggest->distance);

	if (d < suggest->distance) {
		suggest->distance = d;
		suggest->best = candidate;
	}
}
