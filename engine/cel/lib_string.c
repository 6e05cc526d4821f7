/* SPDX-License-Identifier: Apache-2.0 */
/* The strings library: methods that count in code points. */
#include "base/buf.h"
#include "lib_text.h"

#define CALL(name) \
	static void name(struct cel_run *run, const struct value *args, uint32_t count, \
			 struct value *out)

static struct value out_of_range(struct cel_run *run, int64_t index)
{
	return cel_error(run, "index out of range: %lld", (long long)index);
}

/* The part between two positions in bytes. */
static struct value part(struct str text, uint32_t from, uint32_t to)
{
	return value_string(text.data + from, to - from);
}

CALL(call_char_at)
{
	struct str text = value_text(args[0]);
	uint32_t at, size = 0;

	(void)count;
	at = args[1].i < 0 ? UINT32_MAX : text_offset(text, args[1].i);
	if (!cel_spend(run, text.len / 16)) {
		*out = ERROR_BUDGET;
		return;
	}
	if (at == UINT32_MAX) {
		*out = out_of_range(run, args[1].i);
		return;
	}
	if (at < text.len)
		utf8_decode(text.data + at, text.len - at, &size);
	*out = part(text, at, at + size);
}

/* ---- searching ------------------------------------------------------------ */

CALL(call_index_of)
{
	struct str text = value_text(args[0]), what = value_text(args[1]);
	int64_t offset = count == 3 ? args[2].i : 0;
	uint32_t from = offset < 0 ? UINT32_MAX : text_offset(text, offset);
	const char *found;

	if (from == UINT32_MAX) {
		*out = out_of_range(run, offset);
		return;
	}
	if (!cel_spend(run, text.len / 8)) {
		*out = ERROR_BUDGET;
		return;
	}
	if (!what.len) {
		*out = value_int(offset);
		return;
	}
	found = from < text.len ? memmem(text.data + from, text.len - from, what.data, what.len)
				: NULL;
	*out = value_int(found ? (int64_t)utf8_count(text.data, (uint32_t)(found - text.data))
			       : -1);
}

static int64_t last_before(struct str text, struct str what, uint32_t from)
{
	for (uint32_t at = from + 1; at-- > 0;)
		if (at + (uint64_t)what.len <= text.len &&
		    memcmp(text.data + at, what.data, what.len) == 0)
			return utf8_count(text.data, at);
	return -1;
}

CALL(call_last_index_of)
{
	struct str text = value_text(args[0]), what = value_text(args[1]);
	uint32_t from = text.len;

	if (count == 3)
		from = args[2].i < 0 ? UINT32_MAX : text_offset(text, args[2].i);
	if (from == UINT32_MAX)
		*out = out_of_range(run, args[2].i);
	else if (!cel_spend(run, text.len / 4 + (uint64_t)from * what.len / 64))
		*out = ERROR_BUDGET;
	else if (!what.len)
		*out = value_int(count == 3 ? args[2].i : utf8_count(text.data, text.len));
	else
		*out = value_int(last_before(text, what, from));
}

CALL(call_substring)
{
	struct str text = value_text(args[0]);
	int64_t from = args[1].i, to = count == 3 ? args[2].i : from;
	uint32_t start = from < 0 ? UINT32_MAX : text_offset(text, from);
	uint32_t end = count == 2 ? text.len : to < from ? UINT32_MAX : text_offset(text, to);

	if (!cel_spend(run, text.len / 8))
		*out = ERROR_BUDGET;
	else if (start == UINT32_MAX || end == UINT32_MAX)
		*out = out_of_range(run, start == UINT32_MAX ? from : to);
	else
		*out = part(text, start, end);
}

/* ---- changing ------------------------------------------------------------- */

CALL(call_replace)
{
	*out = text_replace(run, value_text(args[0]), value_text(args[1]), value_text(args[2]),
			    count == 4 ? args[3].i : -1);
}

CALL(call_split)
{
	*out = text_split(run, value_text(args[0]), value_text(args[1]),
			  count == 3 ? args[2].i : -1);
}

CALL(call_join)
{
	*out = text_join(run, args[0].list, count == 2 ? value_text(args[1]) : STR(""));
}

CALL(call_trim)
{
	(void)run;
	(void)count;
	*out = value_str(text_trim(value_text(args[0])));
}

/* Changes letters in [first, first + 25] by delta. */
static struct value change_case(struct cel_run *run, struct value v, char first, int delta)
{
	struct value copy = value_text_of(run, v.str, v.len);

	for (uint32_t i = 0; !value_is_error(copy) && i < copy.len; i++) {
		char *c = (char *)copy.str + i;

		if (*c >= first && *c <= first + 25)
			*c = (char)(*c + delta);
	}
	return copy;
}

CALL(call_lower_ascii)
{
	(void)count;
	*out = change_case(run, args[0], 'A', 'a' - 'A');
}

CALL(call_upper_ascii)
{
	(void)count;
	*out = change_case(run, args[0], 'a', 'A' - 'a');
}

CALL(call_reverse)
{
	struct str text = value_text(args[0]);
	struct value copy = value_text_of(run, text.data, text.len);
	uint32_t size;

	(void)count;
	for (uint32_t at = 0; !value_is_error(copy) && at < text.len; at += size) {
		utf8_decode(text.data + at, text.len - at, &size);
		memcpy((char *)copy.str + text.len - at - size, text.data + at, size);
	}
	*out = copy;
}

/* In double quotes, what would not print escaped; bad bytes become U+FFFD. */
CALL(call_quote)
{
	static const char special[] = "\a\b\f\n\r\t\v\"\\", letters[] = "abfnrtv\"\\";
	struct str text = value_text(args[0]);
	char *result, *to;
	uint32_t size;

	(void)count;
	result = to = cel_spend(run, text.len / 8) && text.len < UINT32_MAX / 4
			      ? arena_alloc(run->arena, (size_t)text.len * 3 + 3)
			      : NULL;
	if (!result) {
		*out = ERROR_MEMORY;
		return;
	}
	*to++ = '"';
	for (uint32_t at = 0; at < text.len; at += size) {
		uint32_t rune = utf8_decode(text.data + at, text.len - at, &size);
		const char *found = rune && rune < 0x80 ? strchr(special, (int)rune) : NULL;

		if (found) {
			*to++ = '\\';
			*to++ = letters[found - special];
		} else {
			to += utf8_put(to, rune);
		}
	}
	*to++ = '"';
	*out = value_string(result, (uint32_t)(to - result));
}

const struct cel_function string_rows[] = {
	{ "charAt", "string.(int) -> string", call_char_at, "The character at a position.",
	  "'hello'.charAt(4)", "\"o\"" },
	{ "indexOf", "string.(string) -> int", call_index_of,
	  "Where the other occurs first, or -1.", "'hello'.indexOf('l')", "2" },
	{ "indexOf", "string.(string, int) -> int", call_index_of,
	  "Where the other occurs first at or after a position, or -1.", "'hello'.indexOf('l', 3)",
	  "3" },
	{ "lastIndexOf", "string.(string) -> int", call_last_index_of,
	  "Where the other occurs last, or -1.", "'hello'.lastIndexOf('l')", "3" },
	{ "lastIndexOf", "string.(string, int) -> int", call_last_index_of,
	  "Where the other occurs last at or before a position, or -1.",
	  "'hello'.lastIndexOf('l', 2)", "2" },
	{ "substring", "string.(int) -> string", call_substring, "From a position on.",
	  "'hello'.substring(3)", "\"lo\"" },
	{ "substring", "string.(int, int) -> string", call_substring,
	  "From a position up to, not including, another.", "'hello'.substring(1, 3)", "\"el\"" },
	{ "replace", "string.(string, string) -> string", call_replace, "All occurrences replaced.",
	  "'hello'.replace('l', 'L')", "\"heLLo\"" },
	{ "replace", "string.(string, string, int) -> string", call_replace,
	  "So many occurrences replaced; all if negative.", "'hello'.replace('l', 'L', 1)",
	  "\"heLlo\"" },
	{ "split", "string.(string) -> list(string)", call_split, "Parts between separators.",
	  "'a b c'.split(' ')", "[\"a\",\"b\",\"c\"]" },
	{ "split", "string.(string, int) -> list(string)", call_split,
	  "At most so many parts; all if negative.", "'a b c'.split(' ', 2)", "[\"a\",\"b c\"]" },
	{ "join", "list(string).() -> string", call_join, "Parts without separator.",
	  "['a', 'b'].join()", "\"ab\"" },
	{ "join", "list(string).(string) -> string", call_join, "Parts with a separator between.",
	  "['a', 'b'].join('-')", "\"a-b\"" },
	{ "trim", "string.() -> string", call_trim, "Without white space at both ends.",
	  "' x '.trim()", "\"x\"" },
	{ "lowerAscii", "string.() -> string", call_lower_ascii, "A to Z in lower case.",
	  "'TacoCat'.lowerAscii()", "\"tacocat\"" },
	{ "upperAscii", "string.() -> string", call_upper_ascii, "a to z in upper case.",
	  "'TacoCat'.upperAscii()", "\"TACOCAT\"" },
	{ "reverse", "string.() -> string", call_reverse, "The characters from last to first.",
	  "'abc'.reverse()", "\"cba\"" },
	{ "strings.quote", "(string) -> string", call_quote, "In quotes, as it would be written.",
	  "strings.quote('a\"b')", "\"\\\"a\\\\\\\"b\\\"\"" },
};
const uint32_t string_rows_count = ARRAY_SIZE(string_rows);
