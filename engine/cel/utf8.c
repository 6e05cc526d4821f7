/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 as Go reads it: a byte that belongs to no valid sequence is U+FFFD of length one.
 * Upper and lower case by Unicode's simple mappings, from a table made for this.
 */
#include "internal.h"

struct case_row {
	uint32_t first, last;
	uint8_t step;
	int32_t delta;
};

#include "unicode.inc"

enum { BAD_RUNE = 0xfffd };

static uint32_t continuation(const char *s, uint32_t i)
{
	return (unsigned char)s[i] & 0x3f;
}

static bool is_continuation(const char *s, uint32_t i)
{
	return ((unsigned char)s[i] & 0xc0) == 0x80;
}

/* Sequence of `size` bytes at s, all there; 0: not a valid one. */
static uint32_t decode_long(const char *s, uint32_t size)
{
	uint32_t rune = (unsigned char)s[0] & (0xff >> (size + 1));

	for (uint32_t i = 1; i < size; i++) {
		if (!is_continuation(s, i))
			return 0;
		rune = rune << 6 | continuation(s, i);
	}
	if (rune < (size == 2	? 0x80u
		    : size == 3 ? 0x800u
				: 0x10000u) ||
	    rune > 0x10ffff || (rune >= 0xd800 && rune <= 0xdfff))
		return 0;
	return rune;
}

uint32_t utf8_decode(const char *s, uint32_t len, uint32_t *size)
{
	unsigned char first = (unsigned char)s[0];
	uint32_t want = first < 0xc2   ? 0
			: first < 0xe0 ? 2
			: first < 0xf0 ? 3
			: first < 0xf5 ? 4
				       : 0;
	uint32_t rune;

	*size = 1;
	if (first < 0x80)
		return first;
	if (!want || len < want)
		return BAD_RUNE;
	rune = decode_long(s, want);
	if (!rune)
		return BAD_RUNE;
	*size = want;
	return rune;
}

uint32_t utf8_put(char *out, uint32_t rune)
{
	if (rune < 0x80) {
		out[0] = (char)rune;
		return 1;
	}
	if (rune < 0x800) {
		out[0] = (char)(0xc0 | rune >> 6);
		out[1] = (char)(0x80 | (rune & 0x3f));
		return 2;
	}
	if (rune < 0x10000) {
		out[0] = (char)(0xe0 | rune >> 12);
		out[1] = (char)(0x80 | (rune >> 6 & 0x3f));
		out[2] = (char)(0x80 | (rune & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | rune >> 18);
	out[1] = (char)(0x80 | (rune >> 12 & 0x3f));
	out[2] = (char)(0x80 | (rune >> 6 & 0x3f));
	out[3] = (char)(0x80 | (rune & 0x3f));
	return 4;
}

uint32_t utf8_count(const char *s, uint32_t len)
{
	uint32_t count = 0, size;

	for (uint32_t at = 0; at < len; at += size, count++)
		utf8_decode(s + at, len - at, &size);
	return count;
}

bool utf8_is_valid(const char *s, uint32_t len)
{
	uint32_t size;

	for (uint32_t at = 0; at < len; at += size)
		if (utf8_decode(s + at, len - at, &size) == BAD_RUNE && size == 1)
			return false;
	return true;
}

bool rune_is_space(uint32_t rune)
{
	return (rune >= 9 && rune <= 13) || rune == ' ' || rune == 0x85 || rune == 0xa0 ||
	       rune == 0x1680 || (rune >= 0x2000 && rune <= 0x200a) || rune == 0x2028 ||
	       rune == 0x2029 || rune == 0x202f || rune == 0x205f || rune == 0x3000;
}

static uint32_t map_case(const struct case_row *rows, size_t count, uint32_t rune)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct case_row *row = &rows[middle];

		if (rune < row->first)
			high = middle;
		else if (rune > row->last)
			low = middle + 1;
		else
			return (rune - row->first) % row->step
				       ? rune
				       : (uint32_t)((int32_t)rune + row->delta);
	}
	return rune;
}

uint32_t rune_to_upper(uint32_t rune)
{
	return map_case(upper_rows, ARRAY_SIZE(upper_rows), rune);
}

uint32_t rune_to_lower(uint32_t rune)
{
	return map_case(lower_rows, ARRAY_SIZE(lower_rows), rune);
}

uint32_t rune_fold_next(uint32_t rune)
{
	return map_case(orbit_rows, ARRAY_SIZE(orbit_rows), rune);
}

bool rune_fold_from(uint32_t *rune)
{
	size_t low = 0, high = ARRAY_SIZE(orbit_rows);
	const struct case_row *row;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (orbit_rows[middle].last < *rune)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == ARRAY_SIZE(orbit_rows))
		return false;
	row = &orbit_rows[low];
	if (*rune < row->first)
		*rune = row->first;
	else
		*rune += (row->step - (*rune - row->first) % row->step) % row->step;
	return true;
}
