/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON text. Invariant: what is written between quotes is valid UTF-8 without control
 * characters, whatever bytes came in.
 */
#include "event/json.h"

#include <math.h>

#include "base/text.h"

/* ---- numbers ------------------------------ */

static const char digit_pairs[201] = "00010203040506070809101112131415161718192021222324"
				     "25262728293031323334353637383940414243444546474849"
				     "50515253545556575859606162636465666768697071727374"
				     "75767778798081828384858687888990919293949596979899";

char *text_uint(char *at, uint64_t number)
{
	char digits[2 * JSON_NUMBER_MAX];
	char *end = digits + JSON_NUMBER_MAX, *first = end;

	while (number >= 100) {
		first -= 2;
		memcpy(first, digit_pairs + number % 100 * 2, 2);
		number /= 100;
	}
	if (number >= 10) {
		first -= 2;
		memcpy(first, digit_pairs + number * 2, 2);
	} else {
		*--first = (char)('0' + number);
	}
	/* All that may be there: a copy of fixed size is a few moves, not a call. */
	memcpy(at, first, JSON_NUMBER_MAX);
	return at + (end - first);
}

char *text_int(char *at, int64_t number)
{
	if (number >= 0)
		return text_uint(at, (uint64_t)number);
	*at = '-';
	return text_uint(at + 1, -(uint64_t)number);
}

/* ---- doubles ------------------------------ */

/* Trims the zeros of a fraction and then its point. */
static char *trim_zeros(char *end)
{
	while (end[-1] == '0')
		end--;
	return end[-1] == '.' ? end - 1 : end;
}

/*
 * Numbers with at most nine decimals, which is what seconds and nanoseconds make: if the decimal
 * reads back as the same double, it is the shortest, for it has at most 15 digits.
 */
static char *text_decimal(char *at, double number)
{
	double scaled = number * 1e9;

	if (!(number >= 1e-4 && number < 1e6))
		return NULL;
	uint64_t billionths = (uint64_t)llround(scaled);

	if ((double)billionths / 1e9 != number)
		return NULL;
	at = text_uint(at, billionths / 1000000000);
	*at++ = '.';
	uint64_t fraction = billionths % 1000000000;

	for (int i = 8; i >= 0; i--, fraction /= 10)
		at[i] = (char)('0' + fraction % 10);
	return trim_zeros(at + 9);
}

/* d.ddde+NN from snprintf to the plain form for small exponents. */
static void add_shortest(struct buf *out, double number)
{
	char text[40];
	int len = 0;

	for (int precision = 0; precision <= 16; precision++) {
		len = snprintf(text, sizeof(text), "%.*e", precision, number);
		if (strtod(text, NULL) == number)
			break;
	}
	char *exponent = memchr(text, 'e', (size_t)len);
	int power = (int)strtol(exponent + 1, NULL, 10);

	if (power >= -4 && power < 6) {
		int mantissa = (int)(exponent - text) - (text[0] == '-');
		int decimals = (mantissa > 1 ? mantissa - 2 : 0) - power;

		len = snprintf(text, sizeof(text), "%.*f", MAX(decimals, 0), number);
	}
	buf_add(out, text, (size_t)len);
}

void json_double(struct buf *out, double number)
{
	char text[40];

	if (!isfinite(number)) {
		buf_lit(out, "null");
	} else if (number == 0) {
		buf_str(out, signbit(number) ? STR("-0") : STR("0"));
	} else {
		char *end = text_decimal(text, number);

		if (end)
			buf_add(out, text, (size_t)(end - text));
		else
			add_shortest(out, number);
	}
}

/* ---- times ------------------------------ */

static char *text_two(char *at, uint64_t number)
{
	memcpy(at, digit_pairs + number * 2, 2);
	return at + 2;
}

/* "2026-08-03T10:01:00" of a second since 1970; proleptic Gregorian, era of 400 years. */
static void format_second(char *at, uint64_t second)
{
	uint64_t days = second / 86400 + 719468, rest = second % 86400;
	uint64_t era = days / 146097, day_of_era = days % 146097;
	uint64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	uint64_t day_of_year = day_of_era -
			       (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	uint64_t month_from_march = (5 * day_of_year + 2) / 153;
	uint64_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
	uint64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
	uint64_t year = year_of_era + era * 400 + (month <= 2);

	at = text_two(text_two(at, year / 100), year % 100);
	*at++ = '-';
	at = text_two(at, month);
	*at++ = '-';
	at = text_two(at, day);
	*at++ = 'T';
	at = text_two(at, rest / 3600);
	*at++ = ':';
	at = text_two(at, rest / 60 % 60);
	*at++ = ':';
	text_two(at, rest % 60);
}

enum { SECOND_TEXT = 19, SECONDS_CACHED = 64 };

/* Start times of a few tasks and the current second come again and again. */
static const char *second_text(uint64_t second)
{
	static _Thread_local struct {
		uint64_t second;
		char text[24];
	} cache[SECONDS_CACHED];
	unsigned slot = (unsigned)(second % SECONDS_CACHED);

	if (UNLIKELY(cache[slot].second != second || !cache[slot].text[0])) {
		format_second(cache[slot].text, second);
		cache[slot].second = second;
	}
	return cache[slot].text;
}

char *text_time(char *at, uint64_t epoch_ns)
{
	uint32_t fraction = (uint32_t)(epoch_ns % 1000000000);

	memcpy(at, second_text(epoch_ns / 1000000000), SECOND_TEXT);
	at += SECOND_TEXT;
	if (fraction) {
		*at++ = '.';
		*at++ = (char)('0' + fraction / 100000000);
		for (int i = 3; i >= 0; i--, fraction /= 100)
			memcpy(at + i * 2, digit_pairs + fraction % 100 * 2, 2);
		at = trim_zeros(at + 8);
	}
	*at++ = 'Z';
	return at;
}

void json_time(struct buf *out, uint64_t epoch_ns)
{
	char *at = buf_room(out, JSON_TIME_MAX + 2);

	if (!at)
		return;
	*at++ = '"';
	at = text_time(at, epoch_ns);
	*at++ = '"';
	out->len = (size_t)(at - out->data);
}

/* ---- strings ------------------------------ */

static char *escape_byte(char *at, unsigned char c)
{
	static const char shorts[32] = {
		['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't', ['\b'] = 'b', ['\f'] = 'f'
	};

	*at++ = '\\';
	if (c >= ' ') {
		*at++ = (char)c;
	} else if (shorts[c]) {
		*at++ = shorts[c];
	} else {
		memcpy(at, "u00", 3);
		at[3] = (char)('0' + (c >> 4));
		at[4] = "0123456789abcdef"[c & 15];
		at += 5;
	}
	return at;
}

#define EACH_BYTE(byte) (0x0101010101010101ULL * (byte))

/* The top bit of each byte that cannot be copied as it is; exact up to the first of them. */
static uint64_t special_bytes(uint64_t x)
{
	uint64_t quote = x ^ EACH_BYTE('"'), backslash = x ^ EACH_BYTE('\\');

	return (((x - EACH_BYTE(0x20)) & ~x) | x | ((quote - EACH_BYTE(1)) & ~quote) |
		((backslash - EACH_BYTE(1)) & ~backslash)) &
	       EACH_BYTE(0x80);
}

/* Up to seven bytes, filled up with spaces. */
static uint64_t load_tail(const char *data, size_t len)
{
	uint64_t x;

	if (len >= 4) {
		uint32_t low, high;

		memcpy(&low, data, 4);
		memcpy(&high, data + len - 4, 4);
		x = low | (uint64_t)high << (len - 4) * 8;
	} else {
		x = (uint8_t)data[0] | (uint64_t)(uint8_t)data[len / 2] << len / 2 * 8 |
		    (uint64_t)(uint8_t)data[len - 1] << (len - 1) * 8;
	}
	return x | EACH_BYTE(' ') << len * 8;
}

enum utf8_state { UTF8_UNKNOWN, UTF8_GOOD, UTF8_BAD };

/*
 * Writes the byte or sequence at data + *i, which is not plain ASCII, and moves *i behind it.
 * The rest of the string is validated once, when the first such byte is met.
 */
static char *put_special(char *at, const char *data, size_t *i, size_t len, enum utf8_state *state)
{
	unsigned char c = (unsigned char)data[*i];

	if (c < 0x80) {
		++*i;
		return escape_byte(at, c);
	}
	if (*state == UTF8_UNKNOWN)
		*state = text_is_utf8(data + *i, len - *i) ? UTF8_GOOD : UTF8_BAD;
	unsigned step = text_utf8_length(data + *i, len - *i);

	if (step == 0) {
		++*i;
		return at;
	}
	bool dropped = *state == UTF8_BAD && step == 3 && memcmp(data + *i, "\xef\xbf\xbd", 3) == 0;

	if (!dropped) {
		memcpy(at, data + *i, step);
		at += step;
	}
	*i += step;
	return at;
}

void json_text(struct buf *out, struct str text)
{
	/* Eight bytes more than six per byte: whole words are stored. */
	char *at = buf_room(out, (size_t)text.len * 6 + 2 + 8);
	enum utf8_state state = UTF8_UNKNOWN;

	if (!at)
		return;
	*at++ = '"';
	for (size_t i = 0; i < text.len;) {
		size_t left = text.len - i, step = MIN(left, (size_t)8);
		uint64_t x;

		if (LIKELY(left >= 8))
			memcpy(&x, text.data + i, 8);
		else
			x = load_tail(text.data + i, left);
		uint64_t special = special_bytes(x);

		if (special)
			step = (size_t)__builtin_ctzll(special) / 8;
		memcpy(at, &x, 8);
		at += step;
		i += step;
		if (UNLIKELY(special))
			at = put_special(at, text.data, &i, text.len, &state);
	}
	*at++ = '"';
	out->len = (size_t)(at - out->data);
}

void json_base64(struct buf *out, struct str data)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *at = buf_room(out, ((size_t)data.len + 2) / 3 * 4 + 2);

	if (!at)
		return;
	*at++ = '"';
	for (uint32_t i = 0; i < data.len; i += 3) {
		uint32_t left = data.len - i, bits = (uint32_t)(uint8_t)data.data[i] << 16;

		if (left > 1)
			bits |= (uint32_t)(uint8_t)data.data[i + 1] << 8;
		if (left > 2)
			bits |= (uint8_t)data.data[i + 2];
		*at++ = digits[bits >> 18];
		*at++ = digits[bits >> 12 & 63];
		*at++ = left > 1 ? digits[bits >> 6 & 63] : '=';
		*at++ = left > 2 ? digits[bits & 63] : '=';
	}
	*at++ = '"';
	out->len = (size_t)(at - out->data);
}
