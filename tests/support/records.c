/* SPDX-License-Identifier: Apache-2.0 */
/* Strict parsers of CEF, LEEF 2.0 and syslog, for tests. */
#include "records.h"

#include <ctype.h>

#include "base/common.h"

static bool refuse(struct record *out, const char *why)
{
	out->why = why;
	return false;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static bool has_control(struct str text, char allowed)
{
	for (uint32_t i = 0; i < text.len; i++)
		if (((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f) &&
		    text.data[i] != allowed)
			return true;
	return false;
}

static bool pair_add(struct record *out, struct str element, struct str key, struct str value)
{
	if (out->count == RECORD_PAIRS)
		return refuse(out, "more pairs than a record has");
	out->pairs[out->count++] = (struct record_pair){ element, key, value };
	return true;
}

struct str record_get(const struct record *record, const char *key, uint32_t *count)
{
	struct str found = { 0 }, wanted = str_of(key);

	if (count)
		*count = 0;
	for (uint32_t i = 0; i < record->count; i++)
		if (str_equal(record->pairs[i].key, wanted)) {
			found = record->pairs[i].value;
			if (count)
				++*count;
		}
	return found;
}

/* ---- CEF ------------------------------ */

static const struct str cef_keys[] = {
	STR("rt"),	    STR("start"),
	STR("end"),	    STR("cnt"),
	STR("externalId"),  STR("cat"),
	STR("act"),	    STR("deviceEventCategory"),
	STR("dvchost"),	    STR("deviceExternalId"),
	STR("dvc"),	    STR("c6a1Label"),
	STR("c6a1"),	    STR("deviceProcessName"),
	STR("sproc"),	    STR("spid"),
	STR("suid"),	    STR("fname"),
	STR("filePath"),    STR("cs1Label"),
	STR("cs1"),	    STR("cs2Label"),
	STR("cs2"),	    STR("cs3Label"),
	STR("cs3"),	    STR("cs4Label"),
	STR("cs4"),	    STR("cs5Label"),
	STR("cs5"),	    STR("cs6Label"),
	STR("cs6"),	    STR("flexString1Label"),
	STR("flexString1"), STR("flexString2Label"),
	STR("flexString2"), STR("cn1Label"),
	STR("cn1"),	    STR("cn2Label"),
	STR("cn2"),	    STR("cn3Label"),
	STR("cn3"),	    STR("msg"),
	STR("reason"),
};

/* Up to an unescaped `|`; `at` moves behind it. */
static bool cef_header(struct arena *arena, struct str line, uint32_t *at, struct str *field,
		       struct record *out)
{
	char *text = arena_alloc(arena, line.len + 1);
	uint32_t len = 0;

	for (; *at < line.len && line.data[*at] != '|'; ++*at) {
		if (line.data[*at] == '\\') {
			++*at;
			if (*at == line.len || !strchr("\\|", line.data[*at]))
				return refuse(out, "there is no such escape in the header");
		}
		text[len++] = line.data[*at];
	}
	if (*at == line.len)
		return refuse(out, "the header has too few fields");
	++*at;
	*field = (struct str){ text, len };
	return true;
}

static bool cef_unescape(struct arena *arena, struct str raw, struct str *value, struct record *out)
{
	char *text = arena_alloc(arena, raw.len + 1);
	uint32_t len = 0;

	for (uint32_t i = 0; i < raw.len; i++) {
		char c = raw.data[i];

		if (c == '\\') {
			const char *found = ++i < raw.len ? strchr("\\=nr", raw.data[i]) : NULL;

			if (!found || !*found)
				return refuse(out, "there is no such escape in the extension");
			c = raw.data[i] == 'n' ? '\n' : raw.data[i] == 'r' ? '\r' : raw.data[i];
		}
		text[len++] = c;
	}
	*value = (struct str){ text, len };
	return true;
}

/* Start of the next " key=" at or behind `at`, or the end. */
static uint32_t cef_next(struct str line, uint32_t at)
{
	for (uint32_t i = at; i < line.len; i++) {
		uint32_t end = i + 1;

		if (line.data[i] == '\\') {
			i++;
			continue;
		}
		while (line.data[i] == ' ' && end < line.len && is_word(line.data[end]))
			end++;
		if (line.data[i] == ' ' && end > i + 1 && end < line.len && line.data[end] == '=')
			return i;
	}
	return line.len;
}

static bool cef_known(struct str key)
{
	for (size_t i = 0; i < ARRAY_SIZE(cef_keys); i++)
		if (str_equal(key, cef_keys[i]))
			return true;
	return false;
}

static bool cef_pair(struct arena *arena, struct str pair, struct record *out)
{
	uint32_t equal = 0;
	struct str value, key;

	while (equal < pair.len && is_word(pair.data[equal]))
		equal++;
	if (!equal || equal == pair.len || pair.data[equal] != '=')
		return refuse(out, "the extension has no key where one belongs");
	key = (struct str){ pair.data, equal };
	value = (struct str){ pair.data + equal + 1, pair.len - equal - 1 };
	for (uint32_t i = 0; i < value.len; i++) {
		if (value.data[i] == '\\')
			i++;
		else if (value.data[i] == '=')
			return refuse(out, "a value has an = that is not escaped");
	}
	if (!value.len || value.data[value.len - 1] == ' ')
		return refuse(out, "a value is empty or ends in a space");
	if (!cef_known(key))
		return refuse(out, "this is no key of the dictionary");
	return cef_unescape(arena, value, &value, out) &&
	       pair_add(out, (struct str){ 0 }, key, value);
}

static uint32_t count_key(const struct record *record, struct str key)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < record->count; i++)
		count += str_equal(record->pairs[i].key, key);
	return count;
}

/* csNLabel goes with csN, and no key stands twice. */
static bool cef_labels(struct record *out)
{
	for (uint32_t i = 0; i < out->count; i++) {
		struct str key = out->pairs[i].key;

		if (count_key(out, key) != 1)
			return refuse(out, "a key stands twice");
		if (key.len > 5 && !memcmp(key.data + key.len - 5, "Label", 5) &&
		    !count_key(out, (struct str){ key.data, key.len - 5 }))
			return refuse(out, "a label labels nothing");
	}
	return true;
}

bool cef_parse(struct arena *arena, struct str line, struct record *out)
{
	uint32_t at = 0;

	*out = (struct record){ 0 };
	if (has_control(line, 0x20))
		return refuse(out, "a control character stands in the record");
	for (int i = 0; i < 7; i++)
		if (!cef_header(arena, line, &at, &out->head[i], out))
			return false;
	if (!str_equal(out->head[0], STR("CEF:0")))
		return refuse(out, "it does not begin with CEF:0");
	while (at < line.len) {
		uint32_t next = cef_next(line, at);

		if (!cef_pair(arena, (struct str){ line.data + at, next - at }, out))
			return false;
		at = next + (next < line.len);
	}
	return cef_labels(out);
}

/* ---- LEEF ------------------------------ */

static bool leef_key(struct str key)
{
	for (uint32_t i = 0; i < key.len; i++)
		if (!is_word(key.data[i]) && key.data[i] != '.' && key.data[i] != '-')
			return false;
	return key.len > 0;
}

bool leef_parse(struct arena *arena, struct str line, struct record *out)
{
	uint32_t at = 0;

	(void)arena;
	*out = (struct record){ 0 };
	if (has_control(line, '\t'))
		return refuse(out, "a control character stands in the record");
	for (int i = 0; i < 6; i++) {
		const char *end = memchr(line.data + at, '|', line.len - at);

		if (!end || memchr(line.data + at, '\t', (size_t)(end - line.data) - at))
			return refuse(out, "the header has too few fields");
		out->head[i] = (struct str){ line.data + at, (uint32_t)(end - line.data) - at };
		at += out->head[i].len + 1;
	}
	if (!str_equal(out->head[0], STR("LEEF:2.0")) || !str_equal(out->head[5], STR("x09")))
		return refuse(out, "it does not begin with LEEF:2.0, or its delimiter is another");
	while (at < line.len) {
		const char *end = memchr(line.data + at, '\t', line.len - at);
		uint32_t len = end ? (uint32_t)(end - line.data) - at : line.len - at;
		const char *equal = memchr(line.data + at, '=', len);
		struct str key = { line.data + at, equal ? (uint32_t)(equal - line.data) - at : 0 };

		if (!equal || !leef_key(key))
			return refuse(out, "an attribute has no key");
		if (!pair_add(out, (struct str){ 0 }, key,
			      (struct str){ equal + 1, len - key.len - 1 }))
			return false;
		at += len + (end != NULL);
	}
	return true;
}

/* ---- syslog ------------------------------ */

static bool number_at(struct str line, uint32_t *at, uint32_t *out)
{
	uint32_t start = *at;

	*out = 0;
	while (*at < line.len && isdigit((unsigned char)line.data[*at]))
		*out = *out * 10 + (uint32_t)(line.data[(*at)++] - '0');
	return *at > start && *at - start <= 3 && (line.data[start] != '0' || *at == start + 1);
}

static bool priority(struct str line, uint32_t *at, struct record *out)
{
	uint32_t value;

	*at = 1;
	if (!line.len || line.data[0] != '<' || !number_at(line, at, &value) || value > 191 ||
	    *at == line.len || line.data[(*at)++] != '>')
		return refuse(out, "it does not begin with a priority");
	return true;
}

/* Printable ASCII up to a space, which is skipped. */
static bool token(struct str line, uint32_t *at, uint32_t most, struct str *token_out,
		  struct record *out)
{
	uint32_t start = *at;

	while (*at < line.len && line.data[*at] > ' ' && line.data[*at] < 0x7f)
		++*at;
	*token_out = (struct str){ line.data + start, *at - start };
	if (*at == start || *at - start > most || *at == line.len || line.data[(*at)++] != ' ')
		return refuse(out, "a field of the header is missing, too long or not ASCII");
	return true;
}

/* 2026-09-20T10:11:12.345678Z */
static bool is_timestamp(struct str text)
{
	static const char shape[] = "0000-00-00T00:00:00";
	uint32_t digits = 0;

	if (text.len < sizeof(shape) || text.data[text.len - 1] != 'Z')
		return false;
	for (uint32_t i = 0; i < sizeof(shape) - 1; i++)
		if (shape[i] == '0' ? !isdigit((unsigned char)text.data[i])
				    : text.data[i] != shape[i])
			return false;
	if (text.len == sizeof(shape))
		return true;
	for (uint32_t i = sizeof(shape); i < text.len - 1; i++, digits++)
		if (!isdigit((unsigned char)text.data[i]))
			return false;
	return text.data[sizeof(shape) - 1] == '.' && digits >= 1 && digits <= 6;
}

static struct str sd_name(struct str line, uint32_t *at)
{
	uint32_t start = *at;

	while (*at < line.len && line.data[*at] > ' ' && line.data[*at] < 0x7f &&
	       !strchr("=]\"", line.data[*at]))
		++*at;
	return (struct str){ line.data + start, *at - start <= 32 ? *at - start : 0 };
}

/* Behind the quote. */
static bool sd_value(struct arena *arena, struct str line, uint32_t *at, struct str *value,
		     struct record *out)
{
	char *text = arena_alloc(arena, line.len + 1);
	uint32_t len = 0;

	for (; *at < line.len && line.data[*at] != '"'; ++*at) {
		if (line.data[*at] == ']')
			return refuse(out, "a ] is not escaped");
		if (line.data[*at] == '\\') {
			++*at;
			if (*at == line.len || !strchr("\"\\]", line.data[*at]))
				return refuse(out, "there is no such escape");
		}
		text[len++] = line.data[*at];
	}
	if (*at == line.len)
		return refuse(out, "a value has no end");
	++*at;
	*value = (struct str){ text, len };
	return true;
}

static bool sd_element(struct arena *arena, struct str line, uint32_t *at, struct record *out)
{
	struct str id, key, value;

	++*at;
	id = sd_name(line, at);
	if (!id.len)
		return refuse(out, "an element has no name");
	while (*at < line.len && line.data[*at] == ' ') {
		++*at;
		key = sd_name(line, at);
		if (!key.len || *at + 1 >= line.len || line.data[*at] != '=' ||
		    line.data[*at + 1] != '"')
			return refuse(out, "a parameter has no name");
		*at += 2;
		if (!sd_value(arena, line, at, &value, out) || !pair_add(out, id, key, value))
			return false;
	}
	if (*at == line.len || line.data[(*at)++] != ']')
		return refuse(out, "an element has no end");
	return true;
}

bool rfc5424_parse(struct arena *arena, struct str line, struct record *out)
{
	static const uint32_t most[] = { 1, 27, 255, 48, 128, 32 };
	uint32_t at = 0;

	*out = (struct record){ 0 };
	if (has_control(line, ' ') || !priority(line, &at, out))
		return refuse(out, "a control character, or no priority");
	for (size_t i = 0; i < ARRAY_SIZE(most); i++)
		if (!token(line, &at, most[i], &out->head[i], out))
			return false;
	if (!str_equal(out->head[0], STR("1")) || !is_timestamp(out->head[1]))
		return refuse(out, "not version 1, or no timestamp");
	if (at == line.len || line.data[at] != '[')
		return refuse(out, "no structured data");
	while (at < line.len && line.data[at] == '[')
		if (!sd_element(arena, line, &at, out))
			return false;
	if (at == line.len || line.data[at++] != ' ')
		return refuse(out, "no space in front of the message");
	if (line.len - at >= 3 && !memcmp(line.data + at, "\xef\xbb\xbf", 3))
		at += 3;
	out->message = (struct str){ line.data + at, line.len - at };
	return true;
}

bool rfc3164_parse(struct str line, struct record *out)
{
	uint32_t at = 0;

	*out = (struct record){ 0 };
	if (has_control(line, ' ') || !priority(line, &at, out))
		return refuse(out, "a control character, or no priority");
	/* "Sep 20 10:11:12 " */
	if (line.len < at + 16 || line.data[at + 3] != ' ' || line.data[at + 6] != ' ' ||
	    line.data[at + 9] != ':' || line.data[at + 12] != ':' || line.data[at + 15] != ' ')
		return refuse(out, "no time");
	at += 16;
	if (!token(line, &at, 255, &out->head[0], out) || !token(line, &at, 33, &out->head[1], out))
		return false;
	if (out->head[1].data[out->head[1].len - 1] != ':')
		return refuse(out, "the tag has no colon");
	out->message = (struct str){ line.data + at, line.len - at };
	return true;
}
