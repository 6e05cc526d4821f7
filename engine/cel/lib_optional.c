/* SPDX-License-Identifier: Apache-2.0 */
/* Optional values; or() and orValue() are macros, so that the other is evaluated if needed. */
#include "internal.h"

#define CALL(name) \
	static void name(struct cel_run *run, const struct value *args, uint32_t count, \
			 struct value *out)

CALL(call_of)
{
	(void)count;
	*out = value_optional(run, args[0]);
}

CALL(call_of_non_zero)
{
	(void)count;
	*out = value_is_zero(run, args[0]) ? value_none : value_optional(run, args[0]);
}

CALL(call_none)
{
	(void)run;
	(void)args;
	(void)count;
	*out = value_none;
}

CALL(call_has_value)
{
	(void)run;
	(void)count;
	*out = value_bool(args[0].object != NULL);
}

CALL(call_value)
{
	(void)run;
	(void)count;
	*out = args[0].object ? *(const struct value *)args[0].object
			      : ERROR_TEXT("found no value in the optional");
}

CALL(call_unwrap)
{
	const struct value_list *from = args[0].list;
	struct value_list *list = list_new(run, from->count);

	(void)count;
	for (uint32_t i = 0; list && i < from->count; i++) {
		if (from->items[i].tag != VALUE_OPTIONAL) {
			*out = ERROR_NO_OVERLOAD;
			return;
		}
		if (from->items[i].object)
			list->items[list->count++] = *(const struct value *)from->items[i].object;
	}
	*out = list ? value_of_list(list) : ERROR_MEMORY;
}

const struct cel_function optional_rows[] = {
	{ "optional.of", "(A) -> optional_type(A)", call_of, "An optional with a value.",
	  "optional.of(1).hasValue()", "true" },
	{ "optional.ofNonZeroValue", "(A) -> optional_type(A)", call_of_non_zero,
	  "An optional, without value if it is zero, empty or null.",
	  "optional.ofNonZeroValue('').hasValue()", "false" },
	{ "optional.none", "() -> optional_type(A)", call_none, "An optional without value.",
	  "optional.none().hasValue()", "false" },
	{ "hasValue", "optional_type(A).() -> bool", call_has_value, "Does it have a value?",
	  "{'a': 1}.?b.hasValue()", "false" },
	{ "value", "optional_type(A).() -> A", call_value, "Its value; an error if it has none.",
	  "{'a': 1}.?a.value()", "1" },
	{ "optional.unwrap", "(list(optional_type(A))) -> list(A)", call_unwrap,
	  "The values of those that have one.",
	  "optional.unwrap([optional.of(1), optional.none()])", "[1]" },
	{ "unwrapOpt", "list(optional_type(A)).() -> list(A)", call_unwrap,
	  "The values of those that have one.", "[optional.of(1), optional.none()].unwrapOpt()",
	  "[1]" },
};
const uint32_t optional_rows_count = ARRAY_SIZE(optional_rows);
