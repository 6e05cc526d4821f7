/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of text in aligned columns. The last column is cut at the edge of a terminal. */
#ifndef PAGE_TABLE_H
#define PAGE_TABLE_H

#include "base/buf.h"

enum { TABLE_COLUMNS_MAX = 9 }; /* a NULL after the last heading */

struct table_row {
	char *cells[TABLE_COLUMNS_MAX];
};

/* Set columns and headings; the rest zero. Cells are copied. */
struct table {
	unsigned columns;
	const char *headings[TABLE_COLUMNS_MAX];
	struct table_row *rows;
	size_t count, capacity;
};

/* One cell per column; NULL is an empty one; control characters become '?'. 0 or -ENOMEM. */
int table_add(struct table *table, const char *const *cells);
/* width 0: lines may be as long as they are. */
void table_write(struct buf *out, const struct table *table, unsigned width);
/* Width of the terminal that standard output is, 0 if it is none. */
unsigned table_width(void);
void table_free(struct table *table);

#endif
