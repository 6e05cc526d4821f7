/* SPDX-License-Identifier: Apache-2.0 */
/* The sets library (lists as sets) and the encoders. */
#include "internal.h"

#define CALL(name) \
	static void name(struct cel_run *run, const struct value *args, uint32_t count, \
			 struct value *out)

static bool contains_all(struct cel_run *run, const struct value_list *list,
			 const struct value_list *items)
{
	for (uint32_t i = 0; i < items->count; i++) {
		uint32_t j = 0;

		while (j < list->count && !values_equal(run, list->items[j], items->items[i]))
			j++;
		if (j == list->count)
			return false;
	}
	return true;
}

CALL(call_contains)
{
	(void)count;
	*out = value_bool(contains_all(run, args[0].list, args[1].list));
}

CALL(call_equivalent)
{
	(void)count;
	*out = value_bool(contains_all(run, args[0].list, args[1].list) &&
			  contains_all(run, args[1].list, args[0].list));
}

CALL(call_intersects)
{
	const struct value_list *a = args[0].list, *b = args[1].list;

	(void)count;
	*out = value_bool(false);
	for (uint32_t i = 0; i < a->count && !out->b; i++)
		for (uint32_t j = 0; j < b->count && !out->b; j++)
			*out = value_bool(values_equal(run, a->items[i], b->items[j]));
}

const struct cel_function set_rows[] = {
	{ "sets.contains", "(list(A), list(A)) -> bool", call_contains,
	  "Is every element of the second in the first?", "sets.contains([1, 2, 3], [2, 1])",
	  "true" },
	{ "sets.equivalent", "(list(A), list(A)) -> bool", call_equivalent,
	  "Do both have the same elements?", "sets.equivalent([1, 2, 1], [2, 1])", "true" },
	{ "sets.intersects", "(list(A), list(A)) -> bool", call_intersects,
	  "Do both have an element in common?", "sets.intersects([1, 2], [2, 3])", "true" },
};
const uint32_t set_rows_count = ARRAY_SIZE(set_rows);

/* ---- base64 --------------------------------------------------------------- */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

CALL(call_encode)
{
	struct str bytes = value_text(args[0]);
	uint64_t len = ((uint64_t)bytes.len + 2) / 3 * 4;
	char *text = NULL, *at;

	(void)count;
	if (len < UINT32_MAX && cel_spend(run, len / 16))
		text = arena_alloc(run->arena, len + 1);
	if (!text) {
		*out = ERROR_MEMORY;
		return;
	}
	at = text;
	for (uint32_t i = 0; i < bytes.len; i += 3) {
		uint32_t left = MIN(bytes.len - i, 3u), bits = 0;

		for (uint32_t j = 0; j < 3; j++)
			bits = bits << 8 | (j < left ? (unsigned char)bytes.data[i + j] : 0);
		for (uint32_t j = 0; j < 4; j++)
			*at++ = j <= left ? digits[bits >> (18 - 6 * j) & 63] : '=';
	}
	*out = value_string(text, (uint32_t)len);
}

static struct value decode(struct cel_run *run, struct str text)
{
	char *bytes = arena_alloc(run->arena, text.len + 1);
	uint32_t len = 0, bits = 0, have = 0;

	if (!bytes)
		return ERROR_MEMORY;
	for (uint32_t i = 0; i < text.len; i++) {
		const char *digit = text.data[i] ? strchr(digits, text.data[i]) : NULL;

		if (!digit)
			return ERROR_TEXT("found text that is no base64");
		bits = bits << 6 | (uint32_t)(digit - digits);
		have += 6;
		if (have >= 8) {
			have -= 8;
			bytes[len++] = (char)(bits >> have);
		}
	}
	return value_bytes(bytes, len);
}

CALL(call_decode)
{
	struct str text = value_text(args[0]);
	uint32_t padded = text.len;

	(void)count;
	if (!cel_spend(run, text.len / 8)) {
		*out = ERROR_BUDGET;
		return;
	}
	while (text.len && padded - text.len < 2 && text.data[text.len - 1] == '=')
		text.len--;
	/* Padding may be left out, but not wrong. */
	if ((text.len != padded && padded % 4) || text.len % 4 == 1)
		*out = ERROR_TEXT("found text that is no base64");
	else
		*out = decode(run, text);
}

const struct cel_function encoder_rows[] = {
	{ "base64.encode", "(bytes) -> string", call_encode, "As base64.",
	  "base64.encode(b'hello')", "\"aGVsbG8=\"" },
	{ "base64.decode", "(string) -> bytes", call_decode, "The bytes of base64.",
	  "base64.decode('aGVsbG8=') == b'hello'", "true" },
};
const uint32_t encoder_rows_count = ARRAY_SIZE(encoder_rows);
