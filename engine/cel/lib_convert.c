/* SPDX-License-Identifier: Apache-2.0 */
/* Conversions: bool() int() uint() double() string() bytes() timestamp() duration(). */
#include <math.h>

#include "internal.h"

#define CONVERT(name) \
	static void name(struct cel_run *run, const struct value *args, uint32_t count, \
			 struct value *out)
#define UNUSED() \
	(void)run; \
	(void)count

static struct value bad_text(struct cel_run *run, struct value text, const char *type)
{
	return cel_error(run, "cannot convert '%.*s' to %s", (int)MIN(text.len, 100u), text.str,
			 type);
}

CONVERT(identity)
{
	UNUSED();
	*out = args[0];
}

CONVERT(bool_of_string)
{
	static const struct str yes[] = { STR("1"),    STR("t"),    STR("T"),
					  STR("TRUE"), STR("true"), STR("True") };
	static const struct str no[] = { STR("0"),     STR("f"),     STR("F"),
					 STR("FALSE"), STR("false"), STR("False") };

	UNUSED();
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		bool is_yes = str_equal(value_text(args[0]), yes[i]);

		if (is_yes || str_equal(value_text(args[0]), no[i])) {
			*out = value_bool(is_yes);
			return;
		}
	}
	*out = bad_text(run, args[0], "bool");
}

CONVERT(int_of_uint)
{
	UNUSED();
	*out = args[0].u > INT64_MAX ? ERROR_TEXT("integer overflow") : value_int(args[0].i);
}

CONVERT(int_of_double)
{
	int64_t i;

	UNUSED();
	*out = double_to_int(args[0].d, &i) ? value_int(i) : ERROR_TEXT("integer overflow");
}

CONVERT(int_of_string)
{
	int64_t i;

	UNUSED();
	*out = number_parse_int(value_text(args[0]), &i) ? value_int(i)
							 : bad_text(run, args[0], "int");
}

CONVERT(int_of_timestamp)
{
	UNUSED();
	*out = value_int(value_as_time(args[0])->seconds);
}

CONVERT(int_of_duration)
{
	UNUSED();
	*out = value_int(args[0].i);
}

CONVERT(uint_of_int)
{
	UNUSED();
	*out = args[0].i < 0 ? ERROR_TEXT("unsigned integer overflow") : value_uint(args[0].u);
}

CONVERT(uint_of_double)
{
	uint64_t u;

	UNUSED();
	*out = double_to_uint(args[0].d, &u) ? value_uint(u)
					     : ERROR_TEXT("unsigned integer overflow");
}

CONVERT(uint_of_string)
{
	uint64_t u;

	UNUSED();
	*out = number_parse_uint(value_text(args[0]), &u) ? value_uint(u)
							  : bad_text(run, args[0], "uint");
}

CONVERT(double_of_int)
{
	UNUSED();
	*out = value_double((double)args[0].i);
}

CONVERT(double_of_uint)
{
	UNUSED();
	*out = value_double((double)args[0].u);
}

CONVERT(double_of_string)
{
	double d;

	UNUSED();
	*out = number_parse_double(value_text(args[0]), &d) ? value_double(d)
							    : bad_text(run, args[0], "double");
}

/* ---- string() ------------------------------------------------------------- */

CONVERT(string_of_bool)
{
	UNUSED();
	*out = value_str(args[0].b ? STR("true") : STR("false"));
}

CONVERT(string_of_int)
{
	char text[24];

	(void)count;
	*out = value_text_of(run, text,
			     (size_t)snprintf(text, sizeof(text), "%lld", (long long)args[0].i));
}

CONVERT(string_of_uint)
{
	char text[24];

	(void)count;
	*out = value_text_of(
		run, text,
		(size_t)snprintf(text, sizeof(text), "%llu", (unsigned long long)args[0].u));
}

CONVERT(string_of_double)
{
	char text[NUMBER_TEXT_MAX];

	(void)count;
	*out = value_text_of(run, text, number_format(args[0].d, text));
}

CONVERT(string_of_bytes)
{
	(void)count;
	if (!cel_spend(run, args[0].len / 16))
		*out = ERROR_BUDGET;
	else if (!utf8_is_valid(args[0].str, args[0].len))
		*out = ERROR_TEXT("invalid UTF-8 in bytes, cannot convert to string");
	else
		*out = value_string(args[0].str, args[0].len);
}

CONVERT(string_of_timestamp)
{
	char text[64];

	(void)count;
	*out = value_text_of(run, text, time_format(value_as_time(args[0]), text));
}

CONVERT(string_of_duration)
{
	char text[64];

	(void)count;
	*out = value_text_of(run, text, duration_format(args[0].i, text));
}

CONVERT(bytes_of_string)
{
	UNUSED();
	*out = value_bytes(args[0].str, args[0].len);
}

/* ---- time ----------------------------------------------------------------- */

CONVERT(timestamp_of_string)
{
	struct cel_time time;

	(void)count;
	*out = time_parse(value_text(args[0]), &time)
		       ? value_time(run, time.seconds, time.nanos, time.offset)
		       : bad_text(run, args[0], "timestamp");
}

CONVERT(timestamp_of_int)
{
	(void)count;
	*out = value_time(run, args[0].i, 0, 0);
}

CONVERT(duration_of_string)
{
	int64_t nanos;

	(void)count;
	*out = duration_parse(value_text(args[0]), &nanos) ? value_duration(nanos)
							   : bad_text(run, args[0], "duration");
}

CONVERT(duration_of_int)
{
	UNUSED();
	*out = value_duration(args[0].i);
}

#define ROW(to, from, call, doc, example, result) \
	{ \
		to, "(" from ") -> " to, call, doc, example, result \
	}

const struct cel_function convert_rows[] = {
	ROW("bool", "bool", identity, "The same.", "bool(true)", "true"),
	ROW("bool", "string", bool_of_string, "Of 1 t T TRUE true True or 0 f F FALSE false False.",
	    "bool('True')", "true"),
	ROW("int", "int", identity, "The same.", "int(1)", "1"),
	ROW("int", "uint", int_of_uint, "The same number.", "int(7u)", "7"),
	ROW("int", "double", int_of_double, "Towards zero.", "int(-1.9)", "-1"),
	ROW("int", "string", int_of_string, "Decimal, with sign.", "int('-42')", "-42"),
	ROW("int", "timestamp", int_of_timestamp, "Seconds since 1970.",
	    "int(timestamp('1970-01-01T00:01:00Z'))", "60"),
	ROW("int", "duration", int_of_duration, "Nanoseconds.", "int(duration('1us'))", "1000"),
	ROW("uint", "uint", identity, "The same.", "uint(1u)", "1"),
	ROW("uint", "int", uint_of_int, "The same number, if not negative.", "uint(7)", "7"),
	ROW("uint", "double", uint_of_double, "Towards zero.", "uint(1.9)", "1"),
	ROW("uint", "string", uint_of_string, "Decimal.", "uint('42')", "42"),
	ROW("double", "double", identity, "The same.", "double(1.5)", "1.5"),
	ROW("double", "int", double_of_int, "The nearest.", "double(2)", "2"),
	ROW("double", "uint", double_of_uint, "The nearest.", "double(2u)", "2"),
	ROW("double", "string", double_of_string, "As Go reads it.", "double('1e3')", "1000"),
	ROW("string", "string", identity, "The same.", "string('a')", "\"a\""),
	ROW("string", "bool", string_of_bool, "true or false.", "string(true)", "\"true\""),
	ROW("string", "int", string_of_int, "Decimal.", "string(-1)", "\"-1\""),
	ROW("string", "uint", string_of_uint, "Decimal.", "string(1u)", "\"1\""),
	ROW("string", "double", string_of_double, "The shortest digits.", "string(1000000.0)",
	    "\"1e+06\""),
	ROW("string", "bytes", string_of_bytes, "Of valid UTF-8.", "string(b'abc')", "\"abc\""),
	ROW("string", "timestamp", string_of_timestamp, "RFC 3339.", "string(timestamp(0))",
	    "\"1970-01-01T00:00:00Z\""),
	ROW("string", "duration", string_of_duration, "Seconds.", "string(duration('1h1ms'))",
	    "\"3600.001s\""),
	ROW("bytes", "bytes", identity, "The same.", "bytes(b'a') == b'a'", "true"),
	ROW("bytes", "string", bytes_of_string, "Its UTF-8.", "bytes('a') == b'a'", "true"),
	ROW("timestamp", "timestamp", identity, "The same.", NULL, NULL),
	ROW("timestamp", "string", timestamp_of_string, "Of RFC 3339.",
	    "timestamp('2023-12-25T00:00:00Z').getDate()", "25"),
	ROW("timestamp", "int", timestamp_of_int, "Seconds since 1970.",
	    "timestamp(86400).getDate()", "2"),
	ROW("duration", "duration", identity, "The same.", NULL, NULL),
	ROW("duration", "string", duration_of_string, "As 1h30m, -1.5h, 10ms.",
	    "duration('1h30m').getMinutes()", "90"),
	ROW("duration", "int", duration_of_int, "Of nanoseconds.",
	    "duration(1000000000) == duration('1s')", "true"),
};
const uint32_t convert_rows_count = ARRAY_SIZE(convert_rows);
