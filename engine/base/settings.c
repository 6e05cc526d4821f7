/* SPDX-License-Identifier: Apache-2.0 */
/* Settings from text: one function for each kind of value. */
#include "base/settings.h"

#include <errno.h>

#include "base/common.h"
#include "base/suggest.h"

struct unit {
	const char *suffix;
	int64_t factor;
};

static const struct unit sizes[] = {
	{ "", 1 }, { "K", 1 << 10 }, { "M", 1 << 20 }, { "G", 1 << 30 }, { NULL, 0 }
};
static const struct unit durations[] = {
	{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { NULL, 0 }
};
static const struct unit plain[] = { { "", 1 }, { NULL, 0 } };

static int wrong(struct str text, const char *expected, struct err *err)
{
	return err_set(err, -EINVAL, "found '%.*s', expected %s", (int)MIN(text.len, 64u),
		       text.data, expected);
}

/* Digits and one of the units. */
static bool parse_number(struct str text, const struct unit *units, int64_t *out)
{
	uint32_t i = 0;
	int64_t number = 0;

	for (; i < text.len && text.data[i] >= '0' && text.data[i] <= '9'; i++)
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, text.data[i] - '0', &number))
			return false;
	struct str suffix = { text.data + i, text.len - i };

	for (; i && units->suffix; units++)
		if (str_equal(suffix, str_of(units->suffix)))
			return !__builtin_mul_overflow(number, units->factor, out);
	return false;
}

static int parse_bool(struct str text, struct setting_value *out, struct err *err)
{
	bool yes = str_equal(text, STR("true")) || str_equal(text, STR("yes"));

	if (!yes && !str_equal(text, STR("false")) && !str_equal(text, STR("no")))
		return wrong(text, "true or false", err);
	out->number = yes;
	return 0;
}

static int parse_choice(const struct setting_key *key, struct str text, struct setting_value *out,
			struct err *err)
{
	struct suggest suggest;
	int64_t position = 0;

	suggest_start(&suggest, text);
	for (const char *at = key->choices; *at; position++) {
		struct str word = { at, (uint32_t)strcspn(at, " ") };

		if (str_equal(word, text)) {
			out->number = position;
			return 0;
		}
		suggest_try(&suggest, word);
		at += word.len;
		at += *at == ' ';
	}
	err_set(err, -EINVAL, "found '%.*s', expected one of: %s", (int)MIN(text.len, 64u),
		text.data, key->choices);
	if (suggest.best.data)
		err_hint(err, "did you mean '%.*s'?", (int)suggest.best.len, suggest.best.data);
	return -EINVAL;
}

static uint32_t count_commas(struct str text)
{
	uint32_t count = text.len > 0;

	for (uint32_t i = 0; i < text.len; i++)
		count += text.data[i] == ',';
	return count;
}

/* The text up to the next comma; `rest` moves behind it. */
static struct str next_item(struct str *rest)
{
	const char *comma = memchr(rest->data, ',', rest->len);
	struct str item = { rest->data, comma ? (uint32_t)(comma - rest->data) : rest->len };
	uint32_t taken = item.len + (comma != NULL);

	*rest = (struct str){ rest->data + taken, rest->len - taken };
	return item;
}

static int parse_texts(struct str text, struct arena *arena, struct setting_value *out,
		       struct err *err)
{
	uint32_t count = count_commas(text);
	struct str *items = arena_array(arena, struct str, count + 1);

	if (!items)
		return err_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < count; i++) {
		struct str item = next_item(&text);

		items[i] = arena_str(arena, item.data, item.len);
		if (!items[i].data)
			return err_set(err, -ENOMEM, "out of memory");
	}
	out->texts = items;
	out->count = count;
	return 0;
}

static int parse_pairs(struct str text, struct arena *arena, struct setting_value *out,
		       struct err *err)
{
	uint32_t count = count_commas(text);
	struct setting_pair *pairs = arena_array(arena, struct setting_pair, count + 1);

	if (!pairs)
		return err_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < count; i++) {
		struct str item = next_item(&text);
		const char *equal = memchr(item.data, '=', item.len);

		if (!equal || equal == item.data)
			return wrong(item, "name=value", err);
		uint32_t len = (uint32_t)(equal - item.data);

		pairs[i].key = arena_str(arena, item.data, len);
		pairs[i].value = arena_str(arena, equal + 1, item.len - len - 1);
		if (!pairs[i].key.data || !pairs[i].value.data)
			return err_set(err, -ENOMEM, "out of memory");
	}
	out->pairs = pairs;
	out->count = count;
	return 0;
}

static int parse_kind(const struct setting_key *key, struct str text, struct arena *arena,
		      struct setting_value *out, struct err *err)
{
	switch (key->kind) {
	case SETTING_BOOL: return parse_bool(text, out, err);
	case SETTING_CHOICE: return parse_choice(key, text, out, err);
	case SETTING_TEXTS: return parse_texts(text, arena, out, err);
	case SETTING_PAIRS: return parse_pairs(text, arena, out, err);
	case SETTING_NUMBER:
		return parse_number(text, plain, &out->number)
			       ? 0
			       : wrong(text, "a number from 0 to 2^63-1", err);
	case SETTING_SIZE:
		return parse_number(text, sizes, &out->number)
			       ? 0
			       : wrong(text, "a size in bytes, such as 4096, 64K or 16M", err);
	case SETTING_DURATION:
		return parse_number(text, durations, &out->number)
			       ? 0
			       : wrong(text, "a duration, such as 500ms, 10s, 5m or 1h", err);
	default: return 0;
	}
}

int setting_parse(const struct setting_key *key, struct str text, struct arena *arena,
		  struct setting_value *out, struct err *err)
{
	struct setting_value value = { .given = true,
				       .text = arena_str(arena, text.data, text.len) };

	if (!value.text.data)
		return err_set(err, -ENOMEM, "out of memory");
	int r = parse_kind(key, value.text, arena, &value, err);

	if (r == 0)
		*out = value;
	return r;
}

struct setting_value *settings_default(const struct setting_key *keys, uint32_t count,
				       struct arena *arena)
{
	struct setting_value *values = arena_array(arena, struct setting_value, count + 1);
	struct err err;

	for (uint32_t i = 0; values && i < count; i++) {
		if (!keys[i].fallback)
			continue;
		memset(&err, 0, sizeof(err));
		if (setting_parse(&keys[i], str_of(keys[i].fallback), arena, &values[i], &err) < 0)
			return NULL;
		values[i].given = false;
	}
	return values;
}

static void hint_all(const struct setting_key *keys, uint32_t count, struct err *err)
{
	char text[ERR_MESSAGE_MAX] = "";
	size_t used = 0;

	for (uint32_t i = 0; i < count && used < sizeof(text); i++) {
		int len = snprintf(text + used, sizeof(text) - used, "%s%s", i ? ", " : "",
				   keys[i].name);

		used += (size_t)MAX(len, 0);
	}
	if (count)
		err_hint(err, "there are: %s", text);
}

int setting_find(const struct setting_key *keys, uint32_t count, struct str name, struct err *err)
{
	struct suggest suggest;

	suggest_start(&suggest, name);
	for (uint32_t i = 0; i < count; i++) {
		if (str_equal(name, str_of(keys[i].name)))
			return (int)i;
		suggest_try(&suggest, str_of(keys[i].name));
	}
	err_set(err, -EINVAL, "there is no setting '%.*s'", (int)MIN(name.len, 64u), name.data);
	if (suggest.best.data)
		err_hint(err, "did you mean '%.*s'?", (int)suggest.best.len, suggest.best.data);
	else
		hint_all(keys, count, err);
	return -1;
}
