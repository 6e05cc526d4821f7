/* SPDX-License-Identifier: Apache-2.0 */
/* Memory by the page, see pages.h. */
#include "pages.h"

#include <stdint.h>
#include <sys/mman.h>

/* From a boundary of huge pages on: what is cut off goes back. */
static void *map_aligned(size_t size)
{
	char *memory = mmap(NULL, size + PAGES_HUGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t before;

	if (memory == MAP_FAILED)
		return MAP_FAILED;
	before = -(uintptr_t)memory & (PAGES_HUGE - 1);
	if (before)
		munmap(memory, before);
	memory += before;
	size = (size + 4095) & ~(size_t)4095;
	munmap(memory + size, PAGES_HUGE - before);
	return memory;
}

void *pages_reserve(size_t size, size_t small)
{
	size_t from = small > SIZE_MAX - PAGES_HUGE
			      ? SIZE_MAX
			      : (small + PAGES_HUGE - 1) & ~((size_t)PAGES_HUGE - 1);
	void *memory;

	if (size < PAGES_HUGE || from > size - PAGES_HUGE) {
		memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		return memory == MAP_FAILED ? NULL : memory;
	}
	memory = map_aligned(size);
	if (memory == MAP_FAILED)
		return NULL;
	/* Advice: a kernel that knows no huge pages does without. */
	madvise((char *)memory + from, size - from, MADV_HUGEPAGE);
	return memory;
}

void pages_free(void *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}
