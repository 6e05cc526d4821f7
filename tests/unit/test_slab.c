/* SPDX-License-Identifier: Apache-2.0 */
/* Slabs: pieces do not overlap, the budget holds, and no size can drive out the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/slab.h"

enum { BUDGET = 1024 * 1024 };

static void sizes_have_limits(void **state)
{
	struct slab slab = { .budget = BUDGET }, small = { .budget = SLAB_PAGE - 1 };
	void *piece;

	(void)state;
	slab_release(&slab, NULL, 5);
	assert_null(slab_alloc(&slab, (size_t)SLAB_PIECE_MAX + 1));
	piece = slab_alloc(&slab, SLAB_PIECE_MAX);
	assert_non_null(piece);
	memset(piece, 1, SLAB_PIECE_MAX);
	slab_release(&slab, piece, SLAB_PIECE_MAX);
	piece = slab_alloc(&slab, 0);
	assert_non_null(piece);
	slab_release(&slab, piece, 0);
	slab_free(&slab);
	assert_null(slab_alloc(&small, 1)); /* no room for a page */
	slab_free(&small);
}

/* Random pieces come and go; each keeps what was written into it. */
static void pieces_do_not_overlap(void **state)
{
	enum { PIECES = 500, STEPS = 20000 };
	struct slab slab = { .budget = BUDGET };
	struct {
		unsigned char *at;
		size_t size;
	} pieces[PIECES] = { 0 };
	uint32_t random = 1, refused = 0;

	(void)state;
	for (int step = 0; step < STEPS; step++) {
		random = random * 1664525 + 1013904223;
		uint32_t i = (random >> 8) % PIECES;

		for (size_t k = 0; pieces[i].at && k < pieces[i].size; k++)
			assert_int_equal(pieces[i].at[k], (unsigned char)i);
		slab_release(&slab, pieces[i].at, pieces[i].size);
		pieces[i].size = (random >> 16) % 6000 + 1;
		pieces[i].at = slab_alloc(&slab, pieces[i].size);
		refused += pieces[i].at == NULL;
		if (pieces[i].at)
			memset(pieces[i].at, (int)i, pieces[i].size);
	}
	assert_true(refused > 0 && refused < STEPS / 2); /* the budget was reached, and held */
	slab_free(&slab);
}

static uint32_t fill(struct slab *slab, size_t size, void **pieces)
{
	uint32_t count = 0;

	while ((pieces[count] = slab_alloc(slab, size)))
		count++;
	return count;
}

static void no_size_keeps_the_memory(void **state)
{
	static void *pieces[BUDGET / SLAB_PIECE_MIN + 1];
	struct slab slab = { .budget = BUDGET };

	(void)state;
	for (size_t size = SLAB_PIECE_MIN; size <= SLAB_PIECE_MAX; size *= 2) {
		uint32_t count = fill(&slab, size, pieces);

		assert_int_equal(count, BUDGET / size);
		for (uint32_t i = 0; i < count; i++)
			slab_release(&slab, pieces[i], size);
	}
	/* The oldest pieces of a page's worth are enough for another size. */
	uint32_t count = fill(&slab, 2048, pieces);

	assert_null(slab_alloc(&slab, 64));
	for (uint32_t i = 0; i < SLAB_PAGE / 2048; i++)
		slab_release(&slab, pieces[i], 2048);
	assert_non_null(slab_alloc(&slab, 64));
	assert_true(count > SLAB_PAGE / 2048);
	slab_free(&slab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_have_limits),
		cmocka_unit_test(pieces_do_not_overlap),
		cmocka_unit_test(no_size_keeps_the_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
