/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers from and to text, digit for digit as Go has them. */
#include <errno.h>
#include <math.h>

#include "internal.h"

bool number_parse_uint(struct str text, uint64_t *out)
{
	uint64_t value = 0;

	if (!text.len)
		return false;
	for (uint32_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (c < '0' || c > '9' || __builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(c - '0'), &value))
			return false;
	}
	*out = value;
	return true;
}

bool number_parse_int(struct str text, int64_t *out)
{
	bool negative = text.len && text.data[0] == '-';
	uint64_t value;

	if (text.len && (negative || text.data[0] == '+'))
		text = (struct str){ text.data + 1, text.len - 1 };
	if (!number_parse_uint(text, &value) || value > (uint64_t)INT64_MAX + negative)
		return false;
	*out = (int64_t)(negative ? -value : value);
	return true;
}

/* ---- doubles -------------------------------------------------------------- */

static bool equal_ignoring_case(struct str text, const char *word)
{
	if (text.len != strlen(word))
		return false;
	for (uint32_t i = 0; i < text.len; i++)
		if ((text.data[i] | 0x20) != word[i])
			return false;
	return true;
}

static bool parse_special(struct str text, double *out)
{
	bool negative = text.len && text.data[0] == '-';

	if (equal_ignoring_case(text, "nan")) {
		*out = NAN;
		return true;
	}
	if (text.len && (negative || text.data[0] == '+'))
		text = (struct str){ text.data + 1, text.len - 1 };
	if (!equal_ignoring_case(text, "inf") && !equal_ignoring_case(text, "infinity"))
		return false;
	*out = negative ? -INFINITY : INFINITY;
	return true;
}

static bool is_digit_of(char c, bool hex)
{
	return (c >= '0' && c <= '9') || (hex && ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'));
}

struct number_text {
	char digits[512];
	uint32_t len;
	bool hex, exponent, any_digit;
};

/* One character of a number, underscores left out. False: it does not belong there. */
static bool take_char(struct number_text *number, struct str text, uint32_t i, bool *dot)
{
	char c = text.data[i];

	if (is_digit_of(c, number->hex && !number->exponent)) {
		number->any_digit = true;
	} else if (c == '.' && !*dot && !number->exponent) {
		*dot = true;
	} else if ((c | 0x20) == (number->hex ? 'p' : 'e') && !number->exponent &&
		   number->any_digit) {
		number->exponent = true;
		number->any_digit = false;
	} else if (!((c == '+' || c == '-') && i &&
		     (text.data[i - 1] | 0x20) == (number->hex ? 'p' : 'e') && number->exponent)) {
		return false;
	}
	number->digits[number->len++] = c;
	return true;
}

/* Go lets an underscore stand between digits, and after 0x. */
static bool underscore_allowed(struct str text, uint32_t i)
{
	return i && i + 1 < text.len &&
	       (is_digit_of(text.data[i - 1], true) || (text.data[i - 1] | 0x20) == 'x') &&
	       is_digit_of(text.data[i + 1], true);
}

static bool copy_number(struct str text, struct number_text *number)
{
	bool dot = false;
	uint32_t i = 0;

	if (text.len >= sizeof(number->digits))
		return false;
	if (i < text.len && (text.data[i] == '-' || text.data[i] == '+'))
		number->digits[number->len++] = text.data[i++];
	if (i + 1 < text.len && text.data[i] == '0' && (text.data[i + 1] | 0x20) == 'x') {
		number->hex = true;
		number->digits[number->len++] = '0';
		number->digits[number->len++] = 'x';
		i += 2;
	}
	for (; i < text.len; i++) {
		if (text.data[i] == '_' && underscore_allowed(text, i))
			continue;
		if (!take_char(number, text, i, &dot))
			return false;
	}
	number->digits[number->len] = 0;
	return number->any_digit && (!number->hex || number->exponent);
}

bool number_parse_double(struct str text, double *out)
{
	struct number_text number = { .len = 0 };
	char *end;

	if (parse_special(text, out))
		return true;
	if (!copy_number(text, &number))
		return false;
	errno = 0;
	*out = strtod(number.digits, &end);
	return *end == 0 && !(errno == ERANGE && isinf(*out));
}

/* ---- the shortest digits that read back as the same double ---------------- */

/*
 * At a power of two the doubles below lie closer than those above: the nearest decimal of a
 * length may miss while the next larger one reads back. Adds one to the last digit.
 */
static bool next_digit_reads_back(char *text, double value)
{
	char *exponent = strchr(text, 'e'),
	     *last = exponent ? exponent - 1 : text + strlen(text) - 1;
	int unused;

	if (frexp(fabs(value), &unused) != 0.5 || *last < '0' || *last >= '9')
		return false;
	(*last)++;
	return strtod(text, NULL) == value;
}

/* D.DDDe+XX with as few digits as possible. */
static void shortest(double value, char *text, size_t size)
{
	for (int digits = 0; digits < 17; digits++) {
		snprintf(text, size, "%.*e", digits, value);
		if (strtod(text, NULL) == value || next_digit_reads_back(text, value))
			return;
	}
}

struct decimal {
	char digits[20];
	int count, exponent; /* d.ddd * 10^exponent */
	bool negative;
};

static void split_decimal(const char *text, struct decimal *out)
{
	const char *at = text;

	out->negative = *at == '-';
	at += out->negative;
	for (; *at && *at != 'e'; at++)
		if (*at != '.' && out->count < (int)sizeof(out->digits))
			out->digits[out->count++] = *at;
	out->exponent = (int)strtol(at + 1, NULL, 10);
}

/* Exponents of at least two digits, the form for very small and for large numbers. */
static uint32_t print_exponent(const struct decimal *d, char *out)
{
	return (uint32_t)snprintf(out, NUMBER_TEXT_MAX, "%s%c%s%.*se%c%02d", d->negative ? "-" : "",
				  d->digits[0], d->count > 1 ? "." : "", d->count - 1,
				  d->digits + 1, d->exponent < 0 ? '-' : '+', abs(d->exponent));
}

static uint32_t print_plain(const struct decimal *d, char *out)
{
	uint32_t len = 0;
	int whole = d->exponent + 1;

	if (d->negative)
		out[len++] = '-';
	if (whole <= 0) {
		out[len++] = '0';
		out[len++] = '.';
		for (int i = whole; i < 0; i++)
			out[len++] = '0';
	}
	for (int i = 0; i < MAX(d->count, whole); i++) {
		if (i == whole && whole > 0)
			out[len++] = '.';
		out[len++] = i < d->count ? d->digits[i] : '0';
	}
	out[len] = 0;
	return len;
}

uint32_t number_format(double value, char out[NUMBER_TEXT_MAX])
{
	char text[NUMBER_TEXT_MAX];
	struct decimal decimal = { .count = 0 };

	if (isnan(value))
		return (uint32_t)snprintf(out, NUMBER_TEXT_MAX, "NaN");
	if (isinf(value))
		return (uint32_t)snprintf(out, NUMBER_TEXT_MAX, value < 0 ? "-Inf" : "+Inf");
	if (value == 0)
		return (uint32_t)snprintf(out, NUMBER_TEXT_MAX, signbit(value) ? "-0" : "0");
	shortest(value, text, sizeof(text));
	split_decimal(text, &decimal);
	/* As %g of Go has it for the shortest digits, however many they are. */
	if (decimal.exponent < -4 || decimal.exponent >= 6)
		return print_exponent(&decimal, out);
	return print_plain(&decimal, out);
}

uint32_t number_format_plain(double value, char out[NUMBER_PLAIN_MAX])
{
	char text[NUMBER_TEXT_MAX];
	struct decimal decimal = { .count = 0 };

	if (isnan(value))
		return (uint32_t)snprintf(out, NUMBER_PLAIN_MAX, "NaN");
	if (isinf(value))
		return (uint32_t)snprintf(out, NUMBER_PLAIN_MAX,
					  value < 0 ? "-Infinity" : "Infinity");
	shortest(value, text, sizeof(text));
	split_decimal(text, &decimal);
	return print_plain(&decimal, out);
}

bool double_to_int(double d, int64_t *out)
{
	if (!(d > -0x1p63 && d < 0x1p63))
		return false;
	*out = (int64_t)d;
	return true;
}

bool double_to_uint(double d, uint64_t *out)
{
	if (!(d > -1 && d < 0x1p64) || d < 0)
		return false;
	*out = (uint64_t)d;
	return true;
}
