/* SPDX-License-Identifier: Apache-2.0 */
/* Syslog headers. Every field is ASCII without spaces, whatever names hosts and rules have. */
#include "encode/syslog.h"

#include <time.h>

#include "event/json.h"

/* Most bytes of the fields, from RFC 5424. */
enum { HOST_MAX = 255, APP_MAX = 48, MSGID_MAX = 32, TAG_MAX = 32 };

static void priority(struct sheet *sheet, const struct facts *facts,
		     const struct setting_value *values)
{
	buf_char(sheet->out, '<');
	buf_uint(sheet->out,
		 (uint64_t)values[SYSLOG_FACILITY].number * 8 + facts->severity->syslog);
	buf_char(sheet->out, '>');
}

static void field(struct sheet *sheet, struct str text, uint32_t cap)
{
	uint32_t truncated = sheet->truncated;

	sheet_ascii(sheet, text, cap);
	buf_char(sheet->out, ' ');
	/* A name that is cut here stands whole in the record behind it. */
	sheet->truncated = truncated;
}

void syslog_5424(struct sheet *sheet, const struct facts *facts, const struct setting_value *values)
{
	char time[JSON_TIME_MAX + 8];
	char *end = text_time(time, facts->time / 1000 * 1000);

	priority(sheet, facts, values);
	buf_lit(sheet->out, "1 ");
	buf_add(sheet->out, time, (size_t)(end - time));
	buf_char(sheet->out, ' ');
	field(sheet, facts->host_name, HOST_MAX);
	field(sheet, values[SYSLOG_APP_NAME].text, APP_MAX);
	buf_lit(sheet->out, "- ");
	field(sheet, facts->rule_id, MSGID_MAX);
}

/* "Sep 20 10:11:12" */
static void old_time(struct sheet *sheet, uint64_t epoch_ns, bool utc)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t seconds = (time_t)(epoch_ns / 1000000000);
	struct tm tm = { 0 };

	if (utc)
		gmtime_r(&seconds, &tm);
	else
		localtime_r(&seconds, &tm);
	buf_printf(sheet->out, "%.3s %2d %02d:%02d:%02d ", months + 3 * (tm.tm_mon % 12),
		   tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* A tag ends with a colon or a space; letters, digits and -_. are what every parser takes. */
static void tag(struct sheet *sheet, struct str name)
{
	uint32_t written = 0;

	for (uint32_t i = 0; i < name.len && written < TAG_MAX; i++) {
		char c = name.data[i], lower = c | 0x20;

		if ((lower < 'a' || lower > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' &&
		    c != '.')
			continue;
		buf_char(sheet->out, c);
		written++;
	}
	if (!written)
		buf_lit(sheet->out, "spoor");
	buf_lit(sheet->out, ": ");
}

void syslog_3164(struct sheet *sheet, const struct facts *facts, const struct setting_value *values)
{
	priority(sheet, facts, values);
	old_time(sheet, facts->time, values[SYSLOG_TIME_ZONE].number == 1);
	field(sheet, facts->host_name, HOST_MAX);
	tag(sheet, values[SYSLOG_APP_NAME].text);
}

void syslog_header(struct sheet *sheet, const struct facts *facts,
		   const struct setting_value *values)
{
	switch (values[0].number) {
	case SYSLOG_HEADER_3164: syslog_3164(sheet, facts, values + 1); break;
	case SYSLOG_HEADER_5424:
		syslog_5424(sheet, facts, values + 1);
		buf_lit(sheet->out, "- ");
		break;
	default: break;
	}
}
