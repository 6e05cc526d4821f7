/* SPDX-License-Identifier: Apache-2.0 */
/* JSON objects; what is put into them can neither end them nor add a member. */
#include "encode/object.h"

#include "base/common.h"
#include "event/encode_data.h"
#include "event/json.h"

/* A comma, unless this is the first of its object or array; then the key. */
static void start(struct sheet *sheet, const char *key)
{
	struct buf *out = sheet->out;
	char last = out->len ? out->data[out->len - 1] : '{';

	if (last != '{' && last != '[')
		buf_char(out, ',');
	if (!key)
		return;
	buf_char(out, '"');
	buf_add(out, key, strlen(key));
	buf_lit(out, "\":");
}

static void quoted(struct sheet *sheet, struct str text, uint32_t cap)
{
	buf_char(sheet->out, '"');
	sheet_text(sheet, text, TEXT_JSON, cap);
	buf_char(sheet->out, '"');
}

void object_begin(struct sheet *sheet)
{
	buf_char(sheet->out, '{');
}

void object_open(struct sheet *sheet, const char *key)
{
	start(sheet, key);
	buf_char(sheet->out, '{');
}

void object_close(struct sheet *sheet)
{
	buf_char(sheet->out, '}');
}

void array_open(struct sheet *sheet, const char *key)
{
	start(sheet, key);
	buf_char(sheet->out, '[');
}

void array_close(struct sheet *sheet)
{
	buf_char(sheet->out, ']');
}

void object_text(struct sheet *sheet, const char *key, struct str text, uint32_t cap)
{
	if (!text.len)
		return;
	start(sheet, key);
	quoted(sheet, text, cap);
}

void object_literal(struct sheet *sheet, const char *key, const char *text)
{
	start(sheet, key);
	buf_char(sheet->out, '"');
	buf_add(sheet->out, text, strlen(text));
	buf_char(sheet->out, '"');
}

void object_uint(struct sheet *sheet, const char *key, uint64_t number)
{
	start(sheet, key);
	buf_uint(sheet->out, number);
}

void object_int(struct sheet *sheet, const char *key, int64_t number)
{
	start(sheet, key);
	buf_int(sheet->out, number);
}

void object_bool(struct sheet *sheet, const char *key, bool value)
{
	start(sheet, key);
	buf_str(sheet->out, value ? STR("true") : STR("false"));
}

void object_uint_text(struct sheet *sheet, const char *key, uint64_t number)
{
	start(sheet, key);
	buf_char(sheet->out, '"');
	buf_uint(sheet->out, number);
	buf_char(sheet->out, '"');
}

void object_text_array(struct sheet *sheet, const char *key, struct str text, uint32_t cap)
{
	if (!text.len)
		return;
	array_open(sheet, key);
	object_text(sheet, NULL, text, cap);
	array_close(sheet);
}

void object_time(struct sheet *sheet, const char *key, uint64_t epoch_ns)
{
	if (!epoch_ns)
		return;
	start(sheet, key);
	json_time(sheet->out, epoch_ns);
}

void object_seconds(struct sheet *sheet, const char *key, uint64_t epoch_ns)
{
	object_uint(sheet, key, epoch_ns / 1000000000);
	buf_printf(sheet->out, ".%06u", (unsigned)(epoch_ns % 1000000000 / 1000));
}

void object_message(struct sheet *sheet, const char *key, const struct facts *facts)
{
	start(sheet, key);
	buf_char(sheet->out, '"');
	facts_message(sheet, facts, TEXT_JSON);
	buf_char(sheet->out, '"');
}

void object_addresses(struct sheet *sheet, const char *key, const struct host *host)
{
	if (!host->address_count)
		return;
	array_open(sheet, key);
	for (uint32_t i = 0; i < MIN(host->address_count, (uint32_t)CAP_ADDRESSES); i++)
		object_text(sheet, NULL, host->addresses[i], CAP_NAME);
	array_close(sheet);
}

void object_policies(struct sheet *sheet, const char *key, const struct facts *facts)
{
	enum { POLICIES_MAX = 64 };

	uint32_t named = 0;

	/* One without a name is that of no policy file. */
	for (uint32_t i = 0; i < facts->event->policy_count; i++)
		named += facts->event->policies[i].len > 0;
	if (!named)
		return;
	array_open(sheet, key);
	for (uint32_t i = 0; i < MIN(facts->event->policy_count, (uint32_t)POLICIES_MAX); i++)
		object_text(sheet, NULL, facts->event->policies[i], CAP_NAME);
	array_close(sheet);
	sheet->truncated += facts->event->policy_count > POLICIES_MAX;
}

/* ---- data ------------------------------ */

/* Base64 of as many bytes as the cap allows. */
static void add_bytes(struct sheet *sheet, const struct value *value)
{
	uint32_t len = MIN(value->len, (uint32_t)CAP_TEXT / 4 * 3);

	json_base64(sheet->out, (struct str){ value->str, len });
	sheet->truncated += len < value->len;
}

/* Whole or not at all. */
static void add_map(struct sheet *sheet, const struct value *value)
{
	size_t before = sheet->out->len;

	encode_plain(sheet->out, value);
	if (sheet->out->len - before <= CAP_LONG)
		return;
	sheet->out->len = before;
	buf_lit(sheet->out, "null");
	sheet->truncated++;
}

static void add_value(struct sheet *sheet, const struct value *value)
{
	switch (value->tag) {
	case VALUE_BOOL: buf_str(sheet->out, value->b ? STR("true") : STR("false")); break;
	case VALUE_INT: buf_int(sheet->out, value->i); break;
	case VALUE_UINT: buf_uint(sheet->out, value->u); break;
	case VALUE_DOUBLE: json_double(sheet->out, value->d); break;
	case VALUE_STRING: quoted(sheet, (struct str){ value->str, value->len }, CAP_TEXT); break;
	case VALUE_BYTES: add_bytes(sheet, value); break;
	case VALUE_MAP: add_map(sheet, value); break;
	default: buf_lit(sheet->out, "null");
	}
}

static void datum_key(struct sheet *sheet, const struct datum *datum, struct str suffix)
{
	start(sheet, NULL);
	buf_char(sheet->out, '"');
	sheet_text(sheet, datum->name, TEXT_JSON, CAP_NAME);
	buf_str(sheet->out, suffix);
	buf_lit(sheet->out, "\":");
}

static void add_datum(struct sheet *sheet, const struct datum *datum)
{
	datum_key(sheet, datum, STR(""));
	if (datum->value.tag != VALUE_LIST) {
		add_value(sheet, &datum->value);
	} else {
		buf_char(sheet->out, '[');
		for (uint32_t i = 0; i < datum->count; i++) {
			start(sheet, NULL);
			add_value(sheet, &datum->items[i]);
		}
		buf_char(sheet->out, ']');
		sheet->truncated += datum->cut;
	}
	if (datum->names.len) {
		datum_key(sheet, datum, STR("_text"));
		quoted(sheet, datum->names, CAP_TEXT);
	}
}

void object_data(struct sheet *sheet, const char *key, const struct facts *facts)
{
	struct datum datum;
	unsigned i = 0;

	if (!facts_datum(facts, &i, &datum))
		return;
	object_open(sheet, key);
	do
		add_datum(sheet, &datum);
	while (facts_datum(facts, &i, &datum));
	object_close(sheet);
}
