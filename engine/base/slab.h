/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slab: small pieces of memory in power-of-two classes, carved from a budget given at
 * creation. For what stores keep: it takes from malloc only while it grows to its
 * budget, and a freed piece serves the next request of its class.
 */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stdbool.h>
#include <stddef.h>

enum {
	SLAB_CLASSES = 10,
	SLAB_PIECE_MIN = 64,
	SLAB_PIECE_MAX = SLAB_PIECE_MIN << (SLAB_CLASSES - 1)
};

struct slab_chunk;

/* Zeroed with `budget` set is ready to use. */
struct slab {
	size_t budget, held; /* bytes */
	struct slab_chunk *chunks;
	char *next, *end; /* of the newest chunk */
	void *free[SLAB_CLASSES];
};

/* NULL if size is over SLAB_PIECE_MAX or the budget is used up. */
void *slab_alloc(struct slab *slab, size_t size);
/* size: as asked for. NULL is fine. */
void slab_release(struct slab *slab, void *piece, size_t size);
/* Gives everything back at once. */
void slab_free(struct slab *slab);

#endif
