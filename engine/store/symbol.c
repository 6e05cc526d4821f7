/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's symbols, read from /proc/kallsyms when a rule asks for the first time: most rules
 * never do, and they take some megabytes. Modules that are loaded later are not known.
 */
#include "symbol.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/common.h"

enum { SYMBOLS_MAX = 4 << 20, LINE_MAX_BYTES = 1024 };

void symbols_free(struct symbols *symbols)
{
	free(symbols->rows);
	free(symbols->by_name);
	free(symbols->text);
	*symbols = (struct symbols){ 0 };
}

/* ---- adding ---------------------------------------------------------------------------- */

/* A text at the end; its offset, or UINT32_MAX without memory. */
static uint32_t keep(struct symbols *symbols, struct str text)
{
	size_t at = symbols->text_len, need = at + text.len + 1;

	if (need >= UINT32_MAX)
		return UINT32_MAX;
	if (need > symbols->text_capacity) {
		size_t capacity = MAX(need, symbols->text_capacity * 2);
		char *larger = realloc(symbols->text, capacity);

		if (!larger)
			return UINT32_MAX;
		symbols->text = larger;
		symbols->text_capacity = capacity;
	}
	memcpy(symbols->text + at, text.data, text.len);
	symbols->text[at + text.len] = 0;
	symbols->text_len = need;
	return (uint32_t)at;
}

/* The symbols of a module follow each other: its name is kept once. */
static uint32_t keep_module(struct symbols *symbols, struct str module)
{
	const struct symbol_row *last = symbols->count ? &symbols->rows[symbols->count - 1] : NULL;

	if (last && str_equal(str_of(symbols->text + last->module), module))
		return last->module;
	return keep(symbols, module);
}

static bool make_room(struct symbols *symbols)
{
	uint32_t capacity = symbols->capacity ? symbols->capacity * 2 : 1024;
	struct symbol_row *rows;

	if (symbols->count < symbols->capacity)
		return true;
	rows = capacity <= SYMBOLS_MAX ? reallocarray(symbols->rows, capacity, sizeof(*rows))
				       : NULL;
	if (!rows)
		return false;
	symbols->rows = rows;
	symbols->capacity = capacity;
	return true;
}

static bool add(struct symbols *symbols, uint64_t address, struct str name, struct str module)
{
	struct symbol_row row = { .address = address };

	if (!make_room(symbols))
		return false;
	row.module = keep_module(symbols, module);
	row.name = keep(symbols, name);
	if (row.module == UINT32_MAX || row.name == UINT32_MAX)
		return false;
	symbols->rows[symbols->count++] = row;
	symbols->sorted = false;
	return true;
}

bool stores_add_symbol(struct stores *stores, uint64_t address, struct str name, struct str module)
{
	return add(stores_symbols(stores), address, name, module);
}

/* "ffffffff81000000 T _text" or "... t name\t[module]"; addresses are 0 for others than root. */
static void add_line(struct symbols *symbols, char *line)
{
	char *rest, *name, *module;
	uint64_t address = strtoull(line, &rest, 16);

	if (!address || strlen(rest) < 4 || rest[0] != ' ' || rest[2] != ' ')
		return;
	name = rest + 3;
	rest = name + strcspn(name, " \t\n");
	module = strchr(rest, '[');
	*rest = 0;
	if (module)
		module[strcspn(module, "]\n")] = 0;
	add(symbols, address, str_of(name), module ? str_of(module + 1) : STR("system"));
}

static void read_all(struct symbols *symbols, const char *path)
{
	autoclean(fclosep) FILE *file = fopen(path, "re");
	char line[LINE_MAX_BYTES];

	while (file && fgets(line, sizeof(line), file))
		add_line(symbols, line);
}

void stores_use_kernel_symbols(struct stores *stores, const char *path)
{
	stores_symbols(stores)->unread = path;
}

/* ---- asking ---------------------------------------------------------------------------- */

static int by_address(const void *a, const void *b)
{
	const struct symbol_row *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return (x->name > y->name) - (x->name < y->name); /* as they came */
}

static int by_name(const void *a, const void *b, void *ctx)
{
	const struct symbols *symbols = ctx;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int order = strcmp(symbols->text + symbols->rows[x].name,
			   symbols->text + symbols->rows[y].name);

	return order ? order : (symbols->rows[x].name > symbols->rows[y].name) * 2 - 1;
}

/* Reads and sorts when it is asked for the first time. False: nothing is known. */
static bool ready(struct symbols *symbols)
{
	uint32_t *names;

	if (symbols->unread)
		read_all(symbols, take(symbols->unread));
	if (symbols->sorted || !symbols->count)
		return symbols->count > 0;
	names = reallocarray(symbols->by_name, symbols->count, sizeof(*names));
	if (!names)
		return false;
	symbols->by_name = names;
	qsort(symbols->rows, symbols->count, sizeof(*symbols->rows), by_address);
	for (uint32_t i = 0; i < symbols->count; i++)
		names[i] = i;
	qsort_r(names, symbols->count, sizeof(*names), by_name, symbols);
	symbols->sorted = true;
	return true;
}

uint32_t symbols_at(const struct stores *stores, uint64_t address, struct symbol *out, uint32_t max)
{
	struct symbols *symbols = stores_symbols(stores);
	uint32_t low = 0, high, count = 0;

	if (!ready(symbols))
		return 0;
	for (high = symbols->count; low < high;) {
		uint32_t middle = (low + high) / 2;

		if (symbols->rows[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < symbols->count && symbols->rows[low].address == address && count < max; low++)
		out[count++] = (struct symbol){ address,
						str_of(symbols->text + symbols->rows[low].name),
						str_of(symbols->text + symbols->rows[low].module) };
	return count;
}

uint64_t symbol_address(const struct stores *stores, struct str name)
{
	struct symbols *symbols = stores_symbols(stores);
	uint32_t low = 0, high;

	if (!ready(symbols))
		return 0;
	for (high = symbols->count; low < high;) {
		uint32_t middle = (low + high) / 2;
		const char *text = symbols->text + symbols->rows[symbols->by_name[middle]].name;
		int order = strncmp(text, name.data, name.len);

		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == symbols->count)
		return 0;
	const struct symbol_row *row = &symbols->rows[symbols->by_name[low]];

	return str_equal(str_of(symbols->text + row->name), name) ? row->address : 0;
}
