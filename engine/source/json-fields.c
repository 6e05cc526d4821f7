/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of recorded JSON into the slots of a record. What cannot be represented exactly is
 * refused, not rounded: a rule must see what the recorded event had. Invariant: the record made
 * here passes wire_check.
 */
#include "source/json-fields.h"

#include <errno.h>
#include <math.h>

#include "base/buf.h"
#include "event/helper.h"
#include "event/names.h"
#include "event/object.h"
#include "source/json-object.h"

struct builder {
	struct line_record *out;
	const struct event_def *def;
	struct line_fault *fault;
	uint32_t size; /* bytes of the record so far */
	bool legacy;   /* trace.Event */
};

static bool fail(struct builder *b, const struct json *value, const struct event_field *field,
		 const char *found)
{
	static const char *const expected[] = {
#define TYPE(name, c_type, tracee_name, json_key, cel_type) [FIELD_##name] = json_key,
#include "types.def"
#undef TYPE
	};

	return line_fault_set(b->fault, value->at, "field '%s': expected %s, found %s", field->name,
			      expected[field->type], found);
}

static bool fail_range(struct builder *b, const struct json *value, const struct event_field *field)
{
	return line_fault_set(b->fault, value->at, "field '%s': %.*s is out of range", field->name,
			      (int)MIN(value->text.len, 40u), value->text.data);
}

/* ---- the tail ------------------------------ */

/* Room for `len` bytes behind the record; NULL if it would become too large. */
static char *tail_room(struct builder *b, size_t len)
{
	if (len > WIRE_RECORD_MAX - 8 - b->size) {
		line_fault_set(b->fault, NULL,
			       "the event is larger than %d bytes, the most a record may be",
			       WIRE_RECORD_MAX);
		return NULL;
	}
	return b->out->bytes + b->size;
}

static bool tail_add(struct builder *b, struct str text)
{
	char *at = tail_room(b, text.len);

	if (!at)
		return false;
	if (text.len)
		memcpy(at, text.data, text.len);
	b->size += text.len;
	return true;
}

/* No string of the kernel holds one, and lists of strings are divided by them. */
static bool has_nul(struct str text)
{
	return text.len && memchr(text.data, 0, text.len);
}

static bool read_text(struct builder *b, const struct json *value, const struct event_field *field,
		      struct wire_ref *slot)
{
	if (value->type != JSON_STRING)
		return fail(b, value, field, json_type_name(value));
	if (has_nul(value->text))
		return fail(b, value, field, "a string with a NUL in it");
	*slot = (struct wire_ref){ b->size, value->text.len };
	return tail_add(b, value->text);
}

static int base64_digit(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = c ? strchr(digits, c) : NULL;

	return found ? (int)(found - digits) : -1;
}

int base64_decode(struct str text, char *out)
{
	uint32_t bits = 0, have = 0;
	int len = 0;

	while (text.len && text.data[text.len - 1] == '=')
		text.len--;
	for (uint32_t i = 0; i < text.len; i++) {
		int digit = base64_digit(text.data[i]);

		if (digit < 0)
			return -1;
		bits = bits << 6 | (uint32_t)digit;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[len++] = (char)(bits >> have);
		}
	}
	return len;
}

static bool read_bytes(struct builder *b, const struct json *value, const struct event_field *field,
		       struct wire_ref *slot)
{
	if (value->type != JSON_STRING)
		return fail(b, value, field, json_type_name(value));
	char *at = tail_room(b, ((size_t)value->text.len + 3) / 4 * 3);
	int len = at ? base64_decode(value->text, at) : 0;

	if (len < 0)
		return fail(b, value, field, "text that is not base64");
	*slot = (struct wire_ref){ b->size, (uint32_t)len };
	b->size += (uint32_t)len;
	return at != NULL;
}

/* Elements of {"value":[...]}, {} or a bare array; null is empty. False: neither. */
static bool list_of(const struct json *value, const struct json **first)
{
	const struct json *list = value->type == JSON_OBJECT ? json_get(value, "value") : value;

	*first = NULL;
	if (!list || list->type == JSON_NULL)
		return value->type == JSON_OBJECT || value->type == JSON_NULL;
	if (list->type != JSON_ARRAY)
		return false;
	*first = list->first;
	return true;
}

static bool read_strings(struct builder *b, const struct json *value,
			 const struct event_field *field, struct wire_ref *slot)
{
	const struct json *item;

	if (!list_of(value, &item))
		return fail(b, value, field, json_type_name(value));
	*slot = (struct wire_ref){ b->size, 0 };
	for (; item; item = item->next) {
		if (item->type != JSON_STRING)
			return fail(b, item, field, "something else than strings");
		if (has_nul(item->text))
			return fail(b, item, field, "a string with a NUL in it");
		if (!tail_add(b, item->text) || !tail_add(b, (struct str){ "", 1 }))
			return false;
	}
	slot->len = b->size - slot->offset;
	return true;
}

/* An element as the bits it has in a record; 64-bit ones are quoted in v1beta1. */
static int item_bits(const struct json *item, uint8_t type, uint64_t *out)
{
	bool quoted = item->type == JSON_STRING && type == FIELD_u64s;
	int64_t number = 0;
	int r;

	if (item->type != JSON_NUMBER && !quoted)
		return -EINVAL;
	if (type == FIELD_u64s)
		return text_to_uint(item->text, out);
	r = text_to_int(item->text, &number);
	*out = (uint64_t)number;
	if (r == 0 && number != (type == FIELD_i16s ? (int16_t)number : (int32_t)number))
		return -ERANGE;
	return r;
}

/* Names of BPF functions, as decoded data has them: the set of bits they stand for. */
static bool read_helpers(struct builder *b, const struct json *item,
			 const struct event_field *field, struct wire_ref *slot)
{
	uint64_t words[HELPER_WORDS] = { 0 };

	for (; item; item = item->next) {
		int number = item->type == JSON_STRING ? helper_number(item->text) : -1;

		if (number < 0)
			return fail(b, item, field, "something else than a BPF function");
		words[number / 64] |= 1ULL << number % 64;
	}
	*slot = (struct wire_ref){ b->size, sizeof(words) };
	return tail_add(b, (struct str){ (const char *)words, sizeof(words) });
}

/* Is it what read_helpers reads? Numbers of 64 bits are quoted, too. */
static bool are_helpers(const struct json *value, const struct json *first,
			const struct event_field *field)
{
	bool name = first && first->type == JSON_STRING && first->text.len &&
		    (first->text.data[0] < '0' || first->text.data[0] > '9');

	return names_find(field->names) && (name || str_equal(value->key, STR("str_array")));
}

static bool read_numbers(struct builder *b, const struct json *value,
			 const struct event_field *field, struct wire_ref *slot)
{
	const struct json *item;

	if (!list_of(value, &item))
		return fail(b, value, field, json_type_name(value));
	if (are_helpers(value, item, field))
		return read_helpers(b, item, field, slot);
	*slot = (struct wire_ref){ b->size, 0 };
	for (; item; item = item->next) {
		uint64_t bits = 0;
		int r = item_bits(item, field->type, &bits);

		if (r == -EINVAL)
			return fail(b, item, field, "something else than integers");
		if (r < 0)
			return fail_range(b, item, field);
		/* The low bytes come first. */
		if (!tail_add(b, (struct str){ (const char *)&bits, field_item_size(field->type) }))
			return false;
	}
	slot->len = b->size - slot->offset;
	return true;
}

/* ---- objects ------------------------------ */

/* Strings are written into room for six bytes of each of theirs; tail_add has the last word. */
enum { OBJECT_ROOM = 8 * WIRE_RECORD_MAX };

static bool read_object(struct builder *b, const struct json *value,
			const struct event_field *field, struct wire_ref *slot)
{
	autoclean(buf_free) struct buf text = { .limit = OBJECT_ROOM };

	if (value->type != JSON_OBJECT && value->type != JSON_NULL)
		return fail(b, value, field, json_type_name(value));
	if (b->legacy)
		legacy_object_write(&text, value, field->type);
	else
		object_write(&text, value, field->type);
	if (text.truncated)
		return fail(b, value, field, "one that is larger than a record may be");
	*slot = (struct wire_ref){ b->size, (uint32_t)text.len };
	return tail_add(b, (struct str){ text.data, (uint32_t)text.len });
}

/* ---- numbers ------------------------------ */

static bool read_bool(struct builder *b, const struct json *value, const struct event_field *field,
		      uint8_t *slot)
{
	if (value->type != JSON_TRUE && value->type != JSON_FALSE)
		return fail(b, value, field, json_type_name(value));
	*slot = value->type == JSON_TRUE;
	return true;
}

/* Seconds as a double, to whole nanoseconds: those print as the same double again. */
static bool read_timespec(struct builder *b, const struct json *value,
			  const struct event_field *field, struct wire_timespec *slot)
{
	const struct json *number = value->type == JSON_OBJECT ? json_get(value, "value") : value;
	char text[64];

	if (!number || number->type != JSON_NUMBER || number->text.len >= sizeof(text))
		return fail(b, value, field, json_type_name(number));
	memcpy(text, number->text.data, number->text.len);
	text[number->text.len] = 0;
	double seconds = strtod(text, NULL), whole = floor(seconds);

	/* Seconds of 64 bits; the bound itself is a double. */
	if (!(fabs(seconds) < 0x1p63))
		return fail_range(b, number, field);
	slot->sec = (int64_t)whole;
	slot->nsec = (int64_t)llround((seconds - whole) * 1e9);
	return true;
}

/* 0x7ffd5a3b1c20: a pointer as decoded data has it. */
static bool parse_hex(struct str text, uint64_t *out)
{
	uint64_t number = 0;

	if (text.len < 3 || text.len > 18 || text.data[0] != '0' || text.data[1] != 'x')
		return false;
	for (uint32_t i = 2; i < text.len; i++) {
		char c = text.data[i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
						   : -1;

		if (digit < 0)
			return false;
		number = number << 4 | (uint64_t)digit;
	}
	*out = number;
	return true;
}

/* Names and hexadecimal pointers back to the number they stand for. */
static bool parse_decoded(const struct event_field *field, struct str text, uint64_t *out)
{
	const struct names *names = names_find(field->names);

	if (names && names_parse(names, text, out) == 0)
		return true;
	if (field->type == FIELD_syscall) {
		int number = syscall_number(text);

		*out = (uint64_t)(int64_t)number;
		return number >= 0;
	}
	return field->type == FIELD_pointer && parse_hex(text, out);
}

static bool is_signed(uint8_t type)
{
	return type == FIELD_i32 || type == FIELD_i64 || type == FIELD_syscall;
}

static bool in_range(uint8_t type, uint64_t number)
{
	switch (type) {
	case FIELD_i32:
	case FIELD_syscall: return (int64_t)number == (int32_t)number;
	case FIELD_u32: return number == (uint32_t)number;
	case FIELD_u16: return number == (uint16_t)number;
	case FIELD_u8: return number == (uint8_t)number;
	default: return true;
	}
}

static void store_number(uint8_t type, void *slot, uint64_t number)
{
	switch (type) {
	case FIELD_u8: *(uint8_t *)slot = (uint8_t)number; break;
	case FIELD_u16: *(uint16_t *)slot = (uint16_t)number; break;
	case FIELD_i32:
	case FIELD_syscall:
	case FIELD_u32: *(uint32_t *)slot = (uint32_t)number; break;
	default: *(uint64_t *)slot = number;
	}
}

/* Numbers, quoted (as 64-bit ones are) or not, and names of flags. */
static bool read_number(struct builder *b, const struct json *value,
			const struct event_field *field, void *slot)
{
	uint64_t number = 0;
	int r;

	if (value->type != JSON_NUMBER && value->type != JSON_STRING)
		return fail(b, value, field, json_type_name(value));
	if (value->type == JSON_STRING && parse_decoded(field, value->text, &number)) {
		store_number(field->type, slot, number);
		return true;
	}
	r = is_signed(field->type) ? text_to_int(value->text, (int64_t *)&number)
				   : text_to_uint(value->text, &number);
	if (r == -EINVAL && !(value->type == JSON_NUMBER && value->text.data[0] == '-'))
		return fail(b, value, field,
			    value->type == JSON_STRING ? "text that is not its number"
						       : "a number that is not an integer");
	if (r < 0 || !in_range(field->type, number))
		return fail_range(b, value, field);
	store_number(field->type, slot, number);
	return true;
}

static bool read_value(struct builder *b, const struct json *value, const struct event_field *field)
{
	void *slot = b->out->bytes + field->offset;

	switch (field->type) {
	case FIELD_bool: return read_bool(b, value, field, slot);
	case FIELD_timespec: return read_timespec(b, value, field, slot);
	case FIELD_str: return read_text(b, value, field, slot);
	case FIELD_strs: return read_strings(b, value, field, slot);
	case FIELD_bytes: return read_bytes(b, value, field, slot);
	case FIELD_i16s:
	case FIELD_i32s:
	case FIELD_u64s: return read_numbers(b, value, field, slot);
	default: break;
	}
	return field_is_object(field->type) ? read_object(b, value, field, slot)
					    : read_number(b, value, field, slot);
}

/* ---- elements ------------------------------ */

static void builder_start(struct builder *b)
{
	b->size = (uint32_t)(sizeof(struct wire_header) + b->def->body_size);
	memset(b->out->bytes + sizeof(struct wire_header), 0, b->def->body_size);
	b->out->header.present = b->out->header.user = 0;
}

static void builder_finish(struct builder *b)
{
	uint32_t size = (b->size + 7) & ~7u;

	memset(b->out->bytes + b->size, 0, size - b->size);
	b->out->header.size = size;
}

/* Fields come in order, so the next one is tried first. */
static int field_index(const struct event_def *def, struct str name, int next)
{
	if (next < def->field_count && str_equal(name, str_of(def->fields[next].name)))
		return next;
	return event_field_index(def, name);
}

/* The value is the member that is not the name (v1beta1: named by its kind; trace.Event: value). */
static const struct json *value_of(const struct builder *b, const struct json *element)
{
	if (b->legacy)
		return json_get(element, "value");
	for (const struct json *member = element->first; member; member = member->next)
		if (!str_equal(member->key, STR("name")))
			return member;
	return NULL;
}

/* An object that is null is a value (an address of another family); "value":null is none. */
static bool is_absent(const struct json *value, const struct event_field *field)
{
	return !value || (value->type == JSON_NULL &&
			  (!field_is_object(field->type) || str_equal(value->key, STR("value"))));
}

static bool read_elements(struct builder *b, const struct json *elements)
{
	const char *list = b->legacy ? "args" : "data";
	int next = 0;

	if (!elements || elements->type == JSON_NULL)
		return true;
	if (elements->type != JSON_ARRAY)
		return line_fault_set(b->fault, elements->at, "'%s': expected an array, found %s",
				      list, json_type_name(elements));
	for (const struct json *element = elements->first; element; element = element->next) {
		const struct json *name = json_get(element, "name");

		if (!name || name->type != JSON_STRING)
			return line_fault_set(b->fault, element->at, "'%s': an element has no name",
					      list);
		const struct json *value = value_of(b, element);
		int index = field_index(b->def, name->text, next);

		/* Fields of other versions are not ours to judge. */
		if (index < 0 || is_absent(value, &b->def->fields[index]))
			continue;
		if (!read_value(b, value, &b->def->fields[index]))
			return false;
		b->out->header.present |= 1ULL << index;
		next = index + 1;
	}
	return true;
}

/* "origin":{"user":["msg_type"]}: fields that were read from user memory. */
static void read_origin(struct builder *b, const struct json *line)
{
	const struct json *names = json_get(json_get(line, "origin"), "user");

	if (!names || names->type != JSON_ARRAY)
		return;
	for (const struct json *name = names->first; name; name = name->next) {
		int index = name->type == JSON_STRING ? event_field_index(b->def, name->text) : -1;

		if (index >= 0)
			b->out->header.user |= 1ULL << index;
	}
}

bool fields_read(const struct json *line, const struct event_def *def, struct line_record *out,
		 struct line_fault *fault)
{
	struct builder b = { .out = out, .def = def, .fault = fault };

	builder_start(&b);
	if (!read_elements(&b, json_get(line, "data")))
		return false;
	read_origin(&b, line);
	builder_finish(&b);
	return true;
}

/* Older recordings have the result beside the arguments, not among them. */
static bool read_result(struct builder *b, const struct json *line)
{
	int index = event_field_index(b->def, STR("returnValue"));
	const struct json *result = json_get(line, "returnValue");

	if (index < 0 || !result || result->type == JSON_NULL ||
	    b->out->header.present >> index & 1)
		return true;
	b->out->header.present |= 1ULL << index;
	return read_value(b, result, &b->def->fields[index]);
}

bool legacy_fields_read(const struct json *line, const struct event_def *def,
			struct line_record *out, struct line_fault *fault)
{
	struct builder b = { .out = out, .def = def, .fault = fault, .legacy = true };

	builder_start(&b);
	if (!read_elements(&b, json_get(line, "args")) || !read_result(&b, line))
		return false;
	builder_finish(&b);
	return true;
}
