/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of templates: those of text/template and of Sprig that templates of alerts use, with
 * their order of arguments. A value of the wrong kind is taken as its text, as zero or as an
 * empty list: at run time nothing fails.
 */
#include <ctype.h>
#include <time.h>

#include "base/common.h"
#include "encode/template_private.h"
#include "event/json.h"

#define CALL(name) static struct tv name(struct run *run, const struct tv *args, uint32_t count)
#define UNUSED	   ((void)run, (void)args, (void)count)
#define TEXT(i)	   tv_string(run, &args[i])

static int64_t integer(struct run *run, const struct tv *value)
{
	int64_t number = 0;

	switch (value->kind) {
	case TV_BOOL: return value->b;
	case TV_INT:
	case TV_TIME: return value->i;
	case TV_FLOAT: return value->d > -9e18 && value->d < 9e18 ? (int64_t)value->d : 0;
	case TV_TEXT: text_to_int(tv_string(run, value), &number); return number;
	default: return 0;
	}
}

static struct tv own(struct run *run, const struct buf *text)
{
	return tv_text(template_copy(run, text->data ? text->data : "", text->len));
}

/* ---- comparing ------------------------------ */

static bool same(struct run *run, const struct tv *a, const struct tv *b)
{
	if (a->kind == TV_FLOAT || b->kind == TV_FLOAT)
		return (a->kind == TV_FLOAT ? a->d : (double)integer(run, a)) ==
		       (b->kind == TV_FLOAT ? b->d : (double)integer(run, b));
	return str_equal(tv_string(run, a), tv_string(run, b));
}

static int order(struct run *run, const struct tv *a, const struct tv *b)
{
	struct str x, y;
	int r;

	if (a->kind != TV_TEXT || b->kind != TV_TEXT) {
		int64_t i = integer(run, a), j = integer(run, b);

		return (i > j) - (i < j);
	}
	x = a->text;
	y = b->text;
	r = memcmp(x.data ? x.data : "", y.data ? y.data : "", MIN(x.len, y.len));
	return r ? r : (x.len > y.len) - (x.len < y.len);
}

CALL(call_eq)
{
	for (uint32_t i = 1; i < count; i++)
		if (same(run, &args[0], &args[i]))
			return tv_bool(true);
	return tv_bool(false);
}

CALL(call_ne)
{
	return UNUSED, tv_bool(!same(run, &args[0], &args[1]));
}
CALL(call_lt)
{
	return UNUSED, tv_bool(order(run, &args[0], &args[1]) < 0);
}
CALL(call_le)
{
	return UNUSED, tv_bool(order(run, &args[0], &args[1]) <= 0);
}
CALL(call_gt)
{
	return UNUSED, tv_bool(order(run, &args[0], &args[1]) > 0);
}
CALL(call_ge)
{
	return UNUSED, tv_bool(order(run, &args[0], &args[1]) >= 0);
}

/* ---- logic ------------------------------ */

CALL(call_and)
{
	(void)run;
	for (uint32_t i = 0; i + 1 < count; i++)
		if (!tv_true(&args[i]))
			return args[i];
	return args[count - 1];
}

CALL(call_or)
{
	(void)run;
	for (uint32_t i = 0; i + 1 < count; i++)
		if (tv_true(&args[i]))
			return args[i];
	return args[count - 1];
}

CALL(call_not)
{
	return UNUSED, tv_bool(!tv_true(&args[0]));
}
CALL(call_empty)
{
	return UNUSED, tv_bool(!tv_true(&args[0]));
}
CALL(call_default)
{
	return UNUSED, tv_true(&args[1]) ? args[1] : args[0];
}
CALL(call_ternary)
{
	return UNUSED, tv_true(&args[2]) ? args[0] : args[1];
}

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
	struct tv value = own(run, &out);

	buf_free(&out);
	return value;
}

/* Counts characters, not bytes; negative: from the end. */
CALL(call_trunc)
{
	int64_t most = (UNUSED, integer(run, &args[0]));
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
	int64_t times = MIN(integer(run, &args[0]), (int64_t)REPEAT_MAX);
	struct buf out = { .limit = 1024 * 1024 };

	(void)count;
	while (times-- > 0)
		buf_str(&out, TEXT(1));
	struct tv value = own(run, &out);

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
	struct tv value = own(run, &out);

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
	struct tv value = own(run, &out);

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
	struct tv value = own(run, &out);

	buf_free(&out);
	return value;
}

CALL(call_indent)
{
	return UNUSED, indented(run, integer(run, &args[0]), TEXT(1), false);
}
CALL(call_nindent)
{
	return UNUSED, indented(run, integer(run, &args[0]), TEXT(1), true);
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
	struct tv value = own(run, &out);

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
	struct tv value = own(run, &out);

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
		buf_printf(out, form, width, (long long)integer(run, value));
	} else if (strchr("feg", *at)) {
		double number = value->kind == TV_FLOAT ? value->d : (double)integer(run, value);

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
	struct tv value = own(run, &out);

	buf_free(&out);
	return value;
}

/* ---- numbers ------------------------------ */

CALL(call_int)
{
	return UNUSED, tv_int(integer(run, &args[0]));
}

static struct tv sum(struct run *run, const struct tv *args, uint32_t count, char op)
{
	int64_t total = integer(run, &args[0]);

	for (uint32_t i = 1; i < count; i++) {
		int64_t n = integer(run, &args[i]);

		if (op == '+')
			__builtin_add_overflow(total, n, &total);
		else if (op == '-')
			__builtin_sub_overflow(total, n, &total);
		else if (op == '*')
			__builtin_mul_overflow(total, n, &total);
		else if (!n || n == -1)
			total = op == '/' && n ? (int64_t) - (uint64_t)total : 0;
		else
			total = op == '/' ? total / n : total % n;
	}
	return tv_int(total);
}

CALL(call_add)
{
	return sum(run, args, count, '+');
}
CALL(call_sub)
{
	return sum(run, args, count, '-');
}
CALL(call_mul)
{
	return sum(run, args, count, '*');
}
CALL(call_div)
{
	return sum(run, args, count, '/');
}
CALL(call_mod)
{
	return sum(run, args, count, '%');
}

/* ---- lists ------------------------------ */

static struct tv list_of(struct run *run, const struct tv *items, uint32_t count)
{
	struct tv_list *list = arena_alloc(run->arena, sizeof(*list) + count * sizeof(*items));

	if (!list)
		return tv_nil();
	list->count = count;
	if (count)
		memcpy(list->items, items, count * sizeof(*items));
	return (struct tv){ .kind = TV_LIST, .list = list };
}

CALL(call_list)
{
	return list_of(run, args, count);
}

/* Characters of text, as bytes, like Go. */
CALL(call_len)
{
	return UNUSED, tv_int(args[0].kind == TV_TEXT ? args[0].text.len : tv_length(&args[0]));
}

CALL(call_first)
{
	return UNUSED, tv_at(&args[0], 0, NULL);
}
CALL(call_last)
{
	return UNUSED, tv_at(&args[0], tv_length(&args[0]) - 1, NULL);
}

static struct tv member_of(const struct tv *value, struct str name)
{
	const struct json *node = value->kind == TV_NODE ? value->node : NULL;

	for (const struct json *m = node && node->type == JSON_OBJECT ? node->first : NULL; m;
	     m = m->next)
		if (str_equal(m->key, name))
			return tv_of_json(m);
	return tv_nil();
}

CALL(call_index)
{
	struct tv value = args[0];

	for (uint32_t i = 1; i < count; i++)
		value = args[i].kind == TV_TEXT
				? member_of(&value, args[i].text)
				: tv_at(&value, (uint32_t)MAX(integer(run, &args[i]), -1), NULL);
	return value;
}

CALL(call_get)
{
	return UNUSED, member_of(&args[0], TEXT(1));
}
CALL(call_has_key)
{
	return UNUSED, tv_bool(member_of(&args[0], TEXT(1)).kind != TV_NIL);
}

CALL(call_has)
{
	struct tv_each each = { 0 };
	struct tv item;
	struct str key;

	(void)count;
	while (tv_next(&args[1], &each, &item, &key))
		if (same(run, &args[0], &item))
			return tv_bool(true);
	return tv_bool(false);
}

CALL(call_join)
{
	struct buf out = { 0 };
	struct tv_each each = { 0 };
	struct tv item;
	struct str key, between = (UNUSED, TEXT(0));

	while (tv_next(&args[1], &each, &item, &key)) {
		buf_str(&out, each.i > 1 ? between : STR(""));
		buf_str(&out, tv_string(run, &item));
	}
	struct tv value = own(run, &out);

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
	return list_of(run, parts, n);
}

/* ---- times ------------------------------ */

/* Epoch ns of a time, of RFC 3339 in UTC, or of seconds. */
static int64_t moment(struct run *run, const struct tv *value)
{
	struct tm tm = { 0 };
	struct str text = value->kind == TV_TEXT ? value->text : (struct str){ 0 };
	char copy[40] = { 0 };
	const char *rest;
	int64_t ns = 0;

	if (value->kind == TV_TIME)
		return value->i;
	if (!text.len)
		return integer(run, value) > INT64_MAX / 1000000000 || integer(run, value) < 0
			       ? 0
			       : integer(run, value) * 1000000000;
	memcpy(copy, text.data, MIN((size_t)text.len, sizeof(copy) - 1));
	rest = strptime(copy, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!rest)
		return 0;
	if (*rest == '.') {
		int64_t unit = 100000000;

		for (rest++; isdigit((unsigned char)*rest); rest++, unit /= 10)
			ns += (*rest - '0') * unit;
	}
	return (int64_t)timegm(&tm) * 1000000000 + ns;
}

/* Go's layouts: the pieces of Mon Jan 2 15:04:05 MST 2006, longest first, as strftime has them. */
static const struct {
	struct str go;
	const char *c;
} layouts[] = {
	{ STR("January"), "%B" }, { STR("Jan"), "%b" },	   { STR("Monday"), "%A" },
	{ STR("Mon"), "%a" },	  { STR("MST"), "%Z" },	   { STR("2006"), "%Y" },
	{ STR("Z07:00"), NULL },  { STR("-07:00"), NULL }, { STR("-0700"), "%z" },
	{ STR("01"), "%m" },	  { STR("02"), "%d" },	   { STR("03"), "%I" },
	{ STR("04"), "%M" },	  { STR("05"), "%S" },	   { STR("06"), "%y" },
	{ STR("15"), "%H" },	  { STR("_2"), "%e" },	   { STR("PM"), "%p" },
	{ STR("1"), "%-m" },	  { STR("2"), "%-d" },	   { STR("3"), "%-I" },
};

/* Z, or +hh:mm. */
static void add_zone(struct buf *out, const struct tm *tm, bool zulu)
{
	long minutes = tm->tm_gmtoff / 60;

	if (zulu && !minutes)
		buf_char(out, 'Z');
	else
		buf_printf(out, "%c%02ld:%02ld", minutes < 0 ? '-' : '+', labs(minutes) / 60,
			   labs(minutes) % 60);
}

/* ".000" and ".999": digits of the second's fraction. How many bytes of the layout it is. */
static uint32_t add_fraction(struct buf *out, struct str layout, uint32_t at, int64_t ns)
{
	char digits[16];
	uint32_t len = 1;

	while (at + len < layout.len && len < 10 && layout.data[at + len] == layout.data[at + 1] &&
	       (layout.data[at + 1] == '0' || layout.data[at + 1] == '9'))
		len++;
	if (len == 1)
		return 0;
	snprintf(digits, sizeof(digits), "%09lld", (long long)(ns % 1000000000));
	uint32_t keep = len - 1;

	while (layout.data[at + 1] == '9' && keep && digits[keep - 1] == '0')
		keep--;
	if (keep) {
		buf_char(out, '.');
		buf_add(out, digits, keep);
	}
	return len;
}

static uint32_t add_piece(struct buf *out, struct str layout, uint32_t at, const struct tm *tm)
{
	char text[64];

	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++) {
		struct str go = layouts[i].go;

		if (layout.len - at < go.len || memcmp(layout.data + at, go.data, go.len) != 0)
			continue;
		if (!layouts[i].c)
			add_zone(out, tm, go.data[0] == 'Z');
		else
			buf_add(out, text, strftime(text, sizeof(text), layouts[i].c, tm));
		return go.len;
	}
	return 0;
}

static struct tv formatted(struct run *run, struct str layout, int64_t ns, bool utc)
{
	time_t seconds = (time_t)(ns / 1000000000);
	struct buf out = { 0 };
	struct tm tm = { 0 };

	if (utc)
		gmtime_r(&seconds, &tm);
	else
		localtime_r(&seconds, &tm);
	for (uint32_t at = 0; at < layout.len;) {
		uint32_t taken = layout.data[at] == '.' ? add_fraction(&out, layout, at, ns) : 0;

		if (!taken)
			taken = add_piece(&out, layout, at, &tm);
		if (!taken) {
			buf_char(&out, layout.data[at]);
			taken = 1;
		}
		at += taken;
	}
	struct tv value = own(run, &out);

	buf_free(&out);
	return value;
}

/* The event's, so that a replay and a later delivery say the same. */
CALL(call_now)
{
	return UNUSED, (struct tv){ .kind = TV_TIME, .i = (int64_t)run->time };
}
CALL(call_date)
{
	return UNUSED, formatted(run, TEXT(0), moment(run, &args[1]), false);
}
CALL(call_date_in_zone)
{
	return UNUSED,
	       formatted(run, TEXT(0), moment(run, &args[1]), !str_equal(TEXT(2), STR("Local")));
}
CALL(call_unix_epoch)
{
	return UNUSED, tv_int(moment(run, &args[0]) / 1000000000);
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
	struct tv value = own(run, &out);

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
	struct tv value = own(run, &out);

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

const struct function template_functions[] = {
	{ "and", 1, ANY, call_and },
	{ "or", 1, ANY, call_or },
	{ "not", 1, 1, call_not },
	{ "eq", 2, ANY, call_eq },
	{ "ne", 2, 2, call_ne },
	{ "lt", 2, 2, call_lt },
	{ "le", 2, 2, call_le },
	{ "gt", 2, 2, call_gt },
	{ "ge", 2, 2, call_ge },
	{ "len", 1, 1, call_len },
	{ "index", 1, ANY, call_index },
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
	{ "default", 2, 2, call_default },
	{ "empty", 1, 1, call_empty },
	{ "coalesce", 1, ANY, call_or },
	{ "ternary", 3, 3, call_ternary },
	{ "int", 1, 1, call_int },
	{ "int64", 1, 1, call_int },
	{ "add", 1, ANY, call_add },
	{ "sub", 2, 2, call_sub },
	{ "mul", 1, ANY, call_mul },
	{ "div", 2, 2, call_div },
	{ "mod", 2, 2, call_mod },
	{ "list", 0, ANY, call_list },
	{ "first", 1, 1, call_first },
	{ "last", 1, 1, call_last },
	{ "has", 2, 2, call_has },
	{ "get", 2, 2, call_get },
	{ "hasKey", 2, 2, call_has_key },
	{ "join", 2, 2, call_join },
	{ "splitList", 2, 2, call_split_list },
	{ "now", 0, 0, call_now },
	{ "date", 2, 2, call_date },
	{ "dateInZone", 3, 3, call_date_in_zone },
	{ "unixEpoch", 1, 1, call_unix_epoch },
	{ "toJson", 1, 1, call_to_json },
	{ "toString", 1, 1, call_to_string },
	{ "b64enc", 1, 1, call_b64enc },
	{ NULL, 0, 0, NULL },
};

const struct function *template_function(struct str name)
{
	for (const struct function *f = template_functions; f->name; f++)
		if (str_equal(name, str_of(f->name)))
			return f;
	return NULL;
}
