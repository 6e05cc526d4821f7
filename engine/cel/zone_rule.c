/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rule at the end of a zone file, in the form of POSIX's TZ:
 * CET-1CEST,M3.5.0,M10.5.0/3 says that CET is one hour east of UTC and that CEST holds from
 * the last Sunday of March until the last of October, three o'clock.
 */
#include "zone_rule.h"

enum { DAY = 86400 };

struct change {
	char kind; /* 'M' month.week.day, 'J' day without leap day from 1, 'D' day from 0 */
	int month, week, day;
	int32_t time; /* local, seconds since midnight; may be negative or beyond a day */
};

struct rule {
	int32_t standard, summer; /* seconds east of UTC */
	bool has_summer;
	struct change start, end;
};

struct reader {
	const char *at, *end;
};

static bool accept(struct reader *reader, char c)
{
	if (reader->at >= reader->end || *reader->at != c)
		return false;
	reader->at++;
	return true;
}

static bool read_number(struct reader *reader, int *out)
{
	const char *from = reader->at;
	int value = 0;

	while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9' &&
	       value < 10000)
		value = value * 10 + *reader->at++ - '0';
	*out = value;
	return reader->at > from;
}

/* letters, or anything between < and > */
static bool skip_zone_name(struct reader *reader)
{
	const char *from = reader->at;

	if (accept(reader, '<')) {
		while (reader->at < reader->end && *reader->at != '>')
			reader->at++;
		return accept(reader, '>');
	}
	while (reader->at < reader->end &&
	       ((*reader->at | 0x20) >= 'a' && (*reader->at | 0x20) <= 'z'))
		reader->at++;
	return reader->at > from;
}

/* [+-]HH[:MM[:SS]] */
static bool read_clock(struct reader *reader, int32_t *out)
{
	int sign = accept(reader, '-') ? -1 : 1, hours, minutes = 0, seconds = 0;

	accept(reader, '+');
	if (!read_number(reader, &hours))
		return false;
	if (accept(reader, ':') && !read_number(reader, &minutes))
		return false;
	if (accept(reader, ':') && !read_number(reader, &seconds))
		return false;
	*out = sign * (hours * 3600 + minutes * 60 + seconds);
	return true;
}

static bool read_day(struct reader *reader, struct change *out)
{
	if (accept(reader, 'M')) {
		out->kind = 'M';
		return read_number(reader, &out->month) && accept(reader, '.') &&
		       read_number(reader, &out->week) && accept(reader, '.') &&
		       read_number(reader, &out->day) && out->month >= 1 && out->month <= 12 &&
		       out->week >= 1 && out->week <= 5 && out->day <= 6;
	}
	out->kind = accept(reader, 'J') ? 'J' : 'D';
	return read_number(reader, &out->day) && out->day <= 366;
}

/* "," day ["/" time] */
static bool read_change(struct reader *reader, struct change *out)
{
	out->time = 2 * 3600;
	if (!accept(reader, ',') || !read_day(reader, out))
		return false;
	return !accept(reader, '/') || read_clock(reader, &out->time);
}

/* std offset [dst [offset] [, start, end]]; offsets there are west of UTC */
static bool read_rule(struct reader *reader, struct rule *rule)
{
	int32_t west;

	if (!skip_zone_name(reader) || !read_clock(reader, &west))
		return false;
	rule->standard = -west;
	if (reader->at == reader->end)
		return true;
	if (!skip_zone_name(reader))
		return false;
	rule->has_summer = true;
	rule->summer = rule->standard + 3600;
	if (reader->at < reader->end && *reader->at != ',') {
		if (!read_clock(reader, &west))
			return false;
		rule->summer = -west;
	}
	return read_change(reader, &rule->start) && read_change(reader, &rule->end) &&
	       reader->at == reader->end;
}

static bool leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t change_day(const struct change *change, int64_t year)
{
	int64_t first, next, weekday, day;

	if (change->kind == 'D')
		return time_days_of(year, 1, 1) + change->day;
	if (change->kind == 'J')
		return time_days_of(year, 1, 1) + change->day - 1 +
		       (leap(year) && change->day >= 60);
	first = time_days_of(year, change->month, 1);
	next = change->month == 12 ? time_days_of(year + 1, 1, 1)
				   : time_days_of(year, change->month + 1, 1);
	weekday = ((first + 4) % 7 + 7) % 7;
	day = first + (change->day - weekday + 7) % 7 + 7 * (change->week - 1);
	return day < next ? day : day - 7;
}

bool zone_rule_offset(struct str text, int64_t seconds, int32_t *offset)
{
	struct reader reader = { text.data, text.data + text.len };
	struct rule rule = { .has_summer = false };
	int64_t year, start, end;
	bool summer;

	if (!read_rule(&reader, &rule))
		return false;
	*offset = rule.standard;
	if (!rule.has_summer)
		return true;
	year = time_year_of(seconds + rule.standard);
	start = change_day(&rule.start, year) * DAY + rule.start.time - rule.standard;
	end = change_day(&rule.end, year) * DAY + rule.end.time - rule.summer;
	summer = start < end ? seconds >= start && seconds < end
			     : seconds >= start || seconds < end;
	if (summer)
		*offset = rule.summer;
	return true;
}
