/* SPDX-License-Identifier: Apache-2.0 */
/* Arenas: bump allocation in blocks that double up to a maximum. */
#include "arena.h"

enum { BLOCK_FIRST = 64 * 1024, BLOCK_MAX = 1024 * 1024 };

struct arena_block {
	struct arena_block *next;
	size_t size; /* of data */
	char data[] __attribute__((aligned(16)));
};

static void blocks_free(struct arena_block *block)
{
	while (block) {
		struct arena_block *next = block->next;

		ARENA_UNPOISON(block->data, block->size);
		free(block);
		block = next;
	}
}

void arena_free(struct arena *arena)
{
	blocks_free(arena->blocks);
	blocks_free(arena->spare);
	*arena = (struct arena){ .limit = arena->limit };
}

static void use_block(struct arena *arena, struct arena_block *block)
{
	ARENA_POISON(block->data, block->size);
	block->next = arena->blocks;
	arena->blocks = block;
	arena->next = block->data;
	arena->end = block->data + block->size;
}

void arena_reset(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *block = arena->blocks;

		arena->blocks = block->next;
		block->next = arena->spare;
		arena->spare = block;
		ARENA_POISON(block->data, block->size);
	}
	arena->next = arena->end = NULL;
}

/* A spare block that is large enough, unlinked; NULL if none. */
static struct arena_block *take_spare(struct arena *arena, size_t size)
{
	for (struct arena_block **at = &arena->spare; *at; at = &(*at)->next) {
		struct arena_block *block = *at;

		if (block->size >= size) {
			*at = block->next;
			return block;
		}
	}
	return NULL;
}

void *arena_alloc_slow(struct arena *arena, size_t size)
{
	size_t whole = ((size + 7) & ~(size_t)7) + ARENA_GAP;
	struct arena_block *block;

	if (size > SIZE_MAX / 2)
		return NULL;
	block = take_spare(arena, whole);
	if (!block) {
		size_t want = arena->held < BLOCK_FIRST ? BLOCK_FIRST
							: MIN(arena->held, (size_t)BLOCK_MAX);

		want = MAX(want, whole);
		if (arena->limit && arena->held + want > arena->limit)
			return NULL;
		block = malloc(sizeof(*block) + want);
		if (!block)
			return NULL;
		block->size = want;
		arena->held += want;
	}
	use_block(arena, block);
	arena->next += whole;
	ARENA_UNPOISON(block->data, size);
	return block->data;
}

void arena_shrink(struct arena *arena, void *piece, size_t size)
{
	char *next = (char *)piece + ((size + 7) & ~(size_t)7) + ARENA_GAP;

	ARENA_POISON((char *)piece + size, (size_t)(arena->next - (char *)piece) - size);
	arena->next = next;
}

void *arena_zalloc(struct arena *arena, size_t size)
{
	void *p = arena_alloc(arena, size);

	return p ? memset(p, 0, size) : NULL;
}

struct str arena_str(struct arena *arena, const char *data, size_t len)
{
	char *copy = len < UINT32_MAX ? arena_alloc(arena, len + 1) : NULL;

	if (!copy)
		return (struct str){ 0 };
	if (len)
		memcpy(copy, data, len);
	copy[len] = 0;
	return (struct str){ copy, (uint32_t)len };
}
