/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of templates: those of text/template and of Sprig that templates of alerts use, with
 * their order of arguments. A value of the wrong kind is taken as its text, as zero or as an
 * empty list: at run time nothing fails.
 */
#include <ctype.h>
#include <time.h>

#include "base/common.h"
#define TEMPLATE_CALLS
#include "encode/template_private.h"
#include "event/json.h"

int64_t template_integer(struct run *run, const struct tv *value)
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

struct tv template_own(struct run *run, const struct buf *text)
{
	return tv_text(template_copy(run, text->data ? text->data : "", text->len));
}

/* ---- comparing ------------------------------ */

static bool same(struct run *run, const struct tv *a, const struct tv *b)
{
	if (a->kind == TV_FLOAT || b->kind == TV_FLOAT)
		return (a->kind == TV_FLOAT ? a->d : (double)template_integer(run, a)) ==
		       (b->kind == TV_FLOAT ? b->d : (double)template_integer(run, b));
	return str_equal(tv_string(run, a), tv_string(run, b));
}

static int order(struct run *run, const struct tv *a, const struct tv *b)
{
	struct str x, y;
	int r;

	if (a->kind != TV_TEXT || b->kind != TV_TEXT) {
		int64_t i = template_integer(run, a), j = template_integer(run, b);

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

/* ---- numbers ------------------------------ */

CALL(call_int)
{
	return UNUSED, tv_int(template_integer(run, &args[0]));
}

static struct tv sum(struct run *run, const struct tv *args, uint32_t count, char op)
{
	int64_t total = template_integer(run, &args[0]);

	for (uint32_t i = 1; i < count; i++) {
		int64_t n = template_integer(run, &args[i]);

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

struct tv template_list(struct run *run, const struct tv *items, uint32_t count)
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
	return template_list(run, args, count);
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
				: tv_at(&value, (uint32_t)MAX(template_integer(run, &args[i]), -1),
					NULL);
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
	struct tv value = template_own(run, &out);

	buf_free(&out);
	return value;
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
		return template_integer(run, value) > INT64_MAX / 1000000000 ||
				       template_integer(run, value) < 0
			       ? 0
			       : template_integer(run, value) * 1000000000;
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
	struct tv value = template_own(run, &out);

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

enum { ANY = 255 };

static const struct function values_functions[] = {
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
	{ "now", 0, 0, call_now },
	{ "date", 2, 2, call_date },
	{ "dateInZone", 3, 3, call_date_in_zone },
	{ "unixEpoch", 1, 1, call_unix_epoch },
	{ NULL, 0, 0, NULL },
};

const struct function *const template_functions[] = { values_functions, template_text_functions,
						      NULL };

const struct function *template_function(struct str name)
{
	for (size_t i = 0; template_functions[i]; i++)
		for (const struct function *f = template_functions[i]; f->name; f++)
			if (str_equal(name, str_of(f->name)))
				return f;
	return NULL;
}
