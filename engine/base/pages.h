/* SPDX-License-Identifier: Apache-2.0 */
/* Large pieces of zeroed memory that exist when they are touched. */
#ifndef BASE_PAGES_H
#define BASE_PAGES_H

#include <stddef.h>

enum { PAGES_HUGE = 2 << 20 };

/*
 * NULL: no memory. What is large and read at random costs a miss of the TLB beside that of the
 * cache, unless its pages are huge: they are, from the byte `small` on (0: all, SIZE_MAX: none),
 * if that is worth a huge page. What fills up from its beginning stays small for as long as
 * it is.
 */
void *pages_reserve(size_t size, size_t small);
/* size: as asked for. NULL is fine. */
void pages_free(void *memory, size_t size);

#endif
