/* SPDX-License-Identifier: Apache-2.0 */
/* Errors for a person: filling in, collecting and printing them. */
#include "err.h"

#include <errno.h>
#include <stdarg.h>

int err_set(struct err *err, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	err->code = code;
	return code;
}

void err_at(struct err *err, const char *path, uint32_t line, uint32_t column)
{
	if (path)
		snprintf(err->path, sizeof(err->path), "%s", path);
	err->line = line;
	err->column = column;
}

void err_hint(struct err *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->hint, sizeof(err->hint), format, args);
	va_end(args);
}

/* Text may come from a file: what it holds must not steer a terminal. */
static void print_plain(FILE *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		fputc((c < 0x20 && c != '\t' && c != '\n') || c == 0x7f ? '?' : c, out);
	}
}

static void print_place(FILE *out, const struct err *err)
{
	if (!err->path[0])
		return;
	print_plain(out, err->path);
	fputc(':', out);
	if (err->line)
		fprintf(out, "%u:", err->line);
	if (err->line && err->column)
		fprintf(out, "%u:", err->column);
	fputc(' ', out);
}

/* The caret goes under the column; tabs are kept so that it lines up. */
static void print_caret(FILE *out, const struct err *err)
{
	fputs("    ", out);
	for (uint32_t i = 0; i + 1 < err->caret && err->source[i]; i++)
		if (((unsigned char)err->source[i] & 0xc0) != 0x80)
			fputc(err->source[i] == '\t' ? '\t' : ' ', out);
	fputs("^\n", out);
}

void err_print(FILE *out, const struct err *err)
{
	print_place(out, err);
	fputs(err->level == ERR_WARNING ? "warning: " : "error: ", out);
	print_plain(out, err->message);
	fputc('\n', out);
	if (err->source[0]) {
		fputs("    ", out);
		print_plain(out, err->source);
		fputc('\n', out);
		if (err->caret)
			print_caret(out, err);
	}
	if (err->hint[0]) {
		fputs("    hint: ", out);
		print_plain(out, err->hint);
		fputc('\n', out);
	}
}

void err_list_add(struct err_list *list, const struct err *err)
{
	if (err->level == ERR_WARNING)
		list->warnings++;
	else
		list->errors++;
	if (list->count == ERR_LIST_MAX)
		return;
	if (list->count == list->capacity) {
		uint32_t capacity = list->capacity ? list->capacity * 2 : 4;
		struct err *items = realloc(list->items, capacity * sizeof(*items));

		if (!items)
			return; /* counted above, so never silent */
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] = *err;
}

static int compare_places(const void *a, const void *b)
{
	const struct err *x = a, *y = b;
	int order = strcmp(x->path, y->path);

	if (order)
		return order;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	return strcmp(x->message, y->message);
}

void err_list_sort(struct err_list *list)
{
	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), compare_places);
}

void err_list_print(FILE *out, const struct err_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		err_print(out, &list->items[i]);
	if (list->errors + list->warnings > list->count)
		fprintf(out, "... and %u more\n", list->errors + list->warnings - list->count);
}

void err_list_free(struct err_list *list)
{
	free(list->items);
	*list = (struct err_list){ 0 };
}
