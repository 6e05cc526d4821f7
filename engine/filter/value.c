/* SPDX-License-Identifier: Apache-2.0 */
/* Filters on one value: numbers, strings, booleans. See filter.h for the semantics. */
#include <errno.h>
#include <limits.h>

#include "private.h"

/* ---- numbers ------------------------------------------------------------------ */

static const struct {
	bool is_signed;
	uint64_t min, max; /* as the type's own bits */
} number_types[] = {
	[NUMBER_INT64] = { true, (uint64_t)INT64_MIN, INT64_MAX },
	[NUMBER_UINT64] = { false, 0, UINT64_MAX },
	[NUMBER_INT32] = { true, (uint64_t)(int64_t)INT32_MIN, INT32_MAX },
	[NUMBER_UINT32] = { false, 0, UINT32_MAX },
};

/* Signed numbers are shifted so that unsigned comparison orders them. */
static uint64_t to_order(uint8_t type, uint64_t bits)
{
	return number_types[type].is_signed ? bits ^ (1ULL << 63) : bits;
}

/*
 * `>` keeps the lowest bound it sees and `<` the highest, so the type's other extreme means
 * "none": a bound there could match nothing anyway.
 */
void number_filter_init(struct number_filter *filter, enum number_type type, bool compat)
{
	*filter = (struct number_filter){
		.type = type,
		.compat = compat,
		.min = to_order(type, number_types[type].max),
		.max = to_order(type, number_types[type].min),
	};
}

static bool min_set(const struct number_filter *f)
{
	return f->min != to_order(f->type, number_types[f->type].max);
}

static bool max_set(const struct number_filter *f)
{
	return f->max != to_order(f->type, number_types[f->type].min);
}

uint64_t number_filter_bits(const struct number_filter *filter, uint64_t order)
{
	return to_order(filter->type, order); /* turning the sign bit twice */
}

static bool set_has(const struct number_set *set, uint64_t value)
{
	for (uint32_t i = 0; i < set->count; i++)
		if (set->items[i] == value)
			return true;
	return false;
}

static int set_add(struct number_set *set, uint64_t value, struct arena *arena, struct err *err)
{
	if (set_has(set, value))
		return 0;
	/* Powers of two are the capacities. */
	if ((set->count & (set->count - 1)) == 0) {
		uint64_t *items = arena_array(arena, uint64_t, set->count ? set->count * 2 : 1);

		if (!items)
			return err_set(err, -ENOMEM, "out of memory");
		if (set->count)
			memcpy(items, set->items, set->count * sizeof(*items));
		set->items = items;
	}
	set->items[set->count++] = value;
	return 0;
}

static bool parse_number(uint8_t type, struct str text, uint64_t *out)
{
	bool negative = false;
	uint64_t value = 0;
	uint32_t i = 0;

	if (number_types[type].is_signed && text.len &&
	    (text.data[0] == '-' || text.data[0] == '+'))
		negative = text.data[i++] == '-';
	if (i == text.len)
		return false;
	for (; i < text.len; i++) {
		unsigned digit = (unsigned)(text.data[i] - '0');

		if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	if (negative ? value > -number_types[type].min : value > number_types[type].max)
		return false;
	*out = negative ? -value : value;
	return true;
}

enum operator{ EQUAL, UNEQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, UNKNOWN };

/* Reads the operator at the start of an expression; *len: its bytes. */
static enum operator read_operator(struct str e, uint32_t *len)
{
	static const struct {
		struct str text;
		enum operator op;
	} table[] = { { STR("!="), UNEQUAL },	    { STR("<="), LESS_EQUAL },
		      { STR(">="), GREATER_EQUAL }, { STR("="), EQUAL },
		      { STR("<"), LESS },	    { STR(">"), GREATER } };

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (e.len >= table[i].text.len &&
		    memcmp(e.data, table[i].text.data, table[i].text.len) == 0) {
			*len = table[i].text.len;
			return table[i].op;
		}
	*len = e.len && e.data[0] == '!' ? MIN(2u, e.len) : MIN(1u, e.len);
	return UNKNOWN;
}

static int bad_expression(struct err *err, struct str e)
{
	return err_set(err, -EINVAL, "invalid filter expression: %.*s", (int)e.len, e.data);
}

static int add_bound(struct number_filter *f, enum operator op, uint64_t value, struct arena *arena,
		     struct err *err)
{
	uint64_t order = to_order(f->type, value);
	int code = 0;

	switch (op) {
	case UNEQUAL: return set_add(&f->unequal, order, arena, err);
	case GREATER_EQUAL:
	case LESS_EQUAL: code = set_add(&f->equal, order, arena, err); break;
	case GREATER:
	case LESS: break;
	case EQUAL:
	case UNKNOWN: return set_add(&f->equal, order, arena, err);
	}
	if (op == GREATER || op == GREATER_EQUAL)
		f->min = MIN(f->min, order);
	else
		f->max = MAX(f->max, order);
	return code;
}

/* Calls each comma-separated part; an empty list has one empty part. */
#define for_each_part(part, list) \
	for (struct str rest_ = (list), part = next_part(&rest_); part.data; \
	     part = next_part(&rest_))

static struct str next_part(struct str *rest)
{
	struct str part = { rest->data, 0 };

	if (!rest->data)
		return part;
	while (part.len < rest->len && rest->data[part.len] != ',')
		part.len++;
	if (part.len == rest->len)
		*rest = (struct str){ 0 };
	else
		*rest = (struct str){ rest->data + part.len + 1, rest->len - part.len - 1 };
	return part;
}

int number_filter_add(struct number_filter *f, struct str e, struct arena *arena, struct err *err)
{
	uint32_t skip = 0;
	enum operator op = read_operator(e, &skip);

	if (e.len <= skip || (op == UNKNOWN && !f->compat)) {
		bad_expression(err, e);
		err_hint(err, "write one of = != < <= > >= and a decimal number");
		return -EINVAL;
	}
	for_each_part(part, ((struct str){ e.data + skip, e.len - skip }))
	{
		uint64_t value;

		if (!parse_number(f->type, part, &value)) {
			err_set(err, -EINVAL, "invalid filter value %.*s", (int)part.len,
				part.data);
			err_hint(err, "expected a decimal number%s",
				 number_types[f->type].is_signed ? "" : " without a sign");
			return -EINVAL;
		}
		if (op == LESS && !number_types[f->type].is_signed && value == 0)
			return bad_expression(err, e);
		int code = add_bound(f, op, value, arena, err);

		if (code)
			return code;
	}
	f->enabled = true;
	return 0;
}

static bool in_range(const struct number_filter *f, uint64_t order)
{
	/* >100 and <50 have nothing in common: either is meant. Tracee matches nothing. */
	if (!f->compat && min_set(f) && max_set(f) && f->min >= f->max)
		return order > f->min || order < f->max;
	return (!min_set(f) || order > f->min) && (!max_set(f) || order < f->max);
}

bool number_filter_in_range(const struct number_filter *f, uint64_t value)
{
	return in_range(f, to_order(f->type, value));
}

bool number_filter_match(const struct number_filter *f, uint64_t value)
{
	uint64_t order = to_order(f->type, value);

	if (!f->enabled)
		return true;
	if (set_has(&f->equal, order))
		return true;
	if (set_has(&f->unequal, order))
		return false;
	if (min_set(f) || max_set(f))
		return in_range(f, order);
	/* Exclusions alone: everything but. Tracee matches nothing here. */
	return !f->compat && f->equal.count == 0 && f->unequal.count;
}

/* ---- strings ------------------------------------------------------------------ */

static int bad_value(struct err *err, struct str value, const char *hint)
{
	err_set(err, -EINVAL, "invalid filter value %.*s", (int)value.len, value.data);
	err_hint(err, "%s", hint);
	return -EINVAL;
}

/* abc, abc*, *abc, *abc*: only the outermost stars mean anything. */
static int parse_term(struct str value, struct string_term *out, struct err *err)
{
	if (value.len == 0)
		return bad_value(err, value, "an element of the list is empty");
	bool front = value.data[0] == '*', back = value.data[value.len - 1] == '*';

	if (value.len <= 2 && front && back)
		return bad_value(err, value,
				 "a star alone matches everything: leave the filter out");
	*out = (struct string_term){
		.text = { value.data + front, value.len - front - back },
		.form = front && back ? STRING_CONTAINS
			: front	      ? STRING_SUFFIX
			: back	      ? STRING_PREFIX
				      : STRING_EXACT,
	};
	return 0;
}

static int add_term(struct string_filter *f, struct string_term term, struct arena *arena,
		    struct err *err)
{
	if ((f->count & (f->count - 1)) == 0) {
		struct string_term *terms = arena_array(arena, struct string_term,
							f->count ? f->count * 2 : 1);

		if (!terms)
			return err_set(err, -ENOMEM, "out of memory");
		if (f->count)
			memcpy(terms, f->terms, f->count * sizeof(*terms));
		f->terms = terms;
	}
	term.text = arena_str(arena, term.text.data, term.text.len);
	if (!term.text.data)
		return err_set(err, -ENOMEM, "out of memory");
	f->terms[f->count++] = term;
	f->has_negative |= term.negative;
	return 0;
}

int string_filter_add(struct string_filter *f, struct str e, struct arena *arena, struct err *err)
{
	uint32_t skip = 0;
	enum operator op = read_operator(e, &skip);

	if (op == UNKNOWN && f->compat && e.len > skip)
		op = EQUAL; /* any other first character, and the one behind a lone ! */
	if (e.len <= skip) {
		bad_expression(err, e);
		err_hint(err, "write = or != and a value");
		return -EINVAL;
	}
	if (op != EQUAL && op != UNEQUAL) {
		err_set(err, -EINVAL, "failed to add filter: unsupported operator %.*s", (int)skip,
			e.data);
		err_hint(err, "text is compared with = or !=, and * at either end of the value");
		return -EINVAL;
	}
	for_each_part(part, ((struct str){ e.data + skip, e.len - skip }))
	{
		struct string_term term;
		int code = parse_term(part, &term, err);

		if (!code) {
			term.negative = op == UNEQUAL;
			code = add_term(f, term, arena, err);
		}
		if (code)
			return code;
	}
	return 0;
}

static bool term_hits(const struct string_term *term, struct str value)
{
	struct str text = term->text;

	if (value.len < text.len)
		return false;
	switch (term->form) {
	case STRING_EXACT: return str_equal(text, value);
	case STRING_PREFIX: return memcmp(value.data, text.data, text.len) == 0;
	case STRING_SUFFIX:
		return memcmp(value.data + value.len - text.len, text.data, text.len) == 0;
	}
	return memmem(value.data, value.len, text.data, text.len) != NULL;
}

bool string_filter_match(const struct string_filter *f, struct str value)
{
	bool excluded = false;

	if (f->count == 0)
		return true;
	for (uint32_t i = 0; i < f->count; i++) {
		if (!term_hits(&f->terms[i], value))
			continue;
		if (!f->terms[i].negative)
			return true;
		excluded = true;
	}
	return f->has_negative && !excluded;
}

/* ---- booleans ----------------------------------------------------------------- */

static bool go_bool(struct str text, bool *out)
{
	static const struct str yes[] = { STR("1"),    STR("t"),    STR("T"),
					  STR("true"), STR("TRUE"), STR("True") };
	static const struct str no[] = { STR("0"),     STR("f"),     STR("F"),
					 STR("false"), STR("FALSE"), STR("False") };

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (str_equal(text, yes[i]) || str_equal(text, no[i])) {
			*out = str_equal(text, yes[i]);
			return true;
		}
	}
	return false;
}

/* "=true", "!=false", or a bare word: `container` is true, `not-container` false. */
int bool_filter_add(struct bool_filter *f, struct str e, struct err *err)
{
	uint32_t skip = 0;
	enum operator op = read_operator(e, &skip);
	struct str values = { e.data + skip, e.len - skip };
	bool value;

	if (e.len == 0)
		return bad_expression(err, e);
	if (op == UNKNOWN || (f->compat && op != EQUAL && op != UNEQUAL)) {
		bool negated = e.len >= 4 && memcmp(e.data, "not-", 4) == 0;

		f->enabled = true;
		*(negated ? &f->want_false : &f->want_true) = true;
		return 0;
	}
	if (op != EQUAL && op != UNEQUAL)
		return err_set(err, -EINVAL, "failed to add filter: unsupported operator %.*s",
			       (int)skip, e.data);
	for_each_part(part, values)
	{
		if (!go_bool(part, &value))
			return bad_value(err, part, "expected true or false");
		if (op == UNEQUAL)
			value = !value;
		*(value ? &f->want_true : &f->want_false) = true;
	}
	f->enabled = true;
	return 0;
}

bool bool_filter_match(const struct bool_filter *f, bool value)
{
	return !f->enabled || (value ? f->want_true : f->want_false);
}
