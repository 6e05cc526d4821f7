/* SPDX-License-Identifier: Apache-2.0 */
/* A model of sheet_text(): decodes to code points first and decides about each of them. */
#include "clean.h"

#include "base/common.h"

struct model {
	enum text_form form;
	char *out;
	uint32_t len, cap, safe; /* safe: where a cut would be made */
	bool cut;
};

/* A code point of the input; -1: a byte that is none, in *byte. */
static int decode(struct str text, uint32_t *i, unsigned *byte)
{
	static const struct {
		unsigned mask, lead, least;
	} kinds[] = { { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 }, { 0xf8, 0xf0, 0x10000 } };
	const unsigned char *s = (const unsigned char *)text.data + *i;
	unsigned left = text.len - *i;

	*byte = s[0];
	++*i;
	if (s[0] < 0x80)
		return s[0];
	for (unsigned k = 0; k < 3; k++) {
		unsigned code = s[0] & ~kinds[k].mask, n = 1;

		if ((s[0] & kinds[k].mask) != kinds[k].lead)
			continue;
		for (; n < k + 2 && n < left && (s[n] & 0xc0) == 0x80; n++)
			code = code << 6 | (s[n] & 0x3f);
		if (n < k + 2 || code < kinds[k].least || code > 0x10ffff ||
		    (code >= 0xd800 && code < 0xe000))
			return -1;
		*i += k + 1;
		return (int)code;
	}
	return -1;
}

static void unit(struct model *m, const char *bytes, unsigned len)
{
	if (m->cut || m->len + len > m->cap) {
		m->cut = true;
		return;
	}
	memcpy(m->out + m->len, bytes, len);
	m->len += len;
	if (m->len + 3 <= m->cap)
		m->safe = m->len;
}

static void visible(struct model *m, const char *format, unsigned number)
{
	char text[16];

	unit(m, text, (unsigned)snprintf(text, sizeof(text), format, number));
}

static bool is_json(enum text_form form)
{
	return form == TEXT_JSON || form == TEXT_UTF8;
}

static void control(struct model *m, unsigned c)
{
	bool header = m->form == TEXT_CEF_HEADER || m->form == TEXT_LEEF_HEADER;
	char byte = (char)c;

	if (is_json(m->form) || (m->form == TEXT_CEF_VALUE && (c == '\n' || c == '\r')))
		unit(m, &byte, 1);
	else if (header && (c == '\n' || c == '\r' || c == '\t'))
		unit(m, " ", 1);
	else if (c == '\n' || c == '\r' || c == '\t')
		unit(m, c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t", 2);
	else
		visible(m, "\\x%02x", c);
}

struct str clean_text(struct arena *arena, struct str text, enum text_form form, uint32_t cap)
{
	struct model m = { .form = form,
			   .cap = cap,
			   .out = arena_alloc(arena, MIN(cap, text.len * 6u) + 8) };
	unsigned byte;

	if (!m.out)
		abort();
	while (form == TEXT_CEF_VALUE && text.len && text.data[text.len - 1] == ' ')
		text.len--;
	for (uint32_t i = 0; i < text.len && !m.cut;) {
		uint32_t start = i;
		int code = decode(text, &i, &byte);
		bool line = (code >= 0x80 && code < 0xa0) || code == 0x2028 || code == 0x2029;

		if (code < 0 && is_json(form))
			unit(&m, "\xef\xbf\xbd", 3);
		else if (code < 0)
			visible(&m, "\\x%02x", byte);
		else if (code < 0x20 || code == 0x7f)
			control(&m, (unsigned)code);
		else if (code == '|' && form == TEXT_LEEF_HEADER)
			unit(&m, "/", 1);
		else if (line && !is_json(form))
			visible(&m, "\\u%04x", (unsigned)code);
		else
			unit(&m, text.data + start, i - start);
	}
	if (m.cut) {
		memcpy(m.out + m.safe, "\xe2\x80\xa6", 3);
		m.len = m.safe + 3;
	}
	return (struct str){ m.out, m.len };
}
