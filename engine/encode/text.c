/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One loop for all forms: a unit is a byte or character of the input, with what is written for it
 * and how long that is for who reads it.
 */
#include "encode/text.h"

#include "base/common.h"
#include "base/text.h"

enum { UNIT_MAX = 8, MARK = 3 }; /* bytes of U+2026 */

struct unit {
	uint8_t taken; /* bytes of the input */
	uint8_t len;   /* bytes written */
	uint8_t clean; /* bytes of that when decoded */
	char text[UNIT_MAX];
};

/* ASCII that a form does not copy, besides control characters: as a set of bits. */
#define BIT(c)			 (1ULL << ((c)&63))
#define BITS_LOW		 0x00000000ffffffffULL
#define BITS_HIGH		 BIT(0x7f)
#define SPECIAL(form, low, high) [form] = { BITS_LOW | (low), BITS_HIGH | (high) }

static const uint64_t special[][2] = {
	SPECIAL(TEXT_JSON, BIT('"'), BIT('\\')),
	SPECIAL(TEXT_CEF_HEADER, 0, BIT('\\') | BIT('|')),
	SPECIAL(TEXT_CEF_VALUE, BIT('='), BIT('\\')),
	SPECIAL(TEXT_LEEF_HEADER, 0, BIT('|')),
	SPECIAL(TEXT_LEEF_VALUE, 0, 0),
	SPECIAL(TEXT_SD_VALUE, BIT('"'), BIT('\\') | BIT(']')),
	SPECIAL(TEXT_LINE, 0, 0),
	[TEXT_UTF8] = { 0, 0 },
};

/* In these a backslash is written twice. */
static bool has_escapes(enum text_form form)
{
	return form == TEXT_CEF_HEADER || form == TEXT_CEF_VALUE || form == TEXT_SD_VALUE;
}

static void unit_char(struct unit *unit, char c)
{
	unit->text[unit->len++] = c;
	unit->clean++;
}

static void unit_escape(struct unit *unit, char c)
{
	unit->text[unit->len++] = '\\';
	unit_char(unit, c);
}

static void unit_hex(struct unit *unit, uint32_t number, int digits)
{
	while (digits--)
		unit_char(unit, "0123456789abcdef"[number >> 4 * digits & 15]);
}

/* A backslash that a reader sees. */
static void unit_backslash(struct unit *unit, enum text_form form)
{
	if (has_escapes(form))
		unit_escape(unit, '\\');
	else
		unit_char(unit, '\\');
}

/* \xNN as text. */
static void unit_byte(struct unit *unit, enum text_form form, unsigned char c)
{
	static const char shorts[] = { ['\t'] = 't', ['\n'] = 'n', ['\r'] = 'r' };

	unit_backslash(unit, form);
	if (c < sizeof(shorts) && shorts[c]) {
		unit_char(unit, shorts[c]);
	} else {
		unit_char(unit, 'x');
		unit_hex(unit, c, 2);
	}
}

static void json_control(struct unit *unit, unsigned char c)
{
	static const char shorts[] = {
		['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'
	};

	if (c < sizeof(shorts) && shorts[c]) {
		unit_escape(unit, shorts[c]);
		return;
	}
	memcpy(unit->text, "\\u", 2);
	unit->len = 2;
	unit_hex(unit, c, 4);
	unit->clean = 1;
}

static void unit_special(struct unit *unit, enum text_form form, unsigned char c)
{
	bool control = c < 0x20 || c == 0x7f, line = c == '\n' || c == '\r';

	if (form == TEXT_JSON && control)
		json_control(unit, c);
	else if (form == TEXT_CEF_VALUE && line)
		unit_escape(unit, c == '\n' ? 'n' : 'r');
	else if ((form == TEXT_CEF_HEADER || form == TEXT_LEEF_HEADER) && (line || c == '\t'))
		unit_char(unit, ' ');
	else if (control)
		unit_byte(unit, form, c);
	else if (form == TEXT_LEEF_HEADER)
		unit_char(unit, '/');
	else
		unit_escape(unit, (char)c);
}

/* Not UTF-8. */
static void unit_broken(struct unit *unit, enum text_form form, unsigned char c)
{
	if (form != TEXT_JSON && form != TEXT_UTF8) {
		unit_byte(unit, form, c);
		return;
	}
	memcpy(unit->text, "\xef\xbf\xbd", 3);
	unit->len = unit->clean = 3;
}

/* U+0080 to U+009F, U+2028 and U+2029; 0 if it is none of them. */
static uint32_t line_breaking(const unsigned char *s, unsigned len)
{
	if (len == 2 && s[0] == 0xc2 && s[1] < 0xa0)
		return s[1];
	if (len == 3 && s[0] == 0xe2 && s[1] == 0x80 && (s[2] == 0xa8 || s[2] == 0xa9))
		return 0x2000u | (s[2] & 0x3fu);
	return 0;
}

static void unit_sequence(struct unit *unit, enum text_form form, const char *data, unsigned len)
{
	uint32_t code = form == TEXT_UTF8 ? 0 : line_breaking((const unsigned char *)data, len);

	unit->taken = (uint8_t)len;
	if (!code) {
		memcpy(unit->text, data, len);
		unit->len = unit->clean = (uint8_t)len;
	} else if (form == TEXT_JSON) {
		memcpy(unit->text, "\\u", 2);
		unit->len = 2;
		unit_hex(unit, code, 4);
		unit->clean = (uint8_t)len;
	} else {
		unit_backslash(unit, form);
		unit_char(unit, 'u');
		unit_hex(unit, code, 4);
	}
}

static struct unit unit_at(struct str text, uint32_t i, enum text_form form)
{
	struct unit unit = { .taken = 1 };
	unsigned char c = (unsigned char)text.data[i];

	if (c < 0x80) {
		unit_special(&unit, form, c);
		return unit;
	}
	unsigned len = text_utf8_length(text.data + i, text.len - i);

	if (len)
		unit_sequence(&unit, form, text.data + i, len);
	else
		unit_broken(&unit, form, c);
	return unit;
}

/* How many bytes can be copied as they are. */
static uint32_t plain_run(const char *data, uint32_t len, const uint64_t set[2])
{
	uint32_t i = 0;

	while (i < len) {
		unsigned char c = (unsigned char)data[i];

		if (c >= 0x80 || set[c >> 6] >> (c & 63) & 1)
			break;
		i++;
	}
	return i;
}

/* `at`: the end of what is written; safe: where a text that turns out too long is cut. */
struct place {
	char *at, *safe;
	uint32_t clean, cap;
};

static void put_plain(struct place *p, const char *data, uint32_t len)
{
	if (len)
		memcpy(p->at, data, len);
	p->at += len;
	p->clean += len;
	if (p->clean + MARK <= p->cap)
		p->safe = p->at;
	else if (p->clean - len + MARK <= p->cap)
		p->safe = p->at - (p->clean + MARK - p->cap);
}

static bool put_unit(struct place *p, const struct unit *unit)
{
	if (p->clean + unit->clean > p->cap)
		return false;
	memcpy(p->at, unit->text, UNIT_MAX);
	p->at += unit->len;
	p->clean += unit->clean;
	if (p->clean + MARK <= p->cap)
		p->safe = p->at;
	return true;
}

void sheet_text(struct sheet *sheet, struct str text, enum text_form form, uint32_t cap)
{
	struct place p = { .cap = cap };

	while (form == TEXT_CEF_VALUE && text.len && text.data[text.len - 1] == ' ')
		text.len--;
	p.at = p.safe = buf_room(sheet->out, (size_t)MIN(text.len, cap) * UNIT_MAX + 2 * UNIT_MAX);
	if (!p.at)
		return;
	for (uint32_t i = 0; i < text.len;) {
		uint32_t run = plain_run(text.data + i, MIN(text.len - i, cap - p.clean),
					 special[form]);

		put_plain(&p, text.data + i, run);
		i += run;
		if (i == text.len)
			break;
		struct unit unit = unit_at(text, i, form);

		if (!put_unit(&p, &unit)) {
			memcpy(p.safe, "\xe2\x80\xa6", MARK);
			p.at = p.safe + MARK;
			sheet->truncated++;
			break;
		}
		i += unit.taken;
	}
	sheet->out->len = (size_t)(p.at - sheet->out->data);
}

static void add_mapped(struct sheet *sheet, struct str text, uint32_t cap, bool (*keep)(char c),
		       char empty)
{
	uint32_t len = MIN(text.len, cap);
	char *at = buf_room(sheet->out, (size_t)len + 1);

	if (!at)
		return;
	for (uint32_t i = 0; i < len; i++)
		at[i] = keep(text.data[i]) ? text.data[i] : '_';
	if (!len)
		at[len++] = empty;
	sheet->out->len += len;
	sheet->truncated += text.len > cap;
}

static bool is_graphic(char c)
{
	return c > ' ' && c < 0x7f;
}

static bool is_key(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.' || c == '-';
}

void sheet_ascii(struct sheet *sheet, struct str text, uint32_t cap)
{
	add_mapped(sheet, text, cap, is_graphic, '-');
}

void sheet_key(struct sheet *sheet, struct str text, uint32_t cap)
{
	add_mapped(sheet, text, cap, is_key, '_');
}

bool text_append(struct buf *out, struct str text)
{
	size_t room = out->capacity - out->len;
	uint32_t len = (uint32_t)MIN((size_t)text.len, room);
	bool whole = len == text.len;

	/* Not within a character: back to where one begins. */
	for (int i = 0; !whole && i < 3 && len && (text.data[len] & 0xc0) == 0x80; i++)
		len--;
	buf_add(out, text.data, len);
	return whole;
}
