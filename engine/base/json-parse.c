/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JSON parser by recursive descent. Invariant: nothing is read at or behind `end`, and
 * a decoded string is never longer than its text, so decoding in place is safe.
 */
#include "base/json-parse.h"

#include <errno.h>

#include "base/common.h"

struct parser {
	char *at, *end;
	struct arena *arena;
	unsigned depth, values;
	struct json_fault *fault;
};

static struct json *fail(struct parser *p, const char *what)
{
	if (!p->fault->what)
		*p->fault = (struct json_fault){ p->at, what };
	return NULL;
}

static void skip_space(struct parser *p)
{
	while (p->at < p->end &&
	       (*p->at == ' ' || *p->at == '\t' || *p->at == '\r' || *p->at == '\n'))
		p->at++;
}

static bool take_char(struct parser *p, char c)
{
	if (p->at == p->end || *p->at != c)
		return false;
	p->at++;
	return true;
}

static struct json *node_new(struct parser *p, enum json_type type)
{
	if (++p->values > JSON_VALUES_MAX)
		return fail(p, "more values than an event can have");
	struct json *node = arena_new(p->arena, struct json);

	if (!node)
		return fail(p, "out of memory");
	node->type = (uint8_t)type;
	node->at = p->at;
	return node;
}

/* ---- strings ------------------------------ */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hex digits at `at`; -1 if they are not there. */
static int hex_unit(const char *at, const char *end)
{
	int unit = 0;

	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(at[i]);

		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	return unit;
}

static char *put_utf8(char *out, uint32_t code)
{
	if (code < 0x80) {
		*out++ = (char)code;
	} else if (code < 0x800) {
		*out++ = (char)(0xc0 | code >> 6);
		*out++ = (char)(0x80 | (code & 63));
	} else if (code < 0x10000) {
		*out++ = (char)(0xe0 | code >> 12);
		*out++ = (char)(0x80 | (code >> 6 & 63));
		*out++ = (char)(0x80 | (code & 63));
	} else {
		*out++ = (char)(0xf0 | code >> 18);
		*out++ = (char)(0x80 | (code >> 12 & 63));
		*out++ = (char)(0x80 | (code >> 6 & 63));
		*out++ = (char)(0x80 | (code & 63));
	}
	return out;
}

/* Behind \u. Half a surrogate pair becomes U+FFFD, as Go reads it. */
static char *decode_unicode(struct parser *p, char *out)
{
	int unit = hex_unit(p->at, p->end);

	if (unit < 0)
		return fail(p, "\\u is not followed by four hexadecimal digits"), NULL;
	p->at += 4;
	uint32_t code = (uint32_t)unit;

	if (code >= 0xd800 && code < 0xe000) {
		int low = p->end - p->at >= 6 && p->at[0] == '\\' && p->at[1] == 'u'
				  ? hex_unit(p->at + 2, p->end)
				  : -1;

		if (code < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
			code = 0x10000 + ((code - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
			p->at += 6;
		} else {
			code = 0xfffd;
		}
	}
	return put_utf8(out, code);
}

static char *decode_escape(struct parser *p, char *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";

	if (p->at == p->end)
		return fail(p, "the string has no end"), NULL;
	char c = *p->at++;

	if (c == 'u')
		return decode_unicode(p, out);
	const char *found = c ? strchr(from, c) : NULL;

	if (!found) {
		p->at--;
		return fail(p, "there is no such escape"), NULL;
	}
	*out++ = to[found - from];
	return out;
}

/* string = '"' { any but control, " and \ | escape } '"' */
static bool parse_text(struct parser *p, struct str *text)
{
	char *start = ++p->at, *out = start;

	while (p->at < p->end && *p->at != '"') {
		if ((unsigned char)*p->at < 0x20)
			return fail(p, "a control character stands in a string"), false;
		if (*p->at != '\\') {
			*out++ = *p->at++;
			continue;
		}
		p->at++;
		out = decode_escape(p, out);
		if (!out)
			return false;
	}
	if (!take_char(p, '"'))
		return fail(p, "the string has no end"), false;
	*text = (struct str){ start, (uint32_t)(out - start) };
	return true;
}

static struct json *parse_string(struct parser *p)
{
	struct json *node = node_new(p, JSON_STRING);

	return node && parse_text(p, &node->text) ? node : NULL;
}

/* ---- numbers and words ------------------------------ */

static bool skip_digits(struct parser *p)
{
	const char *start = p->at;

	while (p->at < p->end && *p->at >= '0' && *p->at <= '9')
		p->at++;
	return p->at > start;
}

/* number = [-] digits without leading zero [. digits] [e [+-] digits] */
static struct json *parse_number(struct parser *p)
{
	struct json *node = node_new(p, JSON_NUMBER);
	const char *start = p->at;

	if (!node)
		return NULL;
	take_char(p, '-');
	const char *digits = p->at;

	if (!skip_digits(p) || (*digits == '0' && p->at > digits + 1))
		return fail(p, "this is not a number");
	if (take_char(p, '.') && !skip_digits(p))
		return fail(p, "digits are missing behind the point");
	if (take_char(p, 'e') || take_char(p, 'E')) {
		if (!take_char(p, '+'))
			take_char(p, '-');
		if (!skip_digits(p))
			return fail(p, "digits are missing in the exponent");
	}
	node->text = (struct str){ start, (uint32_t)(p->at - start) };
	return node;
}

static struct json *parse_word(struct parser *p)
{
	static const struct {
		struct str word;
		enum json_type type;
	} words[] = { { STR("null"), JSON_NULL },
		      { STR("true"), JSON_TRUE },
		      { STR("false"), JSON_FALSE } };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		size_t len = words[i].word.len;

		if ((size_t)(p->end - p->at) >= len &&
		    memcmp(p->at, words[i].word.data, len) == 0) {
			struct json *node = node_new(p, words[i].type);

			p->at += len;
			return node;
		}
	}
	return fail(p, p->at == p->end ? "the line ends where a value is expected"
				       : "no value begins like this");
}

/* ---- arrays and objects ------------------------------ */

static struct json *parse_value(struct parser *p);

/* array = '[' [ value { ',' value } ] ']' */
static struct json *parse_array(struct parser *p)
{
	struct json *array = node_new(p, JSON_ARRAY);
	struct json **tail = array ? &array->first : NULL;

	if (!array)
		return NULL;
	p->at++;
	skip_space(p);
	if (take_char(p, ']'))
		return array;
	do {
		struct json *item = parse_value(p);

		if (!item)
			return NULL;
		*tail = item;
		tail = &item->next;
	} while (take_char(p, ','));
	return take_char(p, ']') ? array : fail(p, "expected , or ] in an array");
}

/* member = string ':' value */
static struct json *parse_member(struct parser *p)
{
	struct str key;

	skip_space(p);
	if (p->at == p->end || *p->at != '"')
		return fail(p, "expected the name of a member, in quotes");
	if (!parse_text(p, &key))
		return NULL;
	skip_space(p);
	if (!take_char(p, ':'))
		return fail(p, "expected : behind the name of a member");
	struct json *member = parse_value(p);

	if (member)
		member->key = key;
	return member;
}

/* object = '{' [ member { ',' member } ] '}' */
static struct json *parse_object(struct parser *p)
{
	struct json *object = node_new(p, JSON_OBJECT);
	struct json **tail = object ? &object->first : NULL;

	if (!object)
		return NULL;
	p->at++;
	skip_space(p);
	if (take_char(p, '}'))
		return object;
	do {
		struct json *member = parse_member(p);

		if (!member)
			return NULL;
		*tail = member;
		tail = &member->next;
	} while (take_char(p, ','));
	return take_char(p, '}') ? object : fail(p, "expected , or } in an object");
}

/* value = object | array | string | number | word, with space around it */
static struct json *parse_value(struct parser *p)
{
	struct json *value;

	skip_space(p);
	if (++p->depth > JSON_DEPTH_MAX)
		return fail(p, "nested too deeply");
	switch (p->at < p->end ? *p->at : 0) {
	case '{': value = parse_object(p); break;
	case '[': value = parse_array(p); break;
	case '"': value = parse_string(p); break;
	case '-':
	case '0' ... '9': value = parse_number(p); break;
	default: value = parse_word(p);
	}
	p->depth--;
	skip_space(p);
	return value;
}

struct json *json_parse(struct arena *arena, char *text, size_t len, struct json_fault *fault)
{
	struct parser parser = { .at = text, .end = text + len, .arena = arena, .fault = fault };

	*fault = (struct json_fault){ 0 };
	struct json *value = parse_value(&parser);

	if (value && parser.at < parser.end)
		return fail(&parser, "something follows the end of the event");
	return value;
}

/* ---- looking at it ------------------------------ */

const struct json *json_get(const struct json *object, const char *name)
{
	const struct json *found = NULL;
	struct str wanted = str_of(name);

	if (!object || object->type != JSON_OBJECT)
		return NULL;
	for (const struct json *member = object->first; member; member = member->next)
		if (str_equal(member->key, wanted))
			found = member;
	return found;
}

const char *json_type_name(const struct json *value)
{
	static const char *const names[] = {
		[JSON_NULL] = "null",	     [JSON_FALSE] = "false",	 [JSON_TRUE] = "true",
		[JSON_NUMBER] = "a number",  [JSON_STRING] = "a string", [JSON_ARRAY] = "an array",
		[JSON_OBJECT] = "an object",
	};

	return value ? names[value->type] : "nothing";
}

int text_to_uint(struct str text, uint64_t *out)
{
	uint64_t number = 0;

	if (!text.len)
		return -EINVAL;
	for (uint32_t i = 0; i < text.len; i++) {
		unsigned digit = (unsigned char)text.data[i] - '0';

		if (digit > 9)
			return -EINVAL;
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, digit, &number))
			return -ERANGE;
	}
	*out = number;
	return 0;
}

int text_to_int(struct str text, int64_t *out)
{
	bool negative = text.len && text.data[0] == '-';
	uint64_t number;
	int r = text_to_uint(negative ? (struct str){ text.data + 1, text.len - 1 } : text,
			     &number);

	if (r < 0)
		return r;
	if (number > (uint64_t)INT64_MAX + negative)
		return -ERANGE;
	*out = (int64_t)(negative ? -number : number);
	return 0;
}

int json_int(const struct json *number, int64_t *out)
{
	return number->type == JSON_NUMBER ? text_to_int(number->text, out) : -EINVAL;
}

int json_uint(const struct json *number, uint64_t *out)
{
	return number->type == JSON_NUMBER ? text_to_uint(number->text, out) : -EINVAL;
}
