/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timestamps and durations: text forms, the calendar, and the functions on them. The calendar
 * is the proleptic Gregorian one, years 1 to 9999.
 */
#include "zone_rule.h"

enum { NANOS = 1000000000, DAY = 86400 };

struct civil {
	int64_t year;
	int month, day; /* from 1 */
	int hour, minute, second;
	int weekday;  /* 0 Sunday */
	int year_day; /* from 0 */
};

/* ---- calendar ------------------------------------------------------------- */

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int64_t year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days since 1970-01-01. Years are counted from March, so that the leap day is the last. */
static int64_t days_of(int64_t year, int month, int day)
{
	int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void civil_of(int64_t seconds, struct civil *out)
{
	int64_t days = seconds / DAY - (seconds % DAY < 0), rest = seconds - days * DAY;
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t of_era = z - era * 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153;

	out->day = (int)(of_year - (153 * month + 2) / 5 + 1);
	out->month = (int)(month < 10 ? month + 3 : month - 9);
	out->year = year + era * 400 + (out->month <= 2);
	out->hour = (int)(rest / 3600);
	out->minute = (int)(rest / 60 % 60);
	out->second = (int)(rest % 60);
	out->weekday = (int)(((days + 4) % 7 + 7) % 7);
	out->year_day = (int)(days - days_of(out->year, 1, 1));
}

int64_t time_days_of(int64_t year, int month, int day)
{
	return days_of(year, month, day);
}

int64_t time_year_of(int64_t seconds)
{
	struct civil civil;

	civil_of(seconds, &civil);
	return civil.year;
}

/* ---- text ----------------------------------------------------------------- */

/* `count` digits at *at; -1: there are fewer. */
static int read_digits(struct str text, uint32_t *at, uint32_t count)
{
	int value = 0;

	if (text.len - *at < count)
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		char c = text.data[*at + i];

		if (c < '0' || c > '9')
			return -1;
		value = value * 10 + c - '0';
	}
	*at += count;
	return value;
}

static bool read_char(struct str text, uint32_t *at, char c)
{
	if (*at >= text.len || text.data[*at] != c)
		return false;
	(*at)++;
	return true;
}

/* "." digits; beyond nanoseconds they are dropped */
static bool read_fraction(struct str text, uint32_t *at, int32_t *nanos)
{
	int32_t scale = NANOS / 10;
	uint32_t from;

	*nanos = 0;
	if (!read_char(text, at, '.') && !read_char(text, at, ','))
		return true;
	from = *at;
	for (; *at < text.len && text.data[*at] >= '0' && text.data[*at] <= '9'; (*at)++) {
		*nanos += (text.data[*at] - '0') * scale;
		scale /= 10;
	}
	return *at > from;
}

/* "Z" | ("+"|"-") HH ":" MM */
static bool read_offset(struct str text, uint32_t *at, int32_t *offset)
{
	int sign, hours, minutes;

	*offset = 0;
	if (read_char(text, at, 'Z'))
		return true;
	sign = read_char(text, at, '+') ? 1 : read_char(text, at, '-') ? -1 : 0;
	if (!sign)
		return false;
	hours = read_digits(text, at, 2);
	if (hours < 0 || hours > 23 || !read_char(text, at, ':'))
		return false;
	minutes = read_digits(text, at, 2);
	if (minutes < 0 || minutes > 59)
		return false;
	*offset = sign * (hours * 3600 + minutes * 60);
	return true;
}

static bool read_date(struct str text, uint32_t *at, struct civil *out)
{
	out->year = read_digits(text, at, 4);
	if (out->year < 0 || !read_char(text, at, '-'))
		return false;
	out->month = read_digits(text, at, 2);
	if (out->month < 1 || out->month > 12 || !read_char(text, at, '-'))
		return false;
	out->day = read_digits(text, at, 2);
	return out->day >= 1 && out->day <= days_in_month(out->year, out->month);
}

static bool read_clock(struct str text, uint32_t *at, struct civil *out)
{
	out->hour = read_digits(text, at, 2);
	if (out->hour < 0 || out->hour > 23 || !read_char(text, at, ':'))
		return false;
	out->minute = read_digits(text, at, 2);
	if (out->minute < 0 || out->minute > 59 || !read_char(text, at, ':'))
		return false;
	out->second = read_digits(text, at, 2);
	return out->second >= 0 && out->second <= 59;
}

/* RFC 3339: YYYY-MM-DDTHH:MM:SS[.fraction](Z|+HH:MM), no leap second */
bool time_parse(struct str text, struct cel_time *out)
{
	struct civil civil;
	struct cel_time time;
	uint32_t at = 0;

	if (!read_date(text, &at, &civil) || !read_char(text, &at, 'T') ||
	    !read_clock(text, &at, &civil) || !read_fraction(text, &at, &time.nanos) ||
	    !read_offset(text, &at, &time.offset) || at != text.len)
		return false;
	time.seconds = days_of(civil.year, civil.month, civil.day) * DAY + civil.hour * 3600 +
		       civil.minute * 60 + civil.second - time.offset;
	if (time.seconds < TIME_SECONDS_MIN || time.seconds > TIME_SECONDS_MAX)
		return false;
	*out = time;
	return true;
}

/* ".5", as many digits as needed */
static uint32_t print_fraction(int32_t nanos, char *out)
{
	uint32_t len = 0;

	if (!nanos)
		return 0;
	len = (uint32_t)snprintf(out, 16, ".%09d", nanos);
	while (out[len - 1] == '0')
		len--;
	out[len] = 0;
	return len;
}

uint32_t time_format(const struct cel_time *time, char out[64])
{
	struct civil civil;
	int offset = abs(time->offset) / 60;
	uint32_t len;

	civil_of(time->seconds + time->offset, &civil);
	len = (uint32_t)snprintf(out, 40, "%04lld-%02d-%02dT%02d:%02d:%02d", (long long)civil.year,
				 civil.month, civil.day, civil.hour, civil.minute, civil.second);
	len += print_fraction(time->nanos, out + len);
	if (!time->offset)
		return len + (uint32_t)snprintf(out + len, 2, "Z");
	return len + (uint32_t)snprintf(out + len, 16, "%c%02d:%02d", time->offset < 0 ? '-' : '+',
					offset / 60, offset % 60);
}

static const struct unit {
	struct str name;
	int64_t nanos;
} units[] = {
	{ STR("h"), 3600LL * NANOS }, { STR("m"), 60LL * NANOS }, { STR("s"), NANOS },
	{ STR("ms"), 1000000 },	      { STR("us"), 1000 },	  { STR("\xc2\xb5s"), 1000 },
	{ STR("\xce\xbcs"), 1000 },   { STR("ns"), 1 },
};

static int64_t read_unit(struct str text, uint32_t *at)
{
	uint32_t from = *at;

	while (*at < text.len && text.data[*at] != '.' &&
	       !(text.data[*at] >= '0' && text.data[*at] <= '9'))
		(*at)++;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (str_equal(units[i].name, (struct str){ text.data + from, *at - from }))
			return units[i].nanos;
	return 0;
}

/* The fraction's digits, as nanoseconds of a unit; digits beyond 18 are dropped. */
static uint64_t read_duration_fraction(struct str text, uint32_t *at, bool *any, double *scale)
{
	uint64_t value = 0;

	*scale = 1;
	for (; *at < text.len && text.data[*at] >= '0' && text.data[*at] <= '9'; (*at)++) {
		*any = true;
		if (value > (UINT64_MAX / 2 - 9) / 10)
			continue;
		value = value * 10 + (uint64_t)(text.data[*at] - '0');
		*scale *= 10;
	}
	return value;
}

/* NUMBER UNIT: adds to *total; false: malformed or too large */
static bool read_duration_part(struct str text, uint32_t *at, uint64_t *total)
{
	uint64_t whole = 0, fraction = 0;
	double scale = 1;
	bool any = false;
	int64_t unit;

	for (; *at < text.len && text.data[*at] >= '0' && text.data[*at] <= '9'; (*at)++) {
		any = true;
		if (__builtin_mul_overflow(whole, 10u, &whole) ||
		    __builtin_add_overflow(whole, (uint64_t)(text.data[*at] - '0'), &whole))
			return false;
	}
	if (read_char(text, at, '.'))
		fraction = read_duration_fraction(text, at, &any, &scale);
	unit = read_unit(text, at);
	if (!any || !unit || __builtin_mul_overflow(whole, (uint64_t)unit, &whole))
		return false;
	fraction = (uint64_t)((double)fraction * ((double)unit / scale));
	return !__builtin_add_overflow(whole, fraction, &whole) &&
	       !__builtin_add_overflow(*total, whole, total);
}

/* ["-"|"+"] ("0" | { NUMBER UNIT }) */
bool duration_parse(struct str text, int64_t *out)
{
	bool negative = text.len && text.data[0] == '-';
	uint64_t total = 0;
	uint32_t at = text.len && (negative || text.data[0] == '+');

	if (at == text.len)
		return false;
	if (text.len - at == 1 && text.data[at] == '0') {
		*out = 0;
		return true;
	}
	while (at < text.len)
		if (!read_duration_part(text, &at, &total))
			return false;
	if (total > (uint64_t)INT64_MAX + negative)
		return false;
	*out = (int64_t)(negative ? -total : total);
	return true;
}

uint32_t duration_format(int64_t nanos, char out[64])
{
	uint64_t size = nanos < 0 ? -(uint64_t)nanos : (uint64_t)nanos;
	uint32_t len = (uint32_t)snprintf(out, 32, "%s%llu", nanos < 0 ? "-" : "",
					  (unsigned long long)(size / NANOS));

	len += print_fraction((int32_t)(size % NANOS), out + len);
	out[len++] = 's';
	out[len] = 0;
	return len;
}

/* ---- functions ------------------------------------------------------------ */

enum part {
	PART_YEAR,
	PART_MONTH,
	PART_YEAR_DAY,
	PART_MONTH_DAY,
	PART_DATE,
	PART_WEEKDAY,
	PART_HOURS,
	PART_MINUTES,
	PART_SECONDS,
	PART_MILLISECONDS,
};

static int64_t part_of(enum part part, const struct civil *civil, int32_t nanos)
{
	switch (part) {
	case PART_YEAR: return civil->year;
	case PART_MONTH: return civil->month - 1;
	case PART_YEAR_DAY: return civil->year_day;
	case PART_MONTH_DAY: return civil->day - 1;
	case PART_DATE: return civil->day;
	case PART_WEEKDAY: return civil->weekday;
	case PART_HOURS: return civil->hour;
	case PART_MINUTES: return civil->minute;
	case PART_SECONDS: return civil->second;
	default: return nanos / 1000000;
	}
}

/* [+-]HH:MM; cel-go takes it without sign, too */
static bool fixed_zone(struct str zone, int32_t *offset)
{
	uint32_t at = zone.len && (zone.data[0] == '+' || zone.data[0] == '-');
	int hours = read_digits(zone, &at, 2), minutes;

	if (hours < 0 || hours > 23 || !read_char(zone, &at, ':'))
		return false;
	minutes = read_digits(zone, &at, 2);
	if (minutes < 0 || minutes > 59 || at != zone.len)
		return false;
	*offset = (hours * 3600 + minutes * 60) * (zone.data[0] == '-' ? -1 : 1);
	return true;
}

static void get_part(struct cel_run *run, const struct value *args, uint32_t count, enum part part,
		     struct value *out)
{
	const struct cel_time *time = value_as_time(args[0]);
	int32_t offset = time->offset;
	struct civil civil;

	/* Go keeps the zone as written, but the specification counts in UTC unless told. */
	if (count == 1)
		offset = 0;
	else if (!fixed_zone(value_text(args[1]), &offset) &&
		 !zone_offset(run, value_text(args[1]), time->seconds, &offset)) {
		*out = cel_error(run, "unknown time zone %.*s", (int)MIN(args[1].len, 80u),
				 args[1].str);
		return;
	}
	civil_of(time->seconds + offset, &civil);
	*out = value_int(part_of(part, &civil, time->nanos));
}

#define PART_FUNCTION(name, part) \
	static void name(struct cel_run *run, const struct value *args, uint32_t count, \
			 struct value *out) \
	{ \
		get_part(run, args, count, part, out); \
	}
PART_FUNCTION(get_year, PART_YEAR)
PART_FUNCTION(get_month, PART_MONTH)
PART_FUNCTION(get_year_day, PART_YEAR_DAY)
PART_FUNCTION(get_month_day, PART_MONTH_DAY)
PART_FUNCTION(get_date, PART_DATE)
PART_FUNCTION(get_weekday, PART_WEEKDAY)
PART_FUNCTION(get_hours, PART_HOURS)
PART_FUNCTION(get_minutes, PART_MINUTES)
PART_FUNCTION(get_seconds, PART_SECONDS)
PART_FUNCTION(get_milliseconds, PART_MILLISECONDS)

#define TOTAL_FUNCTION(name, expression) \
	static void name(struct cel_run *run, const struct value *args, uint32_t count, \
			 struct value *out) \
	{ \
		int64_t nanos = args[0].i; \
		(void)run; \
		(void)count; \
		*out = value_int(expression); \
	}
TOTAL_FUNCTION(total_hours, nanos / (3600LL * NANOS))
TOTAL_FUNCTION(total_minutes, nanos / (60LL * NANOS))
TOTAL_FUNCTION(total_seconds, nanos / NANOS)
/* As cel-go and so Tracee; the specification wants the part below a second. */
TOTAL_FUNCTION(total_milliseconds, nanos / 1000000)

#define TIME_ROWS(name, function, doc, plain, result) \
	{ name, \
	  "timestamp.() -> int", \
	  function, \
	  doc ", in UTC.", \
	  "timestamp('2023-12-25T12:30:15.123Z')." name "()", \
	  plain }, \
	{ \
		name, "timestamp.(string) -> int", function, \
			doc ", in a zone (Europe/Paris, +02:00).", \
			"timestamp('2023-12-25T12:30:15.123Z')." name "('America/New_York')", \
			result \
	}

const struct cel_function time_rows[] = {
	TIME_ROWS("getFullYear", get_year, "Year", "2023", "2023"),
	TIME_ROWS("getMonth", get_month, "Month, 0 is January", "11", "11"),
	TIME_ROWS("getDayOfYear", get_year_day, "Day of the year, from 0", "358", "358"),
	TIME_ROWS("getDayOfMonth", get_month_day, "Day of the month, from 0", "24", "24"),
	TIME_ROWS("getDate", get_date, "Day of the month, from 1", "25", "25"),
	TIME_ROWS("getDayOfWeek", get_weekday, "Day of the week, 0 is Sunday", "1", "1"),
	TIME_ROWS("getHours", get_hours, "Hour, 0 to 23", "12", "7"),
	TIME_ROWS("getMinutes", get_minutes, "Minute", "30", "30"),
	TIME_ROWS("getSeconds", get_seconds, "Second", "15", "15"),
	TIME_ROWS("getMilliseconds", get_milliseconds, "Milliseconds of the second", "123", "123"),
	{ "getHours", "duration.() -> int", total_hours, "Whole hours.",
	  "duration('90m').getHours()", "1" },
	{ "getMinutes", "duration.() -> int", total_minutes, "Whole minutes.",
	  "duration('90m').getMinutes()", "90" },
	{ "getSeconds", "duration.() -> int", total_seconds, "Whole seconds.",
	  "duration('1.5s').getSeconds()", "1" },
	{ "getMilliseconds", "duration.() -> int", total_milliseconds, "Whole milliseconds.",
	  "duration('1.234s').getMilliseconds()", "1234" },
};
const uint32_t time_rows_count = ARRAY_SIZE(time_rows);
