/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of templates that make text. */
#include <ctype.h>

#include "base/common.h"
#define TEMPLATE_CALLS
#include "encode/template_private.h"
#include "event/json.h"

/* ---- text ------------------------------ */

static struct tv mapped(struct run *run, struct str text, int (*map)(int c))
{
	struct str copy = template_copy(run, text.data ? text.data : "", text.len);

	for (uint32_t i = 0; i < copy.len; i++)
		if (!((unsigned char)copy.data[i] & 0x80))
			((char *)copy.data)[i] = (char)map((unsigned char)copy.data[i]);
	return tv_text(copy);
}

CALL(call_upper)
{
	return UNUSED, mapped(run, TEXT(0), toupper);
}
CALL(call_lower)
{
	return UNUSED, mapped(run, TEXT(0), tolower);
}

CALL(call_title)
{
	struct tv value = (UNUSED, mapped(run, TEXT(0), (int (*)(int))tolower));
	bool start = true;

	value = mapped(run, TEXT(0), (int (*)(int))toascii);
	for (uint32_t i = 0; i < value.text.len; i++) {
		char *c = (char *)value.text.data + i;

		if (start && !((unsigned char)*c & 0x80))
			*c = (char)toupper((unsigned char)*c);
		start = isspace((unsigned char)*c);
	}
	return value;
}

static bool in_set(char c, struct str set)
{
	return set.len && memchr(set.data, c, set.len);
}

static struct str trimmed(struct str text, struct str set)
{
	while (text.len && in_set(text.data[text.len - 1], set))
		text.len--;
	while (text.len && in_set(text.data[0], set))
		text = (struct str){ text.data + 1, text.len - 1 };
	return text;
}

CALL(call_trim)
{
	return UNUSED, tv_text(trimmed(TEXT(0), STR(" \t\n\r\v\f")));
}
CALL(call_trim_all)
{
	return UNUSED, tv_text(trimmed(TEXT(1), TEXT(0)));
}

static bool begins(struct str text, struct str with)
{
	return text.len >= with.len && (!with.len || !memcmp(text.data, with.data, with.len));
}

static bool ends(struct str text, struct str with)
{
	return text.len >= with.len &&
	       (!with.len || !memcmp(text.data + text.len - with.len, with.data, with.len));
}

CALL(call_trim_prefix)
{
	struct str text = (UNUSED, TEXT(1)), prefix = TEXT(0);

	return tv_text(begins(text, prefix)
			       ? (struct str){ text.data + prefix.len, text.len - prefix.len }
			       : text);
}

CALL(call_trim_suffix)
{
	struct str text = (UNUSED, TEXT(1)), suffix = TEXT(0);

	return tv_text(ends(text, suffix) ? (struct str){ text.data, text.len - suffix.len }
					  : text);
}

CALL(call_has_prefix)
{
	return UNUSED, tv_bool(begins(TEXT(1), TEXT(0)));
}
CALL(call_has_suffix)
{
	return UNUSED, tv_bool(ends(TEXT(1), TEXT(0)));
}

/* Where `part` stands in the text; -1: nowhere. */
static int64_t find(struct str text, struct str part, uint32_t from)
{
	const char *found = part.len && from <= text.len
				    ? memmem(text.data + from, text.len - from, part.data, part.len)
				    : NULL;

	return found ? found - text.data : -1;
}

CALL(call_contains)
{
	return UNUSED, tv_bool(!TEXT(0).len || find(TEXT(1), TEXT(0), 0) >= 0);
}

CALL(call_replace)
{
	struct str old = (UNUSED, TEXT(0)), with = TEXT(1), text = TEXT(2);
	struct buf out = { 0 };
	uint32_t at = 0;
	int64_t next;

	while ((next = find(text, old, at)) >= 0) {
		buf_add(&out, text.data + at, (size_t)next - at);
		buf_str(&out, with);
		at = (uint32_t)next + old.len;
	}
	buf_add(&out, text.data ? text.data + at : "", text.len - at);
	struct tv value = template_own(run, &out);

	buf_free(&out);
	return value;
}

/* Counts characters, not bytes; negative: from the end. */
CALL(call_trunc)
{
	int64_t most = (UNUSED, template_integer(run, &args[0]));
	struct str text = TEXT(1);
	int64_t have = 0, want;
	uint32_t i = 0;

	for (uint32_t n = 0; n < text.len; n++)
		have += (text.data[n] & 0xc0) != 0x80;
	want = most < 0 ? MAX(have + most, 0) : MIN(most, have);
	for (int64_t seen = 0; i < text.len; i++) {
		seen += (text.data[i] & 0xc0) != 0x80;
		if (seen > want)
			break;
	}
	return tv_text(most < 0 ? (struct str){ text.data + i, text.len - i }
				: (struct str){ text.data, i });
}

CALL(call_repeat)
{
	enum { REPEAT_MAX = 4096 };
	int64_t times = MIN(template_integer(run, &args[0]), (int64_t)REPEAT_MAX);
	struct buf out = { .limit = 1024 * 1024 };

	(void)count;
	while (times-- > 0)
		buf_str(&out, TEXT(1));
	struct tv value = template_own(run, &out);

	buf_free(&out);
	return value;
}

/* Quoted as JSON has it, which is as Go has it for all but a few control characters. */
CALL(call_quote)
{
	struct buf out = { 0 };
	struct sheet sheet = { .out = &out };

	for (uint32_t i = 0; i < count; i++) {
		buf_str(&out, i ? STR(" \"") : STR("\""));
		sheet_text(&sheet, TEXT(i), TEXT_JSON, UINT32_MAX / 16);
		buf_char(&out, '"');
	}
	struct tv value = template_own(run, &out);

	value.whole = true;
	buf_free(&out);
	return value;
}

CALL(call_squote)
{
	struct buf out = { 0 };

	for (uint32_t i = 0; i < count; i++) {
		buf_str(&out, i ? STR(" '") : STR("'"));
		buf_str(&out, TEXT(i));
		buf_char(&out, '\'');
	}
	struct tv value = template_own(run, &out);

	buf_free(&out);
	return value;
}

static struct tv indented(struct run *run, int64_t width, struct str text, bool newline)
{
	struct buf out = { 0 };

	width = MAX(MIN(width, (int64_t)80), (int64_t)0);
	if (newline)
		buf_char(&out, '\n');
	buf_printf(&out, "%*s", (int)width, "");
	for (uint32_t i = 0; i < text.len; i++) {
		buf_char(&out, text.data[i]);
		if (text.data[i] == '\n')
			buf_printf(&out, "%*s", (int)width, "");
	}
	struct tv value = template_own(run, &out);

	buf_free(&out);
	return value;
}

CALL(call_indent)
{
	return UNUSED, indented(run, template_integer(run, &args[0]), TEXT(1), false);
}
CALL(call_nindent)
{
	return UNUSED, indented(run, template_integer(run, &args[0]), TEXT(1), true);
}

/* ---- printing ------------------------------ */

static struct tv joined(struct run *run, const struct tv *args, uint32_t count, struct str between,
			struct str end)
{
	struct buf out = { 0 };

	for (uint32_t i = 0; i < count; i++) {
		buf_str(&out, i ? between : STR(""));
		buf_str(&out, TEXT(i));
	}
	buf_str(&out, end);
	struct tv value = template_own(run, &out);

	buf_free(&out);
	return value;
}

/* Go's Print puts a space between two operands neither of which is text. */
CALL(call_print)
{
	struct buf out = { 0 };

	for (uint32_t i = 0; i < count; i++) {
		if (i && args[i].kind != TV_TEXT && args[i - 1].kind != TV_TEXT)
			buf_char(&out, ' ');
		buf_str(&out, TEXT(i));
	}
	struct tv value = template_own(run, &out);

	buf_free(&out);
	return value;
}

CALL(call_println)
{
	return joined(run, args, count, STR(" "), STR("\n"));
}
CALL(call_cat)
{
	return joined(run, args, count, STR(" "), STR(""));
}

/* One verb: %[flags][width][.precision]c; the text behind it. */
static const char *add_verb(struct run *run, struct buf *out, const char *at, const char *end,
			    const struct tv *value)
{
	enum { WIDTH_MAX = 100 };
	bool zero = false, left = false, hash = false;
	int width = 0, precision = -1;
	char form[32];

	for (; at < end && strchr("-+# 0", *at); at++) {
		zero |= *at == '0';
		left |= *at == '-';
		hash |= *at == '#';
	}
	for (; at < end && isdigit((unsigned char)*at); at++)
		width = MIN(width * 10 + (*at - '0'), (int)WIDTH_MAX);
	if (at < end && *at == '.')
		for (at++, precision = 0; at < end && isdigit((unsigned char)*at); at++)
			precision = MIN(precision * 10 + (*at - '0'), (int)WIDTH_MAX);
	if (at == end)
		return end;
	if (left)
		width = -width;
	if (strchr("dxXoc", *at) && (value->kind != TV_TEXT || *at == 'd')) {
		snprintf(form, sizeof(form), "%%%s%s*%s", hash ? "#" : "", zero && !left ? "0" : "",
			 *at == 'd'   ? "lld"
			 : *at == 'X' ? "llX"
				      : "llx");
		buf_printf(out, form, width, (long long)template_integer(run, value));
	} else if (strchr("feg", *at)) {
		double number = value->kind == TV_FLOAT ? value->d
							: (double)template_integer(run, value);

		buf_printf(out, "%*.*f", width, precision < 0 ? 6 : precision, number);
	} else if (*at == 'q') {
		struct tv quoted = call_quote(run, value, 1);

		buf_str(out, quoted.text);
	} else {
		struct str text = tv_string(run, value);
		int len = (int)MIN(text.len, (uint32_t)INT32_MAX);

		buf_printf(out, "%*s", width > len ? width - len : 0, "");
		buf_add(out, text.data ? text.data : "", (size_t)len);
		buf_printf(out, "%*s", -width > len ? -width - len : 0, "");
	}
	return at + 1;
}

CALL(call_printf)
{
	struct str format = TEXT(0);
	const char *at = format.data, *end = at + format.len;
	struct tv nothing = tv_nil();
	struct buf out = { 0 };
	uint32_t next = 1;

	while (at < end) {
		const char *percent = memchr(at, '%', (size_t)(end - at));

		buf_add(&out, at, (size_t)((percent ? percent : end) - at));
		if (!percent)
			break;
		at = percent + 1;
		if (at < end && *at == '%') {
			buf_char(&out, '%');
			at++;
			continue;
		}
		at = add_verb(run, &out, at, end, next < count ? &args[next] : &nothing);
		next++;
	}
	struct tv value = template_own(run, &out);

	buf_free(&out);
	return value;
}

CALL(call_split_list)
{
	enum { PARTS_MAX = 256 };
	struct str by = (UNUSED, TEXT(0)), text = TEXT(1);
	struct tv parts[PARTS_MAX];
	uint32_t n = 0, at = 0;
	int64_t next;

	while (n < PARTS_MAX - 1 && (next = find(text, by, at)) >= 0) {
		parts[n++] = tv_text((struct str){ text.data + at, (uint32_t)next - at });
		at = (uint32_t)next + by.len;
	}
	parts[n++] = tv_text((struct str){ text.data + at, text.len - at });
	return template_list(run, parts, n);
}

/* ---- encoding ------------------------------ */

static void add_json(struct run *run, struct sheet *sheet, const struct tv *value)
{
	bool object = value->kind == TV_NODE && value->node->type == JSON_OBJECT;
	struct buf *out = sheet->out;
	struct tv_each each = { 0 };
	struct tv item;
	struct str key;

	if (value->kind == TV_NIL) {
		buf_lit(out, "null");
	} else if (value->kind == TV_TEXT || value->kind == TV_TIME) {
		buf_char(out, '"');
		sheet_text(sheet, tv_string(run, value), TEXT_JSON, UINT32_MAX / 16);
		buf_char(out, '"');
	} else if (value->kind != TV_NODE && value->kind != TV_LIST) {
		buf_str(out, tv_string(run, value));
	} else {
		buf_char(out, object ? '{' : '[');
		while (run->depth < TEMPLATE_DEPTH && tv_next(value, &each, &item, &key)) {
			buf_str(out, each.i > 1 ? STR(",") : STR(""));
			if (object) {
				struct tv name = tv_text(key);

				add_json(run, sheet, &name);
				buf_char(out, ':');
			}
			run->depth++;
			add_json(run, sheet, &item);
			run->depth--;
		}
		buf_char(out, object ? '}' : ']');
	}
}

CALL(call_to_json)
{
	struct buf out = { 0 };
	struct sheet sheet = { .out = &out };

	UNUSED;
	add_json(run, &sheet, &args[0]);
	struct tv value = template_own(run, &out);

	value.whole = true;
	buf_free(&out);
	return value;
}

CALL(call_to_string)
{
	return UNUSED, tv_text(TEXT(0));
}

static struct tv escaped(struct run *run, struct str text,
			 void (*add)(struct buf *out, unsigned char c))
{
	struct buf out = { 0 };

	for (uint32_t i = 0; i < text.len; i++)
		add(&out, (unsigned char)text.data[i]);
	struct tv value = template_own(run, &out);

	buf_free(&out);
	return value;
}

static void add_html(struct buf *out, unsigned char c)
{
	switch (c) {
	case '<': buf_lit(out, "&lt;"); break;
	case '>': buf_lit(out, "&gt;"); break;
	case '&': buf_lit(out, "&amp;"); break;
	case '"': buf_lit(out, "&#34;"); break;
	case '\'': buf_lit(out, "&#39;"); break;
	default: buf_char(out, (char)c);
	}
}

static void add_query(struct buf *out, unsigned char c)
{
	if (c < 0x80 && (isalnum(c) || strchr("-_.~", c)) && c)
		buf_char(out, (char)c);
	else if (c == ' ')
		buf_char(out, '+');
	else
		buf_printf(out, "%%%02X", c);
}

CALL(call_html)
{
	return UNUSED, escaped(run, TEXT(0), add_html);
}
CALL(call_urlquery)
{
	return UNUSED, escaped(run, TEXT(0), add_query);
}

CALL(call_b64enc)
{
	struct buf out = { 0 };

	UNUSED;
	json_base64(&out, TEXT(0));
	struct tv value = out.len < 2 ? tv_text(STR(""))
				      : tv_text(template_copy(run, out.data + 1, out.len - 2));

	buf_free(&out);
	return value;
}

enum { ANY = 255 };

const struct function template_text_functions[] = {
	{ "print", 0, ANY, call_print },
	{ "printf", 1, ANY, call_printf },
	{ "println", 0, ANY, call_println },
	{ "html", 1, 1, call_html },
	{ "urlquery", 1, 1, call_urlquery },
	{ "upper", 1, 1, call_upper },
	{ "lower", 1, 1, call_lower },
	{ "title", 1, 1, call_title },
	{ "trim", 1, 1, call_trim },
	{ "trimAll", 2, 2, call_trim_all },
	{ "trimPrefix", 2, 2, call_trim_prefix },
	{ "trimSuffix", 2, 2, call_trim_suffix },
	{ "hasPrefix", 2, 2, call_has_prefix },
	{ "hasSuffix", 2, 2, call_has_suffix },
	{ "contains", 2, 2, call_contains },
	{ "replace", 3, 3, call_replace },
	{ "trunc", 2, 2, call_trunc },
	{ "repeat", 2, 2, call_repeat },
	{ "quote", 0, ANY, call_quote },
	{ "squote", 0, ANY, call_squote },
	{ "cat", 0, ANY, call_cat },
	{ "indent", 2, 2, call_indent },
	{ "nindent", 2, 2, call_nindent },
	{ "splitList", 2, 2, call_split_list },
	{ "toJson", 1, 1, call_to_json },
	{ "toString", 1, 1, call_to_string },
	{ "b64enc", 1, 1, call_b64enc },
	{ NULL, 0, 0, NULL },
};
