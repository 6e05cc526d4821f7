/* SPDX-License-Identifier: Apache-2.0 */
/* A schema as tables, and one walk that prints what the bytes say in the order they say it. */
#include "otlp.h"

#include "base/arena.h"
#include "base/common.h"
#include "base/text.h"
#include "event/json.h"
#include "base/json-parse.h"

enum kind { END, TEXT, BLOB, BOOL, SMALL, INT, REAL, FIXED, ONE, MANY };

struct schema_field {
	unsigned number;
	enum kind kind;
	const char *key;
	const struct schema_field *of; /* ONE, MANY */
};

static const struct schema_field any[];

static const struct schema_field key_value[] = { { 1, TEXT, "key", NULL },
						 { 2, ONE, "value", any },
						 { 0, END, NULL, NULL } };
static const struct schema_field list[] = { { 1, MANY, "values", any }, { 0, END, NULL, NULL } };
static const struct schema_field map[] = { { 1, MANY, "values", key_value },
					   { 0, END, NULL, NULL } };
static const struct schema_field any[] = {
	{ 1, TEXT, "stringValue", NULL }, { 2, BOOL, "boolValue", NULL },
	{ 3, INT, "intValue", NULL },	  { 4, REAL, "doubleValue", NULL },
	{ 5, ONE, "arrayValue", list },	  { 6, ONE, "kvlistValue", map },
	{ 7, BLOB, "bytesValue", NULL },  { 0, END, NULL, NULL },
};
static const struct schema_field scope[] = { { 1, TEXT, "name", NULL },
					     { 2, TEXT, "version", NULL },
					     { 0, END, NULL, NULL } };
static const struct schema_field record[] = {
	{ 1, FIXED, "timeUnixNano", NULL },   { 11, FIXED, "observedTimeUnixNano", NULL },
	{ 2, SMALL, "severityNumber", NULL }, { 3, TEXT, "severityText", NULL },
	{ 12, TEXT, "eventName", NULL },      { 5, ONE, "body", any },
	{ 6, MANY, "attributes", key_value }, { 0, END, NULL, NULL },
};
static const struct schema_field scope_logs[] = { { 1, ONE, "scope", scope },
						  { 2, MANY, "logRecords", record },
						  { 0, END, NULL, NULL } };
static const struct schema_field resource[] = { { 1, MANY, "attributes", key_value },
						{ 0, END, NULL, NULL } };
static const struct schema_field resource_logs[] = { { 1, ONE, "resource", resource },
						     { 2, MANY, "scopeLogs", scope_logs },
						     { 0, END, NULL, NULL } };
static const struct schema_field request[] = { { 1, MANY, "resourceLogs", resource_logs },
					       { 0, END, NULL, NULL } };

struct input {
	const unsigned char *at, *end;
};

static bool get_varint(struct input *in, uint64_t *out)
{
	*out = 0;
	for (unsigned shift = 0; shift < 64 && in->at < in->end; shift += 7) {
		unsigned char byte = *in->at++;

		*out |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return byte || !shift; /* the shortest form */
	}
	return false;
}

static bool get_fixed(struct input *in, void *out)
{
	if (in->end - in->at < 8)
		return false;
	memcpy(out, in->at, 8);
	in->at += 8;
	return true;
}

static bool get_bytes(struct input *in, struct input *out)
{
	uint64_t len;

	if (!get_varint(in, &len) || len > (uint64_t)(in->end - in->at))
		return false;
	*out = (struct input){ in->at, in->at + len };
	in->at += len;
	return true;
}

static bool print_message(struct buf *out, const struct schema_field *fields, struct input in,
			  unsigned depth);

static void print_real(struct buf *out, double number)
{
	if (__builtin_isfinite(number))
		json_double(out, number);
	else
		buf_str(out, number > 0	  ? STR("\"Infinity\"")
			     : number < 0 ? STR("\"-Infinity\"")
					  : STR("\"NaN\""));
}

static bool print_number(struct buf *out, enum kind kind, struct input *in)
{
	uint64_t number;
	double real;

	if (kind == REAL)
		return get_fixed(in, &real) ? print_real(out, real), true : false;
	if (kind == FIXED ? !get_fixed(in, &number) : !get_varint(in, &number))
		return false;
	if (kind == BOOL)
		buf_str(out, number ? STR("true") : STR("false"));
	else if (kind == SMALL)
		buf_uint(out, number);
	else {
		buf_char(out, '"');
		kind == INT ? buf_int(out, (int64_t)number) : buf_uint(out, number);
		buf_char(out, '"');
	}
	return true;
}

static bool print_value(struct buf *out, const struct schema_field *field, struct input *in,
			unsigned depth)
{
	struct input bytes;
	struct str text;

	if (field->kind >= BOOL && field->kind <= FIXED)
		return print_number(out, field->kind, in);
	if (!get_bytes(in, &bytes))
		return false;
	text = (struct str){ (const char *)bytes.at, (uint32_t)(bytes.end - bytes.at) };
	if (field->kind == BLOB)
		json_base64(out, text);
	else if (field->kind != TEXT)
		return print_message(out, field->of, bytes, depth + 1);
	else if (text_is_utf8(text.data, text.len))
		json_text(out, text);
	else
		return false;
	return true;
}

static unsigned wire_type(enum kind kind)
{
	return kind == REAL || kind == FIXED ? 1 : kind >= BOOL && kind <= INT ? 0 : 2;
}

static bool is_at(const struct input *in, const struct schema_field *field)
{
	struct input copy = *in;
	uint64_t tag;

	return copy.at < copy.end && get_varint(&copy, &tag) &&
	       tag == (field->number << 3 | wire_type(field->kind));
}

/* Fields come in the order of the table, each once but for the repeated ones. */
static bool print_message(struct buf *out, const struct schema_field *fields, struct input in,
			  unsigned depth)
{
	bool first = true;
	uint64_t tag;

	if (depth > 16)
		return false;
	buf_char(out, '{');
	for (const struct schema_field *field = fields; field->kind != END; field++) {
		bool many = field->kind == MANY;

		if (!is_at(&in, field))
			continue;
		buf_str(out, first ? STR("\"") : STR(",\""));
		buf_str(out, str_of(field->key));
		buf_str(out, many ? STR("\":[") : STR("\":"));
		first = false;
		for (unsigned n = 0; is_at(&in, field) && (many || !n); n++) {
			buf_str(out, n ? STR(",") : STR(""));
			if (!get_varint(&in, &tag) || !print_value(out, field, &in, depth))
				return false;
		}
		buf_str(out, many ? STR("]") : STR(""));
	}
	buf_char(out, '}');
	return in.at == in.end;
}

bool otlp_decode(struct buf *out, struct str bytes)
{
	const unsigned char *at = (const unsigned char *)bytes.data;

	return print_message(out, request, (struct input){ at, at + bytes.len }, 0);
}

static bool same_tree(const struct json *a, const struct json *b)
{
	if (!a || !b)
		return a == b;
	if (a->type != b->type || !str_equal(a->key, b->key) || !str_equal(a->text, b->text))
		return false;
	const struct json *x = a->first, *y = b->first;

	for (; x && y; x = x->next, y = y->next)
		if (!same_tree(x, y))
			return false;
	/* An empty list is written in JSON and absent in protobuf. */
	for (; x; x = x->next)
		if (x->type != JSON_ARRAY || x->first)
			return false;
	return !y;
}

bool otlp_same(const struct buf *a, const struct buf *b)
{
	static struct arena arena;
	struct json_fault fault;
	struct str x, y;

	arena_reset(&arena);
	x = arena_str(&arena, a->data, a->len);
	y = arena_str(&arena, b->data, b->len);
	const struct json *tree = json_parse(&arena, (char *)x.data, x.len, &fault);

	return tree && same_tree(tree, json_parse(&arena, (char *)y.data, y.len, &fault));
}
