/* SPDX-License-Identifier: Apache-2.0 */
/* The lists library: slices, order, duplicates, nesting. */
#include "internal.h"

#define CALL(name) \
	static void name(struct cel_run *run, const struct value *args, uint32_t count, \
			 struct value *out)

enum { RANGE_MAX = 1000000 };

CALL(call_range)
{
	struct value_list *list;

	(void)count;
	if (args[0].i < 0 || args[0].i > RANGE_MAX) {
		*out = ERROR_TEXT("found a length that lists.range does not take");
		return;
	}
	list = list_new(run, (uint32_t)args[0].i);
	if (!list) {
		*out = ERROR_MEMORY;
		return;
	}
	for (int64_t i = 0; i < args[0].i; i++)
		list->items[list->count++] = value_int(i);
	*out = value_of_list(list);
}

CALL(call_slice)
{
	const struct value_list *list = args[0].list;
	int64_t from = args[1].i, to = args[2].i;

	(void)count;
	if (from < 0 || to < from || to > list->count)
		*out = cel_error(run, "cannot slice a list of %u from %lld to %lld", list->count,
				 (long long)from, (long long)to);
	else
		*out = value_list_of(run, list->items + from, (uint32_t)(to - from));
}

CALL(call_reverse)
{
	const struct value_list *from = args[0].list;
	struct value_list *list = list_new(run, from->count);

	(void)count;
	if (!list) {
		*out = ERROR_MEMORY;
		return;
	}
	for (uint32_t i = from->count; i-- > 0;)
		list->items[list->count++] = from->items[i];
	*out = value_of_list(list);
}

CALL(call_distinct)
{
	const struct value_list *from = args[0].list;
	struct value_list *list = list_new(run, from->count);

	(void)count;
	for (uint32_t i = 0; list && i < from->count; i++) {
		uint32_t j = 0;

		while (j < list->count && !values_equal(run, list->items[j], from->items[i]))
			j++;
		if (!cel_spend(run, 1))
			break;
		if (j == list->count)
			list->items[list->count++] = from->items[i];
	}
	*out = list ? value_of_list(list) : ERROR_MEMORY;
}

/* ---- flatten -------------------------------------------------------------- */

/* Elements when lists inside are opened `depth` times; adds them if `to` is given. */
static uint64_t flatten(struct cel_run *run, const struct value_list *list, int64_t depth,
			struct value_list *to)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < list->count && cel_spend(run, 1); i++) {
		if (list->items[i].tag == VALUE_LIST && depth > 0) {
			total += flatten(run, list->items[i].list, depth - 1, to);
			continue;
		}
		if (to)
			to->items[to->count++] = list->items[i];
		total++;
	}
	return total;
}

CALL(call_flatten)
{
	int64_t depth = count == 2 ? args[1].i : 1;
	struct value_list *list;
	uint64_t size;

	if (depth < 0) {
		*out = ERROR_TEXT("found a negative depth, expected at least 0");
		return;
	}
	size = flatten(run, args[0].list, MIN(depth, (int64_t)CEL_DEPTH_MAX), NULL);
	list = size < UINT32_MAX ? list_new(run, (uint32_t)size) : NULL;
	if (!list) {
		*out = ERROR_MEMORY;
		return;
	}
	flatten(run, args[0].list, MIN(depth, (int64_t)CEL_DEPTH_MAX), list);
	*out = value_of_list(list);
}

/* ---- sorting -------------------------------------------------------------- */

struct sortable {
	struct value key, item;
	uint32_t place; /* equal keys keep their order */
};

static int sortable_order(const void *a, const void *b)
{
	const struct sortable *left = a, *right = b;
	enum order order = values_order(left->key, right->key);

	if (order == ORDER_LESS || order == ORDER_GREATER)
		return (int)order;
	return left->place < right->place ? -1 : 1;
}

/* One kind of key, and one that has an order. */
static bool keys_fit(const struct value_list *keys)
{
	for (uint32_t i = 0; i < keys->count; i++) {
		enum order order = values_order(keys->items[i], keys->items[0]);

		if (keys->items[i].tag != keys->items[0].tag || order == ORDER_NONE)
			return false;
	}
	return true;
}

static struct value sort(struct cel_run *run, const struct value_list *items,
			 const struct value_list *keys)
{
	uint32_t count = items->count;
	struct sortable *rows;
	struct value_list *list;

	if (keys->count != count || !keys_fit(keys))
		return ERROR_TEXT("found keys to sort by that cannot be compared");
	if (!cel_spend(run, (uint64_t)count * 4))
		return ERROR_BUDGET;
	rows = arena_alloc(run->arena, (count + 1) * sizeof(*rows));
	list = list_new(run, count);
	if (!rows || !list)
		return ERROR_MEMORY;
	for (uint32_t i = 0; i < count; i++)
		rows[i] = (struct sortable){ keys->items[i], items->items[i], i };
	qsort(rows, count, sizeof(*rows), sortable_order);
	for (uint32_t i = 0; i < count; i++)
		list->items[list->count++] = rows[i].item;
	return value_of_list(list);
}

CALL(call_sort)
{
	(void)count;
	*out = sort(run, args[0].list, args[0].list);
}

CALL(call_sort_by)
{
	(void)count;
	*out = sort(run, args[0].list, args[1].list);
}

/* ---- ends ----------------------------------------------------------------- */

CALL(call_first)
{
	(void)count;
	*out = args[0].list->count ? value_optional(run, args[0].list->items[0]) : value_none;
}

CALL(call_last)
{
	const struct value_list *list = args[0].list;

	(void)count;
	*out = list->count ? value_optional(run, list->items[list->count - 1]) : value_none;
}

const struct cel_function list_rows[] = {
	{ "lists.range", "(int) -> list(int)", call_range, "The numbers from 0, so many.",
	  "lists.range(3)", "[0,1,2]" },
	{ "slice", "list(A).(int, int) -> list(A)", call_slice,
	  "From a position up to, not including, another.", "[1, 2, 3, 4].slice(1, 3)", "[2,3]" },
	{ "reverse", "list(A).() -> list(A)", call_reverse, "From last to first.",
	  "[1, 2, 3].reverse()", "[3,2,1]" },
	{ "distinct", "list(A).() -> list(A)", call_distinct, "Without repeated elements.",
	  "[1, 2, 1].distinct()", "[1,2]" },
	{ "flatten", "list(list(A)).() -> list(A)", call_flatten, "Lists inside opened, one level.",
	  "[[1], [2, 3]].flatten()", "[1,2,3]" },
	{ "flatten", "list(dyn).() -> list(dyn)", call_flatten, "Lists inside opened, one level.",
	  NULL, NULL },
	{ "flatten", "list(dyn).(int) -> list(dyn)", call_flatten,
	  "Lists inside opened, so many levels.", "[1, [2, [3]]].flatten(2)", "[1,2,3]" },
	{ "sort", "list(A).() -> list(A)", call_sort, "In ascending order.", "[3, 1, 2].sort()",
	  "[1,2,3]" },
	{ "@sortBy", "(list(A), list(B)) -> list(A)", call_sort_by,
	  "In the order of the keys; written list.sortBy(x, key).", NULL, NULL },
	{ "first", "list(A).() -> optional_type(A)", call_first, "The first element, if any.",
	  "[1, 2].first().value()", "1" },
	{ "last", "list(A).() -> optional_type(A)", call_last, "The last element, if any.",
	  "[1, 2].last().value()", "2" },
};
const uint32_t list_rows_count = ARRAY_SIZE(list_rows);
