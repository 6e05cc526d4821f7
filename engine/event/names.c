/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing numbers as names, and back. A name is written once its bits are all there and none
 * of them was named before, so the parts joined by | add up to the number.
 */
#include "event/names.h"

#include <errno.h>

#include "base/buf.h"
#include "base/common.h"
#include "event.h"

enum names_rest {
	REST_HEX,
	REST_MODE,
	REST_KEY,
	REST_FILE,
	REST_DECIMAL,
	REST_EMPTY,
	REST_SYSCALL
};

struct name_row {
	uint32_t mask, value;
	struct str text;
};

struct names {
	const char *name;
	enum names_rest rest;
	bool tracee;
	const struct name_row *rows;
	size_t count;
};

#define NAMES(name, rest, tracee) static const struct name_row rows_##name[] = {
#define NAME(mask, value, text)	  { mask, value, { text, sizeof(text) - 1 } },
#define END_NAMES(name) \
	} \
	;
#include "event/names.def"
#undef NAMES
#undef NAME
#undef END_NAMES

static const struct names all_names[] = {
#define NAMES(name, rest, tracee) \
	{ #name, REST_##rest, tracee, rows_##name, ARRAY_SIZE(rows_##name) },
#define NAME(mask, value, text)
#define END_NAMES(name)
#include "event/names.def"
#undef NAMES
#undef NAME
#undef END_NAMES
};

const struct names *names_find(const char *name)
{
	/* Most fields: decided by one comparison. */
	if (!name || strcmp(name, "raw") == 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(all_names); i++)
		if (strcmp(all_names[i].name, name) == 0)
			return &all_names[i];
	return NULL;
}

bool names_of_tracee(const struct names *names)
{
	return names->tracee;
}

static void add_part(struct buf *out, size_t start, struct str text)
{
	if (out->len > start)
		buf_char(out, '|');
	buf_str(out, text);
}

static void add_octal(struct buf *out, size_t start, uint32_t mode)
{
	char text[] = { '0', (char)('0' + (mode >> 6 & 7)), (char)('0' + (mode >> 3 & 7)),
			(char)('0' + (mode & 7)) };

	add_part(out, start, (struct str){ text, sizeof(text) });
}

static void add_hex(struct buf *out, size_t start, uint32_t bits)
{
	add_part(out, start, STR("0x"));
	buf_hex(out, bits);
}

static void add_key(struct buf *out, uint32_t key)
{
	char text[10] = "0x";

	for (int i = 0; i < 8; i++)
		text[2 + i] = "0123456789abcdef"[key >> (28 - 4 * i) & 15];
	buf_add(out, text, sizeof(text));
}

/* Bits without a name. */
static void add_rest(struct buf *out, size_t start, const struct names *names, uint32_t rest)
{
	if (names->rest == REST_MODE && rest & 0777) {
		add_octal(out, start, rest & 0777);
		rest &= ~0777u;
	}
	if (rest)
		add_hex(out, start, rest);
	if (out->len == start)
		buf_char(out, '0');
}

static void add_syscall(struct buf *out, uint64_t number)
{
	struct str name = syscall_name((int)(uint32_t)number);

	if (name.len)
		buf_str(out, name);
	else
		buf_uint(out, number);
}

/* A number of which nothing has a name, and the bits above those that have. */
static bool add_decimal(struct buf *out, size_t start, const struct names *names, uint64_t number,
			uint32_t rest)
{
	bool sign = (int64_t)number == (int32_t)number;

	if (names->rest != REST_DECIMAL && names->rest != REST_EMPTY)
		return false;
	if (out->len == start) {
		if (number || names->rest == REST_DECIMAL)
			buf_uint(out, number);
		return true;
	}
	number = sign ? rest : (number & ~(uint64_t)UINT32_MAX) | rest;
	if (number) {
		add_part(out, start, STR("0x"));
		buf_hex(out, number);
	}
	return true;
}

void names_write(struct buf *out, const struct names *names, uint64_t number)
{
	size_t start = out->len;
	uint32_t value = (uint32_t)number, rest = value;

	if (names->rest == REST_SYSCALL) {
		add_syscall(out, number);
		return;
	}

	if (names->rest == REST_KEY && value) {
		add_key(out, value);
		return;
	}
	for (size_t i = 0; i < names->count; i++) {
		const struct name_row *row = &names->rows[i];

		if ((value & row->mask) == row->value && (rest & row->value) == row->value) {
			add_part(out, start, row->text);
			rest &= ~row->mask;
		}
	}
	if (add_decimal(out, start, names, number, rest))
		return;
	/* Tracee shows neither setuid, setgid and sticky nor, for 0, anything at all. */
	if (names->rest != REST_FILE && (rest || out->len == start))
		add_rest(out, start, names, rest);
}

uint64_t names_known(const struct names *names, uint64_t number)
{
	uint32_t value = (uint32_t)number, known = 0;
	bool any = false;

	for (size_t i = 0; i < names->count; i++) {
		const struct name_row *row = &names->rows[i];

		if ((value & row->mask) != row->value)
			continue;
		known |= row->value;
		any |= row->value || row->mask == ~0u;
	}
	return any ? known : number;
}

/* ---- back ------------------------------ */

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* A whole text that is a decimal number; for groups that write such. */
static bool parse_decimal(const struct names *names, struct str text, uint64_t *out)
{
	uint64_t number = 0;

	if (names->rest < REST_DECIMAL || (!text.len && names->rest != REST_EMPTY))
		return false;
	for (uint32_t i = 0; i < text.len; i++) {
		unsigned digit = (unsigned char)text.data[i] - '0';

		if (digit > 9 || __builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, digit, &number))
			return false;
	}
	*out = number;
	return true;
}

/* 0, 0600, 0x4000 */
static int parse_number(struct str text, uint64_t most, uint64_t *out)
{
	uint32_t base = 8, start = 1;
	uint64_t number = 0;

	if (text.len == 0 || text.data[0] != '0')
		return -EINVAL;
	if (text.len > 2 && text.data[1] == 'x') {
		base = 16;
		start = 2;
	}
	for (uint32_t i = start; i < text.len; i++) {
		uint32_t digit = (uint32_t)digit_of(text.data[i]);

		if (digit >= base)
			return -EINVAL;
		number = number * base + digit;
		if (number > most)
			return -EINVAL;
	}
	*out = number;
	return 0;
}

static int parse_part(const struct names *names, struct str text, uint64_t *out)
{
	for (size_t i = 0; i < names->count; i++)
		if (str_equal(names->rows[i].text, text)) {
			*out = names->rows[i].value;
			return 0;
		}
	return parse_number(text, names->rest < REST_DECIMAL ? UINT32_MAX : UINT64_MAX >> 4, out);
}

int names_parse(const struct names *names, struct str text, uint64_t *out)
{
	uint64_t number = 0;

	if (parse_decimal(names, text, out))
		return 0;
	if (names->rest == REST_SYSCALL) {
		int call = syscall_number(text);

		*out = (uint64_t)call;
		return call < 0 ? -EINVAL : 0;
	}
	if (text.len == 0 && names->rest == REST_FILE) {
		*out = 0;
		return 0;
	}
	for (uint32_t at = 0; at <= text.len;) {
		const char *part = text.data + at;
		const char *bar = at < text.len ? memchr(part, '|', text.len - at) : NULL;
		uint32_t len = bar ? (uint32_t)(bar - part) : text.len - at;
		uint64_t bits;

		if (parse_part(names, (struct str){ part, len }, &bits))
			return -EINVAL;
		number |= bits;
		at += len + 1;
	}
	*out = number;
	return 0;
}
