/* SPDX-License-Identifier: Apache-2.0 */
/* string.format([...]): %s %d %f %e %x %X %o %b, with a precision for %f and %e. */
#include <math.h>

#include "lib_text.h"

enum { PRECISION_MAX = 1000 };

struct clause {
	char letter;
	int precision; /* -1: not given */
};

static void add_value(struct text *text, struct value v);

static void add_str(struct text *text, struct str s)
{
	text_add(text, s.data, s.len);
}

static void add_double(struct text *text, double d)
{
	char out[NUMBER_PLAIN_MAX];

	text_add(text, out, number_format_plain(d, out));
}

static void add_integer(struct text *text, struct value v)
{
	char out[24];
	int len = v.tag == VALUE_INT ? snprintf(out, sizeof(out), "%lld", (long long)v.i)
				     : snprintf(out, sizeof(out), "%llu", (unsigned long long)v.u);

	text_add(text, out, (size_t)len);
}

/* ---- %s ------------------------------------------------------------------- */

static void add_list(struct text *text, const struct value_list *list)
{
	text_add(text, "[", 1);
	for (uint32_t i = 0; i < list->count && !text->failed; i++) {
		if (i)
			text_add(text, ", ", 2);
		add_value(text, list->items[i]);
	}
	text_add(text, "]", 1);
}

struct shown_entry {
	struct value key; /* as text */
	struct value value;
};

static int entry_order(const void *a, const void *b)
{
	const struct shown_entry *left = a, *right = b;

	return (int)values_order(left->key, right->key);
}

static void add_entries(struct text *text, struct shown_entry *entries, uint32_t count)
{
	text_add(text, "{", 1);
	for (uint32_t i = 0; i < count && !text->failed; i++) {
		if (i)
			text_add(text, ", ", 2);
		add_str(text, value_text(entries[i].key));
		text_add(text, ": ", 2);
		add_value(text, entries[i].value);
	}
	text_add(text, "}", 1);
}

/* In the order of the keys' text. */
static void add_map(struct text *text, const struct value_map *map)
{
	struct shown_entry *entries = arena_alloc(text->run->arena,
						  (map->count + 1) * sizeof(*entries));

	if (!entries || !cel_spend(text->run, map->count)) {
		text->failed = true;
		return;
	}
	for (uint32_t i = 0; i < map->count; i++) {
		struct text key = { .run = text->run };

		add_value(&key, map->entries[i].key);
		text->failed |= key.failed;
		entries[i].key = value_string(key.data, key.len);
		entries[i].value = map->entries[i].value;
	}
	qsort(entries, map->count, sizeof(*entries), entry_order);
	add_entries(text, entries, map->count);
}

static void add_value(struct text *text, struct value v)
{
	char time[64];

	switch ((enum value_tag)v.tag) {
	case VALUE_NULL: add_str(text, STR("null")); break;
	case VALUE_BOOL: add_str(text, v.b ? STR("true") : STR("false")); break;
	case VALUE_INT:
	case VALUE_UINT: add_integer(text, v); break;
	case VALUE_DOUBLE: add_double(text, v.d); break;
	case VALUE_STRING:
	case VALUE_BYTES:
	case VALUE_TYPE: add_str(text, value_text(v)); break;
	case VALUE_TIMESTAMP: text_add(text, time, time_format(value_as_time(v), time)); break;
	case VALUE_DURATION: text_add(text, time, duration_format(v.i, time)); break;
	case VALUE_LIST: add_list(text, v.list); break;
	case VALUE_MAP: add_map(text, v.map); break;
	default: text->failed = true; break;
	}
}

/* ---- numbers -------------------------------------------------------------- */

/* %d */
static bool add_decimal(struct text *text, struct value v)
{
	if (v.tag == VALUE_DOUBLE)
		add_double(text, v.d);
	else if (v.tag == VALUE_INT || v.tag == VALUE_UINT)
		add_integer(text, v);
	else
		return false;
	return true;
}

/* %f %e */
static bool add_float(struct text *text, struct value v, const struct clause *clause)
{
	char out[PRECISION_MAX + 400];
	int precision = clause->precision < 0 ? 6 : clause->precision;
	double d = v.tag == VALUE_INT ? (double)v.i : v.tag == VALUE_UINT ? (double)v.u : v.d;

	if (v.tag != VALUE_INT && v.tag != VALUE_UINT && v.tag != VALUE_DOUBLE)
		return false;
	if (isnan(d) || isinf(d)) {
		add_double(text, d);
		return true;
	}
	text_add(text, out,
		 (size_t)snprintf(out, sizeof(out), clause->letter == 'f' ? "%.*f" : "%.*e",
				  precision, d));
	return true;
}

/* In base 2^shift, a sign in front. */
static void add_digits(struct text *text, bool negative, uint64_t u, unsigned int shift,
		       const char *digits)
{
	char out[66], *at = out + sizeof(out);

	do {
		*--at = digits[u & ((1u << shift) - 1)];
		u >>= shift;
	} while (u);
	if (negative)
		*--at = '-';
	text_add(text, at, (size_t)(out + sizeof(out) - at));
}

/* %x %X %o %b */
static bool add_based(struct text *text, struct value v, char letter)
{
	const char *digits = letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	unsigned int shift = letter == 'b' ? 1 : letter == 'o' ? 3 : 4;

	if (v.tag == VALUE_INT || v.tag == VALUE_UINT) {
		bool negative = v.tag == VALUE_INT && v.i < 0;

		add_digits(text, negative, negative ? -v.u : v.u, shift, digits);
		return true;
	}
	if (v.tag == VALUE_BOOL && letter == 'b') {
		text_add(text, v.b ? "1" : "0", 1);
		return true;
	}
	if ((v.tag != VALUE_STRING && v.tag != VALUE_BYTES) || shift != 4)
		return false;
	for (uint32_t i = 0; i < v.len; i++) {
		unsigned char c = (unsigned char)v.str[i];
		char pair[2] = { digits[c >> 4], digits[c & 15] };

		text_add(text, pair, 2);
	}
	return true;
}

/* ---- clauses -------------------------------------------------------------- */

/* "%" ["." digits] letter, behind the "%" */
static bool read_clause(struct str format, uint32_t *at, struct clause *out)
{
	out->precision = -1;
	if (*at < format.len && format.data[*at] == '.') {
		out->precision = 0;
		for ((*at)++; *at < format.len && format.data[*at] >= '0' &&
			      format.data[*at] <= '9' && out->precision <= PRECISION_MAX;
		     (*at)++)
			out->precision = out->precision * 10 + format.data[*at] - '0';
	}
	if (*at >= format.len || out->precision > PRECISION_MAX)
		return false;
	out->letter = format.data[(*at)++];
	return strchr("sdfexXob", out->letter) && out->letter;
}

static bool add_clause(struct text *text, const struct clause *clause, struct value v)
{
	switch (clause->letter) {
	case 's': add_value(text, v); return v.tag != VALUE_OPTIONAL && v.tag != VALUE_MESSAGE;
	case 'd': return add_decimal(text, v);
	case 'f':
	case 'e': return add_float(text, v, clause);
	default: return add_based(text, v, clause->letter);
	}
}

static void call_format(struct cel_run *run, const struct value *args, uint32_t count,
			struct value *out)
{
	struct str format = value_text(args[0]);
	struct text text = { .run = run };
	uint32_t next = 0, from = 0;

	(void)count;
	for (uint32_t at = 0; at < format.len;) {
		struct clause clause;

		if (format.data[at++] != '%')
			continue;
		text_add(&text, format.data + from, at - 1 - from);
		from = at;
		if (at < format.len && format.data[at] == '%') { /* %%: the second one stays */
			at++;
			continue;
		}
		if (!read_clause(format, &at, &clause)) {
			*out = ERROR_TEXT("found a formatting clause that format() does not have");
			return;
		}
		from = at;
		if (next >= args[1].list->count) {
			*out = ERROR_TEXT("found more formatting clauses than arguments");
			return;
		}
		if (!add_clause(&text, &clause, args[1].list->items[next++])) {
			*out = cel_error(run, "found an argument that %%%c does not take",
					 clause.letter);
			return;
		}
	}
	text_add(&text, format.data + from, format.len - from);
	*out = text_value(&text);
}

const struct cel_function format_rows[] = {
	{ "format", "string.(list(dyn)) -> string", call_format,
	  "With %s %d %f %e %x %X %o %b replaced by the elements of the list.",
	  "'%s has %d, %.2f, %x'.format(['a', 1, 2.5, 255])", "\"a has 1, 2.50, ff\"" },
};
const uint32_t format_rows_count = ARRAY_SIZE(format_rows);
