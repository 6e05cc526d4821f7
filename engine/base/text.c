/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 that may be shown; see text.h. */
#include "base/text.h"

#include "base/common.h"

unsigned text_utf8_length(const char *data, size_t len)
{
	const unsigned char *s = (const unsigned char *)data;
	unsigned need = s[0] < 0x80   ? 1
			: s[0] < 0xc2 ? 0
			: s[0] < 0xe0 ? 2
			: s[0] < 0xf0 ? 3
			: s[0] < 0xf5 ? 4
				      : 0;

	if (need > len || need == 0)
		return 0;
	for (unsigned i = 1; i < need; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Too long a form, surrogates, beyond U+10FFFF. */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return need;
}

bool text_is_utf8(const char *data, size_t len)
{
	for (size_t i = 0; i < len;) {
		unsigned step = text_utf8_length(data + i, len - i);

		if (!step)
			return false;
		i += step;
	}
	return true;
}

static bool is_control(const char *text, unsigned len)
{
	unsigned char c = (unsigned char)text[0];

	/* U+0080 to U+009F: terminals that know them take them for commands. */
	return len == 2 ? c == 0xc2 && (unsigned char)text[1] < 0xa0 : (c && c < ' ') || c == 0x7f;
}

void text_clean(char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		unsigned step = text_utf8_length(text + i, len - i);

		if (!step)
			text[i] = '?';
		else if (step <= 2 && is_control(text + i, step))
			memset(text + i, ' ', step);
		i += MAX(step, 1u);
	}
}
