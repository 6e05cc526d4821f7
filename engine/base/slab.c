/* SPDX-License-Identifier: Apache-2.0 */
/* Slabs: a bump pointer over chunks, and a free list per size class. */
#include "slab.h"

#include "common.h"

enum { CHUNK_SIZE = 256 * 1024 };

struct slab_chunk {
	struct slab_chunk *next;
	char data[CHUNK_SIZE] __attribute__((aligned(16)));
};

static unsigned class_of(size_t size)
{
	unsigned class = 0;

	while (((size_t)SLAB_PIECE_MIN << class) < size)
		class ++;
	return class;
}

static bool chunk_add(struct slab *slab)
{
	if (slab->held + sizeof(struct slab_chunk) > slab->budget)
		return false;
	struct slab_chunk *chunk = malloc(sizeof(*chunk));

	if (!chunk)
		return false;
	chunk->next = slab->chunks;
	slab->chunks = chunk;
	slab->held += sizeof(*chunk);
	slab->next = chunk->data;
	slab->end = chunk->data + CHUNK_SIZE;
	return true;
}

void *slab_alloc(struct slab *slab, size_t size)
{
	if (size > SLAB_PIECE_MAX)
		return NULL;
	unsigned class = class_of(size);
	size_t piece = (size_t)SLAB_PIECE_MIN << class;
	void *p = slab->free[class];

	if (p) {
		slab->free[class] = *(void **)p;
		return p;
	}
	if ((size_t)(slab->end - slab->next) < piece && !chunk_add(slab))
		return NULL;
	p = slab->next;
	slab->next += piece;
	return p;
}

void slab_release(struct slab *slab, void *piece, size_t size)
{
	if (!piece)
		return;
	unsigned class = class_of(size);

	*(void **)piece = slab->free[class];
	slab->free[class] = piece;
}

void slab_free(struct slab *slab)
{
	while (slab->chunks) {
		struct slab_chunk *next = slab->chunks->next;

		free(slab->chunks);
		slab->chunks = next;
	}
	*slab = (struct slab){ .budget = slab->budget };
}
