/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's symbols by address and by name, private to engine/store. */
#ifndef STORE_SYMBOL_H
#define STORE_SYMBOL_H

#include "store.h"

/* Texts are offsets into `text`. */
struct symbol_row {
	uint64_t address;
	uint32_t name, module;
};

/* Zeroed: knows nothing. */
struct symbols {
	struct symbol_row *rows; /* by address, those of one address as they came */
	uint32_t *by_name;	 /* positions in rows */
	uint32_t count, capacity;
	char *text;
	size_t text_len, text_capacity;
	const char *unread; /* file to read when somebody asks; NULL: none */
	bool sorted;
};

void symbols_free(struct symbols *symbols);
/* Of the stores; kept in process.c. */
struct symbols *stores_symbols(const struct stores *stores);

#endif
