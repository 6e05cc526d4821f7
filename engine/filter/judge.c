/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters that decide nothing: those that no value passes, and those that every value passes.
 * Only what is certain is said; see number_filter_match and string_filter_match for what holds.
 */
#include <limits.h>
#include <math.h>

#include "base/schema.h"
#include "private.h"

enum { COMM_MAX = 15, WHY_MAX = FILTER_WHY_MAX };

/* ---- numbers ------------------------------------------------------------------------------ */

struct span {
	long double low, high;
};

static long double number_at(const struct number_filter *f, uint64_t order)
{
	uint64_t bits = number_filter_bits(f, order);
	bool is_signed = f->type == NUMBER_INT64 || f->type == NUMBER_INT32;

	return is_signed ? (long double)(int64_t)bits : (long double)bits;
}

/* >100 and <50: either is meant, which is no range. */
static bool is_either(const struct number_filter *f)
{
	struct number_filter unset;

	number_filter_init(&unset, f->type, f->compat);
	return f->min != unset.min && f->max != unset.max && f->min >= f->max;
}

/* The range that is asked for; false: none is. */
static bool range_of(const struct number_filter *f, struct span *out)
{
	struct number_filter unset;

	number_filter_init(&unset, f->type, f->compat);
	*out = (struct span){ -HUGE_VALL, HUGE_VALL };
	if (is_either(f))
		return true;
	if (f->min != unset.min)
		out->low = number_at(f, f->min) + 1;
	if (f->max != unset.max)
		out->high = number_at(f, f->max) - 1;
	return f->min != unset.min || f->max != unset.max;
}

static bool has(const struct number_filter *f, const struct number_set *set, long double number)
{
	for (uint32_t i = 0; i < set->count; i++)
		if (number_at(f, set->items[i]) == number)
			return true;
	return false;
}

static uint32_t count_inside(const struct number_filter *f, const struct number_set *set,
			     const struct span *type)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < set->count; i++) {
		long double number = number_at(f, set->items[i]);

		count += number >= type->low && number <= type->high;
	}
	return count;
}

/* The smallest span that holds all numbers which pass; nothing passes: low above high. */
static struct span hull(const struct number_filter *f, const struct span *type)
{
	struct span range, all = { HUGE_VALL, -HUGE_VALL };

	if (range_of(f, &range) || (f->unequal.count && !f->equal.count)) {
		all.low = fmaxl(range.low, type->low);
		all.high = fminl(range.high, type->high);
		if (all.low > all.high)
			all = (struct span){ HUGE_VALL, -HUGE_VALL };
	}
	for (uint32_t i = 0; i < f->equal.count; i++) {
		long double number = number_at(f, f->equal.items[i]);

		if (number < type->low || number > type->high)
			continue;
		all.low = fminl(all.low, number);
		all.high = fmaxl(all.high, number);
	}
	return all;
}

static void say_span(const struct span *type, char why[WHY_MAX])
{
	if (type->high >= INT64_MAX && type->low == 0)
		snprintf(why, WHY_MAX, "the field is never below 0");
	else
		snprintf(why, WHY_MAX, "the field is from %.0Lf to %.0Lf", type->low, type->high);
}

static enum filter_judgement judge_numbers(const struct number_filter *f, const struct span *type,
					   char why[WHY_MAX])
{
	struct span all = hull(f, type), range;
	bool ranged = range_of(f, &range);

	if (!f->enabled || f->compat || is_either(f))
		return FILTER_DECIDES;
	if (all.low > all.high) {
		if (ranged && range.low > range.high)
			snprintf(why, WHY_MAX, "no number is in the range that is asked for");
		else
			say_span(type, why);
		return FILTER_NEVER;
	}
	if (count_inside(f, &f->unequal, type) ||
	    (!ranged && (!f->unequal.count || f->equal.count)))
		return FILTER_DECIDES;
	if (ranged && ((range.low > type->low &&
			!(range.low == type->low + 1 && has(f, &f->equal, type->low))) ||
		       (range.high < type->high &&
			!(range.high == type->high - 1 && has(f, &f->equal, type->high)))))
		return FILTER_DECIDES;
	say_span(type, why);
	return FILTER_ALWAYS;
}

static bool type_span(uint8_t type, struct span *out)
{
	switch (type) {
	case FIELD_i32: *out = (struct span){ INT32_MIN, INT32_MAX }; return true;
	case FIELD_u32: *out = (struct span){ 0, UINT32_MAX }; return true;
	case FIELD_u16: *out = (struct span){ 0, UINT16_MAX }; return true;
	case FIELD_i64: *out = (struct span){ INT64_MIN, INT64_MAX }; return true;
	case FIELD_u64:
	case FIELD_pointer:
	case FIELD_time: *out = (struct span){ 0, UINT64_MAX }; return true;
	default: return false;
	}
}

/* ---- texts -------------------------------------------------------------------------------- */

/* Some decimal number has it. */
static bool fits_decimal(const struct string_term *term)
{
	struct str text = term->text;
	uint32_t start = text.len && text.data[0] == '-' ? 1 : 0;

	for (uint32_t i = start; i < text.len; i++)
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
	if (term->form == STRING_EXACT || term->form == STRING_PREFIX)
		/* No number but 0 begins with a 0. */
		return text.len > start &&
		       (text.data[start] != '0' || (text.len == 1 && start == 0));
	return true;
}

static bool fits_unsigned(const struct string_term *term)
{
	return fits_decimal(term) &&
	       !(term->text.len && memchr(term->text.data, '-', term->text.len));
}

static bool fits_comm(const struct string_term *term)
{
	return term->text.len <= COMM_MAX;
}

/* A reason why terms fit nothing: FACT, 'term' VERDICT. */
struct reason {
	bool (*fits)(const struct string_term *term);
	const char *fact, *verdict;
};

static const struct reason not_decimal = { fits_decimal, "numbers are compared as decimal text",
					   "is none" };
static const struct reason not_unsigned = { fits_unsigned,
					    "numbers are compared as decimal text, without a sign",
					    "is none" };
static const struct reason too_long = { fits_comm, "the kernel keeps 15 bytes of a name",
					"has more" };

static enum filter_judgement judge_terms(const struct string_filter *f, const struct reason *what,
					 char why[WHY_MAX])
{
	uint32_t dead = 0, negative = 0, first = UINT32_MAX;

	for (uint32_t i = 0; i < f->count; i++) {
		negative += f->terms[i].negative;
		if (what->fits(&f->terms[i]))
			continue;
		first = MIN(first, i);
		dead++;
	}
	if (!f->count || dead < f->count || (negative && negative < f->count))
		return FILTER_DECIDES;
	snprintf(why, WHY_MAX, "%s, '%.*s' %s", what->fact, (int)MIN(f->terms[first].text.len, 60u),
		 f->terms[first].text.data, what->verdict);
	return negative ? FILTER_ALWAYS : FILTER_NEVER;
}

static enum filter_judgement judge_truth(const struct string_filter *f, char why[WHY_MAX])
{
	bool yes = string_filter_match(f, STR("true")), no = string_filter_match(f, STR("false"));

	if (yes != no || !f->count)
		return FILTER_DECIDES;
	snprintf(why, WHY_MAX, "the field is true or false");
	return yes ? FILTER_ALWAYS : FILTER_NEVER;
}

/* ---- filters ------------------------------------------------------------------------------ */

static enum filter_judgement judge_data(const struct data_filter *d, uint8_t type,
					char why[WHY_MAX])
{
	enum filter_judgement numbers = FILTER_DECIDES;
	struct span span;

	if (type == FIELD_bool)
		return judge_truth(&d->text, why);
	if (!type_span(type, &span))
		return FILTER_DECIDES;
	if (d->numeric || d->ordered)
		numbers = judge_numbers(&d->numbers, &span, why);
	if (d->numeric || !d->text.count || numbers == FILTER_NEVER)
		return numbers;
	enum filter_judgement texts = judge_terms(&d->text,
						  span.low < 0 ? &not_decimal : &not_unsigned, why);

	return texts == FILTER_ALWAYS && d->ordered ? numbers : texts;
}

enum filter_judgement filters_judge_data(const struct filters *f, struct str field,
					 char why[FILTER_WHY_MAX])
{
	int index = event_field_index(f->def, field);

	for (uint32_t i = 0; i < f->data_count; i++)
		if (f->data[i].field == index)
			return judge_data(&f->data[i], f->def->fields[index].type, why);
	return FILTER_DECIDES;
}

static enum filter_judgement judge_scope(const struct filters *f, const struct scope_filter *s,
					 char why[WHY_MAX])
{
	/* Ids, times and numbers of processors: none is negative. */
	static const struct span natural = { 0, INT64_MAX }, large = { 0, UINT64_MAX };
	const char *name = s->field->name;

	switch ((enum scope_kind)s->field->kind) {
	case SCOPE_INT64: return judge_numbers(&s->numbers, &natural, why);
	case SCOPE_UINT64: return judge_numbers(&s->numbers, &large, why);
	case SCOPE_STRING:
		if (strcmp(name, "comm") != 0 && strcmp(name, "processName") != 0)
			return FILTER_DECIDES;
		return judge_terms(&s->text, &too_long, why);
	case SCOPE_CONTAINER:
	case SCOPE_HOST:
		if (!f->any_container || !f->any_host || s->started)
			return FILTER_DECIDES;
		snprintf(why, WHY_MAX, "an event is in a container or on the host");
		return FILTER_ALWAYS;
	case SCOPE_BOOL: break;
	}
	return FILTER_DECIDES;
}

enum filter_judgement filters_judge_scope(const struct filters *f, struct str field,
					  char why[FILTER_WHY_MAX])
{
	const struct scope_field *known = scope_field_find(field);

	for (uint32_t i = 0; known && i < f->scope_count; i++)
		if (f->scope[i].field->what == known->what &&
		    f->scope[i].field->kind == known->kind)
			return judge_scope(f, &f->scope[i], why);
	return FILTER_DECIDES;
}

bool filters_span(const struct filters *f, uint32_t field, long double *low, long double *high)
{
	struct span span;

	if (!type_span(f->def->fields[field].type, &span))
		return false;
	for (uint32_t i = 0; i < f->data_count; i++) {
		const struct data_filter *d = &f->data[i];

		if (d->field == field && (d->numeric || d->ordered) && d->numbers.enabled &&
		    !d->numbers.compat)
			span = hull(&d->numbers, &span);
	}
	*low = span.low;
	*high = span.high;
	return true;
}

void filter_warn(struct report *report, const struct yaml_node *filter,
		 enum filter_judgement judgement, const char *why)
{
	const char *text = filter->text.data;

	if (judgement == FILTER_NEVER)
		report_warning(report, filter, "never-true",
			       strstr(text, "0x") ? "write it in decimal" : NULL,
			       "no event passes the filter '%s': %s", text, why);
	else if (judgement == FILTER_ALWAYS)
		report_warning(report, filter, "always-true",
			       "leave it out, or write what is meant",
			       "every event passes the filter '%s': %s", text, why);
}
