/* SPDX-License-Identifier: Apache-2.0 */
/* Aligned columns; see table.h. */
#include "page/table.h"

#include <errno.h>
#include <sys/ioctl.h>

#include "base/common.h"
#include "page/page.h"

enum { GAP = 2 };

static void row_free(struct table_row *row)
{
	for (unsigned i = 0; i < TABLE_COLUMNS_MAX; i++)
		free(row->cells[i]);
}

void table_free(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		row_free(&table->rows[i]);
	free(table->rows);
	table->rows = NULL;
	table->count = table->capacity = 0;
}

static int table_reserve(struct table *table)
{
	if (table->count < table->capacity)
		return 0;
	size_t capacity = table->capacity ? table->capacity * 2 : 32;
	struct table_row *rows = reallocarray(table->rows, capacity, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	table->rows = rows;
	table->capacity = capacity;
	return 0;
}

/* What processes call themselves must not reach the terminal as commands to it. */
static char *copy_printable(const char *text)
{
	char *copy = strdup(text ? text : "");

	for (char *at = copy; at && *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	return copy;
}

int table_add(struct table *table, const char *const *cells)
{
	struct table_row row = { 0 };

	if (table_reserve(table) < 0)
		return -ENOMEM;
	for (unsigned i = 0; i < table->columns; i++) {
		row.cells[i] = copy_printable(cells[i]);
		if (!row.cells[i]) {
			row_free(&row);
			return -ENOMEM;
		}
	}
	table->rows[table->count++] = row;
	return 0;
}

unsigned table_width(void)
{
	struct winsize size;

	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		return size.ws_col;
	return 0;
}

/* At most `columns` columns of a text (0: all), control characters replaced. */
static unsigned add_cell(struct buf *out, const char *text, unsigned columns)
{
	unsigned used = 0;

	for (; *text; text++) {
		bool starts = (*text & 0xc0) != 0x80;

		if (starts && columns && used == columns)
			break;
		used += starts;
		buf_char(out, (unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text);
	}
	return used;
}

static void write_row(struct buf *out, const struct table *table, const char *const *cells,
		      const unsigned *widths, unsigned limit)
{
	unsigned at = 0;

	for (unsigned i = 0; i < table->columns; i++) {
		bool last = i + 1 == table->columns;

		if (last) {
			add_cell(out, cells[i], limit > at ? limit - at : limit);
			break;
		}
		unsigned used = add_cell(out, cells[i], 0);

		for (at += widths[i] + GAP; used < widths[i] + GAP; used++)
			buf_char(out, ' ');
	}
	while (out->len && out->data[out->len - 1] == ' ')
		out->len--;
	buf_char(out, '\n');
}

void table_write(struct buf *out, const struct table *table, unsigned width)
{
	unsigned widths[TABLE_COLUMNS_MAX];

	for (unsigned i = 0; i < table->columns; i++) {
		widths[i] = page_columns(str_of(table->headings[i]));
		for (size_t row = 0; row < table->count; row++)
			widths[i] = MAX(widths[i], page_columns(str_of(table->rows[row].cells[i])));
	}
	write_row(out, table, table->headings, widths, width);
	for (size_t row = 0; row < table->count; row++)
		write_row(out, table, (const char *const *)table->rows[row].cells, widths, width);
}
