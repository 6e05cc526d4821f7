/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arithmetic, chosen by the operands' tags. Never wraps around: what does not fit is an error.
 */
#include "internal.h"

const char *const operation_functions[OPERATION_COUNT] = {
#define OPERATION(name, function, symbol) [OPERATION_##name] = function,
#include "operations.def"
#undef OPERATION
};

const char *const operation_symbols[OPERATION_COUNT] = {
#define OPERATION(name, function, symbol) [OPERATION_##name] = symbol,
#include "operations.def"
#undef OPERATION
};

enum { NANOS = 1000000000 };

static struct value int_arithmetic(enum operation operation, int64_t a, int64_t b)
{
	int64_t result;

	switch (operation) {
	case OPERATION_add:
		if (!__builtin_add_overflow(a, b, &result))
			return value_int(result);
		break;
	case OPERATION_subtract:
		if (!__builtin_sub_overflow(a, b, &result))
			return value_int(result);
		break;
	case OPERATION_multiply:
		if (!__builtin_mul_overflow(a, b, &result))
			return value_int(result);
		break;
	case OPERATION_divide:
		if (b == 0)
			return ERROR_TEXT("division by zero");
		if (a != INT64_MIN || b != -1)
			return value_int(a / b);
		break;
	case OPERATION_modulo:
		if (b == 0)
			return ERROR_TEXT("modulus by zero");
		if (a != INT64_MIN || b != -1)
			return value_int(a % b);
		break;
	default: return ERROR_NO_OVERLOAD;
	}
	return ERROR_TEXT("integer overflow");
}

static struct value uint_arithmetic(enum operation operation, uint64_t a, uint64_t b)
{
	uint64_t result;

	switch (operation) {
	case OPERATION_add:
		if (!__builtin_add_overflow(a, b, &result))
			return value_uint(result);
		break;
	case OPERATION_subtract:
		if (!__builtin_sub_overflow(a, b, &result))
			return value_uint(result);
		break;
	case OPERATION_multiply:
		if (!__builtin_mul_overflow(a, b, &result))
			return value_uint(result);
		break;
	case OPERATION_divide: return b ? value_uint(a / b) : ERROR_TEXT("division by zero");
	case OPERATION_modulo: return b ? value_uint(a % b) : ERROR_TEXT("modulus by zero");
	default: return ERROR_NO_OVERLOAD;
	}
	return ERROR_TEXT("unsigned integer overflow");
}

static struct value double_arithmetic(enum operation operation, double a, double b)
{
	switch (operation) {
	case OPERATION_add: return value_double(a + b);
	case OPERATION_subtract: return value_double(a - b);
	case OPERATION_multiply: return value_double(a * b);
	case OPERATION_divide: return value_double(a / b);
	default: return ERROR_NO_OVERLOAD;
	}
}

static struct value concatenate(struct cel_run *run, struct value a, struct value b)
{
	uint64_t len = (uint64_t)a.len + b.len;
	char *text;

	if (!cel_spend(run, len / 16))
		return ERROR_BUDGET;
	text = len < UINT32_MAX ? arena_alloc(run->arena, len + 1) : NULL;
	if (!text)
		return ERROR_MEMORY;
	if (a.len)
		memcpy(text, a.str, a.len);
	if (b.len)
		memcpy(text + a.len, b.str, b.len);
	return (struct value){ .tag = a.tag, .len = (uint32_t)len, .str = text };
}

static struct value append(struct cel_run *run, const struct value_list *a,
			   const struct value_list *b)
{
	uint64_t count = (uint64_t)a->count + b->count;
	struct value_list *list;

	if (count > INT32_MAX || !cel_spend(run, count))
		return ERROR_BUDGET;
	list = list_new(run, (uint32_t)count);
	if (!list)
		return ERROR_MEMORY;
	memcpy(list->items, a->items, a->count * sizeof(struct value));
	memcpy(list->items + a->count, b->items, b->count * sizeof(struct value));
	list->count = (uint32_t)count;
	return value_of_list(list);
}

/* ---- time ----------------------------------------------------------------- */

static struct value durations(enum operation operation, int64_t a, int64_t b)
{
	int64_t result;

	if (operation == OPERATION_add ? __builtin_add_overflow(a, b, &result)
				       : __builtin_sub_overflow(a, b, &result))
		return ERROR_TEXT("duration overflow");
	return value_duration(result);
}

static struct value shift_time(struct cel_run *run, const struct cel_time *time, int64_t nanos,
			       bool forward)
{
	int64_t seconds = nanos / NANOS, rest = nanos % NANOS;
	int64_t sum = forward ? time->nanos + rest : time->nanos - rest;

	seconds = forward ? time->seconds + seconds : time->seconds - seconds;
	if (sum < 0) {
		sum += NANOS;
		seconds--;
	} else if (sum >= NANOS) {
		sum -= NANOS;
		seconds++;
	}
	return value_time(run, seconds, (int32_t)sum, time->offset);
}

static struct value time_difference(const struct cel_time *a, const struct cel_time *b)
{
	int64_t nanos;

	if (__builtin_mul_overflow(a->seconds - b->seconds, (int64_t)NANOS, &nanos) ||
	    __builtin_add_overflow(nanos, (int64_t)a->nanos - b->nanos, &nanos))
		return ERROR_TEXT("duration overflow");
	return value_duration(nanos);
}

static struct value time_arithmetic(struct cel_run *run, enum operation operation, struct value a,
				    struct value b)
{
	bool add = operation == OPERATION_add;

	if (!add && operation != OPERATION_subtract)
		return ERROR_NO_OVERLOAD;
	if (a.tag == VALUE_DURATION && b.tag == VALUE_DURATION)
		return durations(operation, a.i, b.i);
	if (a.tag == VALUE_TIMESTAMP && b.tag == VALUE_DURATION)
		return shift_time(run, value_as_time(a), b.i, add);
	if (a.tag == VALUE_DURATION && b.tag == VALUE_TIMESTAMP && add)
		return shift_time(run, value_as_time(b), a.i, true);
	if (a.tag == VALUE_TIMESTAMP && b.tag == VALUE_TIMESTAMP && !add)
		return time_difference(value_as_time(a), value_as_time(b));
	return ERROR_NO_OVERLOAD;
}

/* ---- all ------------------------------------------------------------------ */

struct value values_arithmetic(struct cel_run *run, enum operation operation, struct value a,
			       struct value b)
{
	if (value_is_error(a))
		return a;
	if (value_is_error(b))
		return b;
	if (a.tag != b.tag)
		return time_arithmetic(run, operation, a, b);
	switch (a.tag) {
	case VALUE_INT: return int_arithmetic(operation, a.i, b.i);
	case VALUE_UINT: return uint_arithmetic(operation, a.u, b.u);
	case VALUE_DOUBLE: return double_arithmetic(operation, a.d, b.d);
	case VALUE_STRING:
	case VALUE_BYTES:
		return operation == OPERATION_add ? concatenate(run, a, b) : ERROR_NO_OVERLOAD;
	case VALUE_LIST:
		return operation == OPERATION_add ? append(run, a.list, b.list) : ERROR_NO_OVERLOAD;
	case VALUE_TIMESTAMP:
	case VALUE_DURATION: return time_arithmetic(run, operation, a, b);
	default: return ERROR_NO_OVERLOAD;
	}
}

struct value values_negate(struct value v)
{
	switch (v.tag) {
	case VALUE_ERROR: return v;
	case VALUE_INT: return v.i == INT64_MIN ? ERROR_TEXT("integer overflow") : value_int(-v.i);
	case VALUE_DOUBLE: return value_double(-v.d);
	default: return ERROR_NO_OVERLOAD;
	}
}
