/* SPDX-License-Identifier: Apache-2.0 */
/* The math library: bits, rounding, signs, extremes. */
#include <math.h>

#include "internal.h"

#define CALL(name) \
	static void name(struct cel_run *run, const struct value *args, uint32_t count, \
			 struct value *out)
#define UNUSED() \
	(void)run; \
	(void)count

/* ---- bits: of int or uint, both of one kind; ours: mixed kinds and any order  */

/* What a mixed pair gives: uint, if one is. */
static uint8_t bits_tag(const struct value *args)
{
	return args[0].tag == VALUE_UINT || args[1].tag == VALUE_UINT ? VALUE_UINT : VALUE_INT;
}

#define BITS(name, sign) \
	CALL(name) \
	{ \
		UNUSED(); \
		*out = (struct value){ .tag = bits_tag(args), .u = args[0].u sign args[1].u }; \
	}
BITS(bit_and, &)
BITS(bit_or, |)
BITS(bit_xor, ^)

CALL(bit_not)
{
	UNUSED();
	*out = (struct value){ .tag = args[0].tag, .u = ~args[0].u };
}

/* Logical shifts; 64 and more places leave nothing. */
static struct value shift(const struct value *args, bool left)
{
	int64_t places = args[1].i;

	if (places < 0)
		return ERROR_TEXT("found a negative number of places to shift");
	return (struct value){ .tag = args[0].tag,
			       .u = places >= 64 ? 0
				    : left	 ? args[0].u << places
						 : args[0].u >> places };
}

CALL(bit_shift_left)
{
	UNUSED();
	*out = shift(args, true);
}

CALL(bit_shift_right)
{
	UNUSED();
	*out = shift(args, false);
}

/* ---- doubles -------------------------------------------------------------- */

#define ROUND(name, function) \
	CALL(name) \
	{ \
		UNUSED(); \
		*out = value_double(function(args[0].d)); \
	}
ROUND(call_ceil, ceil)
ROUND(call_floor, floor)
ROUND(call_round, round)
ROUND(call_trunc, trunc)

#define ASK(name, expression) \
	CALL(name) \
	{ \
		UNUSED(); \
		*out = value_bool(expression); \
	}
ASK(call_is_nan, isnan(args[0].d))
ASK(call_is_inf, isinf(args[0].d))
ASK(call_is_finite, isfinite(args[0].d))

static double as_double(struct value v)
{
	return v.tag == VALUE_INT ? (double)v.i : v.tag == VALUE_UINT ? (double)v.u : v.d;
}

CALL(call_sqrt)
{
	UNUSED();
	*out = value_double(sqrt(as_double(args[0])));
}

CALL(call_abs)
{
	UNUSED();
	if (args[0].tag == VALUE_DOUBLE)
		*out = value_double(fabs(args[0].d));
	else if (args[0].tag == VALUE_UINT || args[0].i >= 0)
		*out = args[0];
	else
		*out = values_negate(args[0]);
}

CALL(call_sign)
{
	UNUSED();
	if (args[0].tag == VALUE_DOUBLE)
		*out = value_double(isnan(args[0].d) ? args[0].d
						     : (args[0].d > 0) - (args[0].d < 0));
	else if (args[0].tag == VALUE_UINT)
		*out = value_uint(args[0].u > 0);
	else
		*out = value_int((args[0].i > 0) - (args[0].i < 0));
}

/* ---- extremes ------------------------------------------------------------- */

static bool is_number(struct value v)
{
	return v.tag == VALUE_INT || v.tag == VALUE_UINT || v.tag == VALUE_DOUBLE;
}

static struct value extreme(const struct value *items, uint32_t count, enum order wanted)
{
	struct value best;

	if (!count)
		return ERROR_TEXT("found an empty list, expected at least one number");
	best = items[0];
	for (uint32_t i = 0; i < count; i++) {
		if (!is_number(items[i]))
			return ERROR_NO_OVERLOAD;
		if (values_order(items[i], best) == wanted)
			best = items[i];
	}
	return best;
}

CALL(call_max)
{
	(void)run;
	*out = args[0].tag == VALUE_LIST
		       ? extreme(args[0].list->items, args[0].list->count, ORDER_GREATER)
		       : extreme(args, count, ORDER_GREATER);
}

CALL(call_min)
{
	(void)run;
	*out = args[0].tag == VALUE_LIST
		       ? extreme(args[0].list->items, args[0].list->count, ORDER_LESS)
		       : extreme(args, count, ORDER_LESS);
}

#define PAIR(name, call, doc, example, result, example_uint, result_uint) \
	{ name, "(int, int) -> int", call, doc, example, result }, \
		{ name, "(uint, uint) -> uint", call, doc, example_uint, result_uint }, \
		{ name, "(int, uint) -> uint", call, doc, NULL, NULL }, \
	{ \
		name, "(uint, int) -> uint", call, doc, NULL, NULL \
	}
#define EXTREME(name, call, doc) \
	{ name, "(int) -> int", call, doc, NULL, NULL }, \
		{ name, "(uint) -> uint", call, doc, NULL, NULL }, \
		{ name, "(double) -> double", call, doc, NULL, NULL }, \
		{ name, "(int, int) -> int", call, doc, NULL, NULL }, \
		{ name, "(uint, uint) -> uint", call, doc, NULL, NULL }, \
		{ name, "(double, double) -> double", call, doc, NULL, NULL }, \
		{ name, "(int, uint) -> dyn", call, doc, NULL, NULL }, \
		{ name, "(int, double) -> dyn", call, doc, NULL, NULL }, \
		{ name, "(uint, int) -> dyn", call, doc, NULL, NULL }, \
		{ name, "(uint, double) -> dyn", call, doc, NULL, NULL }, \
		{ name, "(double, int) -> dyn", call, doc, NULL, NULL }, \
		{ name, "(double, uint) -> dyn", call, doc, NULL, NULL }, \
		{ name, "(list(int)) -> int", call, doc, NULL, NULL }, \
		{ name, "(list(uint)) -> uint", call, doc, NULL, NULL }, \
		{ name, "(list(double)) -> double", call, doc, NULL, NULL }, \
	{ \
		name, "(list(dyn)) -> dyn", call, doc, NULL, NULL \
	}
#define NUMBERS(name, call, doc, example, result) \
	{ name, "(int) -> int", call, doc, example, result }, \
		{ name, "(uint) -> uint", call, doc, NULL, NULL }, \
	{ \
		name, "(double) -> double", call, doc, NULL, NULL \
	}

const struct cel_function math_rows[] = {
	PAIR("math.bitAnd", bit_and, "Bits set in both.", "math.bitAnd(0x0fff, 0x1ff)", "511",
	     "math.bitAnd(6u, 3u)", "2"),
	PAIR("math.bitOr", bit_or, "Bits set in either.", "math.bitOr(4, 1)", "5",
	     "math.bitOr(4u, 1u)", "5"),
	PAIR("math.bitXor", bit_xor, "Bits set in one of the two.", "math.bitXor(6, 3)", "5",
	     "math.bitXor(6u, 3u)", "5"),
	{ "math.bitNot", "(int) -> int", bit_not, "Bits that are not set.", "math.bitNot(0)",
	  "-1" },
	{ "math.bitNot", "(uint) -> uint", bit_not, "Bits that are not set.",
	  "math.bitNot(18446744073709551615u)", "0" },
	{ "math.bitShiftLeft", "(int, int) -> int", bit_shift_left, "Shifted to the left.",
	  "math.bitShiftLeft(1, 9)", "512" },
	{ "math.bitShiftLeft", "(uint, int) -> uint", bit_shift_left, "Shifted to the left.",
	  "math.bitShiftLeft(1u, 3)", "8" },
	{ "math.bitShiftRight", "(int, int) -> int", bit_shift_right,
	  "Shifted to the right, zeros from the left.", "math.bitShiftRight(0x1ff, 6)", "7" },
	{ "math.bitShiftRight", "(uint, int) -> uint", bit_shift_right,
	  "Shifted to the right, zeros from the left.", "math.bitShiftRight(8u, 3)", "1" },
	{ "math.ceil", "(double) -> double", call_ceil, "Next whole number up.", "math.ceil(1.2)",
	  "2" },
	{ "math.floor", "(double) -> double", call_floor, "Next whole number down.",
	  "math.floor(1.8)", "1" },
	{ "math.round", "(double) -> double", call_round,
	  "Nearest whole number, halves away from 0.", "math.round(-1.5)", "-2" },
	{ "math.trunc", "(double) -> double", call_trunc, "Without what is behind the point.",
	  "math.trunc(-1.9)", "-1" },
	{ "math.isNaN", "(double) -> bool", call_is_nan, "Is it no number?",
	  "math.isNaN(0.0 / 0.0)", "true" },
	{ "math.isInf", "(double) -> bool", call_is_inf, "Is it infinite?", "math.isInf(1.0 / 0.0)",
	  "true" },
	{ "math.isFinite", "(double) -> bool", call_is_finite, "Is it a number and finite?",
	  "math.isFinite(1.5)", "true" },
	{ "math.sqrt", "(double) -> double", call_sqrt, "Square root.", "math.sqrt(9.0)", "3" },
	{ "math.sqrt", "(int) -> double", call_sqrt, "Square root.", "math.sqrt(81)", "9" },
	{ "math.sqrt", "(uint) -> double", call_sqrt, "Square root.", "math.sqrt(4u)", "2" },
	NUMBERS("math.abs", call_abs, "Without its sign.", "math.abs(-3)", "3"),
	NUMBERS("math.sign", call_sign, "-1, 0 or 1.", "math.sign(-3)", "-1"),
	EXTREME("math.@max", call_max, "The greatest; written math.greatest(a, b, ...)."),
	EXTREME("math.@min", call_min, "The least; written math.least(a, b, ...)."),
};
const uint32_t math_rows_count = ARRAY_SIZE(math_rows);
