/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slab: small pieces of memory in power-of-two classes, within a budget given at
 * creation. For what stores keep: the budget is reserved at the first request and
 * touched only as far as it is used. A page holds pieces of one class and serves any
 * other once all of them are released, so that nobody who decides over sizes can
 * take the memory of all other sizes for good.
 */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SLAB_CLASSES = 10,
	SLAB_PIECE_MIN = 64,
	SLAB_PIECE_MAX = SLAB_PIECE_MIN << (SLAB_CLASSES - 1),
	SLAB_PAGE = SLAB_PIECE_MAX,
};

struct slab_page;

/* Zeroed with `budget` set (bytes, a page at least) is ready to use. */
struct slab {
	size_t budget;
	char *memory;
	struct slab_page *pages;
	uint32_t page_count, untouched; /* pages from here on were never used */
	uint32_t idle;			/* list of pages without pieces in use */
	uint32_t open[SLAB_CLASSES];	/* lists of pages with room */
	uint64_t used;			/* bytes of the pieces handed out */
};

/* NULL if size is over SLAB_PIECE_MAX or no page has room. */
void *slab_alloc(struct slab *slab, size_t size);
/* size: as asked for. NULL is fine. */
void slab_release(struct slab *slab, void *piece, size_t size);
/* Gives everything back at once. */
void slab_free(struct slab *slab);

/* What a request takes of the slab. */
static inline size_t slab_size(size_t size)
{
	size_t piece = SLAB_PIECE_MIN;

	while (piece < size)
		piece *= 2;
	return piece;
}

/* A piece as a number below budget / SLAB_PIECE_MIN, for those who keep many of them. */
static inline uint32_t slab_number(const struct slab *slab, const void *piece)
{
	return (uint32_t)((size_t)((const char *)piece - slab->memory) / SLAB_PIECE_MIN);
}

static inline void *slab_piece(const struct slab *slab, uint32_t number)
{
	return slab->memory + (size_t)number * SLAB_PIECE_MIN;
}

#endif
