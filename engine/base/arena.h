/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An arena: memory that is freed all at once. The batch arena is reset after
 * every ring drain and keeps its blocks, so the event path allocates nothing.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "common.h"
#include "value.h"

/*
 * Under AddressSanitizer the bytes of an arena that were not handed out are poisoned, and
 * something of that stands between any two pieces: a read beyond a piece, or of what was
 * reset, is found as if each were from malloc.
 */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISONS 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ARENA_POISONS 1
#endif
#ifdef ARENA_POISONS
#include <sanitizer/asan_interface.h>
enum { ARENA_GAP = 16 };
#define ARENA_POISON(data, size)   ASAN_POISON_MEMORY_REGION(data, size)
#define ARENA_UNPOISON(data, size) ASAN_UNPOISON_MEMORY_REGION(data, size)
#else
enum { ARENA_GAP = 0 };
#define ARENA_POISON(data, size)   ((void)(data), (void)(size))
#define ARENA_UNPOISON(data, size) ((void)(data), (void)(size))
#endif

struct arena_block;

struct arena {
	char *next, *end;
	struct arena_block *blocks; /* in use, newest first */
	struct arena_block *spare;  /* kept by arena_reset */
	size_t limit;		    /* most bytes it may hold; 0: no limit */
	size_t held;
};

/* Zeroed struct arena is ready to use; limit may be set before. */
void arena_free(struct arena *arena);
/* Forget the contents, keep the memory. */
void arena_reset(struct arena *arena);
void *arena_alloc_slow(struct arena *arena, size_t size);

/* 8-byte aligned, not zeroed; NULL if the limit is reached or memory is out. */
static inline void *arena_alloc(struct arena *arena, size_t size)
{
	size_t whole = ((size + 7) & ~(size_t)7) + ARENA_GAP;

	if (LIKELY((size_t)(arena->end - arena->next) >= whole && arena->next)) {
		void *p = arena->next;

		arena->next += whole;
		ARENA_UNPOISON(p, size);
		return p;
	}
	return arena_alloc_slow(arena, size);
}

/* Gives back what is behind the first `size` bytes of the piece that was handed out last. */
void arena_shrink(struct arena *arena, void *piece, size_t size);
void *arena_zalloc(struct arena *arena, size_t size);
/* Copies; the copy is followed by a NUL. data == NULL on failure. */
struct str arena_str(struct arena *arena, const char *data, size_t len);

#define arena_new(arena, type)		((type *)arena_zalloc((arena), sizeof(type)))
#define arena_array(arena, type, count) ((type *)arena_zalloc((arena), sizeof(type) * (count)))

#endif
